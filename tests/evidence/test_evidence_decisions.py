"""A decision in the log is what a key signed, and both verifiers say so when it is not."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.evidence.evidence_logs import fill, opened, told

from assay.domain import AssayError
from assay.evidence import decided
from assay.evidence.canonical import canonical
from assay.evidence.decided import Stated, record_of, signed_bytes
from assay.evidence.envelope import pae
from assay.evidence.record import Kind, Record

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PUBLIC = KEY.public_key().public_bytes_raw()
STATED = Stated(
    kind="exception-approval",
    subject="exceptions.crm-owner",
    digest="ab" * 32,
    organisation="Shop",
    person="ciso",
    reason="until the vendor is ready",
    time="2026-03-01T11:00:00Z",
)


def record(stated: Stated = STATED, **details: Any) -> Record:
    made = record_of(stated, PUBLIC, KEY.sign(signed_bytes(stated)), sentence="ciso approved it.", declaration="d" * 64)
    return msgspec.structs.replace(made, details={**made.details, **details})


def signed(payload: bytes, **inner: Any) -> dict[str, Any]:
    """An envelope around any payload, signed well."""
    signature = KEY.sign(pae(payload, decided.PAYLOAD_TYPE))
    return {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": decided.PAYLOAD_TYPE,
        "signatures": [{"keyid": decided.fingerprint(PUBLIC), "sig": base64.b64encode(signature).decode()}],
        **inner,
    }


def log_with(directory: Path, *records: Record) -> Path:
    with opened(directory / "evidence") as ledger:
        fill(ledger, 2)
        for each in records:
            ledger.record(each)
    return directory / "evidence"


def test_a_decision_in_the_log_opens_to_what_was_signed() -> None:
    stated, public, _ = decided.opened(record())
    assert (stated, public) == (STATED, PUBLIC)


def test_a_log_with_decisions_is_fine_for_both(tmp_path: Path) -> None:
    said = told(log_with(tmp_path, record(), record(msgspec.structs.replace(STATED, kind="withdrawal"))))
    assert said.ok
    assert said.counts == {}


def other(**changes: str) -> dict[str, Any]:
    return {"envelope": signed(msgspec.structs.replace(STATED, **changes).payload)}


SPACED = json.dumps(msgspec.to_builtins(STATED)).encode()
LONGER = canonical({**msgspec.to_builtins(STATED), "more": "x"})


@pytest.mark.parametrize(
    "details",
    [
        {"envelope": signed(STATED.payload, signatures=[])},
        {"envelope": signed(STATED.payload, payloadType="application/vnd.in-toto+json")},
        {"envelope": signed(STATED.payload, extra=1)},
        {"envelope": signed(SPACED)},
        {"envelope": signed(LONGER)},
        {"envelope": {**signed(STATED.payload), "payload": signed(LONGER)["payload"]}},
        {"envelope": signed(msgspec.structs.replace(STATED, digest="cd" * 32).payload) | {"payload": "AAAA"}},
        {"key": base64.b64encode(b"o" * 32).decode()},
        {"key": 7},
        {"more": "x"},
        other(kind="exception-removal"),
        other(digest="AB" * 32),
        other(time="2026-02-30T00:00:00Z"),
        other(time="2026-03-01 11:00:00Z"),
        other(subject="exceptions.other"),
        other(person="mallory"),
        other(person=""),
        other(reason="x" * 2001),
    ],
)
def test_one_that_is_not_what_a_key_signed_is_named_by_both(tmp_path: Path, details: dict[str, Any]) -> None:
    with pytest.raises(AssayError):
        decided.opened(record(**details))
    said = told(log_with(tmp_path, record(), record(**details)))
    assert not said.ok
    assert said.counts == {"bad-signature": 1}


def test_a_signature_over_another_text_is_named_by_both(tmp_path: Path) -> None:
    changed = msgspec.structs.replace(STATED, reason="for ever")
    forged = record_of(changed, PUBLIC, KEY.sign(signed_bytes(STATED)), sentence="", declaration="")
    assert told(log_with(tmp_path, forged)).counts == {"bad-signature": 1}


def test_a_decision_belongs_to_no_run(tmp_path: Path) -> None:
    with opened(tmp_path / "evidence") as ledger:
        ledger.begin(subject="apis.shop")
        with pytest.raises(AssayError, match="no run"):
            ledger.record(record())


@pytest.fixture(scope="module")
def one_decided(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """A log whose last record is a decision, and its lines."""
    evidence = log_with(tmp_path_factory.mktemp("log"), record())
    return evidence, (evidence / "records.jsonl").read_bytes()


@settings(max_examples=40, deadline=None)
@given(at=st.integers(0, 10_000), byte=st.sampled_from(b'"}{,:aZ0='))
def test_whatever_becomes_of_its_bytes_both_say_the_same(one_decided: tuple[Path, bytes], at: int, byte: int) -> None:
    evidence, lines = one_decided
    start = lines[:-1].rindex(b"\n") + 1
    place = start + at % (len(lines) - 1 - start)
    changed = lines[:place] + bytes([byte]) + lines[place + 1 :]
    (evidence / "records.jsonl").write_bytes(changed)
    assert told(evidence).ok == (changed == lines)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(("envelope", "key", "payload", "payloadType", "signatures", "keyid", "sig")),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(details=st.dictionaries(st.sampled_from(("envelope", "key", "x")), JSON, max_size=3))
def test_whatever_is_in_a_decision_only_a_domain_error_comes_out(details: dict[str, Any]) -> None:
    from tests.evidence.evidence_logs import PROGRAM

    forged = Record(kind=Kind.DECISION, subject="exceptions.x", identity="ciso", details=details)
    with pytest.raises(AssayError):
        decided.opened(forged)
    with pytest.raises(PROGRAM.Bad):
        PROGRAM.decision({"subject": "exceptions.x", "identity": "ciso", "details": details})

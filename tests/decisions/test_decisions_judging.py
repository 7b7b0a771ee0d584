"""A decision counts when its person signed it as it stands, with a key that is theirs; everything else is said."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.decisions.decisions_made import ALICE, CISO, MALLORY, NOON, PEOPLE, file, judged, later, line, person, stated

from assay.decisions.files import content, names, parse
from assay.domain import AssayError, Severity, UsageError
from assay.evidence.decided import KINDS

D = "ab" * 32
SAID = stated("exception-approval", "exceptions.crm", D, "ciso")


def test_a_signed_decision_counts_and_can_be_asked_for() -> None:
    found = judged(file(SAID, CISO))
    assert found.problems == ()
    (one,) = found.decided("exception-approval", "exceptions.crm", D)
    assert (one.person, one.time, one.reason, one.file) == ("ciso", NOON, "agreed", "decisions/0.json")
    assert found.decided("exception-approval", "exceptions.crm", "cd" * 32) == ()
    assert found.decided("exception-approval", "exceptions.crm") == (one,)
    assert found.decided("exception-request", "exceptions.crm", D) == ()
    assert found.decided("exception-approval", "exceptions.other", D) == ()


def test_line_ends_of_another_system_do_not_matter() -> None:
    assert judged(file(SAID, CISO).replace(b"\n", b"\r\n")).counted


def unsaid(word: str, *files: bytes, **more: object) -> Severity:
    """That the first file does not count, and why; how grave that is."""
    found = judged(*files, **more)  # type: ignore[arg-type]
    assert found.counted == ()
    (problem,) = found.problems
    assert word in problem.sentence, problem.sentence
    assert problem.fix and problem.location.file == "decisions/0.json"
    return problem.severity


def test_a_text_that_was_altered_does_not_count() -> None:
    altered = file(SAID, CISO).replace(b'"reason": "agreed"', b'"reason": "agreed!"')
    assert unsaid("did not sign this text", altered) is Severity.MEDIUM


def test_a_decision_moved_onto_another_subject_does_not_count() -> None:
    replayed = file(SAID, CISO).replace(b"exceptions.crm", b"exceptions.erp")
    assert unsaid("did not sign this text", replayed) is Severity.MEDIUM


def test_nobody_signs_as_somebody_else() -> None:
    assert unsaid("signed with a key of `alice`", file(SAID, ALICE)) is Severity.MEDIUM


def test_a_key_that_was_replaced_or_is_a_strangers_does_not_count() -> None:
    unsaid("is none of `ciso`'s", file(SAID, MALLORY))
    unsaid("is none of `ciso`'s", file(SAID, CISO), people={**PEOPLE, "ciso": person(line(MALLORY))})


def test_a_person_who_is_not_declared_does_not_count() -> None:
    unsaid("nobody is declared as `ciso`", file(SAID, CISO), people={})


@pytest.mark.parametrize(
    ("days", "counts"),
    [
        ({"until": "2026-11-21"}, False),
        ({"until": "2026-11-22"}, True),
        ({"since": "2026-11-23"}, False),
        ({"since": "2026-11-22"}, True),
    ],
)
def test_a_key_decides_between_its_days(days: dict[str, str], counts: bool) -> None:
    people = {"ciso": person({"key": line(CISO), **days})}
    found = judged(file(SAID, CISO), people=people)
    assert bool(found.counted) is counts
    assert counts or "its key decides" in found.problems[0].sentence


def test_a_time_in_the_future_does_not_count_but_tomorrow_elsewhere_is_today() -> None:
    unsaid("in the future", file(stated(*_what(SAID), at=NOON + timedelta(days=2)), CISO))
    assert judged(file(stated(*_what(SAID), at=NOON + timedelta(hours=13)), CISO)).counted


def _what(said: object) -> tuple[str, str, str, str]:
    return "exception-approval", "exceptions.crm", D, "ciso"


def test_a_decision_for_another_organisation_does_not_count() -> None:
    unsaid("for the organisation `Elsewhere`", file(stated(*_what(SAID), organisation="Elsewhere"), CISO))


def test_the_same_decision_twice_counts_once() -> None:
    found = judged(file(SAID, CISO), file(SAID, CISO))
    assert len(found.counted) == 1
    assert [p.severity for p in found.problems] == [Severity.NOTE]


def test_a_withdrawal_takes_back_what_was_decided_before_and_nothing_after() -> None:
    withdrawal = stated("withdrawal", "exceptions.crm", "ef" * 32, "alice", later(1))
    again = stated(*_what(SAID), at=later(2))
    found = judged(file(SAID, CISO), file(withdrawal, ALICE))
    assert found.decided("exception-approval", "exceptions.crm", D) == ()
    assert len(found.about("exceptions.crm")) == 2
    renewed = judged(file(SAID, CISO), file(withdrawal, ALICE), file(again, CISO))
    assert [d.time for d in renewed.decided("exception-approval", "exceptions.crm", D)] == [later(2)]


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.replace(b"  ", b"    "),
        lambda d: d + b"\n",
        lambda d: d.replace(b'"kind"', b'"kind": "withdrawal", "kind"'),
        lambda d: d.replace(b"exception-approval", b"exception-removal"),
        lambda d: d.replace(b"2026-11-22T12:00:00Z", b"2026-11-22 12:00"),
        lambda d: d.replace(b"urn:assay:decision:v1", b"urn:assay:decision:v2"),
        lambda d: d[:-20],
        lambda d: b"",
        lambda d: b"[" * 100_000,
        lambda d: b"\xff\xfe" + d,
        lambda d: json.dumps(json.loads(d)).encode(),
    ],
)
def test_a_file_in_any_other_form_is_no_decision(change) -> None:  # type: ignore[no-untyped-def]
    data = change(file(SAID, CISO))
    with pytest.raises(AssayError):
        parse(data)
    assert unsaid("no signed decision", data) is Severity.MEDIUM


@settings(max_examples=200, deadline=None)
@given(at=st.integers(0, 800), byte=st.integers(0, 255))
def test_no_byte_of_a_file_can_change_unnoticed(at: int, byte: int) -> None:
    data = file(SAID, CISO)
    at %= len(data)
    changed = data[:at] + bytes([byte]) + data[at + 1 :]
    found = judged(changed)
    assert bool(found.counted) == (changed == data)
    assert len(found.problems) == (changed != data)


SCALARS = st.none() | st.integers() | st.text(max_size=6) | st.sampled_from((*KINDS, "ciso", D, "2026-11-22T12:00:00Z"))
NAMES = ("payloadType", "signatures", "statement", "kind", "subject", "digest", "person", "time", "reason", "keyid")


@settings(max_examples=200, deadline=None)
@given(
    value=st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=8),
        max_leaves=10,
    )
    | st.binary(max_size=60)
)
def test_whatever_a_file_holds_it_is_said_and_nothing_leaks(value: object) -> None:
    data = value if isinstance(value, bytes) else json.dumps(value, indent=2).encode()
    assert len(judged(data).problems) == 1


def test_files_that_cannot_be_read_are_said(tmp_path: Path) -> None:
    folder = tmp_path / "decisions"
    folder.mkdir()
    (folder / "a.json").mkdir()
    (folder / "b.json").write_bytes(b"x" * (64 * 1024 + 1))
    (folder / "README.md").write_text("not a decision")
    (folder / ".hidden.json").write_text("{}")
    assert names(tmp_path) == ("a.json", "b.json")
    for name in names(tmp_path):
        with pytest.raises(AssayError) as error:
            content(tmp_path, name)
        assert "No such" not in error.value.sentence
        unsaid(error.value.sentence, error.value)  # type: ignore[arg-type]
    assert names(tmp_path / "nowhere") == ()
    assert not isinstance(error.value, UsageError)

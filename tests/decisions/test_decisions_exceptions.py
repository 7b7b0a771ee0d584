"""An exception needs two people who signed for its very words; what is missing is said, with the command for it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.decisions.decisions_made import (
    ALICE,
    CISO,
    MALLORY,
    PEOPLE,
    TODAY,
    exception,
    file,
    judged,
    later,
    line,
    person,
    stated,
)

from assay.decisions.exceptions import (
    Consent,
    Stage,
    consent,
    days_left,
    exception_digest,
    exception_id,
    exception_subject,
)
from assay.declare.model import Exception_

REQUEST, APPROVAL = "exception-request", "exception-approval"
ENTRY = exception()
KEYS = {"alice": ALICE, "ciso": CISO, "mallory": MALLORY}
ALL = {**PEOPLE, "mallory": person(line(MALLORY))}


def agreed(entry: Exception_, *decided: tuple[str, str], over: Exception_ | None = None) -> Consent:
    """The consent to an entry, after people decided on it (or on another one), in this order."""
    about = over or entry
    files = [
        file(stated(kind, exception_subject(about), exception_digest(about), who, later(n)), KEYS[who])
        for n, (kind, who) in enumerate(decided)
    ]
    found = judged(*files, people=ALL)
    assert len(found.counted) == len(files)
    return consent(entry, found)


def test_it_holds_when_two_people_signed_for_it() -> None:
    found = agreed(ENTRY, (REQUEST, "alice"), (APPROVAL, "ciso"))
    assert (found.stage, found.holds) == (Stage.APPROVED, True)
    assert found.requested and found.requested.person == "alice"
    assert found.approved and found.approved.person == "ciso"


@pytest.mark.parametrize(
    ("decided", "stage", "word", "command"),
    [
        ((), Stage.UNSIGNED, "nobody has signed a request", "request crm --as PERSON"),
        (((REQUEST, "alice"),), Stage.REQUESTED, "`ciso` has not approved it", "approve crm --as ciso"),
        (((APPROVAL, "ciso"),), Stage.UNSIGNED, "nobody has signed a request", "request crm"),
        (((REQUEST, "ciso"), (APPROVAL, "ciso")), Stage.REQUESTED, "whoever requests cannot approve", "request crm"),
        (((REQUEST, "alice"), (APPROVAL, "alice")), Stage.REQUESTED, "is not the approver", "approve crm --as ciso"),
        (((REQUEST, "alice"), (APPROVAL, "mallory")), Stage.REQUESTED, "`mallory` did", "approve crm --as ciso"),
        (((REQUEST, "alice"), (REQUEST, "ciso")), Stage.REQUESTED, "has not approved", "approve crm --as ciso"),
    ],
)
def test_anything_less_covers_nothing_and_says_what_is_missing(
    decided: tuple[tuple[str, str], ...], stage: Stage, word: str, command: str
) -> None:
    found = agreed(ENTRY, *decided)
    assert (found.stage, found.holds) == (stage, False)
    assert word in found.missing
    assert command in found.command


def test_whoever_requested_besides_another_may_still_approve() -> None:
    assert agreed(ENTRY, (REQUEST, "ciso"), (REQUEST, "alice"), (APPROVAL, "ciso")).holds


@pytest.mark.parametrize(
    "words",
    [
        {"on": "apis"},
        {"check": "plaintext-upstream"},
        {"expires": "2037-01-31"},
        {"reason": "agreed in the meetings"},
        {"owner": "somebody else"},
        {"control": "authentication"},
        {"compensating": ("rate_limiting",)},
    ],
)
def test_a_word_that_is_changed_ends_the_agreement(words: dict[str, object]) -> None:
    found = agreed(exception(**words), (REQUEST, "alice"), (APPROVAL, "ciso"), over=ENTRY)
    assert (found.stage, found.holds) == (Stage.ALTERED, False)


def test_signatures_for_one_exception_do_nothing_for_another_of_the_same_words() -> None:
    assert agreed(exception(id="erp"), (REQUEST, "alice"), (APPROVAL, "ciso"), over=ENTRY).stage is Stage.UNSIGNED


def test_a_withdrawal_ends_it_and_it_can_be_agreed_to_anew() -> None:
    ended = agreed(ENTRY, (REQUEST, "alice"), (APPROVAL, "ciso"), ("withdrawal", "mallory"))
    assert (ended.stage, ended.holds) == (Stage.WITHDRAWN, False)
    half = (REQUEST, "alice"), (APPROVAL, "ciso"), ("withdrawal", "alice"), (APPROVAL, "ciso")
    assert not agreed(ENTRY, *half).holds
    again = (REQUEST, "alice"), (APPROVAL, "ciso"), ("withdrawal", "alice"), (REQUEST, "alice"), (APPROVAL, "ciso")
    assert agreed(ENTRY, *again).holds


def test_going_back_to_older_words_does_not_undo_a_withdrawal() -> None:
    other = exception(reason="another reason for it")
    files = [
        file(stated(REQUEST, "exceptions.crm", exception_digest(ENTRY), "alice", later(0)), ALICE),
        file(stated(APPROVAL, "exceptions.crm", exception_digest(ENTRY), "ciso", later(1)), CISO),
        file(stated("withdrawal", "exceptions.crm", exception_digest(other), "alice", later(2)), ALICE),
    ]
    assert consent(ENTRY, judged(*files)).stage is Stage.WITHDRAWN


def test_without_an_id_the_words_themselves_name_it() -> None:
    plain, changed = exception(id=None), exception(id=None, reason="for another reason")
    assert exception_id(plain) == exception_digest(plain)[:12] != exception_id(changed)
    assert exception_digest(plain) == exception_digest(ENTRY)
    assert agreed(plain, (REQUEST, "alice"), (APPROVAL, "ciso")).holds


def test_days_are_counted_to_the_last_one() -> None:
    last = exception(expires=TODAY.isoformat())
    assert [days_left(last, TODAY + timedelta(days=n)) for n in (-30, 0, 1)] == [30, 0, -1]


@given(
    decided=st.lists(st.tuples(st.sampled_from((REQUEST, APPROVAL, "withdrawal")), st.sampled_from(tuple(KEYS)))),
)
def test_it_never_holds_without_two_people_the_approver_among_them(decided: list[tuple[str, str]]) -> None:
    found = agreed(ENTRY, *decided)
    since = max((n for n, (kind, _) in enumerate(decided) if kind == "withdrawal"), default=-1)
    valid = decided[since + 1 :]
    expected = (APPROVAL, "ciso") in valid and any(k == REQUEST and who != "ciso" for k, who in valid)
    assert found.holds is expected
    assert found.holds or found.missing

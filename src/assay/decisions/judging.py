"""Which decisions count: signed as they stand, by a key that is that person's, and not taken back since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import NamedTuple

from assay.decisions.files import Kept, parse
from assay.decisions.words import FOLDER, Decision, Decisions
from assay.declare.model import Person, PersonKey
from assay.declare.model.people import public_of
from assay.domain import AssayError, Fix, Location, Outcome, Severity, Verdict
from assay.evidence.checkpoint import verifies
from assay.evidence.decided import fingerprint, signed_bytes
from assay.evidence.keys import fingerprint as sha256_hex

CHECK = "decision-does-not-count"
_WHY = (
    "An approval that cannot be traced to one person is nobody's: separation of duties needs people who can be told "
    "apart (NIST SP 800-53 AC-5, AU-10)."
)
_AHEAD = timedelta(days=1)
"""A decision may be signed in a time zone where it is tomorrow already."""


def judge(
    files: Mapping[str, bytes | AssayError],
    people: Mapping[str, Person],
    organisation: str,
    today: date,
    *,
    shown: str = FOLDER,
) -> Decisions:
    """Which of the files are decisions that count. Pure.

    Args:
        files: by name; their bytes, or why they could not be read.
        people, organisation: as declared. today: what is signed later than tomorrow does not count.
        shown: how the folder is called in locations.
    """
    holders = _Holders(people)
    counted: list[Decision] = []
    problems: list[Verdict] = []
    seen: dict[str, str] = {}
    for name, data in sorted(files.items()):
        at = Location(f"{shown}/{name}")
        try:
            if isinstance(data, AssayError):
                raise _DoesNotCount(data.sentence, data.fix or "make it a readable file")
            kept = _parsed(data)
            _counts(kept, holders, organisation, today)
            decision = _decision(kept, name)
        except _DoesNotCount as no:
            problems.append(problem(f"{FOLDER}/{name}", at, *no.args))
            continue
        if decision.id in seen:
            sentence = f"it is the same decision as in `{seen[decision.id]}`, and counts once"
            problems.append(problem(f"{FOLDER}/{name}", at, sentence, "remove one of the two", Severity.NOTE))
            continue
        seen[decision.id] = name
        counted.append(decision)
    counted.sort(key=lambda d: (d.time, d.id))
    return Decisions(tuple(counted), tuple(problems), _grouped(counted))


class _DoesNotCount(Exception):
    """Sentence, fix, and how grave it is."""

    def __init__(self, sentence: str, fix: str, severity: Severity = Severity.LOW) -> None:
        super().__init__(sentence, fix, severity)


class _Holder(NamedTuple):
    person: str
    key: PersonKey


class _Holders:
    """Whose keys are whose, by fingerprint."""

    def __init__(self, people: Mapping[str, Person]) -> None:
        self.people = people
        self._by_keyid = {
            fingerprint(public_of(key.key)): _Holder(name, key)
            for name, person in people.items()
            for key in person.keys
        }

    def of(self, keyid: str) -> _Holder | None:
        return self._by_keyid.get(keyid)


def _parsed(data: bytes) -> Kept:
    try:
        return parse(data)
    except AssayError as error:
        fix = "bring the file back as it was committed; a decision is never edited, it is signed anew"
        raise _DoesNotCount(error.sentence, fix, Severity.MEDIUM) from error


def _counts(kept: Kept, holders: _Holders, organisation: str, today: date) -> None:
    stated, who = kept.stated, kept.stated.person
    again = f"let `{who}` sign it again"
    if who not in holders.people:
        fix = (
            f"declare `{who}` under `people:`, if they are to decide here"
            if holders.people
            else ("declare `people:` with the public keys of those who decide")
        )
        raise _DoesNotCount(f"nobody is declared as `{who}`, so whose signature it is cannot be said", fix)
    holder = holders.of(kept.keyid)
    if holder is None:
        sentence = f"its key {kept.keyid} is none of `{who}`'s: it was replaced, or is somebody else's"
        raise _DoesNotCount(sentence, f"{again}; or list the key it was replaced by beside the old one with `until:`")
    if holder.person != who:
        sentence = f"it says `{who}` decided, and is signed with a key of `{holder.person}`"
        raise _DoesNotCount(sentence, "remove it: nobody signs for somebody else", Severity.MEDIUM)
    if not verifies(public_of(holder.key.key), kept.signature, signed_bytes(stated)):
        sentence = f"`{who}` did not sign this text: it was changed since, or the signature is another's"
        raise _DoesNotCount(sentence, "bring the file back as it was committed", Severity.MEDIUM)
    if stated.organisation != organisation:
        sentence = f"it was signed for the organisation `{stated.organisation}`, and this is `{organisation}`"
        raise _DoesNotCount(sentence, again)
    day = stated.at.date()
    if day > today + _AHEAD:
        raise _DoesNotCount(f"it is dated {stated.time}, which is in the future", f"correct the clock, and {again}")
    since, until = holder.key.since, holder.key.until
    if (since and day < since) or (until and day > until):
        bound = (
            f"until {until.isoformat()}" if until and day > until else f"from {since.isoformat() if since else ''} on"
        )
        raise _DoesNotCount(f"its key decides {bound}, and it is dated {stated.time}", f"{again} with a key that holds")


def _decision(kept: Kept, name: str) -> Decision:
    s = kept.stated
    id_ = sha256_hex(s.payload)[:12]
    return Decision(s.kind, s.subject, s.digest, s.person, s.at, s.reason, kept.keyid, f"{FOLDER}/{name}", id_)


def _grouped(decisions: Iterable[Decision]) -> dict[str, tuple[Decision, ...]]:
    found: dict[str, list[Decision]] = {}
    for decision in decisions:
        found.setdefault(decision.subject, []).append(decision)
    return {subject: tuple(several) for subject, several in found.items()}


def problem(subject: str, at: Location, sentence: str, fix: str, severity: Severity = Severity.LOW) -> Verdict:
    """That something in the folder does not count, and why."""
    return Verdict(
        control="declaration",
        check=CHECK,
        subject=subject,
        outcome=Outcome.FAIL,
        sentence=f"the decision in `{subject}` does not count: {sentence}" if subject != FOLDER else sentence,
        severity=severity,
        location=at,
        reason=_WHY,
        fix=Fix(fix),
    )

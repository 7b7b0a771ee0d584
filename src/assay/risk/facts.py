"""Results of proofs, put in order once: what speaks about which subject, and what says nothing any more.

What earns credit is a pass on the configuration that is live, about something that still exists, at a moment that is
not ahead of the one asked about. A failure needs less to count: it stands until the same is shown to hold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import chain

from assay.assurance.facts import Measured
from assay.domain import Outcome
from assay.risk.uncollected import uncollected

_CONCLUSIVE = frozenset({Outcome.PASS, Outcome.FAIL, Outcome.NOT_APPLICABLE})

Named = tuple[str, str]
"""A control and one of its proofs."""
Root = Callable[[str], str | None]
"""What a result's subject belongs to: the operation, API, account… that is declared; None: there is none any more."""


@dataclass(frozen=True, slots=True)
class Live:
    """What is true at the moment that is asked about.

    Attributes:
        configuration: the digest of the policy that is live; what passed on another one earns nothing.
        current: whether what is declared is what is applied; if not, no pass earns anything.
    """

    now: datetime
    configuration: str = ""
    current: bool = True

    def earns(self, fact: Measured) -> bool:
        """Whether something that passed says anything about what runs now, and what runs is what is declared."""
        return self.current and fact.configuration == self.configuration


@dataclass(frozen=True, slots=True)
class Ignored:
    """Results that were not counted, and why. ``subjects``: the first few of what they were about."""

    reason: str
    count: int
    subjects: tuple[str, ...]


GONE = "about something that is not declared any more"
AHEAD = "dated after the moment that is asked about: clocks disagree, or a date in the past was asked for"
ELSEWHERE = "passed on another configuration than the one that is live"
OUTDATED = "passed on what is applied, which is not what is declared, or was changed beside the tool"


@dataclass(frozen=True)
class Evidence:
    """What counts, by subject and proof. Made by :func:`gather`, extended by :func:`extended`.

    Attributes:
        cases: by what a result belongs to: the newest conclusive result of every case, on what is live and elsewhere
            apart; of a case that was planned on what is live and not concluded, that.
        about: by what a result belongs to: by proof: the results that count, oldest first.
        ahead: results that are dated after ``live.now``.
    """

    live: Live
    root: Root = field(repr=False)
    cases: Mapping[str | None, Mapping[str, Measured]]
    about: Mapping[str, Mapping[Named, tuple[Measured, ...]]]
    ahead: tuple[Measured, ...] = ()

    @cached_property
    def ignored(self) -> tuple[Ignored, ...]:
        """What was left out, and why."""
        left: dict[str, list[Measured]] = defaultdict(list)
        left[AHEAD].extend(fact for fact in self.ahead if _conclusive(fact))
        for subject, by_case in self.cases.items():
            if subject is None:
                left[GONE].extend(by_case.values())
                continue
            for slot, fact in by_case.items():
                if fact.outcome is not Outcome.PASS or self.live.earns(fact):
                    continue
                if slot == fact.key or not _conclusive(by_case.get(fact.key)):
                    left[ELSEWHERE if self.live.current else OUTDATED].append(fact)
        return tuple(_told(reason, facts) for reason, facts in sorted(left.items()) if facts)


def gather(facts: Iterable[Measured], live: Live, root: Root) -> Evidence:
    """Everything that counts of some results, in any order; several of one case may be among them."""
    return extended(Evidence(live, root, {}, {}), facts, live)[0]


@uncollected()
def extended(evidence: Evidence, facts: Iterable[Measured], live: Live) -> tuple[Evidence, frozenset[str]]:
    """With more results, at the same moment or a later one; and what it is about which something else counts now.

    Another moment that is earlier, or another configuration, needs everything gathered anew.
    """
    root = evidence.root
    cases = dict(evidence.cases)
    touched: dict[str | None, dict[str, Measured]] = {}
    ahead: list[Measured] = []
    for fact in chain(evidence.ahead, facts):
        here = fact.configuration == live.configuration
        concluded = fact.outcome in _CONCLUSIVE
        if not concluded and not here:
            continue  # it neither earns nor takes: what was known before grows older
        if fact.at > live.now:
            ahead.append(fact)
            continue
        subject = root(fact.subject)
        known = touched.get(subject)
        if known is None:
            known = touched[subject] = dict(cases.get(subject, {}))
        slot = fact.key if here else f"{fact.key}{_ELSEWHERE}"
        before = known.get(slot)
        if before is None or (_conclusive(before), *_order(before)) < (concluded, *_order(fact)):
            known[slot] = fact
    cases.update(touched)
    counts = {s: _counted(by_case, live) for s, by_case in touched.items() if s is not None}
    changed = {s: counted for s, counted in counts.items() if counted != evidence.about.get(s)}
    return Evidence(live, root, cases, {**evidence.about, **changed}, tuple(ahead)), frozenset(changed)


_ELSEWHERE = " elsewhere"
"""Marks the slot of what was measured on another configuration: it takes the place of nothing that is live."""


def _conclusive(fact: Measured | None) -> bool:
    return fact is not None and fact.outcome in _CONCLUSIVE


def _order(fact: Measured) -> tuple[datetime, bool, str, tuple[str, ...]]:
    """Which of two results of a case is newer; of two at one moment the failure, then what is always the same one."""
    return fact.at, fact.outcome is Outcome.FAIL, fact.configuration, fact.evidence


def _counted(by_case: Mapping[str, Measured], live: Live) -> Mapping[Named, tuple[Measured, ...]]:
    found: dict[Named, list[Measured]] = {}
    passed: dict[tuple[str, Named], datetime] = {}
    failures: list[Measured] = []
    for fact in by_case.values():
        named = fact.control, fact.check
        if fact.outcome is Outcome.FAIL:
            failures.append(fact)
        elif fact.outcome is Outcome.PASS and live.earns(fact):
            found.setdefault(named, []).append(fact)
            key = fact.subject, named
            passed[key] = max(passed.get(key, fact.at), fact.at)
    for fact in failures:
        named = fact.control, fact.check
        if fact.configuration != live.configuration and _mended(fact, by_case.get(fact.key), passed, live):
            continue
        found.setdefault(named, []).append(fact)
    return {named: tuple(sorted(some, key=_when)) for named, some in found.items()}


def _mended(failure: Measured, here: Measured | None, passed: Mapping[tuple[str, Named], datetime], live: Live) -> bool:
    """Whether the same was shown to hold on the live configuration, since it failed on another one.

    Where the case is known on the live configuration, by that case alone; where it is not, as after a change of what
    is planned, by any of its test and subject.
    """
    if here is None:
        since = passed.get((failure.subject, (failure.control, failure.check)))
        return since is not None and since > failure.at
    if here.outcome is Outcome.FAIL:
        return True  # which counts by itself
    return here.outcome is Outcome.PASS and live.earns(here) and here.at > failure.at


def _when(fact: Measured) -> tuple[datetime, str]:
    return fact.at, fact.key


def _told(reason: str, facts: list[Measured]) -> Ignored:
    return Ignored(reason, len(facts), tuple(sorted({f.subject for f in facts})[:3]))

"""Accepted deviations: an overlay on verdicts, never a verdict of their own making.

A valid exception marks the findings it covers (``excepted_by``); they stay visible. One that has expired covers
nothing, so its findings return; it is a finding itself. So is one that covers nothing. Where ``people:`` are declared,
one that was not requested and approved by signed decisions of two persons, over this very text, covers nothing either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from assay.decisions.exceptions import Consent, Stage, consents, days_left
from assay.decisions.reading import read
from assay.declare.declaration import Declaration
from assay.declare.merge import SECTIONS
from assay.declare.model import Exception_
from assay.domain import Fix, Outcome, Severity, Verdict

HOLDING = _EXPIRED = "exception-expired"
"""The check that an exception passes as long as it covers something."""
_UNMATCHED, _NEAR = "exception-matches-nothing", "expiry-near"
_WITHDRAWN, _UNAPPROVED, _CLAIMED = "exception-withdrawn", "approval-missing", "approval-only-claimed"
_SEVERITIES = {
    _EXPIRED: Severity.MEDIUM,
    _UNAPPROVED: Severity.MEDIUM,
    _NEAR: Severity.NOTE,
    _CLAIMED: Severity.NOTE,
}
_WHY_SIGNED = (
    "Whoever prepares a deviation cannot be the one who accepts it (NIST SP 800-53 AC-5), and a name proves nobody."
)
_WARN_DAYS = 30
_LAST_DAYS = 7
_WHY = (
    "An exception that nobody renews or removes hides the next problem in the same place (NIST SP 800-53 CA-5, PM-4)."
)


def apply_exceptions(
    declaration: Declaration, verdicts: Sequence[Verdict], today: date, *, judged: Callable[[str, str | None], bool]
) -> tuple[Verdict, ...]:
    """The verdicts with exceptions laid over, followed by verdicts on each exception (control ``declaration``) and on
    every decision beside the declaration that does not count.

    ``judged`` says whether the verdicts hold what an exception to this control (and check, if it names one) could
    cover; one that they do not hold cannot be judged, and is reported as skipped.
    """
    exceptions = declaration.model.exceptions
    laid, matched = overlay(declaration, verdicts, today)
    agreed = consents(declaration, today)
    told = (
        verdict
        for index, entry in enumerate(exceptions)
        for verdict in _About(declaration, index, entry, agreed[index], matched[index], today).verdicts(
            judged(entry.control, entry.check)
        )
    )
    return (*laid, *told, *read(declaration, today).problems)


def overlay(
    declaration: Declaration, verdicts: Sequence[Verdict], today: date
) -> tuple[tuple[Verdict, ...], tuple[int, ...]]:
    """The verdicts with exceptions laid over, and how many findings each exception covers.

    An exception holds through the day it expires on, if those who have to agree did. It covers findings of its control
    (and check, if it names one) whose subject is its ``on`` or lies below it.
    """
    exceptions = declaration.model.exceptions
    if not exceptions:
        return tuple(verdicts), ()
    routes = _Routes(declaration)
    holding = [
        consent.holds and today <= exceptions[i].expires for i, consent in enumerate(consents(declaration, today))
    ]
    targets: dict[str, dict[tuple[str, ...], list[int]]] = {}
    for index, entry in enumerate(exceptions):
        targets.setdefault(entry.control, {}).setdefault(routes.of(entry.on), []).append(index)
    matched = [0] * len(exceptions)
    result: list[Verdict] = []
    for verdict in verdicts:
        covering = verdict
        if verdict.control in targets and verdict.is_finding:
            subject, known = routes.of(verdict.subject), targets[verdict.control]
            around = (known.get(subject[:length], ()) for length in range(len(subject) + 1))
            for index in sorted(i for several in around for i in several):
                if exceptions[index].check in (None, verdict.check):
                    matched[index] += 1
                    if holding[index] and covering.excepted_by is None:
                        covering = replace(verdict, excepted_by=f"exceptions.{index}")
        result.append(covering)
    return tuple(result), tuple(matched)


def findings_of(declaration: Declaration, verdicts: Sequence[Verdict], entry: Exception_) -> tuple[Verdict, ...]:
    """The findings that an exception is about, whether anybody agreed to it or not."""
    routes = _Routes(declaration)
    target = routes.of(entry.on)
    bare = (replace(v, excepted_by=None) for v in verdicts if v.control == entry.control)
    return tuple(v for v in bare if v.is_finding and _covers(entry, target, v, routes.of(v.subject)))


def _covers(entry: Exception_, target: tuple[str, ...], verdict: Verdict, subject: tuple[str, ...]) -> bool:
    return (
        entry.control == verdict.control and entry.check in (None, verdict.check) and subject[: len(target)] == target
    )


class _Routes:
    """Splits routes at their dots, knowing that ids may hold dots themselves.

    Without that, an exception on ``apis.orders`` would also cover an API called ``orders.v2``.
    """

    def __init__(self, declaration: Declaration) -> None:
        model = declaration.model
        self._ids: dict[str, frozenset[str]] = {name: frozenset(getattr(model, name)) for name in SECTIONS}
        self._operations = {a: frozenset(o.id for o in c.operations) for a, c in declaration.contracts.items()}

    def of(self, route: str) -> tuple[str, ...]:
        """The steps of a route; a declared id or operation id is one step, the longest that fits."""
        section, _, rest = route.partition(".")
        if not rest:
            return (section,)
        name, rest = self._longest(rest, self._ids.get(section, frozenset()))
        steps: tuple[str, ...] = (section, name)
        if section == "apis" and rest.startswith("operations."):
            operation, rest = self._longest(rest.removeprefix("operations."), self._operations.get(name, frozenset()))
            steps = (*steps, "operations", operation)
        return (*steps, *rest.split(".")) if rest else steps

    @staticmethod
    def _longest(text: str, known: frozenset[str]) -> tuple[str, str]:
        end = len(text)
        while end > 0:
            if text[:end] in known:
                return text[:end], text[end + 1 :]
            end = text.rfind(".", 0, end)
        first, _, rest = text.partition(".")
        return first, rest


@dataclass(frozen=True, slots=True)
class _About:
    """What there is to say about one exception."""

    declaration: Declaration
    index: int
    entry: Exception_
    consent: Consent
    matched: int
    today: date

    @property
    def what(self) -> str:
        return f"the exception to `{self.entry.control}` on `{self.entry.on}`"

    def verdicts(self, judged: bool) -> Iterator[Verdict]:
        left = days_left(self.entry, self.today)
        if self.consent.stage is Stage.WITHDRAWN:
            yield self._withdrawn()
        elif left < 0:
            yield self._expired()
        elif not self.consent.holds:
            yield self._unapproved()
        else:
            yield self._standing(judged)
            if self.consent.stage is Stage.CLAIMED:
                yield self._claimed()
            if left <= _WARN_DAYS:
                yield self._near(left)

    def _withdrawn(self) -> Verdict:
        ended = self.consent.withdrawn
        when = f" on {ended.time:%Y-%m-%d}" if ended else ""
        sentence = f"{self.what} covers nothing any more: {self.consent.missing}{when}, and {self._returned()}"
        return self._say(_WITHDRAWN, Outcome.FAIL, sentence, "on", fix="mend the findings, and remove the exception")

    def _expired(self) -> Verdict:
        sentence = f"{self.what} expired on {self.entry.expires.isoformat()}: {self._returned()}"
        advice = "mend the findings, or have the exception approved again with a new `expires`"
        fix = advice if self.matched else "remove the exception"
        return self._say(_EXPIRED, Outcome.FAIL, sentence, "expires", fix=fix)

    def _returned(self) -> str:
        back = f"{self.matched} finding{'s' * (self.matched != 1)} returned"
        return back if self.matched else "nothing needs it any more"

    def _unapproved(self) -> Verdict:
        sentence = f"{self.what} covers nothing yet: {self.consent.missing}"
        return self._say(_UNAPPROVED, Outcome.FAIL, sentence, "approved_by", fix=f"`{self.consent.command}`")

    def _standing(self, judged: bool) -> Verdict:
        entry = self.entry
        if not judged:
            test = f"{entry.control}/{entry.check}" if entry.check else entry.control
            sentence = f"{self.what} was not tried: `{test}` is no test of design; `assay prove` looks at proofs"
            return self._say(_UNMATCHED, Outcome.SKIPPED, sentence, "control")
        if not self.matched:
            fix = "remove the exception, or correct `control`, `check` and `on`"
            sentence = f"{self.what} covers no finding of the tests of design"
            return self._say(_UNMATCHED, Outcome.FAIL, sentence, "on", fix=fix)
        covers = f"{self.matched} finding{'s' * (self.matched != 1)} until {entry.expires.isoformat()}"
        sentence = f"{self.what} covers {covers} ({_days(days_left(entry, self.today))} left{self._agreed()})"
        return self._say(_EXPIRED, Outcome.PASS, sentence, "expires")

    def _agreed(self) -> str:
        by, to = self.consent.requested, self.consent.approved
        return f"; requested by `{by.person}`, approved by `{to.person}`" if by and to else ""

    def _claimed(self) -> Verdict:
        sentence = f"that `{self.entry.approved_by}` approved {self.what} is only claimed: nobody signed for it"
        fix = "declare `people:` with their public keys, and let two of them sign: `assay exception list`"
        return self._say(_CLAIMED, Outcome.FAIL, sentence, "approved_by", fix=fix)

    def _near(self, left: int) -> Verdict:
        last = "the last week: " if left <= _LAST_DAYS else ""
        when = f"in {_days(left)}" if left else "today"
        sentence = f"{last}{self.what} ends {when}, on {self.entry.expires.isoformat()}"
        fix = "mend what it covers, or have it approved again with a new `expires`"
        return self._say(_NEAR, Outcome.FAIL, sentence, "expires", fix=fix)

    def _say(self, check: str, outcome: Outcome, sentence: str, at: str, *, fix: str = "") -> Verdict:
        return Verdict(
            control="declaration",
            check=check,
            subject=f"exceptions.{self.index}",
            outcome=outcome,
            sentence=sentence,
            severity=_SEVERITIES.get(check, Severity.LOW),
            location=self.declaration.locate("exceptions", self.index, at),
            reason="" if outcome is Outcome.PASS else _WHY_SIGNED if check in (_UNAPPROVED, _CLAIMED) else _WHY,
            fix=Fix(fix) if fix else None,
        )


def _days(count: int) -> str:
    return f"{count} day{'s' * (count != 1)}"

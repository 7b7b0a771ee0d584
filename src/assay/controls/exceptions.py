"""Accepted deviations: an overlay on verdicts, never a verdict of their own making.

A valid exception marks the findings it covers (``excepted_by``); they stay visible. One that has expired covers
nothing, so its findings return; it is a finding itself. So is one that covers nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date

from assay.declare.declaration import Declaration
from assay.declare.model import Exception_
from assay.domain import Fix, Outcome, Severity, Verdict

_EXPIRED, _UNMATCHED = "exception-expired", "exception-matches-nothing"
_WHY = (
    "An exception that nobody renews or removes hides the next problem in the same place (NIST SP 800-53 CA-5, PM-4)."
)


def apply_exceptions(
    declaration: Declaration, verdicts: Sequence[Verdict], today: date, *, judged: Callable[[str, str | None], bool]
) -> tuple[Verdict, ...]:
    """The verdicts with exceptions laid over, followed by one verdict on each exception (control ``declaration``).

    ``judged`` says whether the verdicts hold what an exception to this control (and check, if it names one) could
    cover; one that they do not hold cannot be judged, and is reported as skipped.
    """
    exceptions = declaration.model.exceptions
    laid, matched = overlay(declaration, verdicts, today)
    told = (
        _on_exception(declaration, index, entry, matched[index], today, judged(entry.control, entry.check))
        for index, entry in enumerate(exceptions)
    )
    return (*laid, *told)


def overlay(
    declaration: Declaration, verdicts: Sequence[Verdict], today: date
) -> tuple[tuple[Verdict, ...], tuple[int, ...]]:
    """The verdicts with exceptions laid over, and how many findings each exception covers.

    An exception holds through the day it expires on. It covers findings of its control (and check, if it names one)
    whose subject is its ``on`` or lies below it.
    """
    exceptions = declaration.model.exceptions
    if not exceptions:
        return tuple(verdicts), ()
    routes = _Routes(declaration)
    targets = [(index, entry, routes.of(entry.on)) for index, entry in enumerate(exceptions)]
    matched = [0] * len(exceptions)
    result: list[Verdict] = []
    for verdict in verdicts:
        covering = verdict
        if verdict.is_finding:
            subject = routes.of(verdict.subject)
            for index, entry, target in targets:
                if _covers(entry, target, verdict, subject):
                    matched[index] += 1
                    if today <= entry.expires and covering.excepted_by is None:
                        covering = replace(verdict, excepted_by=f"exceptions.{index}")
        result.append(covering)
    return tuple(result), tuple(matched)


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
        self._ids: dict[str, frozenset[str]] = {
            name: frozenset(getattr(model, name))
            for name in (
                "environments",
                "systems",
                "data",
                "apis",
                "consumers",
                "accounts",
                "duties",
                "flows",
                "objectives",
            )
        }
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


def _on_exception(
    declaration: Declaration, index: int, entry: Exception_, matched: int, today: date, judged: bool
) -> Verdict:
    route: tuple[str | int, ...] = ("exceptions", index)
    what = f"the exception to `{entry.control}` on `{entry.on}`"

    def verdict(check: str, outcome: Outcome, sentence: str, *at: str, fix: Fix | None = None) -> Verdict:
        return Verdict(
            control="declaration",
            check=check,
            subject=f"exceptions.{index}",
            outcome=outcome,
            sentence=sentence,
            severity=Severity.MEDIUM if check == _EXPIRED else Severity.LOW,
            location=declaration.locate(*route, *at),
            reason="" if outcome is Outcome.PASS else _WHY,
            fix=fix,
        )

    if today > entry.expires:
        back = f"{matched} finding{'s' * (matched != 1)} returned" if matched else "nothing needs it any more"
        advice = "mend the findings, or have the exception approved again with a new `expires`"
        return verdict(
            _EXPIRED,
            Outcome.FAIL,
            f"{what} expired on {entry.expires.isoformat()}: {back}",
            "expires",
            fix=Fix(advice if matched else "remove the exception"),
        )
    if not judged:
        test = f"{entry.control}/{entry.check}" if entry.check else entry.control
        sentence = f"{what} was not tried: `{test}` is no test of design; `assay prove` looks at proofs"
        return verdict(_UNMATCHED, Outcome.SKIPPED, sentence, "control")
    if not matched:
        return verdict(
            _UNMATCHED,
            Outcome.FAIL,
            f"{what} covers no finding of the tests of design",
            "on",
            fix=Fix("remove the exception, or correct `control`, `check` and `on`"),
        )
    sentence = f"{what} covers {matched} finding{'s' * (matched != 1)} until {entry.expires.isoformat()}"
    return verdict(_EXPIRED, Outcome.PASS, sentence, "expires")

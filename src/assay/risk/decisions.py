"""What is wrong with what is decided and known about risks: told when risks are assessed, each with its place."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import date

from assay.declare.model import Model
from assay.domain import Fix, Location, Outcome, Severity, Verdict, did_you_mean
from assay.risk.history import WINDOW
from assay.risk.register import Row

Locate = Callable[..., Location]
"""``declaration.locate``."""


def unplaced(
    model: Model,
    scenarios: Collection[str],
    threats: Collection[str],
    counted: Collection[int],
    today: date,
    locate: Locate,
) -> Iterator[Verdict]:
    """Decisions about scenarios that are none, and incidents that count nowhere.

    Args:
        scenarios: ids of all that were assessed.
        threats: ids of all threats.
        counted: which incidents (their places in the list) count for some scenario.
    """
    for name in model.risks:
        if name not in scenarios:
            yield _verdict(
                "risk-without-scenario",
                f"risks.{name}",
                Severity.MEDIUM,
                f"there is no scenario `{name}`: what is decided there is about nothing",
                "A decision about a risk that does not exist hides that nobody has decided about the one that does.",
                did_you_mean(name, scenarios, what="scenario"),
                locate("risks", name),
            )
    for index, incident in enumerate(model.incidents):
        at = ("incidents", index)
        if incident.threat not in threats:
            yield _verdict(
                "incident-without-threat",
                f"incidents.{index}",
                Severity.MEDIUM,
                f"there is no threat `{incident.threat}`: the incident of {incident.date} makes no risk likelier",
                _COUNTS,
                did_you_mean(incident.threat, threats, what="threat"),
                locate(*at, "threat"),
            )
        elif incident.date > today:
            yield _verdict(
                "incident-ahead",
                f"incidents.{index}",
                Severity.MEDIUM,
                f"the incident of {incident.date} is ahead of the clock, which shows {today}: it is not counted",
                _COUNTS,
                "correct its `date`, or the clock",
                locate(*at, "date"),
            )
        elif index not in counted and today - WINDOW <= incident.date:
            yield _verdict(
                "incident-nowhere",
                f"incidents.{index}",
                Severity.LOW,
                f"no scenario of `{incident.threat}` stands on `{incident.on or 'anything'}`:"
                f" the incident of {incident.date} makes no risk likelier",
                _COUNTS,
                "name what it struck in `on`, or the threat it was in `threat`",
                locate(*at),
            )


_COUNTS = "What has happened lately is the best measure of likelihood there is."


def undecided(rows: Iterable[Row], locate: Locate) -> Iterator[Verdict]:
    """Risks above appetite that nobody owns or treats, dates that have passed, and estimates that do not count."""
    for row in rows:
        yield from _estimates(row, locate)
        subject, at = f"risks.{row.id}", locate("risks", row.id)
        if row.overdue:
            due = row.decided.due
            yield _verdict(
                "risk-overdue",
                subject,
                Severity.MEDIUM,
                f"`{row.id}` was to be treated by {due}; it is {row.rating}, and {row.appetite} is accepted",
                "A treatment whose date passes unnoticed is none.",
                "treat it, or decide again and say by when",
                locate("risks", row.id, "due"),
            )
        if not row.above:
            continue
        missing = [word for word, value in (("owner", row.owner), ("treatment", row.decided.treatment)) if not value]
        if missing:
            words = " and ".join(f"no {word}" for word in missing)
            yield _verdict(
                "risk-undecided",
                subject,
                Severity.MEDIUM,
                f"`{row.id}` is {row.rating}, above the {row.appetite} that is accepted, and has {words}",
                "A risk above appetite needs somebody who answers for it, and a decision (ISO 31000:2018, 6.5).",
                f"declare {' and '.join(f'`{word}`' for word in missing)} under `risks: {{{row.id}: …}}`",
                at,
            )


def _estimates(row: Row, locate: Locate) -> Iterator[Verdict]:
    for judged in row.estimates:
        if judged.counts:
            continue
        over = judged.name in ("likelihood", "impact")
        path: Sequence[str] = (judged.name,) if over else ("factors", judged.name)
        yield _verdict(
            "estimate-ignored",
            f"risks.{row.id}.{'.'.join(path)}",
            Severity.LOW,
            f"`{judged.name}` of `{row.id}` stays at {judged.computed:.1f}, not {judged.estimated:.1f}:"
            f" {judged.because}",
            "A risk may be estimated higher by anybody, and lower only as an approved decision that ends.",
            "have it approved, with `approved_by`, `reason` and `expires`, or take it out",
            locate("risks", row.id, *path),
        )


def _verdict(
    check: str, subject: str, severity: Severity, sentence: str, reason: str, fix: str, location: Location
) -> Verdict:
    return Verdict(
        control="risk",
        check=check,
        subject=subject,
        outcome=Outcome.FAIL,
        sentence=sentence,
        severity=severity,
        location=location,
        reason=reason,
        fix=Fix(fix),
    )

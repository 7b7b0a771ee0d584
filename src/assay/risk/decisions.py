"""What is wrong with what is decided and known about risks: told when risks are assessed, each with its place."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date

from assay.declare.model import Model
from assay.domain import Fix, Location, Outcome, Severity, Verdict, did_you_mean
from assay.domain.listing import listed
from assay.risk.history import WINDOW
from assay.risk.register import NOTHING_DECIDED, Row

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


def undecided(rows: Sequence[Row], locate: Locate) -> Iterator[Verdict]:
    """Risks above appetite that nobody owns or treats, dates that have passed, and estimates that do not count."""
    for row in rows:
        yield from _estimates(row, locate)
        if row.overdue:
            due = row.decided.due
            yield _verdict(
                "risk-overdue",
                f"risks.{row.id}",
                Severity.MEDIUM,
                f"`{row.id}` was to be treated by {due}; it is {row.rating}, and {row.appetite} is accepted",
                "A treatment whose date passes unnoticed is none.",
                "treat it, or decide again and say by when",
                locate("risks", row.id, "due"),
            )
        if row.decided.treatment == "accept" and row.decided.due is None:
            yield _verdict(
                "risk-accepted-forever",
                f"risks.{row.id}",
                Severity.LOW,
                f"`{row.id}` is accepted without an end: nobody will look at it again",
                "What is accepted is looked at again, since what it rests on changes (ISO 31000:2018, 6.6).",
                "say until when: `due`",
                locate("risks", row.id, "treatment"),
            )
        if row.above and row.decided is not NOTHING_DECIDED:
            yield from _half_decided(row, locate)
    open_ = [row for row in rows if row.above and row.decided is NOTHING_DECIDED]
    if open_:
        several = f"{len(open_)} risks are" if len(open_) > 1 else "a risk is"
        yield _verdict(
            "risk-undecided",
            "risks",
            Severity.MEDIUM,
            f"{several} above appetite and nothing is decided about {'them' if len(open_) > 1 else 'it'}:"
            f" {listed(row.id for row in open_)}",
            _ANSWERS,
            "declare `owner` and `treatment` under `risks: {SCENARIO: …}`, or lower them: `assay risk --next`",
            locate("appetite"),
        )


_ANSWERS = "A risk above appetite needs somebody who answers for it, and a decision (ISO 31000:2018, 6.5)."


def _half_decided(row: Row, locate: Locate) -> Iterator[Verdict]:
    missing = [word for word, value in (("owner", row.owner), ("treatment", row.decided.treatment)) if not value]
    if missing:
        words = " and ".join(f"no {word}" for word in missing)
        yield _verdict(
            "risk-undecided",
            f"risks.{row.id}",
            Severity.MEDIUM,
            f"`{row.id}` is {row.rating}, above the {row.appetite} that is accepted, and has {words}",
            _ANSWERS,
            f"declare {' and '.join(f'`{word}`' for word in missing)}",
            locate("risks", row.id),
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

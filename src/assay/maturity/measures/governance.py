"""Measures over how it is run: policy, exceptions, the evidence log and its age, how fast things are mended."""

from __future__ import annotations

from statistics import median

from assay.decisions.exceptions import consents
from assay.domain import Outcome
from assay.maturity.facts import CONCLUSIVE, Facts
from assay.maturity.measures.common import Arguments, failed, many, names, nothing, percent, seconds, share
from assay.maturity.words import Found

_DAY = 86400


def tamper_evidence(facts: Facts, arguments: Arguments) -> Found:
    """How well the evidence would show that it was changed: stored, hashed, signed and chained, witnessed."""
    del arguments
    log = facts.log
    if log is None or not log.records:
        return nothing("no evidence is kept yet", awaits=True)
    if not log.verified:
        return Found(1.0, f"{log.records:,} records are stored, and the log does not verify", contradicted=True)
    if not log.witnesses:
        return Found(3.0, f"{log.records:,} records are signed and chained, and verify; nobody witnessed them")
    return Found(4.0, f"{log.records:,} records verify, witnessed {log.witnesses}", proven=True)


def unexpired(facts: Facts, arguments: Arguments) -> Found:
    """The share of the controls that objectives rely on of which all that was concluded is younger than its expiry."""
    what = str(arguments["what"])
    relied = dict.fromkeys(c for o in facts.declaration.model.objectives.values() for c in o.controls)
    if not relied:
        return nothing("no objective is declared, so no control is relied on")
    young: list[str] = []
    for control in relied:
        shown = [f for f in facts.proofs if f.control == control and f.outcome in CONCLUSIVE]
        age = facts.ages.get(control)
        if shown and age is not None and all((facts.now - f.at).total_seconds() < age for f in shown):
            young.append(control)
    return Found(
        share(len(young), len(relied)),
        f"{len(young)} of {many(len(relied), what)} with evidence that has not expired",
        population=len(relied),
        sample=len(relied),
        good=len(young),
        what=what,
        proven=bool(young),
        awaits=len(young) < len(relied),
        todo=tuple(c for c in relied if c not in young),
    )


def policy(facts: Facts, arguments: Arguments) -> Found:
    """Written, versioned, tested, signed and enforced.

    Signed: every change was, by tests of design (``signed``) of which at least one speaks. Enforced: what is declared
    is what is applied, and proofs (``enforced``) found that nothing gets past that.
    """
    of_design = facts.verdicts(names(arguments, "signed"))
    shown = facts.concluded(names(arguments, "enforced"))
    signed = bool(of_design) and all(v.outcome is Outcome.PASS for v in of_design)
    enforced = facts.applied.current and bool(shown) and not failed(shown)
    tested = facts.runs > 0
    rungs = (True, facts.versioned, tested, signed and enforced)
    level = next((number for number, there in enumerate(rungs) if not there), len(rungs))
    said = (
        "written",
        "in version control" if facts.versioned else "not in version control",
        f"tested by {many(facts.runs, 'kept runs')}" if tested else "no run is kept",
        "every change signed" if signed else "not every change shown to be signed",
        "nothing applied past it" if enforced else "not shown that nothing is applied past it",
    )
    return Found(float(level), "; ".join(said), proven=level == len(rungs))


def exceptions(facts: Facts, arguments: Arguments) -> Found:
    """The share of exceptions with owner, reason, somebody else's approval, an end that is yet to come, and something
    that compensates. Where people's keys are declared, the approval is a signed one."""
    declared = facts.declaration.model.exceptions
    if not declared:
        return nothing("no exception is declared")
    today = facts.now.date()
    expired = [i for i, e in enumerate(declared) if e.expires < today]
    agreed = consents(facts.declaration, today)
    bad = [
        i
        for i, e in enumerate(declared)
        if i in expired
        or not agreed[i].holds
        or not e.compensating
        or not e.owner.strip()
        or e.approved_by.strip() in ("", e.owner.strip())
    ]
    late = [v for v in facts.verdicts([str(arguments["expired"])]) if v.outcome is Outcome.FAIL]
    of, good = len(declared), len(declared) - len(bad)
    return Found(
        share(good, of),
        f"{good} of {many(of, 'exceptions')} complete ({percent(share(good, of))})",
        population=of,
        sample=of,
        good=good,
        what="exceptions",
        topped=not expired and not late,
        top_sentence=f"{max(len(expired), len(late))} are expired",
        todo=tuple(f"exceptions.{i}" for i in bad),
    )


def closing(facts: Facts, arguments: Arguments) -> Found:
    """The median of days that grave failures stayed open. What is open still counts with the days so far: that is the
    least they can come to. Level 4 wants a share of them closed within the time that their severity allows (``sla``).
    """
    graves = names(arguments, "severities")
    allowed = {k: seconds(arguments["sla"], k) for k in arguments["sla"]}
    seen = [c for c in facts.closings if c.severity in graves]
    if not seen:
        return nothing("no run found a failure that grave")
    spans = {c: max(0.0, ((c.closed or facts.now) - c.opened).total_seconds()) for c in seen}
    days = median(span / _DAY for span in spans.values())
    open_ = [c for c in seen if c.closed is None]
    in_time = sum(1 for c, span in spans.items() if span <= allowed[c.severity])
    kept = share(in_time, len(seen))
    return Found(
        days,
        f"{many(len(seen), 'grave failures')} open for {days:.1f} days in the median; {len(open_)} still open",
        population=len(seen),
        sample=len(seen),
        good=in_time,
        what="grave failures",
        proven=True,
        topped=kept >= float(arguments["share"]),
        top_sentence=f"{percent(kept)} were closed in the time that their severity allows",
        todo=tuple(c.case for c in open_),
    )

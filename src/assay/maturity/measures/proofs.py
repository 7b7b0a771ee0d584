"""Measures over what was tested on the running system."""

from __future__ import annotations

from collections.abc import Iterable

from assay.assurance.deviations import upper_bound
from assay.domain import Outcome
from assay.maturity.facts import Facts
from assay.maturity.measures.common import (
    Arguments,
    evidence,
    failed,
    many,
    names,
    nothing,
    oldest,
    percent,
    seconds,
    share,
    unproven,
)
from assay.maturity.words import Found

_NEVER = 100 * 366 * 86400.0
"""The age of a test that never was."""


def held(facts: Facts, arguments: Arguments) -> Found:
    """The share of concluded proofs that held. ``checks``: tests of design that must not fail beside them.

    The exact one-sided lower bound (Clopper and Pearson) is told beside it: few proofs say little about all calls.
    """
    proofs, what = names(arguments, "proofs"), str(arguments["what"])
    shown = facts.concluded(proofs)
    if not shown:
        return unproven(facts, proofs)
    bad = failed(shown)
    known = [v for v in facts.verdicts(names(arguments, "checks")) if v.outcome is Outcome.FAIL]
    # What a test of design finds is the same thing seen from the other side: of each subject, one is enough.
    extra = tuple(dict.fromkeys(v.subject for v in known if v.subject not in {f.subject for f in bad}))
    tried, wrong = len(shown) + len(extra), len(bad) + len(extra)
    # A proof that came to no conclusion is one that was not made, and shows nothing good.
    open_ = len(facts.due(proofs)) - len(shown)
    of, good = tried + open_, tried - wrong
    were, should = ("was", "it should") if of == 1 else ("were", "they should")
    bound = 1 - upper_bound(wrong, tried)
    told = f"; {open_} not concluded" if open_ else ""
    return Found(
        share(good, of),
        f"{good} of {many(of, what)} {were} as {should} be ({percent(share(good, of))}{told};"
        f" of all that there may be, at least {percent(bound)} are, at 95% confidence)",
        population=of,
        sample=tried,
        good=good,
        awaits=bool(open_) and not wrong,
        what=what,
        proven=True,
        at=oldest(shown),
        todo=tuple(dict.fromkeys((*(f.subject for f in bad), *extra))),
        evidence=evidence(shown),
        age=facts.age_of(proofs),
    )


def tested(facts: Facts, arguments: Arguments) -> Found:
    """The share of cases that are due and were concluded, whatever came out."""
    proofs, what = names(arguments, "proofs"), str(arguments["what"])
    due, shown = facts.due(proofs), facts.concluded(proofs)
    if not shown:
        return unproven(facts, proofs)
    cells = {(f.subject, f.identity) for f in due}
    known = {(f.subject, f.identity) for f in shown}
    return Found(
        share(len(known), len(cells)),
        f"{len(known)} of {many(len(cells), what)} tested ({percent(share(len(known), len(cells)))})",
        population=len(cells),
        sample=len(cells),
        good=len(known),
        what=what,
        proven=True,
        at=oldest(shown),
        todo=tuple(f"{subject} as {identity}" for subject, identity in sorted(cells - known)),
        evidence=evidence(shown),
        age=facts.age_of(proofs),
    )


def covered(facts: Facts, arguments: Arguments) -> Found:
    """The share of the subjects of a check (``population``) that were tested lately (``within``).

    All of them are counted, so there is nothing to estimate. Level 4 wants none of them to have failed.
    """
    what, proofs = str(arguments["what"]), names(arguments, "proofs")
    population = dict.fromkeys(v.subject for v in facts.verdicts([str(arguments["population"])]))
    if not population:
        return nothing(f"there are no {what}, as far as contracts say")
    within = seconds(arguments, "within")
    shown = [
        f for f in facts.concluded(proofs) if f.subject in population and (facts.now - f.at).total_seconds() <= within
    ]
    if not facts.concluded(proofs):
        return unproven(facts, proofs)
    done = {f.subject for f in shown}
    bad = failed(shown)
    return Found(
        share(len(done), len(population)),
        f"{len(done)} of {many(len(population), what)} tested within {int(within // 86400)} days",
        population=len(population),
        sample=len(population),
        good=len(done),
        what=what,
        proven=True,
        at=oldest(shown),
        topped=not bad,
        top_sentence=f"{len({f.subject for f in bad})} of them failed",
        todo=(*sorted({f.subject for f in bad}), *(s for s in population if s not in done)),
        evidence=evidence(shown),
    )


def rhythm(facts: Facts, arguments: Arguments) -> Found:
    """How long ago everything was tested last: the age, in seconds, of the oldest newest test of each subject.

    ``section``: every thing of it must have been tested. ``contradicted``: tests of design that
    already say it is not so.
    """
    proofs, what = names(arguments, "proofs"), str(arguments["what"])
    shown = facts.concluded(proofs)
    said = [v for v in facts.verdicts(names(arguments, "contradicted")) if v.outcome is Outcome.FAIL]
    if not shown and not said:
        return unproven(facts, proofs)
    newest = {f.subject: f for f in sorted(shown, key=lambda f: f.at)}
    bad = failed(shown)
    missing = _untested(facts, arguments, newest)
    age = max(((facts.now - f.at).total_seconds() for f in newest.values()), default=_NEVER)
    told = f"{many(len(newest), what)} tested, the longest ago {many(max(0, int(age // 86400)), 'days')}"
    told = told if shown else f"no {what} tested"
    told += f"; {len(missing)} never" if missing else ""
    told += f"; the declaration itself says it is not so ({len(said)})" if said else ""
    told += f"; {len(bad)} failed" if bad else ""
    return Found(
        max(0.0, age),
        told,
        population=len(newest) + len(missing),
        sample=len(newest),
        what=what,
        proven=bool(shown),
        contradicted=bool(bad or said or missing),
        at=oldest(newest.values()),
        topped=not bad and not missing,
        top_sentence=f"{len(bad)} failed",
        todo=tuple(dict.fromkeys((*(f.subject for f in bad), *(v.subject for v in said), *missing))),
        evidence=evidence(newest.values()),
    )


def _untested(facts: Facts, arguments: Arguments, newest: Iterable[str]) -> tuple[str, ...]:
    section = arguments.get("section")
    if not section:
        return ()
    tops = {".".join(subject.split(".")[:2]) for subject in newest}
    return tuple(f"{section}.{n}" for n in getattr(facts.declaration.model, section) if f"{section}.{n}" not in tops)

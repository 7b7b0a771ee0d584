"""Measures over what is declared: which share of it the tests of design find as it should be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from assay.domain import Outcome, Verdict
from assay.maturity.facts import Facts
from assay.maturity.measures.common import (
    Arguments,
    are,
    backed,
    failed,
    many,
    names,
    nothing,
    percent,
    resolved,
    share,
    unproven,
)
from assay.maturity.words import Found

_UNTESTED = "whether reality matches the contracts was not tested"


def subjects(facts: Facts, arguments: Arguments) -> Found:
    """The share of declared things about which every one of the checks was concluded, and passed.

    The things are a section of the declaration (``section``), or those that a check speaks about (``population``).
    What a check could not conclude is not good, unless a proof did (``resolved_by``). ``silent: good``: a check that
    says nothing found nothing. ``accepted``: what an exception covers is good. ``count: bad``: the value is the share
    of the others. ``open``: findings that stand in the way of level 4. ``drift``: proofs of which level 4 wants
    ``drift_at_most`` to fail.
    """
    checks, what = names(arguments, "checks"), str(arguments.get("what", ""))
    population = _population(facts, arguments)
    if not population:
        return nothing(f"there are no {what} to look at, as far as they are declared")
    bad = _bad(facts, arguments, checks, population)
    good = len(population) - len(bad)
    told = f"{good} of {many(len(population), what)} {are(len(population))}"
    found = Found(
        share(len(bad) if arguments.get("count") == "bad" else good, len(population)),
        told,
        population=len(population),
        sample=len(population),
        good=good,
        what=what,
        todo=tuple(bad),
    )
    found = _topped(facts, arguments, found)
    return backed(facts, found, names(arguments, "proofs"), accepted=bool(arguments.get("accepted")))


def _population(facts: Facts, arguments: Arguments) -> Mapping[str, None]:
    section = arguments.get("section")
    if section == "operations":
        each = facts.declaration.each_operation()
        return dict.fromkeys(f"apis.{api}.operations.{operation.id}" for api, _, operation in each)
    if section:
        return dict.fromkeys(f"{section}.{name}" for name in getattr(facts.declaration.model, section))
    return dict.fromkeys(v.subject for v in facts.verdicts([str(arguments["population"])]))


def _bad(
    facts: Facts, arguments: Arguments, checks: Iterable[str], population: Mapping[str, None]
) -> Mapping[str, None]:
    accepted, silent = bool(arguments.get("accepted")), arguments.get("silent") == "good"
    known = resolved(facts, names(arguments, "resolved_by"))
    about: dict[str, list[Verdict]] = {}
    for verdict in facts.verdicts(checks):
        about.setdefault(verdict.subject, []).append(verdict)

    def is_good(subject: str) -> bool:
        said = about.get(subject, ())
        proven = subject in known
        return (silent or proven or bool(said)) and all(
            v.outcome is Outcome.PASS
            or (accepted and v.excepted_by is not None)
            or (proven and v.outcome is not Outcome.FAIL)
            for v in said
        )

    return dict.fromkeys(s for s in population if not is_good(s))


def _topped(facts: Facts, arguments: Arguments, found: Found) -> Found:
    """With whether what the highest anchor asks beside the number is there."""
    if "top" in arguments:
        return replace(found, topped=True, top_sentence=str(arguments["top"]))
    if "open" in arguments:
        waiting = [v for v in facts.verdicts(names(arguments, "open")) if v.outcome is not Outcome.PASS]
        told = f"{len(waiting)} findings were not retested" if waiting else "no finding waits to be retested"
        todo = tuple(dict.fromkeys((*found.todo, *(v.subject for v in waiting))))
        return replace(found, topped=not waiting, top_sentence=told, todo=todo)
    if "drift" in arguments:
        shown = facts.concluded(names(arguments, "drift"))
        if not shown:
            return replace(
                found, topped=False, awaits=unproven(facts, names(arguments, "drift")).awaits, top_sentence=_UNTESTED
            )
        bad = failed(shown)
        drift = share(len(bad), len(shown))
        told = f"{len(bad)} of {len(shown)} proofs found what no contract has ({percent(drift)})"
        todo = tuple(dict.fromkeys((*found.todo, *(f.subject for f in bad))))
        return replace(found, topped=drift <= float(arguments["drift_at_most"]), top_sentence=told, todo=todo)
    return found


def verdicts(facts: Facts, arguments: Arguments) -> Found:
    """The share of verdicts of some checks that passed; what could not be concluded did not."""
    what = str(arguments["what"])
    told = facts.verdicts(names(arguments, "checks"))
    if not told:
        return nothing(f"there are no {what}")
    bad = [v for v in told if v.outcome is not Outcome.PASS]
    good = len(told) - len(bad)
    found = Found(
        share(good, len(told)),
        f"{good} of {many(len(told), what)} {'is' if len(told) == 1 else 'are'} there",
        population=len(told),
        sample=len(told),
        good=good,
        what=what,
        todo=tuple(f"{v.control}/{v.check}" for v in bad),
    )
    return backed(facts, found, names(arguments, "proofs"))


def edges(facts: Facts, arguments: Arguments) -> Found:
    """The share of declared calls that skip or reverse a layer."""
    if facts.edges is None:
        return nothing("no API says its layer")
    if not facts.edges.calls:
        return nothing("no calls between layers are declared")
    bad, of = len(facts.edges.wrong), facts.edges.calls
    found = Found(
        share(bad, of),
        f"{bad} of {many(of, 'declared calls')} against the layers ({percent(share(bad, of))})",
        population=of,
        sample=of,
        good=of - bad,
        what="calls",
        todo=facts.edges.wrong,
    )
    return backed(facts, found, names(arguments, "proofs"))


def shared_elements(facts: Facts, arguments: Arguments) -> Found:
    """How many hosts, credentials, keys, stores, callers production shares with what is not production."""
    tiers = {e.tier for e in facts.declaration.model.environments.values()}
    if len(tiers) < 2:
        return nothing("not both production and another environment are declared")
    told = facts.verdicts(names(arguments, "checks"))
    if not told:
        return nothing("no test of design speaks about it")
    bad = [v for v in told if v.outcome is not Outcome.PASS]
    found = Found(
        float(len(bad)),
        f"{many(len(bad), 'elements')} shared between production and the rest" if bad else "nothing declared is shared",
        population=len(told),
        sample=len(told),
        good=len(told) - len(bad),
        what="elements",
        todo=tuple(dict.fromkeys(v.subject for v in bad)),
    )
    return backed(facts, found, names(arguments, "proofs"))

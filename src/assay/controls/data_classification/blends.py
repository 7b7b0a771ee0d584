"""Can anybody put together more than they are cleared for (rule E3)?"""

from __future__ import annotations

from collections.abc import Iterator

from assay.controls.data_classification.facts import Facts, listed
from assay.domain import Location, Severity, Verdict
from assay.sensitivity import Blend, Principal, PrincipalReach, what_ifs
from assay.sensitivity.purposes import conflicts

_JUDGED = ("account", "consumer", "system", "anonymous")


def blends(facts: Facts) -> Iterator[Verdict]:
    """Judges what every account, consumer and system, and anybody at all, can put together."""
    for index, one in enumerate(facts.reached):
        if one.principal.kind not in _JUDGED:
            continue
        found = facts.blends[index]
        yield from _clearance(facts, one)
        if found and one.principal.clearance is not None:
            yield _above(facts, one.principal, found)
        yield from _purposes(facts, one.principal, found)


def subject(principal: Principal) -> str:
    """The subject of verdicts about a principal."""
    return ".".join(str(step) for step in principal.path) if principal.path else "apis"


def who(principal: Principal) -> str:
    """A principal, in a sentence."""
    return f"{principal.kind} `{principal.id}`" if principal.id else principal.name


def _place(facts: Facts, principal: Principal) -> Location:
    if not principal.path:
        return facts.declaration.places.key("apis")
    written = facts.declaration.places.written(*principal.path, "clearance")
    return (
        facts.declaration.locate(*principal.path, "clearance")
        if written
        else facts.declaration.places.key(*principal.path)
    )


def _clearance(facts: Facts, one: PrincipalReach) -> Iterator[Verdict]:
    principal = one.principal
    if principal.kind != "account":
        return
    check, at = "clearance-not-declared", facts.declaration.places.key(*principal.path)
    if principal.clearance is None:
        reached = listed(thing.data for thing in one.objects)
        sentence = f"account `{principal.id}` reaches {reached or 'no data'}, and nobody says up to which level it may"
        yield facts.judge.unclear(check, subject(principal), at, sentence)
    else:
        sentence = f"account `{principal.id}` is cleared for {principal.clearance} data"
        yield facts.judge.passed(check, subject(principal), at, sentence)


def _above(facts: Facts, principal: Principal, found: tuple[Blend, ...]) -> Verdict:
    """The most sensitive blend against the clearance."""
    check, at, most = "blend-above-clearance", _place(facts, principal), found[0]
    names = " and ".join(dict.fromkeys(f"`{o.data}`" for o in most.objects))
    if most.above:
        several = len({o.data for o in most.objects}) > 1
        together = f"{names} together are" if several else f"{names} is"
        last = next(s for s in most.claimed.steps if s.level == most.claimed.level)
        sentence = (
            f"{who(principal)} is cleared for {principal.clearance} data, but {together} {most.claimed.level}:"
            f" {last.sentence}"
        )
        severity = Severity.CRITICAL if most.claimed.level == "special" else None
        offers = what_ifs(most, most=3)
        fix = "; or ".join(offer.sentence for offer in offers)
        related = tuple(
            dict.fromkeys(facts.declaration.locate(*grant.path) for o in most.objects for grant in o.grants[:2])
        )
        return facts.judge.failed(
            check, subject(principal), at, sentence, fix=fix, severity=severity, related=related[:6]
        )
    unknown = next((u for one in found for u in one.claimed.unknown), None)
    sentence = f"what {who(principal)} can put together is {most.claimed.level}, within its clearance"
    if unknown and principal.clearance != "special":
        return facts.judge.unclear("blend-partly-unknown", subject(principal), at, f"{sentence}; unknown is {unknown}")
    return facts.judge.passed(check, subject(principal), at, sentence)


def _purposes(facts: Facts, principal: Principal, found: tuple[Blend, ...]) -> Iterator[Verdict]:
    """E9: joined objects with incompatible purposes."""
    if principal.kind not in ("account", "consumer"):
        return
    check, at = "incompatible-purpose", facts.declaration.places.key(*principal.path)
    joined = [one for one in found if len(one.objects) > 1]
    for one in joined:
        pair = next(conflicts(facts.model, facts.purposes, {o.data for o in one.objects}), None)
        if pair:
            first, second = (f"`{d}` ({', '.join(facts.model.data[d].purpose)})" for d in pair)
            sentence = (
                f"{who(principal)} can join {first} and {second} by {', '.join(one.on)}; their purposes do not go"
                " together"
            )
            yield facts.judge.failed(check, subject(principal), at, sentence)
            return
    if joined:
        sentence = f"the purposes of what {who(principal)} can join go together"
        yield facts.judge.passed(check, subject(principal), at, sentence)

"""What the attacks on authorisation share: whose objects are tried by whom, and how a refusal is read."""

from __future__ import annotations

from assay.controls._lib.answers import Answer, callers
from assay.controls.authorisation.objects import object_parameters
from assay.controls.authorisation.owns import comparable, parse
from assay.controls.authorisation.roles import Holders, for_own_objects, holders
from assay.domain import AssayError
from assay.prove.case import Judged, broken, held, unclear
from assay.prove.surface import Persona, Surface, Target

CONTROL = "authorisation"
_PEOPLE = Holders(people=True)


def reader_of(surface: Surface, target: Target) -> Target | None:
    """The operation that shows what this one changes: a GET on the same path, else on the longest path above it."""
    path = target.operation.path
    reading = [t for t in surface.targets if t.api == target.api and t.operation.method.upper() == "GET"]
    above = [t for t in reading if path == t.operation.path or path.startswith(t.operation.path.rstrip("/") + "/")]
    found = max(above, key=lambda t: len(t.operation.path), default=None)
    # What stands above a collection shows everybody's objects, not this one.
    return found if found is not None and found.operation.path.count("{") == path.count("{") else None


def owners(surface: Surface, target: Target) -> tuple[Persona, ...]:
    """The kinds of callers that own what they call here, one of each set of roles.

    Declared ownership decides. Where no rule speaks of owners, identities that were given to test with, in roles of
    end users, are taken to have objects of their own; operations under ``prove.public`` are left out.
    """
    if f"{target.api}.{target.id}" in surface.declaration.model.prove.public or "{" not in target.operation.path:
        return ()
    people = callers(surface, target)
    if surface.declared_access:
        bound = tuple(p for p in people if surface.owns(target, p) and _readable(surface, target, p))
        if bound:
            return bound
        if any(rule.owns for _, rule in target.rules):
            return ()
    if surface.is_open(target) or not object_parameters(target.operation):
        return ()
    return tuple(p for p in people if p.given and _end_user(surface, p))


def _readable(surface: Surface, target: Target, persona: Persona) -> bool:
    """Whether the ownership rule can be met at all: by a claim of a token, on a parameter of this path."""
    try:
        found = [parse(text, target.at) for text in surface.owns(target, persona)]
    except AssayError:
        return False
    token = bool({"token", "session"} & set(persona.ways))
    return token and all(comparable(target.operation, o.parameter) for o in found)


def _end_user(surface: Surface, persona: Persona) -> bool:
    held_by = holders(surface.declaration)
    # Of a role that no consumer has, only its name tells.
    return all(for_own_objects(role, held_by.get(role, _PEOPLE)) for role in persona.roles)


def peers(surface: Surface, target: Target, persona: Persona) -> tuple[Persona, ...]:
    """Other kinds of callers with the same rights: the same roles, and bound by ownership in the same way."""
    return tuple(
        p
        for p in owners(surface, target)
        if p.name != persona.name and set(p.roles) == set(persona.roles) and p.tenant == persona.tenant
    )


def judge_refusal(answer: Answer, what: str) -> Judged | None:
    """Judges an answer at the gateway; None when the service was reached, so that its answer must be compared.

    A refusal counts for authorisation when authorisation refused, or when the network did not let it get that far is
    ruled out: who refused is said.
    """
    seen, watched = answer.seen, answer.observes(CONTROL)
    if answer.at_gateway:
        if answer.policy.startswith(f"{CONTROL}/"):
            return held(f"{what} is refused with {seen.status} by {answer.by}", seen)
        if watched:
            return broken(f"{what} passes authorisation, which only observes (`{watched}`)", seen)
        return unclear(f"{what} was refused by {answer.by} before authorisation was reached", seen)
    return None

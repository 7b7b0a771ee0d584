"""Credentials of other environments are shown here, after they were seen to work at home; production data is looked for
in test stores."""

from __future__ import annotations

from collections.abc import Iterator

from assay.controls._lib.answers import Answer, ask, callers, works
from assay.controls._lib.proving import test_of
from assay.controls.authentication.proofs.common import known_good
from assay.controls.environment_segregation.copies import copies
from assay.prove.case import Case, Identity, Judged, Lab, NotReached, Offer, Run, broken, held, unclear
from assay.prove.surface import Persona, Surface, Target, Way

_CONTROL = "environment_segregation"
_WORDS: dict[Way, str] = {"token": "a token", "key": "an API key", "certificate": "a client certificate"}
_MINE = (f"{_CONTROL}/", "authentication/")
_KNOWN_TO_NOBODY = "authorisation/no-rule-allows"
"""How a certificate is refused that the authority signed and no consumer has."""


def prove(surface: Surface) -> Iterator[Case]:
    """One case for each other environment and way of proving who one is; then the stores."""
    if surface.fronted and surface.declared_access:
        for environment, ways in surface.others.items():
            for way in sorted(ways):
                found = _place(surface, way)
                if found is not None:
                    yield _foreign(surface, environment, way, *found)
    yield from copies(surface)


def _place(surface: Surface, way: Way) -> tuple[Target, Persona] | None:
    """A plain operation to read that takes this kind of credential, and somebody of here who may call it with one.

    Where nobody has just this kind, somebody with another shows that the operation works.
    """
    found: list[tuple[tuple[bool, int, int], Target, Persona]] = []
    for target in surface.targets:
        if target.operation.method.upper() != "GET" or surface.is_open(target):
            continue
        plain = (target.operation.path.count("{"), len(target.operation.parameters))
        for persona in callers(surface, target):
            if way in persona.ways:
                found.append(((persona.ways != (way,), *plain), target, persona))
    best = min(found, key=lambda f: (f[0], f[1].subject, f[2].name), default=None)
    return (best[1], best[2]) if best else None


def _foreign(surface: Surface, environment: str, way: Way, target: Target, persona: Persona) -> Case:
    return Case(
        test=test_of(_CONTROL, "foreign-credential-accepted"),
        subject=f"environments.{surface.api(target).environment}",
        at=surface.declaration.locate("environments", surface.api(target).environment),
        api=target.api,
        operation=target.id,
        identity=f"{environment}:{way}",
        requests=40 if way == "key" else 8,
        seconds=10.0 if way == "key" else 0.0,
        needs_gateway=True,
        run=_shown_here(environment, way, target, persona),
    )


def _shown_here(environment: str, way: Way, target: Target, persona: Persona) -> Run:
    async def run(lab: Lab) -> Judged:
        good = await known_good(lab, target, persona)
        stranger = await _seen_at_home(lab, environment, way)
        what = f"{_WORDS[way]} of environment `{environment}`, which works there,"
        if way == "certificate":
            refused = await _handshake(lab, stranger, what)
            if refused is not None:
                return refused
        answer = await ask(lab, lab.request(target, good.draft, stranger, purpose=f"{what} here"))
        verdict = _judge(answer, what, way)
        await works(lab, good.call)
        return verdict

    return run


async def _seen_at_home(lab: Lab, environment: str, way: Way) -> Identity:
    """Somebody of another environment whose credential was just seen to work there.

    Raises:
        NotReached: there is nobody, or it does not.
    """
    there = await lab.abroad(environment)
    consumers = there.surface.declaration.model.consumers
    for target in sorted(there.surface.targets, key=lambda t: (t.operation.path.count("{"), t.path)):
        if target.operation.method.upper() != "GET" or there.surface.is_open(target):
            continue
        for persona in callers(there.surface, target):
            home = consumers[persona.consumer].environment if persona.consumer else None
            if persona.ways == (way,) and home == environment:
                who = await there.act(persona)
                await there.works(target, who, "at home")
                return who
    raise NotReached(f"nobody of environment `{environment}` can read anything there with {_WORDS[way]} alone")


async def _handshake(lab: Lab, stranger: Identity, what: str) -> Judged | None:
    """A verdict where the connection itself is refused; None where the certificate is let in as far as the call."""
    shaken = await lab.handshake(Offer(certificate=stranger.name, purpose=f"{what} here"))
    if not shaken.refused:
        return None
    without = await lab.handshake(Offer(purpose="without a certificate, to compare"))
    if without.refused:
        return unclear(f"no handshake succeeds here: {without.error}", without)
    return held(f"{what} is refused in the handshake", shaken)


def _judge(answer: Answer, what: str, way: Way) -> Judged:
    seen = answer.seen
    watched = answer.observes(_CONTROL) or answer.observes("authentication")
    if watched:
        return broken(f"{what} is only observed here (`{watched}`), and not refused for it", seen)
    if answer.policy.startswith(_MINE) or (way == "certificate" and answer.policy == _KNOWN_TO_NOBODY):
        return held(f"{what} is refused here with {seen.status} by {answer.by}", seen)
    if answer.at_gateway:
        return unclear(f"{what} is refused by {answer.by}, and not for being foreign", seen)
    if answer.decision is None:
        return unclear(f"{what} is answered {seen.status}, and the log does not say who decided", seen)
    rule = answer.decision.policy or "the gateway"
    return broken(f"{what} is let through by `{rule}` and answered {seen.status}", seen)

"""Whether the gateway takes a new key already: it reads the key file about once a second."""

from __future__ import annotations

import asyncio

from assay.prove.case import Call, Identity, NotReached
from assay.prove.seams import Send
from assay.prove.surface import Persona, Surface, Target

_DEFAULT = "x-api-key"
_WAITS = (0.05, 0.15, *(0.3,) * 26)
"""Pauses between tries: about eight seconds in all."""


def key_headers(surface: Surface) -> tuple[str, ...]:
    """The headers in which the tested APIs expect keys; the gateway's own where no contract names one."""
    found: dict[str, None] = {}
    for target in surface.targets:
        for scheme in surface.contract(target).security_schemes.values():
            if scheme.kind == "apiKey" and scheme.location == "header" and scheme.parameter_name:
                found[scheme.parameter_name.lower()] = None
    return tuple(found) or (_DEFAULT,)


def plainest(surface: Surface, persona: Persona) -> Target | None:
    """An operation that can be read without any parameter, closed to strangers, one the persona may call if possible.

    An operation that it may not call serves as well: a key that is known is answered with 403, and not with 401.
    """
    found = [
        t
        for t in surface.targets
        if t.operation.method == "GET"
        and "{" not in t.operation.path
        and not any(p.required for p in t.operation.parameters)
        and surface.is_open(t) is False
        and any(r for r in t.operation.security)
    ]
    return min(found, key=lambda t: (not surface.allows(t, persona), t.path), default=None)


async def taken_up(surface: Surface, persona: Persona, identity: Identity, send: Send | None) -> None:
    """Returns when a new credential works, tried by reading; at once where no gateway of ours answers.

    Raises:
        NotReached: it does not work within some seconds.
    """
    if surface.via == "direct" or not surface.fronted:
        return
    target = plainest(surface, persona)
    if send is None or target is None:
        await asyncio.sleep(sum(_WAITS[:10]))
        return
    call = Call(method="GET", target=target.path, who=identity, purpose="is the new key known?", api=target.api)
    for pause in _WAITS:
        await asyncio.sleep(pause)
        seen = await send(call)
        if seen.status not in (0, 401):
            return
    raise NotReached(f"the gateway did not take up a new key of `{persona.consumer}` within seconds")

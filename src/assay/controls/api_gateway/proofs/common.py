"""What the attacks on routing share: who tries them, and on which operation."""

from __future__ import annotations

from collections.abc import Iterator

from assay.controls._lib.answers import callers, doubtful
from assay.controls._lib.proving import test_of
from assay.controls._lib.subjects import api_subject
from assay.prove.case import Case, Family, Run
from assay.prove.surface import Persona, Surface, Target

CONTROL = "api_gateway"


def apis(surface: Surface) -> Iterator[str]:
    """The APIs that have anything to call."""
    yield from dict.fromkeys(t.api for t in surface.targets)


def protected(surface: Surface, api: str) -> Target | None:
    """A readable operation that is not open and that somebody may call; best with a parameter in its path."""
    found = _closed(surface, api)
    return min(found, key=lambda t: (t.operation.path.count("{") != 1, len(t.operation.path)), default=None)


def guarded(surface: Surface, api: str) -> tuple[Target, ...]:
    """The one of :func:`protected`, and two without parameters that the fewest kinds of callers may use."""
    first = protected(surface, api)
    plain = [t for t in _closed(surface, api) if "{" not in t.operation.path and t is not first]
    plain.sort(key=lambda t: (len(callers(surface, t)), t.operation.path))
    return (*((first,) if first else ()), *plain[:2])


def _closed(surface: Surface, api: str) -> list[Target]:
    return [
        t
        for t in surface.targets
        if t.api == api
        and t.operation.method.upper() == "GET"
        and surface.is_open(t) is False
        and all(requirement for requirement in t.operation.security)
        and callers(surface, t)
    ]


def anybody(surface: Surface, target: Target) -> Persona | None:
    """Somebody who may call it: the one who may call most of the API, so that little else is refused."""
    people = callers(surface, target)
    reach = {p.name: sum(bool(surface.allows(t, p)) for t in surface.targets if t.api == target.api) for p in people}
    return max(people, key=lambda p: (not doubtful(surface, target, p), reach[p.name], len(p.ways) == 1), default=None)


def api_case(
    surface: Surface,
    test: str,
    api: str,
    run: Run,
    *,
    variant: str = "",
    requests: int = 4,
    target: Target | None = None,
    family: Family = Family.READ,
    writes: int = 0,
) -> Case:
    """A case about an API as a whole, or about one of its operations."""
    return Case(
        test=test_of(CONTROL, test),
        subject=target.subject if target else api_subject(api),
        at=target.at if target else surface.declaration.places.key("apis", api),
        api=api,
        operation=target.id if target else "",
        variant=variant,
        family=family,
        requests=requests,
        writes=writes,
        run=run,
    )

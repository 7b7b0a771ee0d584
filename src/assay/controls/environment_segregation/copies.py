"""Production data in test stores: identifying values of the one are looked for in the other, and never shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from assay.controls._lib.proving import test_of
from assay.declare.declaration import Declaration
from assay.declare.model import System
from assay.prove.case import Case, Judged, Lab, NotReached, Run, broken, held, unclear
from assay.prove.surface import Surface

_CONTROL = "environment_segregation"
_SAMPLE = 12
_FEWEST = 3
_COMPARED = 5_000


def copies(surface: Surface) -> Iterator[Case]:
    """One case for each pair of a production store with identifying data and a test store of the environment.

    Pairs are made where the test store can be looked into, or is declared to hold the same data.
    """
    declaration = surface.declaration
    here = {surface.api(target).environment for target in surface.targets}
    for name, system in declaration.model.systems.items():
        if system.environment not in here or _production(declaration, system):
            continue
        for origin, store in declaration.model.systems.items():
            fields = _identifying(declaration, store)
            if not fields or not _production(declaration, store):
                continue
            if system.connection is None and not set(store.holds) & set(system.holds):
                continue
            yield Case(
                test=test_of(_CONTROL, "production-data-in-test-store"),
                subject=f"systems.{name}",
                at=declaration.places.key("systems", name),
                api="",
                variant=f"{origin}-in-{name}",
                requests=1,
                seconds=20.0,
                run=_copied(declaration, origin, name, fields),
            )


def _production(declaration: Declaration, system: System) -> bool:
    return declaration.model.environments[system.environment].tier == "production"


def _identifying(declaration: Declaration, system: System) -> frozenset[str]:
    """Names of the fields that identify somebody directly, in what a system holds."""
    return frozenset(
        key
        for name in system.holds
        for key, field in declaration.model.data[name].fields.items()
        if field.identifies == "direct"
    )


def _copied(declaration: Declaration, origin: str, name: str, fields: frozenset[str]) -> Run:
    connection = declaration.model.systems[name].connection
    by_bytes = connection is not None and connection.kind == "sqlite"

    async def run(lab: Lab) -> Judged:
        values = await lab.identifying(origin, fields, at_most=_SAMPLE)
        if not await lab.stored(values[0], system=origin):
            raise NotReached(f"a value of `{origin}` is not found there again, so a copy would not be either")
        if by_bytes:
            own = (await lab.identifying(name, fields, at_most=1))[0]
            if not await lab.stored(own, system=name):
                raise NotReached(f"a value of `{name}` is not found there again, so nothing would be")
            found = sum([await lab.stored(value, system=name) for value in values])
        else:
            # Several databases lie in the files of one PostgreSQL server, so its files do not tell them apart.
            found = len(set(values) & set(await lab.identifying(name, fields, at_most=_COMPARED)))
        facts: dict[str, Any] = {"compared": len(values), "found": found}
        if found:
            return broken(f"{found} of {len(values)} identifying values of `{origin}` are in `{name}`", **facts)
        if len(values) < _FEWEST:
            return unclear(f"`{origin}` holds {len(values)} identifying values, too few to conclude from", **facts)
        return held(f"none of {len(values)} identifying values of `{origin}` is in `{name}`", **facts)

    return run

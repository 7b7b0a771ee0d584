"""Which control is where: every route of a foreign gateway against every control that is expected of one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from assay.domain import Location
from assay.importing.gateways.catalogue import Catalogue, Expected, catalogue, expected
from assay.importing.gateways.foreign import Foreign, Route, Use

State = Literal["there", "weak", "absent", "unsaid"]
"""``unsaid``: this kind of file cannot show it."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One control on one route.

    Attributes:
        uses: the features that exercise it, weak ones included.
        unused: features of the platform that would, and that this route does not use.
        why: what makes a weak cell weak.
    """

    route: Route
    expected: Expected
    state: State
    uses: tuple[Use, ...]
    unused: tuple[str, ...]
    why: str = ""

    @property
    def at(self) -> Location:
        """Where it was read: at the weak or working feature, else at the route."""
        return self.uses[0].at if self.uses else self.route.at


@dataclass(frozen=True, slots=True)
class Audit:
    """Everything that was found about one gateway. ``unused``: by control, features that no route uses."""

    foreign: Foreign
    title: str
    cells: tuple[Cell, ...]
    unused: tuple[tuple[str, tuple[str, ...]], ...]

    def of(self, route: Route) -> tuple[Cell, ...]:
        """The cells of one route, in the order in which a request meets them."""
        return tuple(c for c in self.cells if c.route is route)


def audit(foreign: Foreign) -> Audit:
    """Holds a gateway's configuration against what is expected of one."""
    known = catalogue(foreign.platform)
    cells = tuple(cell for route in foreign.routes for cell in _cells(foreign, route, known))
    used = {use.feature for route in foreign.routes for use in route.uses}
    unused = tuple(
        (e.control, tuple(f for f in known.serving(e.control) if f not in used))
        for e in expected()
        if any(c.state in ("weak", "absent") for c in cells if c.expected is e)
    )
    return Audit(foreign, known.title, cells, tuple((c, features) for c, features in unused if features))


def _cells(foreign: Foreign, route: Route, known: Catalogue) -> Iterator[Cell]:
    for wanted in expected():
        uses = tuple(u for u in route.uses if known.controls.get(u.feature) == wanted.control)
        working = tuple(u for u in uses if not u.weakness)
        offered = known.serving(wanted.control)
        unused = tuple(f for f in offered if f not in {u.feature for u in route.uses})
        if working:
            yield Cell(route, wanted, "there", working, unused)
        elif uses:
            yield Cell(route, wanted, "weak", uses, unused, "; ".join(dict.fromkeys(u.weakness for u in uses)))
        else:
            yield Cell(route, wanted, "unsaid" if wanted.control in foreign.unsaid else "absent", (), unused)

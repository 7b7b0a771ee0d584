"""Labels of long chains and circles are closed in a few rounds, in whatever order the flows were written."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from assay.declare.model import Model
from assay.sensitivity.attributes import attributes
from assay.sensitivity.closure import Node, _Spread
from assay.sensitivity.pieces import Pieces


def flows(count: int, *, backwards: bool) -> dict[str, object]:
    """A circle through ``count`` systems; written with the stream, or against it."""
    ends = [(n, (n + 1) % count) for n in range(count)]
    ends = ends[::-1] if backwards else ends
    return {f"f{n}": {"from": f"s{a}", "to": f"s{b}", "data": ["d"]} for n, (a, b) in enumerate(ends)}


def model(count: int, *, backwards: bool, circle: bool) -> Model:
    moves = flows(count, backwards=backwards)
    if not circle:
        moves = {name: flow for name, flow in moves.items() if flow["to"] != "s0"}  # type: ignore[index]
    systems = [f"s{n}" for n in range(count)]
    return Model.model_validate(
        {
            "assay": 1,
            "organisation": {"name": "Long"},
            "gateway": {"listen": "127.0.0.1:8443"},
            "environments": {"production": {"tier": "production"}},
            "data": {"d": {"fields": {"email": {"category": "user.contact.email"}}}},
            "systems": {
                s: {"kind": "database", "environment": "production", "owner": "o", "holds": ["d"]}
                for s in (reversed(systems) if backwards else systems)
            },
            "flows": moves,
        }
    )


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize(("circle", "rounds"), [(False, 1), (True, 3)])
def test_each_system_is_looked_at_a_few_times_only(
    backwards: bool, circle: bool, rounds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    count, looked = 60, 0
    leaving: Callable[[_Spread, Node], Iterable[tuple[Node, Pieces]]] = _Spread._leaving

    def counted(self: _Spread, node: Node) -> Iterable[tuple[Node, Pieces]]:
        nonlocal looked
        looked += 1
        return leaving(self, node)

    monkeypatch.setattr(_Spread, "_leaving", counted)
    declared = model(count, backwards=backwards, circle=circle)
    spread = _Spread(declared, attributes(declared), lambda *_: True, frozenset())
    everywhere = {len(piece.via) for pieces in spread.pieces.values() for piece in pieces.values()}
    assert everywhere == ({count} if circle else set(range(count)))
    assert looked <= rounds * count + 1

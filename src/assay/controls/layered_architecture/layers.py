"""Layers: where each API stands, and which consumers may call it because of where they stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from assay.controls._lib.subjects import served_apis
from assay.controls.layered_architecture.graph import ANONYMOUS, caller_node, node_of
from assay.declare.declaration import Declaration
from assay.declare.model import LAYERS, Api, LayerContract, position_name

OUTSIDE = -1
"""The rank of callers that act for no API: before the outermost layer."""
IMPLIED = "layers"
"""The name of the contract that holds where none of kind `layers` is declared."""


@dataclass(frozen=True, slots=True)
class Layers:
    """The layers of a declaration, outermost first, in the naming experience, process, system.

    Attributes:
        ranks: by served API, its place in ``names``; APIs without a layer, or with one that is not declared, are not in
            it.
        allowed: (caller, called) nodes that a contract of kind `layers` accepts, and where each stands.
    """

    names: tuple[str, ...]
    ranks: Mapping[str, int]
    allowed: Mapping[tuple[str, str], tuple[str | int, ...]] = field(default_factory=dict)

    @property
    def innermost(self) -> int:
        """The rank of the layer that stands before systems of record."""
        return len(self.names) - 1

    def permits(self, start: int, end: int) -> bool:
        """Whether a call between two ranks goes inwards one layer at a time, or stays within one."""
        return start <= end <= start + 1 and end > OUTSIDE


def layers_of(declaration: Declaration) -> Layers | None:
    """The layers; None where no API that is served has one."""
    architecture = declaration.model.architecture
    names = tuple(position_name(layer) for layer in architecture.layers or LAYERS)
    ranks = {i: r for i, api in served_apis(declaration) if (r := _rank(api, names)) is not None}
    if not any(api.layer for _, api in served_apis(declaration)):
        return None
    allowed = {
        (node_of(declaration, edge.from_), node_of(declaration, edge.to)): route
        for name, contract in contracts_of(declaration, "layers")
        for edge, route in ((e, ("architecture", "contracts", name, "allow", i)) for i, e in enumerate(contract.allow))
    }
    return Layers(names, ranks, allowed)


def _rank(api: Api, names: tuple[str, ...]) -> int | None:
    name = position_name(api.layer) if api.layer else None
    return names.index(name) if name in names else None


def contracts_of(declaration: Declaration, kind: str) -> Iterator[tuple[str, LayerContract]]:
    """The declared contracts of a kind, by name."""
    return ((n, c) for n, c in declaration.model.architecture.contracts.items() if c.kind == kind)


@dataclass(frozen=True, slots=True)
class Admitted:
    """Whom an API admits because of layers. ``only`` None: everybody but ``never``."""

    only: tuple[str, ...] | None = None
    never: tuple[str, ...] = ()
    anonymous: bool = False

    def admits(self, consumer: str) -> bool:
        """Whether a consumer gets as far as the access rules."""
        return consumer not in self.never and (self.only is None or consumer in self.only)


def admitted(declaration: Declaration) -> Mapping[str, Admitted]:
    """By served API with a layer, the consumers that may call it. Fails closed.

    A consumer stands where the API it acts for stands; one that acts for no API stands outside, and may call the
    outermost layer. One that acts for an API without a layer may not call inner layers, since nothing says that it
    skips none.
    """
    layers = layers_of(declaration)
    if layers is None:
        return {}
    standing = [
        (name, caller_node(name, consumer), _standing(layers, consumer.acts_for))
        for name, consumer in declaration.model.consumers.items()
    ]
    # Consumers of one rank are treated alike, so each rank is looked at once; allowances are added one by one.
    by_rank: dict[int | None, list[str]] = {}
    for name, _, rank in standing:
        by_rank.setdefault(rank, []).append(name)
    extra: dict[str, list[str]] = {}
    nodes: dict[str, list[str]] = {}
    for name, node, _ in standing:
        nodes.setdefault(node, []).append(name)
    for start, end in layers.allowed:
        extra.setdefault(end, []).extend([start] if start == ANONYMOUS else nodes.get(start, []))
    return {
        api_id: _admitted(layers, rank, by_rank, extra.get(f"apis.{api_id}", []))
        for api_id, rank in layers.ranks.items()
    }


def _standing(layers: Layers, acts_for: str | None) -> int | None:
    return OUTSIDE if acts_for is None else layers.ranks.get(acts_for)


def _admitted(layers: Layers, rank: int, by_rank: Mapping[int | None, list[str]], extra: list[str]) -> Admitted:
    if rank == 0:
        barred = [n for r, names in by_rank.items() if r is not None and not layers.permits(r, rank) for n in names]
        return Admitted(never=tuple(sorted(set(barred) - set(extra))))
    inside = [n for r, names in by_rank.items() if r is not None and layers.permits(r, rank) for n in names]
    return Admitted(only=tuple(sorted({*inside, *extra} - {ANONYMOUS})), anonymous=ANONYMOUS in extra)

"""Arithmetic on sets of networks: what lies within what. Every set is collapsed once and searched by bisection."""

from __future__ import annotations

import ipaddress
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from assay.controls.network_ranges.lists import Network, collapse


class Ranges:
    """A set of addresses."""

    def __init__(self, networks: Iterable[str]) -> None:
        collapsed = collapse(ipaddress.ip_network(n) for n in networks)
        self._bounds: dict[int, list[tuple[int, int]]] = {4: [], 6: []}
        for network in collapsed:
            self._bounds[network.version].append(_bounds(network))

    def covers(self, network: str) -> bool:
        """Whether every address of ``network`` is in the set."""
        parsed = ipaddress.ip_network(network)
        first, last = _bounds(parsed)
        held = self._bounds[parsed.version]
        at = bisect_right(held, first, key=_first) - 1
        return at >= 0 and last <= held[at][1]

    def touches(self, network: str) -> bool:
        """Whether any address of ``network`` is in the set."""
        parsed = ipaddress.ip_network(network)
        first, last = _bounds(parsed)
        held = self._bounds[parsed.version]
        at = bisect_right(held, last, key=_first) - 1
        return at >= 0 and held[at][1] >= first


def redundant(networks: Sequence[str]) -> list[tuple[int, int]]:
    """(index, index of the one it lies in) for each network that lies within another one of the same list."""
    ordered = sorted(range(len(networks)), key=lambda i: (_version(networks[i]), *_wide_first(networks[i]), i))
    found: list[tuple[int, int]] = []
    outer: int | None = None
    for index in ordered:
        if outer is not None and _within(networks[index], networks[outer]):
            found.append((index, outer))
        else:
            outer = index
    return sorted(found)


def _first(bounds: tuple[int, int]) -> int:
    return bounds[0]


def _bounds(network: Network) -> tuple[int, int]:
    return int(network.network_address), int(network.broadcast_address)


def _version(network: str) -> int:
    return 6 if ":" in network else 4


def _wide_first(network: str) -> tuple[int, int]:
    first, last = _bounds(ipaddress.ip_network(network))
    return first, -last


def _within(inner: str, outer: str) -> bool:
    one, other = ipaddress.ip_network(inner), ipaddress.ip_network(outer)
    if one.version != other.version:
        return False
    (first, last), (from_, to) = _bounds(one), _bounds(other)
    return from_ <= first and last <= to

"""From which loopback address a caller calls, so that limits per address do not mix callers up."""

from __future__ import annotations

import ipaddress
import socket
import zlib
from collections.abc import Callable, Iterable, Sequence

from assay.declare.declaration import Declaration
from assay.prove.case import NotReached

_FIRST, _LAST = 2, 250
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def spreadable(bind: Callable[[str], bool] | None = None) -> bool:
    """Whether this machine has all of 127.0.0.0/8, as Linux has, and not 127.0.0.1 alone."""
    return (bind or _binds)("127.0.0.2")


def _binds(address: str) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


class Sources:
    """Chooses addresses among those that the declared networks allow.

    Args:
        allowed: the networks that each API may be called from; an API that is not in here may be called from anywhere.
        spread: whether other addresses than 127.0.0.1 can be used at all.
    """

    def __init__(self, allowed: Callable[[str], Sequence[Network]], *, spread: bool) -> None:
        self._allowed, self._spread = allowed, spread
        self._candidates: dict[tuple[str, tuple[str, ...]], tuple[str, ...]] = {}

    def choose(self, api: str, caller: str, inside: Sequence[str] = ()) -> str | None:
        """An address for this caller, always the same; None: the system's choice.

        Args:
            inside: networks (CIDR) that the caller must call from; empty: any.

        Raises:
            NotReached: the caller must call from a network that is not on this machine.
        """
        key = (api, tuple(inside))
        if key not in self._candidates:
            self._candidates[key] = tuple(self._find(api, inside))
        found = self._candidates[key]
        if not found:
            if inside and not _within("127.0.0.1", _parsed(inside)):
                raise NotReached(f"it must call from {', '.join(inside)}, which this machine has no address in")
            return None
        return found[zlib.crc32(caller.encode()) % len(found)]

    def _find(self, api: str, inside: Sequence[str]) -> Iterable[str]:
        if not self._spread:
            return
        allowed, own = self._allowed(api), _parsed(inside)
        ordinary = (f"127.0.0.{n}" for n in range(_FIRST, _LAST + 1))
        for address in (*ordinary, *_first_hosts(own)):
            if (not allowed or _within(address, allowed)) and (not own or _within(address, own)):
                yield address


def declared_networks(declaration: Declaration) -> Callable[[str], Sequence[Network]]:
    """The networks that an API may be called from, by API id; empty: any."""

    def allowed(api: str) -> Sequence[Network]:
        declared = declaration.model.apis.get(api)
        own = getattr(declared, "networks", None)
        first = tuple(own.allow) if own else ()
        return _parsed(map(str, first or declaration.model.networks.allow))

    return allowed


def _first_hosts(networks: Iterable[Network]) -> Iterable[str]:
    """A few loopback addresses of each network."""
    for network in networks:
        if network.version == 4 and network.is_loopback:
            for offset in range(min(8, network.num_addresses)):
                yield str(network[offset])


def _parsed(networks: Iterable[str]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(n, strict=False) for n in networks)


def _within(address: str, networks: Iterable[Network]) -> bool:
    parsed = ipaddress.ip_address(address)
    return any(parsed.version == n.version and parsed in n for n in networks)

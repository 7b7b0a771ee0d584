"""Ports for servers that come and go on this machine."""

from __future__ import annotations

import secrets
import socket

from assay.domain import IncompleteError

_FIRST, _LAST = 10_000, 30_000
"""Below the ports that systems give to outgoing connections: one of those may take a port between choosing and binding
it. Chosen at random, so that two programs that look at the same moment find different ones."""


def free_ports(count: int = 1) -> int:
    """The first of so many neighbouring ports on loopback that nobody listens on.

    Raises:
        IncompleteError: there are none.
    """
    for _ in range(200):
        first = _FIRST + secrets.randbelow(_LAST - _FIRST - count)
        if all(_free(port) for port in range(first, first + count)):
            return first
    raise IncompleteError(
        f"no {count} neighbouring ports are free on 127.0.0.1", fix="end some servers, then try again"
    )


def _free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True

"""Whether the gateway's port is free, and who holds it if not: said before anything is started."""

from __future__ import annotations

import errno
import socket

from assay.domain import IncompleteError, Location
from assay.gateway.supervisor.processes import who_listens


def check_free(address: str, port: int, *, at: Location | None = None) -> None:
    """Makes sure that nobody listens on ``address``:``port`` (an IP address).

    Envoy shares its ports (SO_REUSEPORT), so two gateways on one would take turns without anybody noticing.

    Raises:
        IncompleteError: the port is taken (the sentence says by whom, if that can be seen), may not be used, or the
            address is not one of this machine.
    """
    host = address.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise _taken(address, port, error, at) from error


def _taken(address: str, port: int, error: OSError, at: Location | None) -> IncompleteError:
    where = f"{address}:{port}"
    if error.errno == errno.EADDRINUSE:
        holder = who_listens(port)
        by = f" by {holder}" if holder else ""
        return IncompleteError(
            f"the port of the gateway, {where}, is in use{by}",
            fix="stop that program, or declare another port: `gateway: {listen: HOST:PORT}`",
            location=at,
        )
    if error.errno == errno.EACCES:
        return IncompleteError(
            f"the gateway may not listen on {where}: ports below 1024 need a privilege",
            fix="declare a port from 1024 on, or give the privilege CAP_NET_BIND_SERVICE",
            location=at,
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return IncompleteError(
            f"the gateway cannot listen on {where}: this machine does not have that address",
            fix="declare 127.0.0.1, 0.0.0.0 or an address of this machine",
            location=at,
        )
    return IncompleteError(f"the gateway cannot listen on {where}: {error.strerror}", location=at)

"""Ports for servers that come and go: free together, and not among those that outgoing connections are given."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from assay.gateway.ports import free_ports


def test_neighbouring_ports_can_all_be_bound() -> None:
    first = free_ports(3)
    held = [socket.create_server(("127.0.0.1", port)) for port in range(first, first + 3)]
    for each in held:
        each.close()


def test_a_port_that_somebody_holds_is_not_given() -> None:
    with socket.create_server(("127.0.0.1", free_ports())) as held:
        taken = held.getsockname()[1]
        assert all(taken not in range(first, first + 2) for first in (free_ports(2) for _ in range(50)))


def test_no_outgoing_connection_can_take_it_in_between() -> None:
    told = Path("/proc/sys/net/ipv4/ip_local_port_range")
    if not told.exists():
        pytest.skip("this system does not say which ports it gives to outgoing connections")
    lowest = int(told.read_text().split()[0])
    assert all(free_ports() < max(lowest, 30_000) for _ in range(50))

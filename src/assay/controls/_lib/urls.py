"""Addresses out of declared URLs."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

_PRIVATE_SUFFIXES = (
    "internal",
    "local",
    "localhost",
    "lan",
    "home.arpa",
    "intranet",
    "cluster.local",
    "test",
    "invalid",
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a URL leads. ``path`` has no trailing slash; the root is the empty string."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def encrypted(self) -> bool:
        """Whether the scheme is https."""
        return self.scheme == "https"

    @property
    def loopback(self) -> bool:
        """Whether traffic to it never leaves the machine."""
        return reach(self.host) == "loopback"


def address(url: str) -> Address | None:
    """The address a URL names, or None when its host or port cannot be used."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if not parts.hostname or parts.scheme not in ("http", "https") or port == 0:
        return None
    return Address(
        parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80), parts.path.rstrip("/")
    )


def reach(host: str) -> Literal["loopback", "any", "private", "public"]:
    """How far away a host can be, from its name or number alone. ``any`` is the unspecified address: every interface.

    A name of one label, or under a suffix that public DNS does not serve (RFC 6761, RFC 6762, RFC 8375), is private.
    """
    try:
        number = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        name = host.rstrip(".").lower()
        if name == "localhost" or name.endswith(".localhost"):
            return "loopback"
        if "." not in name or any(name.endswith("." + suffix) for suffix in _PRIVATE_SUFFIXES):
            return "private"
        return "public"
    if isinstance(number, ipaddress.IPv6Address) and number.ipv4_mapped:
        number = number.ipv4_mapped
    if number.is_loopback:
        return "loopback"
    if number.is_unspecified:
        return "any"
    return "private" if number.is_private or number.is_link_local else "public"


def listen_address(listen: str) -> tuple[str, int]:
    """The (host, port) of a declared ``HOST:PORT``; an IPv6 host without its brackets."""
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port)


def file_path(root: Path, written: str) -> str:
    """A declared file path made absolute: what is relative is relative to the declaration."""
    return str((root / written).absolute())

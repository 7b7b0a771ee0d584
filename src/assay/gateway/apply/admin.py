"""Asks a running Envoy what it is really doing, over its administration socket."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from assay.domain import IncompleteError

_SUBSCRIPTIONS = (
    r"^(listener_manager\.(lds\.|listener_create_failure$)|cluster_manager\.cds\.|http\..*\.rds\.)"
    r".*(update_rejected|update_failure|version_text|listener_create_failure)?$"
)


@dataclass(frozen=True, slots=True)
class Subscription:
    """One watched file as Envoy sees it: the version it took last, and how often it took none."""

    version: str = ""
    rejected: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """The three kinds of dynamic resources. Several route subscriptions count as one that agrees with itself."""

    clusters: Subscription = Subscription()
    listeners: Subscription = Subscription()
    routes: Subscription = Subscription()
    create_failures: int = 0

    def of(self, file: str) -> Subscription:
        """The subscription that reads ``file`` (``cds.json``, ``lds.json`` or ``rds.json``)."""
        return {"cds.json": self.clusters, "lds.json": self.listeners, "rds.json": self.routes}[file]

    @property
    def rejected(self) -> int:
        """How many updates Envoy has refused since it started."""
        known = (self.clusters, self.listeners, self.routes)
        return sum(s.rejected + s.failed for s in known) + self.create_failures


def parse_subscriptions(text: str) -> Subscriptions:
    """Reads the plain text of ``/stats``: lines ``NAME: VALUE``, texts in quotes."""
    found: dict[str, dict[str, Any]] = {"cds": {}, "lds": {}, "rds": {}}
    versions: set[str] = set()
    create_failures = 0
    for line in text.splitlines():
        name, _, value = line.rpartition(": ")
        kind = next((k for k in found if f".{k}." in name), None)
        if name == "listener_manager.listener_create_failure":
            create_failures = _count(value)
        elif kind and name.endswith(".version_text"):
            found[kind]["version"] = value.strip('"')
            versions |= {value.strip('"')} if kind == "rds" else set()
        elif kind and name.endswith(".update_rejected"):
            found[kind]["rejected"] = found[kind].get("rejected", 0) + _count(value)
        elif kind and name.endswith(".update_failure"):
            found[kind]["failed"] = found[kind].get("failed", 0) + _count(value)
    if len(versions) > 1:
        found["rds"]["version"] = ""
    return Subscriptions(
        Subscription(**found["cds"]), Subscription(**found["lds"]), Subscription(**found["rds"]), create_failures
    )


def _count(value: str) -> int:
    return int(value) if value.isdecimal() else 0


@dataclass(frozen=True, slots=True)
class Admin:
    """Envoy's administration interface on a Unix socket. Every call opens a connection and closes it."""

    socket: Path
    timeout: float = 5.0

    async def alive(self) -> bool:
        """Whether an Envoy listens on the socket, ready for traffic or not, and even while it is too busy to answer."""
        try:
            _, writer = await asyncio.open_unix_connection(str(self.socket))
        except OSError:
            return False
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return True

    async def ready(self) -> bool:
        """Whether Envoy has its first configuration and takes traffic."""
        try:
            return (await self._get("/ready", accept=(200, 503))).strip() == b"LIVE"
        except IncompleteError:
            return False

    async def subscriptions(self) -> Subscriptions:
        """Versions and refusals of the dynamic resources. Raises :class:`IncompleteError` without an answer."""
        answer = await self._get(f"/stats?filter={quote(_SUBSCRIPTIONS)}")
        return parse_subscriptions(answer.decode("utf-8", "replace"))

    async def stats(self, pattern: str) -> dict[str, int]:
        """The counters and gauges whose names match ``pattern`` (a regular expression)."""
        answer = await self._get(f"/stats?filter={quote(pattern)}")
        lines = (line.rpartition(": ") for line in answer.decode("utf-8", "replace").splitlines())
        return {name: int(value) for name, _, value in lines if value.isdecimal()}

    async def dump(self, kind: str) -> list[dict[str, Any]]:
        """One part of ``/config_dump``, such as ``dynamic_listeners``."""
        answer = await self._get(f"/config_dump?resource={quote(kind)}")
        try:
            found: dict[str, list[dict[str, Any]]] = msgspec.json.decode(answer, type=dict)
        except msgspec.MsgspecError as error:
            raise IncompleteError(
                f"Envoy's {kind} cannot be read back: {error}", fix="look at Envoy's log, then apply again"
            ) from error
        return found.get("configs", [])

    async def _get(self, path: str, *, accept: tuple[int, ...] = (200,)) -> bytes:
        # A context without certificates: nothing here speaks TLS, and loading the system's takes 20 ms each time.
        transport = httpx.AsyncHTTPTransport(uds=str(self.socket), verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        try:
            async with httpx.AsyncClient(transport=transport, timeout=self.timeout, trust_env=False) as client:
                answer = await client.get(f"http://envoy{path}")
        except (httpx.HTTPError, OSError) as error:
            raise IncompleteError(
                f"Envoy does not answer on its administration socket: {str(error) or type(error).__name__}",
                fix="see `assay status`, and start the gateway with `assay up`",
            ) from error
        if answer.status_code not in accept:
            raise IncompleteError(
                f"Envoy answered {answer.status_code} to {path.partition('?')[0]}", fix="look at Envoy's log"
            )
        return answer.content

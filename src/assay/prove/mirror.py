"""The live policy in front of a service of the run's own: a second Envoy, the same as the first but for addresses.

Whether a gateway keeps a misbehaving service's answers from callers can only be seen when the service misbehaves, and
the real one is not to be asked to. So the configuration that is applied is run once more, on loopback, with another
service behind it. Inspector and processor are the live ones, over their own sockets.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from assay.domain import AssayError
from assay.gateway.apply.admin import Admin
from assay.gateway.apply.binary import find_envoy
from assay.gateway.apply.validation import static_bootstrap
from assay.gateway.assemble import Policy
from assay.gateway.envoy import Configuration
from assay.gateway.ports import free_ports
from assay.gateway.state import Paths, applied_policy, live_configuration, read_applied
from assay.gateway.supervisor.part import Part
from assay.prove.accesslog import AccessLog
from assay.prove.case import NotReached
from assay.prove.scope import Origin, Scope
from assay.prove.standin import StandIn
from assay.prove.transport import Transport

Json = dict[str, Any]

_UPSTREAM = "upstream/"
_TRIES = 3
_START_SECONDS = 20.0
_POLL_SECONDS = 0.05
_GRACE_SECONDS = 3.0
_LONGEST_SOCKET = 100
"""Bytes; a Unix socket's path must fit 108 with its terminator (unix(7))."""
_MARGIN = 10.0
_ELSEWHERE = (
    "the listener's address",
    "the services' addresses and TLS",
    "the administration socket",
    "the log's file",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where a mirror has what must not be where the live gateway has it. Ports on 127.0.0.1."""

    listener: int
    service: int
    admin: str
    log: str


def reflected(configuration: Configuration, places: Places) -> Json:
    """The configuration as a bootstrap of its own, at other places. Pure."""
    return _moved(static_bootstrap(configuration), places)


def likeness(bootstrap: Json) -> str:
    """SHA-256 of everything in a static bootstrap but the addresses: the same for the live gateway and its mirror."""
    blank = _moved(bootstrap, Places(listener=1, service=1, admin="", log=""))
    return hashlib.sha256(msgspec.json.encode(blank, order="deterministic")).hexdigest()


def _moved(bootstrap: Json, places: Places) -> Json:
    found: Json = msgspec.json.decode(msgspec.json.encode(bootstrap))
    resources = found["static_resources"]
    resources["clusters"] = [_cluster(c, places.service) for c in resources["clusters"]]
    for listener in resources["listeners"]:
        listener["address"] = _address(places.listener)
    _relog(resources["listeners"], places.log)
    return {**found, "admin": {"address": {"pipe": {"path": places.admin, "mode": 0o600}}}}


def _address(port: int) -> Json:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _cluster(cluster: Json, port: int) -> Json:
    name = cluster.get("name", "")
    if not name.startswith(_UPSTREAM):
        return cluster
    kept = {k: v for k, v in cluster.items() if k not in ("transport_socket", "dns_lookup_family")}
    endpoint = {"lb_endpoints": [{"endpoint": {"address": _address(port)}}]}
    return {**kept, "type": "STATIC", "load_assignment": {"cluster_name": name, "endpoints": [endpoint]}}


def _relog(node: Any, path: str) -> None:
    """Gives every log that is a file another path, in place."""
    if isinstance(node, list):
        for item in node:
            _relog(item, path)
    elif isinstance(node, dict):
        if str(node.get("@type", "")).endswith(".FileAccessLog"):
            node["path"] = path
        for item in node.values():
            _relog(item, path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirroring:
    """What a mirror is made of.

    Attributes:
        paths: where the live gateway keeps its state.
        directory: the run's own; the mirror's files go into it.
    """

    paths: Paths
    directory: Path
    envoy: Callable[[], Path] = field(default=find_envoy)


@dataclass
class Mirror:
    """A running mirror. Made by :func:`open_mirror`.

    Attributes:
        facts: which policy and configuration it has, and in what it differs from the live gateway.
    """

    origin: Origin
    service: StandIn
    transport: Transport
    log: AccessLog
    facts: Mapping[str, Any]
    timeouts: Mapping[str, float]
    _process: asyncio.subprocess.Process

    async def close(self) -> None:
        """Ends Envoy, the service and every connection."""
        self.transport.close()
        await _end(self._process)
        await self.service.close()
        await self.log.close()


async def open_mirror(made_of: Mirroring, *, body_bytes: int) -> Mirror:
    """Starts a mirror of what is applied now.

    Raises:
        NotReached: there is nothing to mirror, or it does not start, with the reason.
    """
    try:
        configuration, policy, binary = await asyncio.to_thread(_applied, made_of)
    except AssayError as error:
        raise NotReached(f"the live gateway cannot be mirrored: {error.sentence}") from error
    directory = made_of.directory / "mirror"
    directory.mkdir(mode=0o700, exist_ok=True)
    admin = directory / "admin.sock"
    if len(os.fsencode(admin)) > _LONGEST_SOCKET:
        raise NotReached("the live gateway cannot be mirrored: the path of the directory for sockets is too long")
    service = StandIn()
    port = await service.start()
    process: asyncio.subprocess.Process | None = None
    try:
        for _ in range(_TRIES):
            places = Places(listener=free_ports(), service=port, admin=str(admin), log=str(directory / "access.jsonl"))
            bootstrap = reflected(configuration, places)
            same = likeness(static_bootstrap(configuration))
            if likeness(bootstrap) != same:
                raise NotReached("the mirror is not like the live gateway, so what it does would prove nothing")
            process = await _start(directory, bootstrap, admin, binary)
            if process is not None:
                break
        if process is None:
            raise NotReached("a mirror of the live gateway did not start")
        log = AccessLog(directory / "access.jsonl")
        log.start()
        origin = Origin("https" if policy.listener.tls else "http", "127.0.0.1", places.listener)
        timeouts = {u.api: u.timeout_seconds for u in policy.upstreams}
        transport = Transport(
            Scope(frozenset({origin})),
            authority=None,
            known=True,
            seconds=max(timeouts.values(), default=0.0) + _MARGIN,
            body_bytes=body_bytes,
        )
        facts = {
            "mirrored_policy": policy.digest,
            "mirrored_configuration": configuration.version,
            "mirrored_but_for": list(_ELSEWHERE),
            "likeness": same,
        }
        return Mirror(origin, service, transport, log, facts, timeouts, process)
    except BaseException:
        if process is not None:
            await _end(process)
        await service.close()
        raise


def _applied(made_of: Mirroring) -> tuple[Configuration, Policy, Path]:
    live, policy = read_applied(made_of.paths), applied_policy(made_of.paths)
    if live is None or policy is None:
        raise NotReached("nothing is applied, so there is no gateway to mirror")
    return live_configuration(made_of.paths, live), policy, made_of.envoy()


async def _start(directory: Path, bootstrap: Json, admin: Path, envoy: Path) -> asyncio.subprocess.Process | None:
    """Envoy, ready; None when it ended or was not ready in time."""
    file = directory / "bootstrap.json"
    file.touch(mode=0o600)
    file.write_bytes(msgspec.json.encode(bootstrap))
    told = ("--log-level", "error", "--component-log-level", "misc:error", "--file-flush-interval-msec", "100")
    argv = (str(envoy), "-c", str(file), "--concurrency", "1", *told, "--disable-hot-restart", "--drain-time-s", "1")
    asks = Admin(admin, timeout=2.0)
    part = Part(name="mirror", argv=argv, log=directory / "envoy.log", ready=asks.ready, environment={})
    output = part.open_log()
    try:
        process = await asyncio.create_subprocess_exec(
            *part.command(), stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output, env={}, cwd=directory
        )
    finally:
        os.close(output)
    try:
        async with asyncio.timeout(_START_SECONDS):
            while process.returncode is None:
                if await part.ready():
                    return process
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        pass
    except BaseException:
        await _end(process)
        raise
    await _end(process)
    return None


async def _end(process: asyncio.subprocess.Process) -> None:
    """Asked first, then killed; by its own process id."""
    for stop in (process.terminate, process.kill):
        if process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            stop()
        with suppress(TimeoutError):
            async with asyncio.timeout(_GRACE_SECONDS):
                await process.wait()

"""The parts of a gateway: development issuer, inspector, processor, Envoy; and what each gets of a policy."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import httpx
import msgspec

from assay.domain.programs import command
from assay.gateway.apply import Bundle, Gateway
from assay.gateway.assemble import Policy
from assay.gateway.inspector import bundle as inspector
from assay.gateway.processor import bundle as processor
from assay.gateway.processor.server import status_path
from assay.gateway.runtime import Folders
from assay.gateway.state import Paths
from assay.gateway.supervisor.part import Part

INSPECTOR, PROCESSOR, ENVOY, ISSUER = "inspector", "processor", "Envoy", "development issuer"

_LOG_FORMAT = "[%Y-%m-%dT%T.%e][%l][%n] %v"


def bundles(paths: Paths, folders: Folders) -> Callable[[Policy], Sequence[Bundle]]:
    """What the parts beside Envoy get of a policy, and how each says that it has it."""

    async def inspector_has() -> str | None:
        said = await _get(paths.inspector_socket, "/status")
        return said.get("digest") if said else None

    async def processor_has() -> str | None:
        return _processor_digest(paths)

    def of(policy: Policy) -> Sequence[Bundle]:
        return (
            Bundle(
                INSPECTOR,
                paths.inspector_bundle,
                inspector.encode(inspector.build(policy, folders)),
                policy.digest,
                inspector_has,
            ),
            Bundle(
                PROCESSOR,
                paths.processor_bundle,
                processor.encode(processor.build(policy)),
                policy.digest,
                processor_has,
            ),
        )

    return of


def issuer_part(paths: Paths, config: Path, url: str, environment: Mapping[str, str]) -> Part:
    """The development issuer, from its configuration file; ``url`` is where it answers."""

    async def ready() -> bool:
        try:
            async with httpx.AsyncClient(timeout=2.0, trust_env=False, verify=_no_tls()) as client:
                return (await client.get(f"{url}/health")).status_code == 200
        except (httpx.HTTPError, OSError):
            return False

    return Part(
        name=ISSUER,
        argv=tuple(command("assay.identity.issuer", str(config))),
        log=paths.logs / "issuer.log",
        ready=ready,
        environment=environment,
    )


def inspector_part(paths: Paths, environment: Mapping[str, str], *, workers: int = 1) -> Part:
    """The inspector; ready when it has a policy."""

    async def ready() -> bool:
        said = await _get(paths.inspector_socket, "/status")
        return bool(said and said.get("digest"))

    return Part(
        name=INSPECTOR,
        argv=tuple(
            command(
                "assay.gateway.inspector",
                "--bundle",
                str(paths.inspector_bundle),
                "--uds",
                str(paths.inspector_socket),
                "--workers",
                str(workers),
            )
        ),
        log=paths.logs / "inspector.log",
        ready=ready,
        environment=environment,
        sockets=(paths.inspector_socket,),
    )


def processor_part(paths: Paths, environment: Mapping[str, str]) -> Part:
    """The processor; ready when it has a policy and its socket exists."""

    async def ready() -> bool:
        return _processor_digest(paths) is not None and paths.processor_socket.exists()

    return Part(
        name=PROCESSOR,
        argv=tuple(
            command(
                "assay.gateway.processor",
                "--bundle",
                str(paths.processor_bundle),
                "--keys",
                str(paths.keys),
                "--uds",
                str(paths.processor_socket),
            )
        ),
        log=paths.logs / "processor.log",
        ready=ready,
        environment=environment,
        sockets=(paths.processor_socket, status_path(paths.processor_socket)),
    )


def envoy_part(gateway: Gateway, environment: Mapping[str, str], *, concurrency: int, level: str = "warning") -> Part:
    """Envoy; ready when it has its first configuration and takes traffic."""
    paths = gateway.paths
    return Part(
        name=ENVOY,
        argv=(
            str(gateway.envoy),
            "-c",
            str(paths.bootstrap),
            "--concurrency",
            str(concurrency),
            "--file-flush-interval-msec",
            "100",
            "--log-level",
            level,
            # Remarks that a part of Envoy's API may still change, one for each use of it, at every start and update.
            "--component-log-level",
            "misc:error",
            "--log-format",
            _LOG_FORMAT,
            # An unknown enum value would be taken for its default otherwise.
            "--reject-unknown-dynamic-fields",
            # Restarts are the supervisor's; without it, two gateways need no shared memory to tell them apart.
            "--disable-hot-restart",
            "--drain-time-s",
            "5",
        ),
        log=gateway.envoy_log,
        ready=gateway.admin.ready,
        environment=environment,
        sockets=(paths.admin_socket,),
    )


def _no_tls() -> ssl.SSLContext:
    # Nothing here speaks TLS, and loading the system's authorities takes 20 ms each time.
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


async def _get(socket: Path, path: str) -> dict[str, str] | None:
    transport = httpx.AsyncHTTPTransport(uds=str(socket), verify=_no_tls())
    try:
        async with httpx.AsyncClient(transport=transport, timeout=2.0, trust_env=False) as client:
            answer = await client.get(f"http://part{path}")
        found = msgspec.json.decode(answer.content)
    except (httpx.HTTPError, OSError, msgspec.MsgspecError):
        return None
    return found if isinstance(found, dict) else None


class _ProcessorStatus(msgspec.Struct):
    digest: str = ""


def _processor_digest(paths: Paths) -> str | None:
    """What the processor's status file says; it is removed with each start and stop, so it is not an earlier one's."""
    try:
        data = status_path(paths.processor_socket).read_bytes()
        return msgspec.json.decode(data, type=_ProcessorStatus).digest or None
    except (OSError, msgspec.MsgspecError):
        return None

"""What the parts beside Envoy get of a policy, and how each is asked which policy it works with."""

from __future__ import annotations

from collections.abc import Sequence

import httpx
import msgspec

from assay.gateway.apply import Gateway
from assay.gateway.apply.binary import find_envoy
from assay.gateway.apply.bundles import Bundle
from assay.gateway.assemble import Policy
from assay.gateway.inspector import bundle as inspector
from assay.gateway.processor import bundle as processor
from assay.gateway.processor.server import status_path
from assay.gateway.state import Paths


class _Digest(msgspec.Struct):
    digest: str | None = None


def _digest(data: bytes) -> str | None:
    try:
        return msgspec.json.decode(data, type=_Digest).digest
    except msgspec.MsgspecError:
        return None


async def inspector_digest(paths: Paths) -> str | None:
    """Which policy the inspector works with; None while it does not answer."""
    transport = httpx.AsyncHTTPTransport(uds=str(paths.inspector_socket))
    try:
        async with httpx.AsyncClient(transport=transport, timeout=2) as client:
            return _digest((await client.get("http://inspector/status")).content)
    except httpx.HTTPError:
        return None


async def processor_digest(paths: Paths) -> str | None:
    """Which policy the processor works with; None while it has not said."""
    try:
        return _digest(status_path(paths.processor_socket).read_bytes())
    except OSError:
        return None


def shares(paths: Paths, policy: Policy) -> Sequence[Bundle]:
    """Both shares of ``policy``."""
    return (
        Bundle(
            part="inspector",
            path=paths.inspector_bundle,
            data=inspector.encode(inspector.build(policy)),
            digest=policy.digest,
            reported=lambda: inspector_digest(paths),
        ),
        Bundle(
            part="processor",
            path=paths.processor_bundle,
            data=processor.encode(processor.build(policy)),
            digest=policy.digest,
            reported=lambda: processor_digest(paths),
        ),
    )


def gateway(paths: Paths) -> Gateway:
    """The gateway of a state directory.

    Raises:
        IncompleteError: Envoy is not installed.
    """
    from assay.app.site import now

    return Gateway(paths=paths, envoy=find_envoy(), now=now, bundles=lambda policy: shares(paths, policy))

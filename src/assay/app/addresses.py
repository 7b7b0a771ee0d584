"""Where things of a project are and where its parts answer: what can be said without touching disk or network.

Apart from :mod:`assay.app.site`, so that a command that only reads does not load what makes certificates and keys.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from assay.app.project import Project
from assay.controls.base import Site
from assay.declare.declaration import Declaration
from assay.declare.model import Environment
from assay.domain import UsageError
from assay.gateway.ir import STATE

KEYS_FILE = "api-keys.json"
INTROSPECTION_CLIENT = "assay-inspector"
"""The development issuer's client that may ask about everybody's tokens."""
Clock = Callable[[], datetime]


def now() -> datetime:
    """The clock of the machine, in UTC."""
    return datetime.now(UTC)


def keys_file(state: Path) -> Path:
    """Where the digests of API keys are."""
    return state / "keys" / KEYS_FILE


def introspection_secret(state: Path) -> Path:
    """Where the secret of :data:`INTROSPECTION_CLIENT` is."""
    return state / "issuer" / "introspection.secret"


def issuer_address(declaration: Declaration) -> str:
    """Where the development issuer listens: the port after the gateway's, on loopback."""
    port = int(declaration.model.gateway.listen.rpartition(":")[2])
    return f"127.0.0.1:{port + 1 if port < 65535 else port - 1}"


def development_environments(declaration: Declaration) -> dict[str, Environment]:
    """Environments that use the development issuer. A gateway runs one such issuer, so there is at most one.

    Raises:
        UsageError: more than one environment asks for it: their tokens would be good in each other.
    """
    found = {n: e for n, e in declaration.model.environments.items() if e.issuer and e.issuer.development}
    if len(found) > 1:
        second = list(found)[1]
        raise UsageError(
            f"environments {', '.join(found)} would share one development issuer",
            fix="give all but one of them an issuer of their own (`url`)",
            location=declaration.locate("environments", second, "issuer"),
        )
    return found


def plan_site(project: Project) -> Site:
    """The site without touching the disk: every path is where :func:`prepare_site` would put the file."""
    return Site(
        certificate=f"{STATE}pki/server.crt",
        private_key=f"{STATE}pki/server.key",
        client_ca=f"{STATE}pki/ca.crt",
        development_issuer=f"http://{issuer_address(project.declaration)}",
        introspection=(INTROSPECTION_CLIENT, f"{STATE}{introspection_secret(Path())}"),
    )

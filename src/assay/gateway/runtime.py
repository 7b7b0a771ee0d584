"""Facts the gateway needs that are not policy: keys, credentials' digests, sockets and paths of this machine.

They change without anybody editing the declaration (an issuer rotates its keys, an API key is revoked), so a plan
does not show them; the applied configuration does depend on them.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from assay.gateway.ir import STATE


class KeyDigest(msgspec.Struct, frozen=True):
    """An API key as the gateway knows it. Times are Unix seconds; ``sha256`` is hexadecimal, of the whole key text."""

    id: str
    consumer: str
    sha256: str
    not_before: int
    expires: int


class Sockets(msgspec.Struct, frozen=True):
    """Unix sockets of the parts beside Envoy."""

    admin: str
    inspector: str
    processor: str


class Folders(msgspec.Struct, frozen=True):
    """Where the files lie that a policy names; absolute paths."""

    declaration: str = ""
    state: str = ""

    def file(self, written: str) -> str:
        """The absolute path of a file as a policy names it (:data:`assay.gateway.ir.STATE`)."""
        if written.startswith(STATE):
            return str(Path(self.state) / written.removeprefix(STATE))
        return str(Path(self.declaration) / written)

    def secret(self, reference: str) -> str:
        """The reference to a secret, whose file is absolute if it lies in the state."""
        return f"file:{self.file(reference)}" if reference.startswith(STATE) else reference


class Runtime(msgspec.Struct, frozen=True):
    """Everything :mod:`assay.gateway.envoy` needs besides the policy itself."""

    sockets: Sockets
    access_log: str
    configuration: str
    """Directory of the dynamic configuration files that Envoy watches."""
    jwks: dict[str, str] = {}
    """Per token issuer, its public keys (RFC 7517 JSON). An issuer without an entry accepts no token."""
    keys: tuple[KeyDigest, ...] = ()
    system_authorities: str = "/etc/ssl/certs/ca-certificates.crt"
    concurrency: int = 2
    folders: Folders = Folders()
    certificates: str = ""
    """Digest of the listener's certificate files: Envoy reads them again only when the listener's own text changes."""

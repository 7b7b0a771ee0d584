"""Where a run may send anything: to what was declared, and nowhere else. Checked before a packet leaves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from assay.declare.declaration import Declaration
from assay.domain import UsageError
from assay.identity.http import is_loopback
from assay.prove.surface import Surface

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, order=True)
class Origin:
    """Scheme, host (lower case, no brackets) and port of a URL (RFC 6454 section 4)."""

    scheme: str
    host: str
    port: int

    @property
    def tls(self) -> bool:
        """Whether TLS is spoken to it."""
        return self.scheme == "https"

    @property
    def loopback(self) -> bool:
        """Whether it can only be this machine."""
        return is_loopback(self.host)

    @property
    def authority(self) -> str:
        """What a ``Host`` header says: no port where it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


def origin_of(url: str) -> Origin:
    """The origin of an absolute http or https URL.

    Raises:
        UsageError: it is none, or holds credentials.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        sound = url.isascii() and url.isprintable() and not any(c.isspace() or c == "\\" for c in url)
    except ValueError:
        sound, host, port, parts = False, None, None, urlsplit("")
    if not sound or not host or parts.scheme not in _PORTS or port == 0:
        raise UsageError(f"`{url}` is not an http or https URL", fix="write it as https://host:port")
    if parts.username is not None or parts.password is not None:
        raise UsageError(f"the URL of {host} holds credentials", fix="give them as an identity, by reference")
    return Origin(parts.scheme, host.lower(), port or _PORTS[parts.scheme])


@dataclass(frozen=True, slots=True)
class Scope:
    """The origins that were declared. The scheme may differ: plain text to a TLS port is one of the tests."""

    declared: frozenset[Origin]

    def check(self, origin: Origin) -> None:
        """Returns when ``origin`` was declared.

        Raises:
            UsageError: it was not. Nothing has been sent.
        """
        if not any(o.host == origin.host and o.port == origin.port for o in self.declared):
            known = ", ".join(sorted(map(str, self.declared))) or "nothing"
            raise UsageError(
                f"{origin} was not declared, so nothing is sent to it (declared: {known})",
                fix="declare it as the gateway's address or as an upstream, if it is yours",
            )


def scope_of(surface: Surface, *, target: str, also: Iterable[str] = ()) -> Scope:
    """The target's origin, the upstreams of the surface, and ``also`` (the declared issuer's URL).

    Raises:
        UsageError: one of them is no URL.
    """
    return Scope(frozenset(origin_of(url) for url in (target, *surface.upstreams.values(), *also)))


def check_tier(declaration: Declaration, apis: Iterable[str], *, authorised: bool) -> None:
    """Returns when none of the APIs is in production, or somebody says that they may.

    Raises:
        UsageError: one is, and nobody does. The fix says how.
    """
    model = declaration.model
    for api in sorted(set(apis)):
        environment = model.environments.get(model.apis[api].environment)
        if environment and environment.tier == "production" and not authorised:
            raise UsageError(
                f"API `{api}` is in production, which is not attacked without authority to do so",
                fix="test a non-production environment, or add --i-am-authorised, which is recorded in the evidence",
                location=declaration.locate("apis", api, "environment"),
            )

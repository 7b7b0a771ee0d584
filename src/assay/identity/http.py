"""Fetching small documents from identity providers: bounded in time and size, and only from where was asked."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import msgspec

from assay.domain import AssayError, IncompleteError, Location, UsageError


@dataclass(frozen=True, slots=True)
class Reach:
    """How a server may be reached.

    Attributes:
        uds: a Unix socket to connect to in place of the host of the URL; TLS is not spoken over it.
        authorities: a PEM file of certificate authorities to trust in place of the public ones.
        timeout: seconds for the whole exchange, and for each of its steps.
        max_bytes: the largest body that is accepted.
    """

    uds: Path | None = None
    authorities: Path | None = None
    timeout: float = 5.0
    max_bytes: int = 256 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: the status and the body, complete and within bounds."""

    status: int
    body: bytes

    def json_object(self, what: str, url: str) -> dict[str, object]:
        """The body as a JSON object. Raises :class:`AssayError` naming ``what`` was expected at ``url``."""
        return json_object(self.body, what, url)


def check_url(url: str, *, uds: Path | None = None, location: Location | None = None) -> None:
    """Raise :class:`UsageError` unless ``url`` is HTTPS, or plain HTTP to this machine or over a Unix socket."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
        sound = url.isascii() and url.isprintable() and not any(c.isspace() or c == "\\" for c in url)
    except ValueError:
        sound, host, parts = False, None, urlsplit("")
    if not sound or not host or parts.scheme not in ("https", "http"):
        raise UsageError(
            "This is not an http or https URL.", fix="write it as https://login.example/path", location=location
        )
    if parts.username is not None or parts.password is not None:
        raise UsageError(f"The URL of {host} holds credentials.", fix="remove them; keys are public", location=location)
    if parts.scheme == "http" and uds is None and not is_loopback(host):
        raise UsageError(
            f"`{url}` is not protected: whoever is on the way could replace the keys that tokens are checked with.",
            fix="use https",
            location=location,
        )


def is_loopback(host: str) -> bool:
    """Whether ``host`` can only be this machine (RFC 6761 section 6.3 for ``localhost``)."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def get(url: str, reach: Reach, *, what: str, location: Location | None = None) -> Reply:
    """GET ``url``, which must answer 200 itself. Raises :class:`AssayError`; see :func:`send`."""
    reply = send("GET", url, reach, what=what, location=location)
    if reply.status != 200:
        raise IncompleteError(
            f"The {what} at `{url}` answered with status {reply.status}.",
            fix="check the URL, and whether the issuer is well",
            location=location,
        )
    return reply


def send(
    method: str,
    url: str,
    reach: Reach,
    *,
    what: str,
    form: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
    location: Location | None = None,
) -> Reply:
    """One request, one reply. Redirects are not followed: keys come from the URL that was declared, or not at all.

    ``auth`` is sent as HTTP Basic exactly as given. Raises :class:`UsageError` for a URL that may not be used, and
    :class:`IncompleteError` when the server cannot be reached, is too slow, answers too much or redirects.
    """
    check_url(url, uds=reach.uds, location=location)
    parts = urlsplit(url)
    target = parts._replace(scheme="http").geturl() if reach.uds else url
    local = reach.uds is not None or is_loopback(parts.hostname or "")
    try:
        if reach.uds:
            _knock(reach.uds)
        transport = httpx.HTTPTransport(uds=str(reach.uds)) if reach.uds else None
        client = httpx.Client(
            transport=transport,
            verify=_trust(reach.authorities, location),
            timeout=httpx.Timeout(reach.timeout),
            follow_redirects=False,
            # A proxy has no business between two processes of one machine.
            trust_env=not local,
            headers={"accept": "application/json", "accept-encoding": "identity", "user-agent": "assay"},
        )
        with client, client.stream(method, target, data=form, auth=auth) as response:
            if response.is_redirect:
                raise IncompleteError(
                    f"The {what} at `{url}` redirects, which is not followed.",
                    fix="declare the URL that it redirects to, after checking whose it is",
                    location=location,
                )
            body = _bounded(response, reach, what, url, location)
            return Reply(response.status_code, body)
    # ValueError and ImportError: a proxy in the environment that cannot be used.
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError, ImportError) as error:
        raise IncompleteError(
            f"The {what} at `{url}` cannot be reached: {_reason(error)}.",
            fix="check that it runs, the URL, and its certificate",
            location=location,
        ) from error


def json_object(content: bytes, what: str, where: str, location: Location | None = None) -> dict[str, object]:
    """``content`` as a JSON object (RFC 8259). Raises :class:`AssayError`."""
    try:
        value = msgspec.json.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise AssayError(
            f"The {what} from `{where}` is not JSON.", fix="check that this is the right address", location=location
        ) from error
    if not isinstance(value, dict):
        raise AssayError(
            f"The {what} from `{where}` is not a JSON object.",
            fix="check that this is the right address",
            location=location,
        )
    return value


def _knock(path: Path) -> None:
    """Raise OSError if nobody listens. The HTTP client would do so too, but leave its socket open."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        probe.connect(str(path))


def _bounded(response: httpx.Response, reach: Reach, what: str, url: str, location: Location | None) -> bytes:
    # Raw bytes: a compressed body, which was not asked for, must not unfold into more than was counted.
    deadline = time.monotonic() + reach.timeout
    received = bytearray()
    for chunk in response.iter_raw():
        received += chunk
        if len(received) > reach.max_bytes:
            raise IncompleteError(
                f"The {what} at `{url}` is larger than {reach.max_bytes:,} bytes.",
                fix="check that this is the right address",
                location=location,
            )
        if time.monotonic() > deadline:
            raise IncompleteError(
                f"The {what} at `{url}` took longer than {reach.timeout:g} seconds to arrive.",
                fix="check that the issuer is well",
                location=location,
            )
    return bytes(received)


def _trust(authorities: Path | None, location: Location | None) -> ssl.SSLContext | bool:
    if authorities is None:
        return True
    try:
        context = ssl.create_default_context(cafile=str(authorities))
    except (OSError, ssl.SSLError, ValueError) as error:
        raise UsageError(
            f"The certificate authorities in `{authorities}` cannot be used: {_reason(error)}.",
            fix="give a PEM file of certificates",
            location=location or Location(str(authorities)),
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _reason(error: Exception) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "it did not answer in time"
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__

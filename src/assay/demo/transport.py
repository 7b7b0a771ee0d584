"""What the gateway accepts on the wire: plain text, old TLS, modern TLS."""

from __future__ import annotations

import socket
import ssl
import warnings
from dataclasses import dataclass
from urllib.parse import urlsplit

_TIMEOUT = 20.0


@dataclass(frozen=True, slots=True)
class Handshake:
    """Whether a handshake was refused, in words."""

    refused: bool
    text: str


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "127.0.0.1", parts.port or 443


def plaintext_refused(url: str) -> tuple[bool, str]:
    """Sends a plain HTTP request to the TLS port. Refused means: not one byte of HTTP comes back."""
    with socket.create_connection(_address(url), timeout=_TIMEOUT) as raw:
        raw.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        try:
            answer = raw.recv(64)
        except TimeoutError:
            return False, f"no answer within {_TIMEOUT:g} s, and not closed"
        except OSError:
            answer = b""
    if answer.startswith(b"HTTP/"):
        return False, f"ANSWERED: {answer[:15].decode('ascii', 'replace')}"
    return True, "no answer, closed"


def versions(url: str, trust: ssl.SSLContext) -> tuple[Handshake, bool, str]:
    """Offers TLS 1.1 at most, then whatever both sides know best.

    Returns the first handshake's fate, whether the second was TLS 1.2 or better, and which version and suite it was.
    """
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # offering old versions is the point
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    first = Handshake(False, "ACCEPTED")
    try:
        with socket.create_connection(_address(url), timeout=_TIMEOUT) as raw, old.wrap_socket(raw):
            pass
    except TimeoutError:
        first = Handshake(False, f"no answer within {_TIMEOUT:g} s")
    except OSError:  # of which TLS errors are a kind
        first = Handshake(True, "handshake refused")
    host = _address(url)[0]
    with (
        socket.create_connection(_address(url), timeout=_TIMEOUT) as raw,
        trust.wrap_socket(raw, server_hostname=host) as line,
    ):
        version = line.version() or "no TLS"
    return first, version in ("TLSv1.2", "TLSv1.3"), version.replace("TLSv", "TLS ")

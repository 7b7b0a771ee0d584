"""Below HTTP: TLS handshakes with chosen versions, suites and certificates, and bytes that need be no HTTP at all."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from assay.prove.case import NotReached, Offer
from assay.prove.scope import Origin
from assay.prove.seams import ClientCertificate
from assay.prove.transport import explain

_VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}
_AFTER_SECONDS = 0.3
_IDLE_SECONDS = 1.0
# Reasons for which OpenSSL itself did not even send an offer.
_OWN_REFUSALS = frozenset({"NO_PROTOCOLS_AVAILABLE", "NO_CIPHERS_AVAILABLE", "NO_CIPHER_MATCH"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshaken:
    """The end of a handshake: ``error`` empty means that there was a connection."""

    version: str = ""
    suite: str = ""
    certificate: bytes = b""
    error: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What came back for raw bytes."""

    data: bytes = b""
    closed: bool = False
    error: str = ""
    seconds: float = 0.0


def context_for(offer: Offer, certificate: ClientCertificate | None, authority: Path | None) -> ssl.SSLContext:
    """A TLS context that offers exactly this.

    Raises:
        NotReached: the TLS library of this machine cannot make such an offer, or a file cannot be used.
    """
    if offer.minimum not in _VERSIONS or offer.maximum not in _VERSIONS:
        raise NotReached(f"TLS {offer.minimum} to {offer.maximum} cannot be offered by this machine")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old = _VERSIONS[offer.minimum] < ssl.TLSVersion.TLSv1_2
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # offering old versions is the point
            context.minimum_version, context.maximum_version = _VERSIONS[offer.minimum], _VERSIONS[offer.maximum]
        if offer.suites is not None or old:
            context.set_ciphers(f"{offer.suites or 'ALL'}:@SECLEVEL=0")
        if offer.verify:
            if authority:
                context.load_verify_locations(str(authority))
            else:
                context.load_default_certs()
        else:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if certificate:
            context.load_cert_chain(str(certificate.certificate), str(certificate.key))
    except (ssl.SSLError, OSError, ValueError) as error:
        raise NotReached(f"this machine's TLS library cannot make that offer: {error}") from error
    return context


async def shake(
    origin: Origin, offer: Offer, *, certificate: ClientCertificate | None, authority: Path | None, seconds: float
) -> Handshaken:
    """Tries a handshake and ends the connection. Refusals are results.

    Raises:
        NotReached: the TLS library of this machine cannot make such an offer.
    """
    context = context_for(offer, certificate, authority)
    began = asyncio.get_running_loop().time()
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection(
                origin.host, origin.port, ssl=context, server_hostname=offer.name or origin.host
            )
            line: ssl.SSLObject = writer.get_extra_info("ssl_object")
            version = (line.version() or "").replace("TLSv", "")
            suite = (line.cipher() or ("", "", 0))[0]
            shown = line.getpeercert(binary_form=True) or b""
            error = await _second_thoughts(reader) if version == "1.3" else ""
    except ssl.SSLError as failure:
        if failure.reason in _OWN_REFUSALS:
            raise NotReached("this machine's TLS library cannot make that offer") from failure
        return Handshaken(error=explain(failure), seconds=_since(began))
    except OSError as failure:
        return Handshaken(error=explain(failure), seconds=_since(began))
    finally:
        if writer is not None:
            writer.transport.abort()
    return Handshaken(version=version, suite=suite, certificate=shown, error=error, seconds=_since(began))


async def _second_thoughts(reader: asyncio.StreamReader) -> str:
    """In TLS 1.3 the client is done before the server has judged its certificate (RFC 8446 section 4.4.2.4)."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_AFTER_SECONDS):
            try:
                if not await reader.read(1):
                    return "the connection was closed after the handshake"
            except (ssl.SSLError, ConnectionError) as error:
                return explain(error)
    return ""


async def exchange_raw(
    origin: Origin, data: bytes, *, context: ssl.SSLContext | None, seconds: float, bound: int
) -> Received:
    """Sends bytes on a connection of their own and reads until it is closed, quiet for a second, or ``bound`` bytes."""
    loop = asyncio.get_running_loop()
    began, received = loop.time(), bytearray()
    writer: asyncio.StreamWriter | None = None
    closed, error = False, ""
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection(
                origin.host, origin.port, ssl=context, server_hostname=origin.host if context else None
            )
            writer.write(data)
            await writer.drain()
            while len(received) < bound:
                async with asyncio.timeout(_IDLE_SECONDS if received else seconds):
                    chunk = await reader.read(min(64 * 1024, bound - len(received)))
                if not chunk:
                    closed = True
                    break
                received += chunk
    except TimeoutError:
        error = "" if received else f"no answer within {seconds:g} s"
    except OSError as failure:
        error, closed = explain(failure), True
    finally:
        if writer is not None:
            writer.transport.abort()
    return Received(data=bytes(received), closed=closed, error=error, seconds=_since(began))


def _since(began: float) -> float:
    return asyncio.get_running_loop().time() - began

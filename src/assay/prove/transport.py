"""Sends messages and reads answers: bounded in time and bytes, never anywhere but inside the scope."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import h11

from assay.domain import UsageError
from assay.prove.scope import Origin, Scope
from assay.prove.seams import ClientCertificate
from assay.prove.wire import Answer, Message, Reader

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_IDLE_SECONDS = 3.0
_IDLE_SECONDS_FOR_WRITES = 1.5
"""Shorter: what changes something is not sent again when the other side hung up on it just then."""
_IDLE_MOST = 16
"""Connections that are kept in all. Small servers accept a hundred or so: a test must not use them up by waiting."""
_READ = 64 * 1024
_NO_ANSWER = "the connection was closed without an answer"
_Key = tuple[Origin, str | None, ClientCertificate | None]


@dataclass
class _Line:
    """One connection."""

    key: _Key
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    used: float
    served: int = 0

    def close(self) -> None:
        """At once: a polite end of TLS would wait for the other side, which may be the one that hangs."""
        self.writer.transport.abort()


class Transport:
    """HTTP/1.1 with every byte of the request under control. Connections are kept per origin, source and certificate.

    Args:
        scope: where messages may go.
        authority: PEM file of the authorities to trust; None: the public ones.
        known: the other side was started by this run, so that nobody else can be there: its certificate, which is for
            another name, is not looked at.
        seconds: longest exchange, from connecting to the last byte.
        body_bytes: largest body that is read.
    """

    def __init__(
        self, scope: Scope, *, authority: Path | None, seconds: float, body_bytes: int, known: bool = False
    ) -> None:
        self.scope, self.authority, self._known = scope, authority, known
        self._seconds, self._bound = seconds, body_bytes
        self._idle: dict[_Key, list[_Line]] = {}
        self._contexts: dict[ClientCertificate | None, ssl.SSLContext] = {}

    async def send(self, message: Message) -> Answer:
        """One exchange. Whatever the network does is in the answer's ``error``.

        Raises:
            UsageError: the message is no HTTP request, leads out of scope, or cannot come from its source.
        """
        self.scope.check(message.origin)
        data = message.encode()
        began = asyncio.get_running_loop().time()
        try:
            line = self._kept(message) or await self._connect(message)
            answer = await self._exchange(line, message, data, began)
            if answer is None and line.served and message.method in _SAFE:
                # A kept connection that the other side had closed meanwhile says nothing about this request.
                line = await self._connect(message)
                answer = await self._exchange(line, message, data, began)
        except (OSError, EOFError, h11.ProtocolError, ValueError) as error:
            return self._failed(error, began)
        return answer or Answer(error=_NO_ANSWER, seconds=self._since(began))

    async def together(self, messages: Sequence[Message]) -> tuple[Answer, ...]:
        """Sends messages at the same moment, on connections opened before. Raises as :meth:`send` does."""
        encoded = []
        for message in messages:
            self.scope.check(message.origin)
            encoded.append(message.encode())
        if not encoded:
            return ()
        lines: list[_Line] = []
        opening = [asyncio.create_task(self._opened(message, lines)) for message in messages]
        try:
            await asyncio.wait(opening)  # all of them, before one that failed ends the rest
            places = [task.result() for task in opening]
            return tuple(await asyncio.gather(*map(self._at_once, messages, encoded, places)))
        finally:
            for task in opening:
                task.cancel()
            await asyncio.gather(*opening, return_exceptions=True)
            for line in lines:
                line.close()

    def close(self) -> None:
        """Ends every kept connection."""
        for lines in self._idle.values():
            for line in lines:
                line.close()
        self._idle.clear()

    def context(self, certificate: ClientCertificate | None) -> ssl.SSLContext:
        """Modern TLS with the run's authority, showing ``certificate``.

        Raises:
            UsageError: a file cannot be used.
        """
        if certificate not in self._contexts:
            try:
                context = ssl.create_default_context(cafile=str(self.authority) if self.authority else None)
                if self._known:
                    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                if certificate:
                    context.load_cert_chain(str(certificate.certificate), str(certificate.key))
            except (OSError, ssl.SSLError) as error:
                raise UsageError(f"a certificate cannot be used: {error}", fix="give PEM files that exist") from error
            self._contexts[certificate] = context
        return self._contexts[certificate]

    async def _opened(self, message: Message, lines: list[_Line]) -> _Line | Answer:
        began = asyncio.get_running_loop().time()
        try:
            line = await self._connect(message)
        except OSError as error:
            return self._failed(error, began)
        lines.append(line)
        return line

    async def _at_once(self, message: Message, data: bytes, line: _Line | Answer) -> Answer:
        if isinstance(line, Answer):
            return line
        began = asyncio.get_running_loop().time()
        try:
            answer = await self._exchange(line, message, data, began, keep=False)
        except (OSError, EOFError, h11.ProtocolError, ValueError) as error:
            return self._failed(error, began)
        return answer or Answer(error=_NO_ANSWER, seconds=self._since(began))

    def _kept(self, message: Message) -> _Line | None:
        lines = self._idle.get((message.origin, message.source, message.certificate), [])
        now = asyncio.get_running_loop().time()
        patience = _IDLE_SECONDS if message.method in _SAFE else _IDLE_SECONDS_FOR_WRITES
        while lines and message.reusable:
            line = lines.pop()
            if now - line.used < patience and not line.reader.at_eof() and not line.writer.transport.is_closing():
                return line
            line.close()
        return None

    async def _connect(self, message: Message) -> _Line:
        origin, loop = message.origin, asyncio.get_running_loop()
        context = self.context(message.certificate) if origin.tls else None
        try:
            async with asyncio.timeout(self._seconds):
                reader, writer = await asyncio.open_connection(
                    origin.host,
                    origin.port,
                    ssl=context,
                    server_hostname=origin.host if context else None,
                    local_addr=(message.source, 0) if message.source else None,
                )
        except OSError as error:
            if message.source and _no_such_address(error):
                raise UsageError(
                    f"this machine cannot call from {message.source}", fix="run where that address is configured"
                ) from error
            raise
        key = (origin, message.source, message.certificate)
        return _Line(key, reader, writer, loop.time())

    async def _exchange(
        self, line: _Line, message: Message, data: bytes, began: float, *, keep: bool = True
    ) -> Answer | None:
        """None: the connection ended before a byte of an answer came."""
        reading, reusable = Reader(message, bound=self._bound), False
        try:
            async with asyncio.timeout_at(began + self._seconds):
                line.writer.write(data)
                await _drain(line.writer)
                while not reading.done:
                    received = await line.reader.read(_READ)
                    if not received and not reading.started:
                        return None
                    reading.feed(received)
            reusable = keep and reading.keep_alive and message.reusable
        except (OSError, EOFError, h11.ProtocolError) as error:
            if reading.started:
                return reading.answer(seconds=self._since(began), error=explain(error))
            if isinstance(error, ConnectionError) and line.served:
                return None
            raise
        finally:
            if reusable:
                line.used, line.served = asyncio.get_running_loop().time(), line.served + 1
                self._keep(line)
            else:
                line.close()
        return reading.answer(seconds=self._since(began))

    def _keep(self, line: _Line) -> None:
        self._idle.setdefault(line.key, []).append(line)
        kept = [each for lines in self._idle.values() for each in lines]
        if len(kept) > _IDLE_MOST:
            oldest = min(kept, key=lambda each: each.used)
            self._idle[oldest.key].remove(oldest)
            oldest.close()

    def _failed(self, error: Exception, began: float) -> Answer:
        what = f"no complete answer within {self._seconds:g} s" if isinstance(error, TimeoutError) else explain(error)
        return Answer(error=what, seconds=self._since(began))

    @staticmethod
    def _since(began: float) -> float:
        return asyncio.get_running_loop().time() - began


async def _drain(writer: asyncio.StreamWriter) -> None:
    """Waits until the request is on its way. Somebody who answers before he has read it all may have closed already."""
    try:
        await writer.drain()
    except ConnectionError:
        return


def _no_such_address(error: OSError) -> bool:
    # asyncio wraps the failure to bind in an OSError of its own, whose number is kept.
    return error.errno in (errno.EADDRNOTAVAIL, errno.EINVAL, errno.EAFNOSUPPORT)


def explain(error: BaseException) -> str:
    """What went wrong on the network, in a few words."""
    match error:
        case TimeoutError():
            return "it took too long"
        case ssl.SSLCertVerificationError():
            return f"its certificate was not accepted: {error.verify_message}"
        case ssl.SSLError():
            return f"TLS failed: {(error.reason or str(error)).replace('_', ' ').lower()}"
        case ConnectionRefusedError():
            return "the connection was refused"
        case ConnectionResetError() | BrokenPipeError() | ConnectionAbortedError():
            return "the connection was reset"
        case socket.gaierror():
            return "its name cannot be resolved"
        case h11.ProtocolError():
            return f"this is no HTTP answer: {str(error)[:120]}"
        case OSError() if error.strerror:
            return error.strerror.lower()
        case _:
            return str(error)[:200] or type(error).__name__

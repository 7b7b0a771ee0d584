"""Sends a call the way a run must: in scope, within bounds, as the right caller, findable in the log, recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from assay.domain import UsageError
from assay.evidence.redact import HEADERS
from assay.gateway.decision import Decision
from assay.prove import reproduce
from assay.prove.abroad import Side
from assay.prove.bench import Bench
from assay.prove.case import Call, Case, NotReached, Seen
from assay.prove.concluding import correlation
from assay.prove.mirror import Mirror
from assay.prove.result import Exchange
from assay.prove.scope import Origin, origin_of
from assay.prove.seams import ClientCertificate, Presented
from assay.prove.surface import WRITING
from assay.prove.wire import Answer, Message

_HARMFUL = frozenset({"PUT", "PATCH", "DELETE"})
_STRANGERS = frozenset({"unknown-authority", "wrong-subject"})
"""Names of identities that show a certificate nobody should take, as in :class:`assay.prove.case.Offer`."""
_AGENT = "assay-prove"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """An exchange as it was, secrets included. Never kept beyond its case.

    Attributes:
        owned: names of the headers that carry the identity's own credentials.
        logged: whether the gateway's log should know it.
    """

    number: int
    kind: Literal["http", "raw", "handshake"]
    purpose: str
    who: str
    started: datetime
    origin: Origin
    correlation: str = ""
    message: Message | None = None
    answer: Answer = field(default_factory=Answer)
    owned: frozenset[str] = frozenset()
    sent: bytes = b""
    reproduce: str = ""
    logged: bool = False
    mirrored: str = ""
    """The case, when it went through a mirror, which is gone with the run."""


class Courier:
    """Sends for one attempt at a case.

    Args:
        cleaning: sends for cleaning up, from the reserve of the bounds.
    """

    def __init__(self, bench: Bench, case: Case, attempt: int, *, cleaning: bool = False) -> None:
        self._bench, self._case, self._attempt, self._cleaning = bench, case, attempt, cleaning
        self._strangers: dict[str, ClientCertificate] = {}
        self.sent: list[Sent] = []
        self._numbers = 0

    def number(self) -> int:
        """The next exchange's."""
        self._numbers += 1
        return self._numbers

    def origin(self, call: Call | None = None) -> Origin:
        """Where a call goes.

        Raises:
            NotReached: straight at an upstream that is not known, or outside what was declared.
        """
        surface = self._bench.settings.surface
        if surface.via == "gateway" and not (call and call.direct):
            found = self._bench.target
        else:
            api = (call.api if call else "") or self._case.api
            urls = surface.upstreams
            url = urls.get(api) or (self._bench.settings.target if surface.via == "direct" else "")
            if not url:
                raise NotReached(f"no upstream is declared for API `{api}`, so it cannot be called directly")
            found = origin_of(url)
        try:
            self._bench.settings.scope.check(found)
        except UsageError as error:
            raise NotReached(error.sentence) from error
        return found

    async def take(self, *, writes: bool = False) -> None:
        """Counts one more request. Raises BoundsReached."""
        await self._bench.budget.take(writes=writes, cleaning=self._cleaning)

    async def send(self, call: Call, *, guarded: bool = True, mirror: Mirror | Side | None = None) -> Seen:
        """Sends one request, to a mirror of the gateway or to another one if that is given, and records it.

        Raises:
            NotReached: it may not, or cannot, be sent.
            UsageError: it is no HTTP request.
        """
        message, number, owned = self._prepare(call, guarded=guarded, to=mirror.origin if mirror else None)
        await self.take(writes=call.method.upper() in WRITING)
        started = self._bench.settings.clock()
        try:
            answer = await (mirror or self._bench).transport.send(message)
        except UsageError as error:
            raise NotReached(error.sentence) from error
        return self._record(call, message, number, owned, started, answer, mirrored=mirror is not None)

    async def together(self, calls: Sequence[Call]) -> tuple[Seen, ...]:
        """Sends requests at the same moment. Raises as :meth:`send` does."""
        prepared = [self._prepare(call, guarded=True) for call in calls]
        for call in calls:
            await self.take(writes=call.method.upper() in WRITING)
        started = self._bench.settings.clock()
        try:
            answers = await self._bench.transport.together([message for message, _, _ in prepared])
        except UsageError as error:
            raise NotReached(error.sentence) from error
        return tuple(
            self._record(call, message, number, owned, started, answer)
            for call, (message, number, owned), answer in zip(calls, prepared, answers, strict=True)
        )

    async def meet(self, call: Call) -> None:
        """Gets the certificate of a caller who is nobody. Raises NotReached where none can be made."""
        if call.who and call.who.name in _STRANGERS and call.who.name not in self._strangers:
            cast = self._bench.settings.cast
            self._strangers[call.who.name] = await cast.certificate(call.who.name)

    def presents(self, call: Call) -> Presented:
        """How the caller proves itself now, headers that the call replaces left out."""
        if call.who is None:
            return Presented()
        if call.who.name in self._strangers:
            return Presented(certificate=self._strangers[call.who.name])
        presented = self._bench.cast_of(call.who.name).present(call.who)
        given = {name.lower() for name, _ in call.headers}
        return Presented(tuple(h for h in presented.headers if h[0].lower() not in given), presented.certificate)

    def _prepare(self, call: Call, *, guarded: bool, to: Origin | None = None) -> tuple[Message, int, frozenset[str]]:
        origin, presented, api = to or self.origin(call), self.presents(call), call.api or self._case.api
        if guarded:
            self._guard(call)
        number = self.number()
        given = {name.lower() for name, _ in call.headers}
        mine = [("user-agent", _AGENT), ("accept", "*/*"), ("accept-encoding", "identity")]
        mine.append(("x-request-id", correlation(self._bench.settings.run, self._case.id, self._attempt, number)))
        host = None if call.direct else self._bench.host_of(api)
        if host:
            mine.append(("host", host))
        if call.content_type is not None:
            mine.append(("content-type", call.content_type))
        message = Message(
            origin=origin,
            method=call.method,
            target=call.target,
            headers=(*(h for h in mine if h[0] not in given), *presented.headers, *call.headers),
            body=call.body,
            source=self._source(call, origin, api),
            certificate=presented.certificate if origin.tls else None,
        )
        message.encode()
        return message, number, frozenset(name.lower() for name, _ in presented.headers)

    def _source(self, call: Call, origin: Origin, api: str) -> str | None:
        if call.source is not None:
            return call.source
        persona = self._bench.personas.get(call.who.persona) if call.who else None
        inside = persona.sources if persona else ()
        if not origin.host.startswith("127."):
            # Elsewhere the addresses are not ours to choose; a name may lead to ::1, which has no neighbours.
            return None
        caller = call.who.name if call.who else f"{self._case.id}#{self._attempt}"
        return self._bench.sources.choose(api, caller, inside)

    def _guard(self, call: Call) -> None:
        """Without leave to write, only what this run made is changed."""
        if self._bench.settings.surface.allow_writes or call.method.upper() not in _HARMFUL:
            return
        if not self._bench.made.intersection(call.target.partition("?")[0].split("/")):
            raise NotReached("it would change an object that this run did not make, and --allow-writes was not given")

    def _record(
        self,
        call: Call,
        message: Message,
        number: int,
        owned: frozenset[str],
        started: datetime,
        answer: Answer,
        *,
        mirrored: bool = False,
    ) -> Seen:
        surface = self._bench.settings.surface
        persona = self._bench.personas.get(call.who.persona) if call.who else None
        if persona is not None and persona.consumer and not (call.direct or mirrored):
            self._bench.usage.note(persona.consumer, answer.status)
        known = next((value for name, value in message.headers if name.lower() == "x-request-id"), "")
        self.sent.append(
            Sent(
                number=number,
                kind="http",
                purpose=call.purpose,
                who=call.who.name if call.who else "anonymous",
                started=started,
                origin=message.origin,
                correlation=known,
                message=message,
                answer=answer,
                owned=owned,
                logged=surface.via == "gateway" and surface.fronted and not call.direct and not mirrored,
                mirrored=self._case.id if mirrored else "",
            )
        )
        return Seen(
            number=number,
            status=answer.status,
            headers=answer.joined,
            body=answer.body,
            seconds=answer.seconds,
            correlation=known,
            error=answer.error,
            truncated=answer.truncated,
        )


def exchange(sent: Sent, bench: Bench, decision: Decision | None) -> Exchange:
    """An exchange as it may be kept."""
    redaction, message, answer = bench.redaction, sent.message, sent.answer
    headers: tuple[tuple[str, str], ...] = ()
    body, line, url = redaction.body(sent.sent), redaction.text(sent.reproduce), ""
    if message is not None:
        marked = tuple((name, _marked(name, value, sent, bench)) for name, value in message.headers)
        headers = tuple((name, reproduce.shown(value)) for name, value in marked)
        url = redaction.text(f"{message.origin}{message.target}")
        body = redaction.body(message.body)
        line = _curl(message, marked, url, body, sent) if not sent.mirrored else reproduce.replay(sent.mirrored)
    return Exchange(
        number=sent.number,
        kind=sent.kind,
        purpose=redaction.text(sent.purpose),
        who=sent.who,
        started=sent.started,
        seconds=answer.seconds,
        correlation=sent.correlation,
        method=message.method if message else "",
        url=url or str(sent.origin),
        request_headers=headers,
        request_body=body,
        status=answer.status,
        response_headers=tuple((name, redaction.header(name, value)) for name, value in answer.headers),
        response_body=redaction.body(answer.body),
        error=redaction.text(answer.error),
        outcome=decision.outcome if decision else "",
        policy=decision.policy if decision else "",
        reproduce=line,
    )


def _marked(name: str, value: str, sent: Sent, bench: Bench) -> str:
    """A header's value with shell variables in the place of credentials."""
    folded = name.lower()
    if folded not in sent.owned and folded not in HEADERS:
        return bench.redaction.text(value).replace("\x00", "")
    scheme, gap, rest = value.partition(" ")
    kind = "TOKEN" if folded == "authorization" else folded.removeprefix("x-")
    place = reproduce.secret(reproduce.variable(kind if folded in sent.owned else f"given_{kind}", sent.who))
    return f"{scheme}{gap}{place}" if gap and rest and scheme.isalpha() else place


def _curl(message: Message, marked: tuple[tuple[str, str], ...], url: str, body: str, sent: Sent) -> str:
    """Empty where a command line would not send the same: a body that was cut, or that is no text."""
    text = None
    if message.body is not None:
        try:
            text = message.body.decode()
        except UnicodeDecodeError:
            return ""
        if "\x00" in text or body.endswith("…") != text.endswith("…"):
            return ""
    left_out = {"x-request-id", "user-agent", "accept-encoding"}
    headers = [(name, value) for name, value in marked if name not in left_out]
    certificate = sent.who if message.certificate else None
    return reproduce.curl(
        message.method,
        url,
        headers,
        body if text is not None else None,
        source=message.source,
        certificate_of=certificate,
    )

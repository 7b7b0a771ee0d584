"""A system under test that a Python function plays on a real socket, and callers with tokens that function knows."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assay.declare.loader import load
from assay.domain import Location, Severity
from assay.prove.bench import Settings
from assay.prove.bounds import Limits
from assay.prove.case import Call, Case, Draft, Family, Identity, Judged, Lab, NotReached, Seen, Test, Thing
from assay.prove.events import Event
from assay.prove.result import RunResult
from assay.prove.runner import prove
from assay.prove.scope import scope_of
from assay.prove.seams import ClientCertificate, Looked, Presented, Send
from assay.prove.surface import Persona, Surface, Target, targets_of

CONTRACT = """\
openapi: 3.1.0
info: {title: Shop, version: "1"}
paths:
  /things/{id}:
    get:
      operationId: getThing
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses: {"200": {description: ok}}
    delete:
      operationId: deleteThing
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses: {"204": {description: gone}}
"""
DECLARATION = """\
assay: 1
organisation: {name: Shop}
environments: {e: {tier: %s}}
apis: {shop: {owner: x, exposure: internal, environment: e, contract: shop.yaml, upstream: "http://127.0.0.1:1"%s}}
"""


@dataclass
class Asked:
    """One request, as it arrived."""

    head: bytes
    body: bytes
    peer: str
    connection: int

    @property
    def line(self) -> bytes:
        return self.head.split(b"\r\n", 1)[0]

    @property
    def target(self) -> str:
        return self.line.split(b" ")[1].decode()

    @property
    def method(self) -> str:
        return self.line.split(b" ")[0].decode()

    def header(self, name: str) -> str:
        for line in self.head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.strip().lower() == name.encode():
                return value.strip().decode()
        return ""


def reply(status: int = 200, body: bytes = b"{}", *headers: tuple[str, str]) -> bytes:
    """An HTTP answer."""
    lines = [f"HTTP/1.1 {status} X", f"content-length: {len(body)}", *(f"{n}: {v}" for n, v in headers)]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


Play = Callable[[Asked], "bytes | Awaitable[bytes | None] | None"]
"""What the system answers; None: it hangs up."""


@dataclass
class Played:
    """The system and everything it was asked."""

    url: str
    asked: list[Asked] = field(default_factory=list)


@asynccontextmanager
async def played(play: Play, *, ssl: Any = None) -> AsyncIterator[Played]:
    """Serves ``play`` on a free port of 127.0.0.1, keeping connections alive."""
    tasks: set[asyncio.Task[None]] = set()
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        peer = writer.get_extra_info("peername")[0]
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                asked = Asked(head, b"", peer, number)
                asked.body = await reader.readexactly(int(asked.header("content-length") or 0))
                found.asked.append(asked)
                answer = play(asked)
                if answer is not None and not isinstance(answer, bytes):
                    answer = await answer
                if answer is None:
                    return
                writer.write(answer)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            writer.transport.abort()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        task = asyncio.create_task(serve(reader, writer, connections))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=ssl)
    port = server.sockets[0].getsockname()[1]
    found = Played(f"{'https' if ssl else 'http'}://127.0.0.1:{port}")
    try:
        yield found
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


class Tokens:
    """A cast whose identities carry ``secret-NAME-GENERATION``."""

    def __init__(self, *, renewable: bool = True, replaceable: bool = True) -> None:
        self.renewable, self.replaceable = renewable, replaceable
        self.shared: dict[str, Identity] = {}
        self.generation: dict[str, int] = {}
        self.handed: set[str] = set()
        self.made = self.resets = self.renewals = 0
        self.retired: list[str] = []
        self.closed = False

    async def act(
        self, persona: Persona, *, fresh: bool = False, scopes: Sequence[str] | None = None, send: Send | None = None
    ) -> Identity:
        if fresh and not self.replaceable:
            raise NotReached(f"there is only one {persona.name}")
        if not fresh and persona.name in self.shared:
            return self.shared[persona.name]
        self.made += 1
        found = Identity(f"{persona.name}#{self.made}", persona.name, persona.roles, disposable=fresh)
        if not fresh:
            self.shared[persona.name] = found
        return found

    def token(self, identity: Identity) -> str:
        token = f"secret-{identity.name}-{self.generation.get(identity.name, 0)}"
        self.handed.add(token)
        return token

    def present(self, identity: Identity) -> Presented:
        return Presented((("authorization", f"Bearer {self.token(identity)}"),))

    async def renew(self, identity: Identity, *, send: Send | None = None) -> bool:
        if self.renewable:
            self.renewals += 1
            self.generation[identity.name] = self.generation.get(identity.name, 0) + 1
        return self.renewable

    def retire(self, identity: Identity) -> None:
        self.retired.append(identity.name)
        if self.replaceable and self.shared.get(identity.persona) == identity:
            del self.shared[identity.persona]

    async def credential(self, identity: Identity) -> str:
        return self.token(identity)

    async def mint(
        self,
        identity: Identity,
        *,
        claims: Mapping[str, Any] | None = None,
        without: Sequence[str] = (),
        header: Mapping[str, Any] | None = None,
        key: Any = None,
    ) -> str:
        raise NotReached("these tokens are no JWTs")

    async def issuer_keys(self) -> Mapping[str, Any]:
        raise NotReached("there is no issuer")

    async def certificate(self, name: str) -> ClientCertificate:
        raise NotReached(f"{name} has no certificate")

    def secrets(self) -> frozenset[str]:
        return frozenset(self.handed)

    async def reset(self) -> None:
        self.resets += 1
        self.shared.clear()

    async def close(self) -> None:
        self.closed = True


class Things:
    """Objects that the system just has: ``thing-1``; a fresh one is made with a POST."""

    def __init__(self, cast: Tokens) -> None:
        self.cast = cast
        self.made: list[str] = []
        self.cleaned: list[str] = []

    async def owned(
        self,
        target: Target,
        persona: Persona,
        send: Send,
        *,
        other_than: Sequence[Identity] = (),
        fresh: bool = False,
        nonce: str = "",
        random: random.Random,
    ) -> Thing:
        owner = await self.cast.act(persona)
        if not fresh:
            return Thing({"id": "thing-1"}, owner)
        made = f"made-{len(self.made) + 1}"
        seen = await send(Call(method="POST", target="/things", who=owner, body=made.encode(), purpose="make a thing"))
        if not seen.ok:
            raise NotReached(f"a thing could not be made ({seen.status})")
        self.made.append(made)
        return Thing({"id": made}, owner, nonce, made=True)

    def draft(self, target: Target, thing: Thing | None, *, plant: str = "", random: random.Random) -> Draft:
        return Draft(thing.params if thing else {"id": "thing-1"})

    def encode(
        self,
        target: Target,
        draft: Draft,
        who: Identity | None,
        *,
        purpose: str,
        headers: Sequence[tuple[str, str]] = (),
        source: str | None = None,
    ) -> Call:
        path = target.path.replace("{id}", draft.params["id"])
        return Call(
            method=target.operation.method.upper(),
            target=path,
            who=who,
            purpose=purpose,
            headers=tuple(headers),
            source=source,
        )

    def retire(self, identity: Identity) -> None:
        return

    async def reset(self) -> None:
        return

    def lacks(self, target: Target) -> bool:
        return False

    async def refer(self, target: Target, persona: Persona, send: Send, *, random: random.Random) -> None:
        return

    def noticed(self, call: Call, seen: Seen, api: str) -> None:
        return

    @property
    def pending(self) -> int:
        return 0

    async def clean_up(self, send: Send) -> tuple[str, ...]:
        for made in self.made:
            seen = await send(Call(method="DELETE", target=f"/things/{made}", purpose="clean up"))
            if seen.ok:
                self.cleaned.append(made)
        return tuple(f"{made} is left" for made in self.made if made not in self.cleaned)


class Disk:
    """A store that holds one word."""

    async def holds(self, needle: bytes, system: str | None) -> Looked:
        return Looked(needle == b"word", "a word")


USER = Persona("user", "user", ("user",), ("token",))
OTHER = Persona("other", "other", ("other",), ("token",))


def surface_in(directory: Path, *, tier: str = "non-production", api: str = "", **changes: Any) -> Surface:
    """A shop with two operations and two kinds of callers."""
    (directory / "shop.yaml").write_text(CONTRACT)
    (directory / "assay.yaml").write_text(DECLARATION % (tier, api))
    declaration = load(directory, environ={})
    found: dict[str, Any] = {
        "declaration": declaration,
        "targets": targets_of(declaration, base_of={"shop": ""}),
        "personas": (USER, OTHER),
        "fronted": False,
        **changes,
    }
    return Surface(**found)


def case(
    run: Callable[[Lab], Awaitable[Judged]],
    name: str = "one",
    *,
    test: str = "open",
    family: Family = Family.READ,
    identity: str = "user",
    subject: str = "apis.shop.operations.getThing",
    **more: Any,
) -> Case:
    """A case of a control ``authorisation``."""
    about = Test("authorisation", test, "It is closed", Severity.HIGH, "because", "close it")
    return Case(
        test=about,
        subject=subject,
        at=Location("assay.yaml", 3, 1),
        api="shop",
        operation="getThing",
        identity=identity,
        variant=name,
        family=family,
        run=run,
        **more,
    )


@dataclass
class World:
    """Everything for one run against one system."""

    surface: Surface
    site: Played
    cast: Tokens = field(default_factory=Tokens)
    events: list[Event] = field(default_factory=list)
    limits: Limits = field(default_factory=lambda: Limits(call_seconds=2.0, log_seconds=0.5))
    objects: Things = field(init=False)
    more: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.objects = Things(self.cast)

    def settings(self, **changes: Any) -> Settings:
        found: dict[str, Any] = {
            "surface": self.surface,
            "target": self.site.url,
            "scope": scope_of(self.surface, target=self.site.url),
            "cast": self.cast,
            "objects": self.objects,
            "stores": Disk(),
            "run": "run-1",
            "clock": lambda: datetime.now(UTC),
            "limits": self.limits,
            "emit": self.events.append,
            **self.more,
            **changes,
        }
        return Settings(**found)

    async def prove(self, *cases: Case, **changes: Any) -> RunResult:
        return await prove(cases, self.settings(**changes))

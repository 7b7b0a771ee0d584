"""The example service behind its gateway, running, and a plain way to send what identities and objects ask for."""

from __future__ import annotations

import asyncio
import os
import ssl
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
import pytest

from assay.app.addresses import keys_file
from assay.declare.model import ProveIdentity
from assay.demo.stage import Stage, staged
from assay.identity.secrets import resolve
from assay.prove.case import Call, Seen
from assay.prove.identities import Cast, DevelopmentIssuer, Sources
from assay.prove.objects import Objects
from assay.prove.personas import identities_of, personas_of
from assay.prove.surface import Persona, Surface, Target, targets_of

T = TypeVar("T")


@dataclass
class Sender:
    """Sends calls to the gateway as whoever they name, and notes them."""

    stage: Stage
    cast: Cast
    sent: list[tuple[Call, Seen]] = field(default_factory=list)
    refuse: Callable[[Call], int | None] = lambda call: None

    async def __call__(self, call: Call) -> Seen:
        status = self.refuse(call)
        if status is not None:
            seen = Seen(len(self.sent) + 1, status, {}, b"", 0.0, "")
        else:
            presented = self.cast.present(call.who) if call.who else None
            trust = ssl.create_default_context(cafile=str(self.stage.project.state / "pki" / "ca.crt"))
            if presented and presented.certificate:
                trust.load_cert_chain(presented.certificate.certificate, presented.certificate.key)
            headers = [*(presented.headers if presented else ()), *call.headers]
            if call.content_type:
                headers.append(("content-type", call.content_type))
            async with httpx.AsyncClient(verify=trust, trust_env=False) as client:
                answer = await client.request(
                    call.method, self.stage.url + call.target, headers=headers, content=call.body
                )
            seen = Seen(len(self.sent) + 1, answer.status_code, dict(answer.headers), answer.content, 0.0, "")
        self.sent.append((call, seen))
        return seen


@dataclass
class Company:
    """A cast and its objects on the stage."""

    surface: Surface
    cast: Cast
    objects: Objects
    send: Sender

    def persona(self, name: str) -> Persona:
        return next(p for p in self.surface.personas if p.name == name)

    def target(self, operation: str) -> Target:
        return self.surface.by_id["customer-data", operation]


@dataclass
class Theatre:
    """The stage, and the loop it runs on."""

    stage: Stage
    loop: asyncio.AbstractEventLoop

    def play(self, scene: Callable[[Company], Coroutine[Any, Any, T]], **given: ProveIdentity) -> T:
        """Runs a scene with a new cast, which is closed at its end."""

        async def whole() -> T:
            company = self.company(given)
            try:
                return await scene(company)
            finally:
                await company.objects.clean_up(company.send)
                await company.cast.close()

        return asyncio.run_coroutine_threadsafe(whole(), self.loop).result(120)

    def company(self, given: dict[str, ProveIdentity], **changes: Any) -> Company:
        declaration, state = self.stage.project.declaration, self.stage.project.state.resolve()
        personas = personas_of(declaration, "demo", given=given)
        options: dict[str, Any] = dict(changes)
        surface = Surface(declaration, targets_of(declaration, base_of={"customer-data": ""}), personas, **options)
        run = self.stage.directory / "run"
        run.mkdir(mode=0o700, exist_ok=True)
        identities = identities_of(declaration, given)
        cast = Cast(
            Sources(
                surface=surface,
                directory=run,
                resolve=lambda reference: resolve(reference, environ=os.environ, base=declaration.root),
                development=DevelopmentIssuer(state / "issuer"),
                keys_file=keys_file(state),
                pki=state / "pki",
                given=identities,
            )
        )
        objects = Objects(surface, cast, owns={name: identity.owns for name, identity in identities.items()})
        return Company(surface, cast, objects, Sender(self.stage, cast))


@pytest.fixture(scope="package")
def theatre() -> Iterator[Theatre]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    stage = staged("sqlite", emit=lambda event: None)
    try:
        yield Theatre(asyncio.run_coroutine_threadsafe(stage.__aenter__(), loop).result(90), loop)
        asyncio.run_coroutine_threadsafe(stage.__aexit__(None, None, None), loop).result(90)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()

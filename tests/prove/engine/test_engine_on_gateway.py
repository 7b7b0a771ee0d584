"""The engine on a real gateway: who refused, who let through, and what the log says."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from engine_world import Disk, Things, Tokens, case

from assay.demo.stage import Stage, staged
from assay.domain import Outcome
from assay.prove.bench import Settings
from assay.prove.case import Call, Case, Family, Identity, Judged, Lab, Offer, broken, held, unclear
from assay.prove.result import Proof, RunResult
from assay.prove.runner import prove
from assay.prove.scope import scope_of
from assay.prove.seams import Presented
from assay.prove.surface import Persona, Surface, targets_of

ALICE = Persona("alice", "mobile-app", ("customer",), ("token",))
AGENT = Persona("agent", "agent-desk", ("agent",), ("token",))

RECORD = {
    "name": "Alice Example",
    "email": "alice@example.test",
    "phone": "+353 1 555 0100",
    "date_of_birth": "1984-03-12",
    "postcode": "10115",
    "iban": "IE29AIBK93115212345678",
    "national_id": "285057800608441",
    "notes": "Prefers to be called in the morning.",
}


class Scenic(Tokens):
    """The identities of the demonstration."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(replaceable=False, renewable=False)
        self.tokens = stage.scene.tokens

    def present(self, identity: Identity) -> Presented:
        return Presented((("authorization", f"Bearer {self.tokens[identity.persona]}"),))

    def secrets(self) -> frozenset[str]:
        return frozenset(self.tokens.values())


def call(target: str, who: Identity | None = None, **more: Any) -> Call:
    return Call(method=more.pop("method", "GET"), target=target, who=who, **more)


async def own(lab: Lab) -> Judged:
    seen = await lab.call(call("/customers/c-1001", await lab.act(ALICE), purpose="her own record"))
    return held("she reads her own", seen) if seen.ok else broken(f"she gets {seen.status}", seen)


async def others(lab: Lab) -> Judged:
    seen = await lab.call(call("/customers/c-1002", await lab.act(ALICE), purpose="another's record"))
    decision = await lab.decision(seen)
    return held(f"refused by {decision.policy if decision else None}", seen) if seen.refused else broken("read", seen)


async def nobody(lab: Lab) -> Judged:
    seen = await lab.call(call("/customers/c-1001", purpose="nobody's"))
    line = await lab.log_line(seen)
    assert line is not None and line["request_id"] == seen.correlation
    return held("refused", seen) if seen.refused else broken("read", seen)


async def absent(lab: Lab) -> Judged:
    seen = await lab.call(call("/customers/c-9999", await lab.act(AGENT), purpose="nobody's record"))
    return held("it is not there", seen) if seen.status == 404 else unclear(f"{seen.status}", seen)


async def wrong(lab: Lab) -> Judged:
    """A case that calls what works a failure, to see whom the engine names."""
    seen = await lab.call(call("/customers/c-1001", await lab.act(ALICE)))
    return broken("it answers", seen) if seen.ok else unclear(f"{seen.status}", seen)


async def tidy(lab: Lab) -> Judged:
    token = lab.surface.declaration.digest
    await lab.call(call(f"/health?secret={token}"))
    assert not await lab.log_holds(token)
    return held("the log keeps no query") if await lab.log_holds("/health") else unclear("the log is silent")


async def wire(lab: Lab) -> Judged:
    plain = await lab.raw(b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", tls=False)
    old = await lab.handshake(Offer(minimum="1.0", maximum="1.1", verify=False))
    new = await lab.handshake(Offer(purpose="the best both know"))
    assert not plain.data.startswith(b"HTTP/") and old.refused and not new.refused, (plain, old, new)
    return held("only TLS, and only new", new)


async def around(lab: Lab) -> Judged:
    seen = await lab.call(call("/customers/c-1001", direct=True, api="customer-data"))
    return broken("the service answers anybody who comes to it directly", seen) if seen.ok else held("no", seen)


async def flood(lab: Lab) -> Judged:
    seen = await lab.together([call("/health", source="127.0.0.77") for _ in range(40)])
    return held(f"{sum(s.ok for s in seen)} of 40")


def run(cases: Sequence[Case]) -> RunResult:
    async def go() -> RunResult:
        async with staged("sqlite", emit=lambda _: None) as stage:
            for _ in range(2):
                answer, _ = await asyncio.to_thread(stage.scene.call, "POST", "/customers", who="agent", json=RECORD)
                assert answer.status == 201, answer
            declaration = stage.project.declaration
            surface = Surface(
                declaration=declaration,
                targets=targets_of(declaration, base_of={"customer-data": ""}),
                personas=(ALICE, AGENT),
                upstreams={"customer-data": stage.service.url},
            )
            cast = Scenic(stage)
            settings = Settings(
                surface=surface,
                target=stage.url,
                scope=scope_of(surface, target=stage.url),
                cast=cast,
                objects=Things(cast),
                stores=Disk(),
                run=uuid.uuid4().hex,
                clock=lambda: datetime.now(UTC),
                authority=stage.project.state / "pki" / "ca.crt",
                access_log=stage.scene.access_log,
            )
            return await prove(cases, settings)

    return asyncio.run(go())


@pytest.mark.integration
def test_proofs_name_who_refused_and_who_let_through() -> None:
    tries = {each.__name__: each for each in (own, others, nobody, absent, wrong, tidy, wire, around, flood)}
    cases = [case(each, name, test=name, family=Family.READ) for name, each in tries.items()]
    cases = [replace(each, api="customer-data", operation="getCustomer") for each in cases]
    result = run(cases)
    found: dict[str, Proof] = {proof.test.id: proof for proof in result.proofs}
    said = {name: (str(p.verdict.outcome), p.verdict.sentence) for name, p in found.items()}
    passed = {name for name, p in found.items() if p.verdict.outcome is Outcome.PASS}
    assert passed == set(tries) - {"wrong", "around"}, said
    assert found["own"].refused_by is None
    assert found["others"].refused_by is not None and found["others"].refused_by.startswith("authorisation/")
    assert found["others"].refused_by in found["others"].verdict.sentence
    assert found["nobody"].refused_by is not None and found["nobody"].refused_by.startswith("authentication/")
    assert found["absent"].refused_by == "upstream"
    assert found["wrong"].let_through_by == found["own"].exchanges[0].policy != ""
    assert found["around"].verdict.outcome is Outcome.FAIL and found["around"].let_through_by is None
    assert found["flood"].verdict.sentence == "40 of 40"
    assert not any("eyJ" in repr(proof) for proof in result.proofs)

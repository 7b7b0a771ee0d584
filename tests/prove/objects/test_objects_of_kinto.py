"""On a service that nobody wrote for Assay: identifiers chosen by its callers, documents with anything in them."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.foreign.conftest import KINTO
from tests.foreign.foreign_apis import PROGRAMS, service

from assay.controls import CONTROL_IDS
from assay.declare import load
from assay.domain import Secret
from assay.gateway.ports import free_ports
from assay.prove.case import Call, NotReached, Seen
from assay.prove.identities import Cast, Sources, given_identities
from assay.prove.objects import Objects
from assay.prove.objects.graph import How, build
from assay.prove.personas import personas_of
from assay.prove.surface import Surface, targets_of

pytestmark = pytest.mark.integration
NONCE = "abcdef0123456789"


class Direct:
    """A service without a gateway, its contract as it serves it, and who can sign in."""

    def __init__(self, directory: Path, url: str, contract: bytes, who: list[str], **surface: Any) -> None:
        (directory / "contract.json").write_bytes(contract)
        (directory / "assay.yaml").write_text(
            "assay: 1\norganisation: {name: Test}\nenvironments: {test: {tier: non-production}}\n"
            "apis:\n  it:\n    {owner: us, exposure: internal, environment: test, contract: contract.json,"
            f' upstream: "{url}"}}\n'
        )
        declaration = load(directory, environ={}, controls=frozenset(CONTROL_IDS))
        self.contract = declaration.contracts["it"]
        given = given_identities(who, base=directory)
        self.surface = Surface(
            declaration,
            targets_of(declaration, base_of={"it": self.contract.base_path}),
            personas_of(declaration, "test", given=given),
            via="direct",
            fronted=False,
            declared_access=False,
            upstreams={"it": url},
            **surface,
        )
        self.url = url
        self.cast = Cast(
            Sources(surface=self.surface, directory=directory, resolve=lambda _: Secret("secret-word"), given=given)
        )
        self.objects = Objects(self.surface, self.cast)

    async def send(self, call: Call) -> Seen:
        headers = [*(self.cast.present(call.who).headers if call.who else ()), *call.headers]
        if call.content_type:
            headers.append(("content-type", call.content_type))
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.request(call.method, self.url + call.target, headers=headers, content=call.body)
        return Seen(1, answer.status_code, dict(answer.headers), answer.content, 0.0, "")

    async def ask(self, operation: str, thing: Any, who: Any, **options: Any) -> Seen:
        target = self.surface.by_id["it", operation]
        draft = self.objects.draft(target, thing, random=seeded(), **options)
        return await self.send(self.objects.encode(target, draft, who, purpose="a test"))

    async def owned(self, operation: str, persona: str, **options: Any) -> Any:
        target = self.surface.by_id["it", operation]
        who = next(p for p in self.surface.personas if p.name == persona)
        return await self.objects.owned(target, who, self.send, nonce=NONCE, random=seeded(), **options)


def seeded() -> random.Random:
    return random.Random(5)  # noqa: S311 - choices, no secrets


@pytest.fixture(scope="module")
def kinto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Direct]:
    directory = tmp_path_factory.mktemp("kinto")
    port = free_ports(2)
    url = f"http://127.0.0.1:{port}"
    (directory / "kinto.ini").write_text(f"{KINTO.format(port=port)}multiauth.policies = basicauth\n")
    with service(
        [str(PROGRAMS / "kinto"), "start", "--ini", "kinto.ini", "--port", str(port)], directory, f"{url}/v1/__api__"
    ):
        contract = httpx.get(f"{url}/v1/__api__", trust_env=False).content
        yield Direct(directory, url, contract, ["alice=basic:alice:env:WORD", "bob=basic:bob:env:WORD"])


@pytest.fixture(scope="module")
def httpbin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Direct]:
    directory = tmp_path_factory.mktemp("httpbin")
    port = free_ports(2)
    url = f"http://127.0.0.1:{port}"
    server = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    with service([*server, "httpbin:app"], directory, f"{url}/spec.json"):
        contract = httpx.get(f"{url}/spec.json", trust_env=False).content
        yield Direct(directory, url, contract, ["alice=bearer:env:WORD"])


def test_records_are_reached_through_the_bucket_and_collection_they_need(kinto: Direct) -> None:
    graph = build(kinto.contract)
    assert graph.order("get_record") == ("create_bucket", "create_collection", "create_record")
    assert How.CHOSEN in {source.how for source in graph.parameters["get_bucket", "id"]}


@pytest.mark.parametrize("operation", ["get_record", "get_records", "patch_record", "get_bucket", "get_group"])
def test_each_owner_reaches_their_own_and_not_the_others(kinto: Direct, operation: str) -> None:
    async def scene() -> None:
        mine = await kinto.owned(operation, "alice", fresh=True)
        theirs = await kinto.owned(operation, "bob", fresh=True)
        assert mine.params != theirs.params
        own = await kinto.ask(operation, mine, mine.owner)
        assert own.ok, own.text
        assert mine.nonce in own.text
        assert mine.nonce != theirs.nonce or not mine.nonce
        assert (await kinto.ask(operation, theirs, mine.owner)).status in (401, 403, 404)
        if "record" in operation:
            assert mine.nonce
        assert await kinto.objects.clean_up(kinto.send) == ()
        assert not (await kinto.ask(operation, mine, mine.owner)).ok

    asyncio.run(scene())


def test_an_identifier_that_callers_choose_is_chosen(kinto: Direct) -> None:
    post = [t for t in kinto.surface.targets if t.id not in ("create_bucket", "get_buckets")]
    surface = Surface(
        kinto.surface.declaration,
        tuple(post),
        kinto.surface.personas,
        via="direct",
        fronted=False,
        declared_access=False,
    )

    async def scene() -> None:
        objects = Objects(surface, kinto.cast, salt="one")
        alice = surface.personas[0]
        thing = await objects.owned(surface.by_id["it", "get_bucket"], alice, kinto.send, random=seeded())
        assert thing.made
        assert thing.params["id"].startswith("prove-")
        assert (await kinto.ask("get_bucket", thing, thing.owner)).ok
        again = Objects(surface, kinto.cast, salt="two")
        other = await again.owned(surface.by_id["it", "get_bucket"], alice, kinto.send, random=seeded())
        assert other.params != thing.params
        assert (await objects.clean_up(kinto.send), await again.clean_up(kinto.send)) == ((), ())

    asyncio.run(scene())


def test_parameters_that_name_no_object_are_said_to_be_unknown_and_never_made_up(httpbin: Direct) -> None:
    async def scene() -> int:
        missed = 0
        alice = httpbin.surface.personas[0]
        for target in httpbin.surface.targets:
            try:
                thing = await httpbin.objects.owned(target, alice, httpbin.send, random=seeded())
                draft = httpbin.objects.draft(target, thing, random=seeded())
                call = httpbin.objects.encode(target, draft, thing.owner, purpose="a test")
                assert "{" not in call.target
            except NotReached as error:
                assert any(said in str(error) for said in ("could be had", "none is known", "there is no")), error
                missed += 1
        return missed

    assert 0 < asyncio.run(scene()) < len(httpbin.surface.targets)

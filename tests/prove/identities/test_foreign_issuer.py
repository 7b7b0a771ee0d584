"""An issuer that is not ours: its keys where they are declared, its clients by the secrets that identities tell."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydantic
import pytest

from assay.app.aiming import Aim
from assay.app.project import open_project
from assay.controls import CONTROL_IDS
from assay.controls._lib.answers import doubtful
from assay.declare import load
from assay.declare.declaration import Declaration
from assay.declare.model import ProveIdentity
from assay.domain import AssayError, Secret
from assay.gateway.ports import free_ports
from assay.identity.issuer import ClientSpec, UserSpec, prepare_issuer
from assay.identity.issuer.config import Credentials
from assay.prove.case import NotReached
from assay.prove.identities import Cast, Sources
from assay.prove.personas import personas_of
from assay.prove.surface import Persona, Surface, targets_of

CONTRACT = """\
openapi: 3.1.0
info: {title: Shop, version: "1"}
components:
  securitySchemes:
    oauth: {type: oauth2, flows: {clientCredentials: {tokenUrl: https://login.test/token, scopes: {read: r}}}}
security: [{oauth: [read]}]
paths: {/orders: {get: {operationId: listOrders, responses: {"200": {description: ok}}}}}
"""
HEAD = """\
assay: 1
organisation: {name: Shop}
environments: {live: {tier: non-production, issuer: {url: URL, audience: shop, jwks: KEYS}}}
apis:
  shop:
    owner: shop
    exposure: internal
    environment: live
    contract: contract.yaml
    upstream: http://10.0.0.1:8000
    access: [{roles: [clerk], operations: ["*"]}]
consumers:
  till:
    kind: application
    roles: [clerk]
    clearance: internal
    authenticate: {oauth2: {client: till-client, scopes: [read]}}
prove:
  identities:
    till-secret: {consumer: till, client_secret: {secret: "env:TILL_SECRET"}}
"""


def declared(folder: Path, *, url: str = "https://login.test", keys: str = "keys.json", head: str = HEAD) -> Path:
    folder.mkdir()
    (folder / "contract.yaml").write_text(CONTRACT)
    (folder / "assay.yaml").write_text(head.replace("URL", url).replace("KEYS", keys))
    return folder


def read(folder: Path) -> Declaration:
    return load(folder / "assay.yaml", environ={}, controls=frozenset(CONTROL_IDS))


def surface_of(declaration: Declaration) -> Surface:
    bases = {"shop": ""}
    return Surface(declaration, targets_of(declaration, base_of=bases), personas_of(declaration, "live"), via="direct")


def cast_of(declaration: Declaration, folder: Path, values: dict[str, str], **more: Any) -> Cast:
    def resolve(reference: str) -> Secret:
        if reference not in values:
            raise AssayError(f"The secret `{reference}` is missing.")
        return Secret(values[reference])

    given = declaration.model.prove.identities
    return Cast(Sources(surface=surface_of(declaration), directory=folder, resolve=resolve, given=given, **more))


def till(declaration: Declaration) -> Persona:
    return next(p for p in personas_of(declaration, "live") if p.name == "till")


@contextlib.contextmanager
def issuer(folder: Path) -> Iterator[tuple[str, Credentials]]:
    listen = f"127.0.0.1:{free_ports()}"
    clients = {
        "till-client": ClientSpec(
            scopes=("read",), roles=("clerk",), audience=("shop",), grants=("client_credentials", "password")
        )
    }
    users = {"alice": UserSpec(subject="c-1", roles=("clerk",))}
    _, credentials = prepare_issuer(
        folder, clients, users, issuer_url=f"http://{listen}", listen=listen, now=int(time.time())
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        [sys.executable, "-m", "assay.identity.issuer", str(folder / "issuer.json")], env=environment
    )
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection((listen.partition(":")[0], int(listen.partition(":")[2])), 1).close()
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < deadline
                time.sleep(0.05)
        yield f"http://{listen}", credentials
    finally:
        process.terminate()
        process.wait(60)


@pytest.mark.integration
def test_a_client_of_a_foreign_issuer_can_be_acted_as(tmp_path: Path) -> None:
    with issuer(tmp_path / "issuer") as (url, credentials):
        declaration = read(declared(tmp_path / "shop", url=url, keys=f"{url}/keys"))
        secret = credentials.clients["till-client"].reveal()
        password = credentials.users["alice"].reveal()

        async def scene() -> None:
            cast = cast_of(declaration, tmp_path, {"env:TILL_SECRET": secret}, issuer_url=url)
            who = await cast.act(till(declaration))
            assert cast.claims(who)["roles"] == ["clerk"]
            assert secret in cast.secrets()
            # It says itself where its keys are, unless that is declared.
            assert "keys" in await cast.issuer_keys()
            with pytest.raises(NotReached):
                await cast_of(declaration, tmp_path, {}, issuer_url=url, issuer_jwks=f"{url}/nothing").issuer_keys()
            wrong = cast_of(declaration, tmp_path, {"env:TILL_SECRET": "wrong-secret"}, issuer_url=url)
            with pytest.raises(NotReached):
                await wrong.act(till(declaration))

        asyncio.run(scene())

        head = HEAD.replace(
            "    till-secret:", "    alice: {consumer: till, user: alice, password: {secret: env:PW}}\n    till-secret:"
        )
        people = read(declared(tmp_path / "people", url=url, head=head))
        alice = next(p for p in personas_of(people, "live") if p.name == "alice")

        async def signed_in() -> None:
            cast = cast_of(people, tmp_path, {"env:TILL_SECRET": secret, "env:PW": password}, issuer_url=url)
            assert (await cast.act(alice)).subject == "c-1"

        asyncio.run(signed_in())


def test_the_secret_of_a_client_is_nobody_of_its_own_and_ends_a_doubt(tmp_path: Path) -> None:
    declaration = read(declared(tmp_path / "shop"))
    surface = surface_of(declaration)
    assert [p.name for p in surface.personas] == ["till"]
    assert not doubtful(surface, surface.targets[0], surface.personas[0])
    without = surface_of(read(declared(tmp_path / "without", head=HEAD.partition("prove:")[0])))
    assert doubtful(without, without.targets[0], without.personas[0])


def test_a_secret_that_is_missing_ends_one_identity_and_not_the_run(tmp_path: Path) -> None:
    declaration = read(declared(tmp_path / "shop"))
    cast = cast_of(declaration, tmp_path, {}, issuer_url="http://127.0.0.1:9")
    with pytest.raises(NotReached, match="env:TILL_SECRET"):
        asyncio.run(cast.act(till(declaration)))


@pytest.mark.parametrize(
    "written",
    [
        {"client_secret": {"secret": "env:S"}},
        {"consumer": "till", "client_secret": {"secret": "env:S"}, "roles": ["admin"]},
        {"consumer": "till", "client_secret": {"secret": "env:S"}, "bearer": {"secret": "env:T"}},
        {"consumer": "till"},
    ],
)
def test_a_client_secret_stands_beside_its_consumer_or_a_user(written: dict[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError):
        ProveIdentity.model_validate(written)
    user = {"consumer": "till", "user": "al", "client_secret": {"secret": "env:S"}}
    assert not ProveIdentity.model_validate(user).tells_a_secret


@pytest.mark.parametrize(("text", "why"), [(None, "keys.json"), ("[]", "no JSON object"), ("{", "no JSON")])
def test_a_key_set_that_cannot_be_read_is_said(tmp_path: Path, text: str | None, why: str) -> None:
    declaration = read(declared(tmp_path / "shop"))
    keys = tmp_path / "keys.json"
    if text is not None:
        keys.write_text(text)
    cast = cast_of(declaration, tmp_path, {}, issuer_url="http://127.0.0.1:9", issuer_jwks=str(keys))
    with pytest.raises(NotReached, match=why):
        asyncio.run(cast.issuer_keys())


def test_a_declared_key_set_is_read_beside_the_declaration(tmp_path: Path) -> None:
    folder = declared(tmp_path / "shop")
    (folder / "keys.json").write_text(json.dumps({"keys": [{"kty": "EC"}]}))
    project = open_project(folder, environ={})
    aim = Aim(project=project, surface=surface_of(project.declaration), environment="live", target="http://127.0.0.1:9")
    sources = aim.sources(tmp_path)
    assert sources.issuer_jwks == str(folder / "keys.json")
    assert asyncio.run(Cast(sources).issuer_keys()) == {"keys": [{"kty": "EC"}]}

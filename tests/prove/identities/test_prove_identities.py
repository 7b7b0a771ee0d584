"""Everybody who can call can be acted as; what cannot be had is said; nothing secret is shown or left behind."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, RSAKey

from assay.controls import CONTROL_IDS
from assay.declare import load
from assay.declare.declaration import Declaration
from assay.declare.model import LoginRecipe, ProveIdentity
from assay.domain import AssayError, Secret
from assay.identity import api_keys
from assay.identity.issuer.config import ClientSpec, UserSpec, load_config, prepare_issuer
from assay.identity.issuer.signing import load_signing_keys
from assay.identity.issuer.tokens import read_token
from assay.prove.case import Call, NotReached, Seen
from assay.prove.identities import Cast, DevelopmentIssuer, Sources
from assay.prove.identities.login import at_pointer, sign_in, signed_in
from assay.prove.identities.tokens import altered, peek, put
from assay.prove.personas import personas_of
from assay.prove.surface import Persona, Surface, targets_of

EXAMPLE = Path(__file__).parents[3] / "examples" / "customer-data"
NOW = 1_800_000_000


@pytest.fixture(scope="module")
def declaration() -> Declaration:
    return load(EXAMPLE, environ={}, controls=frozenset(CONTROL_IDS))


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    state = tmp_path_factory.mktemp("state") / "issuer"
    scopes = ("customers:read", "customers:write")
    prepare_issuer(
        state,
        {
            "mobile-app": ClientSpec(scopes=scopes, roles=("customer",), audience=("customer-data",)),
            "agent-desk": ClientSpec(scopes=scopes, roles=("agent",), audience=("customer-data",)),
            "back-office": ClientSpec(scopes=("admin",), roles=("admin",), audience=("customer-data",)),
        },
        {"alice": UserSpec(subject="c-1001", roles=("customer",), tenant="t-1")},
        issuer_url="http://127.0.0.1:1",
        listen="127.0.0.1:1",
        now=NOW - 100,
    )
    return state


class Clock:
    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


def surface_of(declaration: Declaration, given: Mapping[str, ProveIdentity] | None = None, **changes: Any) -> Surface:
    options: dict[str, Any] = {"via": "direct", **changes}
    return Surface(
        declaration,
        targets_of(declaration, base_of={"customer-data": ""}),
        personas_of(declaration, "demo", given=given),
        **options,
    )


def cast_of(
    declaration: Declaration,
    run: Path,
    *,
    issuer: Path | None = None,
    given: Mapping[str, ProveIdentity] | None = None,
    values: Mapping[str, str] | None = None,
    **more: Any,
) -> Cast:
    def resolve(reference: str) -> Secret:
        try:
            return Secret((values or {})[reference])
        except KeyError:
            raise AssayError(f"The secret `{reference}` is missing.") from None

    return Cast(
        Sources(
            surface=surface_of(declaration, given),
            directory=run,
            resolve=resolve,
            development=DevelopmentIssuer(issuer) if issuer else None,
            given=given or {},
            **{"clock": lambda: float(NOW), **more},
        )
    )


def persona(declaration: Declaration, name: str, given: Mapping[str, ProveIdentity] | None = None) -> Persona:
    return next(p for p in personas_of(declaration, "demo", given=given) if p.name == name)


# Tokens -----------------------------------------------------------------------------------------------------------


def test_a_minted_token_is_the_issuers_own(declaration: Declaration, issuer: Path, tmp_path: Path) -> None:
    async def scene() -> None:
        cast = cast_of(declaration, tmp_path, issuer=issuer)
        agent = persona(declaration, "agent-desk")
        first = await cast.act(agent)
        assert await cast.act(agent) == first
        second = await cast.act(agent, fresh=True)
        assert second.disposable
        assert not first.disposable
        assert first.subject != second.subject
        token = await cast.credential(first)
        claims = read_token(load_config(issuer / "issuer.json"), load_signing_keys(issuer), token, now=NOW)
        assert claims is not None
        assert (claims["azp"], claims["roles"], claims["sub"]) == ("agent-desk", ["agent"], first.subject)
        assert cast.present(first).headers == (("authorization", f"Bearer {token}"),)
        assert token in cast.secrets()
        narrow = await cast.act(agent, scopes=["customers:read"])
        assert cast.claims(narrow)["scope"] == "customers:read"
        with pytest.raises(NotReached, match="scope"):
            await cast.act(agent, scopes=["admin"])
        keys = await cast.issuer_keys()
        assert "d" not in keys["keys"][0]

    asyncio.run(scene())


def test_an_owner_has_the_claim_that_makes_them_one(declaration: Declaration, issuer: Path, tmp_path: Path) -> None:
    async def scene() -> None:
        cast = cast_of(declaration, tmp_path, issuer=issuer)
        mobile = persona(declaration, "mobile-app")
        assert await cast.mints(mobile)
        owner = await cast.owner(mobile, {("sub",): "c-7", ("org", "id"): "o-1"})
        assert owner.subject == "c-7"
        assert cast.claims(owner)["org"] == {"id": "o-1"}
        partner = persona(declaration, "partner-acme")
        assert not await cast.mints(partner)
        with pytest.raises(NotReached, match="c-7"):
            await cast.owner(partner, {("sub",): "c-7"})

    asyncio.run(scene())


def test_a_test_user_is_who_the_issuer_says(declaration: Declaration, issuer: Path, tmp_path: Path) -> None:
    given = {"alice": ProveIdentity.model_validate({"consumer": "mobile-app", "user": "alice"})}

    async def scene() -> None:
        cast = cast_of(declaration, tmp_path, issuer=issuer, given=given)
        alice = await cast.act(persona(declaration, "alice", given), fresh=True)
        assert (alice.subject, alice.tenant, alice.disposable) == ("c-1001", "t-1", False)

    asyncio.run(scene())


def test_shared_identities_are_spread_so_that_limits_last(
    declaration: Declaration, issuer: Path, tmp_path: Path
) -> None:
    async def scene() -> None:
        cast = cast_of(declaration, tmp_path, issuer=issuer)
        agent = persona(declaration, "agent-desk")
        found = [(await cast.act(agent)).subject for _ in range(40)]
        assert len(set(found)) == 5
        now = await cast.act(agent)
        cast.retire(now)
        assert await cast.act(agent) != now
        await cast.reset()
        assert (await cast.act(agent)).subject not in found
        assert await cast.credential(now)

    asyncio.run(scene())


def test_a_token_that_ends_is_signed_again(declaration: Declaration, issuer: Path, tmp_path: Path) -> None:
    async def scene() -> None:
        clock = Clock()
        cast = cast_of(declaration, tmp_path, issuer=issuer, clock=clock)
        agent = await cast.act(persona(declaration, "agent-desk"))
        before = await cast.credential(agent)
        clock.now += 590
        after = await cast.credential(agent)
        assert after != before
        assert peek(after)[1]["sub"] == peek(before)[1]["sub"]  # type: ignore[index]
        assert await cast.renew(agent)
        assert await cast.credential(agent) != after

    asyncio.run(scene())


def test_tokens_can_be_forged_in_the_usual_ways(declaration: Declaration, issuer: Path, tmp_path: Path) -> None:
    async def scene() -> None:
        cast = cast_of(declaration, tmp_path, issuer=issuer)
        agent = await cast.act(persona(declaration, "agent-desk"))

        async def forged(**changes: Any) -> tuple[dict[str, Any], dict[str, Any], str]:
            token = await cast.mint(agent, **changes)
            assert token in cast.secrets()
            read = peek(token)
            assert read is not None
            return (*read, token.rpartition(".")[2])

        _, claims, _ = await forged(claims={"roles": ["admin"]}, without=["jti"])
        assert claims["roles"] == ["admin"]
        assert "jti" not in claims
        for spelling in ("none", "None", "nOnE"):
            head, _, signature = await forged(header={"alg": spelling})
            assert (head["alg"], signature) == (spelling, "")
        head, _, _ = await forged(header={"kid": None, "jku": "http://127.0.0.1:9/k"}, key=ECKey.generate_key("P-256"))
        assert "kid" not in head
        assert head["jku"]
        head, _, _ = await forged(key=RSAKey.generate_key(2048))
        assert head["alg"] == "RS256"
        head, _, signature = await forged(header={"alg": "HS256"}, key=OctKey.import_key("k" * 40))
        assert (head["alg"], bool(signature)) == ("HS256", True)
        with pytest.raises(NotReached):
            await cast.mint(agent, header={"alg": "RS256"}, key=ECKey.generate_key("P-256"))
        with pytest.raises(NotReached):
            await cast.mint(agent, header={"alg": "XX999"})

    asyncio.run(scene())


@given(st.text(max_size=60))
def test_whatever_is_no_token_cannot_be_altered(text: str) -> None:
    if peek(text) is None:
        with pytest.raises(NotReached):
            altered(text, claims={"a": 1}, key=OctKey.import_key("k" * 40))


def test_claims_are_put_where_their_path_says() -> None:
    claims: dict[str, object] = {"a": "text"}
    put(claims, ("a", "b", "c"), "v")
    assert claims == {"a": {"b": {"c": "v"}}}


# Without an issuer of ours ------------------------------------------------------------------------------------------


def test_what_cannot_be_had_is_said_with_what_would_be_needed(declaration: Declaration, tmp_path: Path) -> None:
    async def scene() -> None:
        cast = cast_of(declaration, tmp_path)
        for name, needed in (
            ("agent-desk", "issuer"),
            ("partner-acme", "keys are not ours"),
            ("back-office+certificate", "authority"),
        ):
            with pytest.raises(NotReached, match=needed):
                await cast.act(persona(declaration, name))
        with pytest.raises(NotReached, match="issuer"):
            await cast.issuer_keys()
        with pytest.raises(NotReached, match="authority"):
            await cast.certificate("wrong-subject")
        elsewhere = cast_of(declaration, tmp_path, issuer_url="https://login.example")
        with pytest.raises(NotReached, match="secret of the client `agent-desk`"):
            await elsewhere.act(persona(declaration, "agent-desk"))

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("written", "header"),
    [
        ({"bearer": {"secret": "env:T"}}, ("authorization", "Bearer word-of-secret")),
        ({"header": {"name": "X-Key", "value": {"secret": "env:T"}}}, ("x-key", "word-of-secret")),
        (
            {"basic": {"user": "al", "password": {"secret": "env:T"}}},
            ("authorization", "Basic YWw6d29yZC1vZi1zZWNyZXQ="),
        ),
    ],
)
def test_a_credential_that_is_given_is_shown_as_it_is(
    declaration: Declaration, tmp_path: Path, written: Any, header: tuple[str, str]
) -> None:
    given = {"al": ProveIdentity.model_validate({"subject": "al-1", **written})}

    async def scene() -> None:
        cast = cast_of(declaration, tmp_path, given=given, values={"env:T": "word-of-secret"})
        identity = await cast.act(persona(declaration, "al", given))
        assert cast.present(identity).headers == (header,)
        assert identity.subject == "al-1"
        assert "word-of-secret" in cast.secrets()
        assert not await cast.renew(identity)
        missing = cast_of(declaration, tmp_path, given=given)
        with pytest.raises(NotReached, match="env:T"):
            await missing.act(persona(declaration, "al", given))

    asyncio.run(scene())


# Signing in -------------------------------------------------------------------------------------------------------


def seen(status: int = 200, body: Any = None, **headers: str) -> Seen:
    return Seen(1, status, {k.replace("_", "-"): v for k, v in headers.items()}, json.dumps(body).encode(), 0.0, "")


@pytest.mark.parametrize(
    ("recipe", "answer", "header"),
    [
        ({}, seen(200, {"access_token": "t0k"}), ("authorization", "Bearer t0k")),
        ({"extract": "/a/0/b~1c"}, seen(201, {"a": [{"b/c": 17}]}), ("authorization", "Bearer 17")),
        (
            {"extract": "cookie:sid", "send": "cookie:sid"},
            seen(302, set_cookie="a=1; Expires=Wed, 09 Jun 2027 10:18:14 GMT, sid=s3ss; Path=/"),
            ("cookie", "sid=s3ss"),
        ),
        ({"extract": "header:X-Token", "send": "X-Token", "prefix": ""}, seen(204, x_token="hh"), ("x-token", "hh")),
    ],
)
def test_the_credential_is_found_where_the_recipe_says(recipe: Any, answer: Seen, header: tuple[str, str]) -> None:
    parsed = LoginRecipe.model_validate({"path": "/login", **recipe})
    assert signed_in("dora", parsed, answer)[0] == header


@pytest.mark.parametrize(
    "answer",
    [
        seen(401, {"access_token": "t"}),
        seen(200, {}),
        seen(200, {"access_token": {}}),
        seen(200, {"access_token": "a\nb"}),
        seen(0),
    ],
)
def test_a_sign_in_that_failed_is_no_identity(answer: Seen) -> None:
    with pytest.raises(NotReached, match="dora"):
        signed_in("dora", LoginRecipe.model_validate({"path": "/login"}), answer)


def test_signing_in_sends_the_fields_and_hides_the_secrets() -> None:
    recipe = LoginRecipe.model_validate({"path": "/in", "body": {"u": "dora", "p": {"secret": "env:P"}}, "form": True})
    call, hidden = sign_in("dora", recipe, lambda reference: Secret("p&w"))
    assert (call.body, call.content_type) == (b"u=dora&p=p%26w", "application/x-www-form-urlencoded")
    assert hidden == {"p&w"}


def test_a_session_is_renewed_after_its_time_and_when_asked(declaration: Declaration, tmp_path: Path) -> None:
    given = {"dora": ProveIdentity.model_validate({"login": {"path": "/in", "body": {"u": "d"}, "renew": "10m"}})}
    clock, calls = Clock(), []

    async def send(call: Call) -> Seen:
        calls.append(call)
        return seen(200, {"access_token": f"session-{len(calls)}"})

    async def scene() -> None:
        cast = cast_of(declaration, tmp_path, given=given, clock=clock)
        who = persona(declaration, "dora", given)
        with pytest.raises(NotReached, match="signs in"):
            await cast.act(who)
        dora = await cast.act(who, send=send)
        assert (await cast.act(who, send=send), len(calls)) == (dora, 1)
        clock.now += 601
        await cast.act(who, send=send)
        assert cast.present(dora).headers == (("authorization", "Bearer session-2"),)
        assert await cast.renew(dora, send=send)
        assert cast.present(dora).headers == (("authorization", "Bearer session-3"),)
        assert {"session-1", "session-2", "session-3"} <= cast.secrets()
        assert not await cast.renew(dora)

    asyncio.run(scene())


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=3),
        lambda i: st.lists(i) | st.dictionaries(st.text(max_size=2), i),
        max_leaves=8,
    ),
    st.text(alphabet="/a0~1-", max_size=10),
)
def test_a_pointer_into_anything_gives_a_value_or_nothing(value: Any, pointer: str) -> None:
    at_pointer(value, pointer)


# Keys and certificates ----------------------------------------------------------------------------------------------


def test_keys_and_certificates_go_when_the_run_ends(declaration: Declaration, tmp_path: Path) -> None:
    run, pki, keys = tmp_path / "run", tmp_path / "pki", tmp_path / "keys" / "api-keys.json"
    for directory in (run, pki):
        directory.mkdir(mode=0o700)

    async def scene() -> str:
        cast = cast_of(declaration, run, pki=pki, keys_file=keys)
        partner = persona(declaration, "partner-acme")
        first, second = await asyncio.gather(cast.act(partner), cast.act(partner, fresh=True))
        assert await cast.credential(first) == await cast.credential(second)
        assert not second.disposable
        office = await cast.act(persona(declaration, "back-office+certificate"))
        shown = cast.present(office).certificate
        assert shown is not None
        assert shown.certificate.is_file()
        assert shown.key.stat().st_mode & 0o777 == 0o600
        with pytest.raises(NotReached, match="no token"):
            await cast.mint(first)
        with pytest.raises(NotReached, match="no token or key"):
            await cast.credential(office)
        await cast.certificate("unknown-authority")
        await cast.certificate("wrong-subject")
        key = await cast.credential(first)
        await cast.close()
        await cast.close()
        return key

    key = asyncio.run(scene())
    assert api_keys.load(keys).verify(key, _moment()) is None
    assert list(run.rglob("*")) == []
    assert not list(pki.glob("client-*"))


def test_somebody_of_another_run_is_nobody(declaration: Declaration, issuer: Path, tmp_path: Path) -> None:
    async def scene() -> None:
        one, other = (cast_of(declaration, tmp_path, issuer=issuer) for _ in range(2))
        identity = await one.act(persona(declaration, "agent-desk"))
        with pytest.raises(NotReached):
            other.present(replace(identity, name="somebody"))

    asyncio.run(scene())


def _moment() -> Any:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(NOW, UTC)

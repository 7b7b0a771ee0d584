"""The key of a test environment's issuer, told for tests: tokens are right in all but what a case changes."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from assay.domain import AssayError, Secret
from assay.prove.case import NotReached
from assay.prove.identities.tokens import altered, told_key

RSA, EC, ED = RSAKey.generate_key(2048), ECKey.generate_key("P-256"), OKPKey.generate_key("Ed25519")
SHARED = OctKey.import_key(b"a shared secret of thirty-two bytes")
KINDS: list[tuple[Any, str]] = [(RSA, "RS256"), (RSA, "PS256"), (EC, "ES256"), (ED, "EdDSA"), (SHARED, "HS256")]


pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")


def token(key: Any, algorithm: str) -> str:
    head = {"alg": algorithm, "kid": "theirs", "typ": "at+jwt"}
    return jwt.encode(head, {"sub": "ann", "exp": 2_000_000_000}, key, algorithms=[algorithm])


@pytest.mark.parametrize(("key", "algorithm"), KINDS, ids=[a for _, a in KINDS])
def test_tokens_keep_the_issuers_own_header_and_get_its_signature(key: Any, algorithm: str) -> None:
    told = told_key(Secret(json.dumps(key.as_dict(private=True))))
    made = altered(token(key, algorithm), claims={"nbf": 1_900_000_000}, told=told)
    read = jwt.decode(made, key, algorithms=[algorithm])
    assert read.header == {"alg": algorithm, "kid": "theirs", "typ": "at+jwt"}
    assert read.claims == {"sub": "ann", "exp": 2_000_000_000, "nbf": 1_900_000_000}


@pytest.mark.parametrize(("key", "algorithm"), KINDS[:4], ids=[a for _, a in KINDS[:4]])
def test_keys_may_be_pem(key: Any, algorithm: str) -> None:
    told = told_key(Secret(key.as_pem(private=True).decode()))
    assert jwt.decode(altered(token(key, algorithm), told=told), key, algorithms=[algorithm]).claims["sub"] == "ann"


@pytest.mark.parametrize(
    "written", [json.dumps(EC.as_dict(private=False)), EC.as_pem(private=False).decode(), "{", "", '{"kty": "EC"}']
)
def test_what_is_no_private_key_is_refused_without_showing_it(written: str) -> None:
    with pytest.raises(NotReached, match="issuer_keys") as error:
        told_key(Secret(written))
    assert not written or len(written) < 3 or written not in str(error.value)


@given(
    st.text(max_size=200) | st.dictionaries(st.sampled_from(["kty", "k", "d", "n", "crv"]), st.text()).map(json.dumps)
)
def test_nothing_but_a_reason_comes_of_anything_else(written: str) -> None:
    with contextlib.suppress(NotReached):
        told_key(Secret(written))


def test_a_key_of_another_kind_signs_nothing() -> None:
    with pytest.raises(NotReached, match="cannot sign"):
        altered(token(RSA, "RS256"), told=EC)


def test_a_reference_that_leads_nowhere_is_told(tmp_path: Path) -> None:
    from tests.prove.identities.test_foreign_issuer import declared, read, surface_of

    from assay.prove.identities import Cast, Sources
    from assay.prove.surface import Persona

    def resolve(reference: str) -> Secret:
        if reference == "env:TOKEN":
            return Secret(token(EC, "ES256"))
        raise AssayError(f"there is no `{reference}`", fix="set it")

    head = (
        "assay: 1\norganisation: {name: Shop}\n"
        "environments: {live: {tier: non-production, issuer: {url: URL, audience: shop, jwks: KEYS}}}\n"
        "apis: {shop: {owner: shop, exposure: internal, environment: live, contract: contract.yaml,"
        ' upstream: "http://10.0.0.1:8000", access: [{roles: [clerk], operations: ["*"]}]}}\n'
        'prove: {identities: {ann: {roles: [clerk], bearer: {secret: "env:TOKEN"}}},'
        ' issuer_keys: {live: {secret: "env:KEY"}}}\n'
    )
    declaration = read(declared(tmp_path / "shop", head=head))
    cast = Cast(
        Sources(
            surface=surface_of(declaration),
            directory=tmp_path,
            resolve=resolve,
            issuer_key="env:KEY",
            given=declaration.model.prove.identities,
        )
    )

    async def mint() -> str:
        who = await cast.act(Persona("ann", None, ("clerk",), ("token",), given=True))
        return await cast.mint(who, claims={"nbf": 1})

    with pytest.raises(NotReached, match="env:KEY"):
        asyncio.run(mint())

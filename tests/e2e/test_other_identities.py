"""Identities that are not the example's: opaque tokens, and an issuer that Assay does not run."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@pytest.fixture
def declare(world):
    """Changes the declaration for one test, and applies it."""
    files = {p: p.read_text() for p in (world.directory / "assay.yaml", world.directory / "assay.d" / "consumers.yaml")}

    def change(file: str, old: str, new: str) -> None:
        path = world.directory / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    yield change
    for path, text in files.items():
        path.write_text(text)
    world.assay("down")
    world.assay("up", "--detach")


def test_opaque_tokens_are_asked_about_and_fall_with_their_revocation(world, declare) -> None:
    declare("assay.d/consumers.yaml", "oauth2: {client: agent-desk,", "oauth2: {client: agent-desk, opaque: true,")
    world.assay("down")
    world.assay("up", "--detach")
    opaque = world.token("agent-desk")
    assert opaque.count(".") != 2
    signed = world.token("mobile-app", "--user", "alice")
    with world.client() as client:
        # An answer of the issuer's that takes too long is a refusal, which a machine that pauses can bring about.
        world.until(lambda: client.get("/customers", headers=bearer(opaque)).status_code == 200, every=1.0)
        assert client.get("/customers", headers=bearer("no-such-token-at-all")).status_code == 401
        assert client.get("/exports/customers", headers=bearer(opaque)).status_code in (401, 403)
        assert client.get("/customers/c-1002", headers=bearer(signed)).status_code == 403
        assert client.get("/customers", headers=bearer(signed)).status_code == 403
        issuer = world.part("development issuer")
        subprocess.run([sys.executable, "-c", f"import os;os.kill({issuer['pid']}, 19)"], check=True)
        try:  # the issuer hangs: what is not known already is refused, not believed
            assert client.get("/customers", headers=bearer("another-unknown-token")).status_code in (401, 503)
        finally:
            subprocess.run([sys.executable, "-c", f"import os;os.kill({issuer['pid']}, 18)"], check=True)


def test_an_issuer_is_known_by_its_key_file_and_its_exact_name(world, declare) -> None:
    key = ECKey.generate_key("P-256", {"kid": "k1", "alg": "ES256", "use": "sig"})
    (world.directory / "issuer-keys.json").write_text(json.dumps(KeySet([key]).as_dict(private=False)))
    text = (world.directory / "assay.yaml").read_text()
    start, end = text.index("    issuer:\n      development: true"), text.index("  production: {tier")
    declare(
        "assay.yaml",
        text[start:end],
        "    issuer: {url: https://login.example.test, jwks: issuer-keys.json, audience: customer-data}\n",
    )
    world.assay("down")
    world.assay("up", "--detach")

    def token(**changes: object) -> str:
        now = int(time.time())
        claims = {
            "iss": "https://login.example.test",
            "aud": "customer-data",
            "sub": "desk-7",
            "azp": "agent-desk",
            "roles": ["agent"],
            "scope": "customers:read",
            "iat": now,
            "exp": now + 60,
            **changes,
        }
        return jwt.encode({"alg": "ES256", "kid": "k1"}, claims, key)

    with world.client() as client:
        assert client.get("/customers", headers=bearer(token())).status_code == 200
        for wrong in (
            {"iss": "https://login.example.test/"},
            {"aud": "another-api"},
            {"exp": int(time.time()) - 120},
            {"exp": int(time.time()) + 90_000},
        ):
            assert client.get("/customers", headers=bearer(token(**wrong))).status_code == 401, wrong
        for short in ({"azp": "stranger"}, {"roles": ["customer"]}, {"scope": "orders:read"}):
            assert client.get("/customers", headers=bearer(token(**short))).status_code == 403, short
        symmetric = httpx.Headers(bearer(token().rsplit(".", 1)[0] + ".AAAA"))
        assert client.get("/customers", headers=symmetric).status_code == 401

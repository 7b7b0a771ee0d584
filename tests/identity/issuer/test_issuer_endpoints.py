"""The issuer's endpoints, in process: what RFC 6749, 7009, 7662 and 9068 ask for, and what hostile clients get."""

from __future__ import annotations

import asyncio
import base64
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey

from assay.domain import Secret, UsageError
from assay.identity.issuer.app import build_app
from assay.identity.issuer.attempts import SecretChecker, Throttle
from assay.identity.issuer.config import ClientSpec, Credentials, IssuerConfig, UserSpec, prepare_issuer
from assay.identity.issuer.signing import load_signing_keys, rotate_signing_key
from assay.identity.issuer.tokens import access_claims, mint, read_token, sign

NOW = 1_800_000_000
URL = "http://127.0.0.1:9001/demo"
BOTH = ("client_credentials", "password")
CLIENTS = {
    "app": ClientSpec(scopes=("read", "write"), roles=("customer",), audience=("api",), grants=BOTH),
    "opaque": ClientSpec(scopes=("read",), audience=("api", "other"), token_format="opaque", tenant="t-1"),
    "gateway": ClientSpec(grants=(), may_introspect=True),
}
USERS = {"alice": UserSpec(subject="c-1001", roles=("vip",), tenant="t-2")}


@dataclass
class World:
    """An issuer with a clock that the test turns."""

    config: IssuerConfig
    credentials: Credentials
    now: float = NOW
    monotonic: float = 0.0
    numbers: Iterator[int] = field(default_factory=itertools.count)
    app: object = None

    def secret(self, client: str) -> str:
        return self.credentials.clients[client].reveal()

    def password(self, user: str = "alice") -> str:
        return self.credentials.users[user].reveal()

    def send(self, method: str, path: str, **more: object) -> httpx.Response:
        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
                return await client.request(method, path, **more)

        return asyncio.run(once())

    def post(self, path: str, client: str | None = "app", secret: str | None = None, **form: str) -> httpx.Response:
        auth = (client, secret if secret is not None else self.secret(client)) if client else None
        return self.send("POST", path, data=form, auth=auth)

    def token(self, client: str = "app", **form: str) -> str:
        response = self.post("/token", client, **{"grant_type": "client_credentials", **form})
        assert response.status_code == 200, response.text
        return response.json()["access_token"]

    def active(self, token: str, client: str = "gateway") -> dict[str, object]:
        return self.post("/introspect", client, token=token).json()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[IssuerConfig, Credentials]:
    return prepare_issuer(
        tmp_path_factory.mktemp("issuer"), CLIENTS, USERS, issuer_url=URL, listen="127.0.0.1:9001", now=NOW
    )


@pytest.fixture
def world(prepared: tuple[IssuerConfig, Credentials], tmp_path: Path) -> World:
    config, credentials = prepared
    (tmp_path / "signing-keys.json").write_bytes((Path(config.state_dir) / "signing-keys.json").read_bytes())
    (tmp_path / "signing-keys.json").chmod(0o600)
    world = World(msgspec.structs.replace(config, state_dir=str(tmp_path)), credentials)
    world.app = build_app(
        world.config,
        wall_clock=lambda: world.now,
        monotonic=lambda: world.monotonic,
        rng=lambda n: f"{next(world.numbers):0{n}d}",
    )
    return world


def claims_of(world: World, token: str) -> dict[str, object]:
    keys = KeySet.import_key_set(world.send("GET", "/jwks").json())
    decoded = jwt.decode(token, keys, algorithms=["ES256"])
    assert decoded.header["typ"] == "at+jwt" and decoded.header["kid"]
    return decoded.claims


def test_a_client_gets_a_token_with_the_claims_the_gateway_checks(world: World) -> None:
    response = world.post("/token", grant_type="client_credentials")
    assert response.headers["cache-control"] == "no-store"
    body = response.json()
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 600, "read write")
    claims = claims_of(world, body["access_token"])
    assert claims == {
        "iss": URL,
        "sub": "app",
        "aud": "api",
        "iat": NOW,
        "nbf": NOW,
        "exp": NOW + 600,
        "jti": claims["jti"],
        "client_id": "app",
        "azp": "app",
        "scope": "read write",
        "roles": ["customer"],
    }


def test_a_test_user_gets_a_token_of_their_own(world: World) -> None:
    token = world.token(grant_type="password", username="alice", password=world.password(), scope="read")
    claims = claims_of(world, token)
    assert (claims["sub"], claims["roles"], claims["tenant"], claims["scope"]) == ("c-1001", ["vip"], "t-2", "read")
    assert claims["client_id"] == "app"


def test_two_tokens_never_share_an_id(world: World) -> None:
    assert claims_of(world, world.token())["jti"] != claims_of(world, world.token())["jti"]


def test_the_secret_may_come_in_the_body_and_is_form_decoded_in_the_header(world: World) -> None:
    form = {"grant_type": "client_credentials", "client_id": "app", "client_secret": world.secret("app")}
    assert world.send("POST", "/token", data=form).status_code == 200
    encoded = base64.b64encode(f"%61pp:{world.secret('app')}".encode()).decode()
    headers = {"authorization": f"Basic {encoded}"}
    assert world.send("POST", "/token", data={"grant_type": "client_credentials"}, headers=headers).status_code == 200


def test_failed_attempts_do_not_tell_which_part_was_wrong(world: World) -> None:
    answers = [
        world.post("/token", "app", "wrong", grant_type="client_credentials"),
        world.post("/token", "nobody", "wrong", grant_type="client_credentials"),
        world.post("/token", None, grant_type="client_credentials"),
        world.post("/token", "app", "", grant_type="client_credentials"),
    ]
    assert {a.status_code for a in answers} == {401}
    assert len({a.content for a in answers}) == 1
    assert all(a.json()["error"] == "invalid_client" and "Basic" in a.headers["www-authenticate"] for a in answers)
    logins = [
        world.post("/token", grant_type="password", username="alice", password="wrong"),
        world.post("/token", grant_type="password", username="nobody", password="wrong"),
    ]
    assert {a.status_code for a in logins} == {400}
    assert len({a.content for a in logins}) == 1
    assert logins[0].json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({}, 400, "invalid_request"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"grant_type": "authorization_code"}, 400, "unsupported_grant_type"),
        ({"grant_type": "client_credentials", "scope": "admin"}, 400, "invalid_scope"),
        ({"grant_type": "client_credentials", "scope": "read  write"}, 400, "invalid_scope"),
        ({"grant_type": "password", "username": "alice"}, 400, "invalid_request"),
    ],
)
def test_the_errors_of_rfc_6749(world: World, form: dict[str, str], status: int, error: str) -> None:
    response = world.post("/token", **form)
    assert (response.status_code, response.json()["error"]) == (status, error)


def test_a_client_may_not_use_a_grant_it_was_not_given(world: World) -> None:
    for client, grant in (("opaque", "password"), ("gateway", "client_credentials")):
        response = world.post("/token", client, grant_type=grant)
        assert (response.status_code, response.json()["error"]) == (400, "unauthorized_client")


def test_every_answer_says_that_this_is_a_development_issuer(world: World) -> None:
    for response in (
        world.send("GET", "/jwks"),
        world.send("GET", "/.well-known/openid-configuration"),
        world.send("GET", "/nowhere"),
        world.send("GET", "/token"),
        world.send("POST", "/token"),
        world.send("GET", "http://127.0.0.1:9001/health"),
        world.post("/token", grant_type="client_credentials"),
    ):
        assert response.headers["x-assay-development-issuer"] == "true", response.request.url
    document = world.send("GET", "/.well-known/openid-configuration").json()
    assert document["assay_development_issuer"] is True
    assert document["issuer"] == URL and document["jwks_uri"] == f"{URL}/jwks"


def test_introspection_tells_the_gateway_what_a_token_is_worth(world: World) -> None:
    for client, audience, extra in (("app", "api", {}), ("opaque", ["api", "other"], {"tenant": "t-1"})):
        told = world.active(world.token(client))
        assert told["active"] is True
        assert (told["client_id"], told["aud"], told["exp"], told["iss"]) == (client, audience, NOW + 600, URL)
        assert {name: told[name] for name in extra} == extra


def test_opaque_tokens_say_nothing_by_themselves(world: World) -> None:
    token = world.token("opaque")
    assert "." not in token and token.startswith("at_")


def test_a_client_learns_nothing_about_tokens_of_others(world: World) -> None:
    token = world.token("app")
    assert world.active(token, "opaque") == {"active": False}
    assert world.active(token, "app")["active"] is True
    assert world.post("/introspect", None, token=token).status_code == 401
    assert world.post("/introspect", "gateway").json()["error"] == "invalid_request"


def test_tokens_end_when_they_say(world: World) -> None:
    tokens = [world.token("app"), world.token("opaque")]
    world.now = NOW + 599
    assert all(world.active(t)["active"] for t in tokens)
    world.now = NOW + 600
    assert [world.active(t) for t in tokens] == [{"active": False}] * 2


def test_a_token_from_before_the_clock_was_set_back_is_not_active(world: World) -> None:
    token = world.token()
    world.now = NOW - 1
    assert world.active(token) == {"active": False}


@pytest.mark.parametrize("client", ["app", "opaque"])
def test_a_revoked_token_is_no_longer_active(world: World, client: str) -> None:
    token = world.token(client)
    other = "opaque" if client == "app" else "app"
    assert world.post("/revoke", other, token=token).json()["error"] == "unauthorized_client"
    assert world.active(token)["active"] is True
    assert world.post("/revoke", client, token=token).status_code == 200
    assert world.active(token) == {"active": False}
    assert world.post("/revoke", client, token=token).status_code == 200
    assert world.post("/revoke", client, token="no such token").status_code == 200
    restarted = build_app(world.config, wall_clock=lambda: world.now, rng=str)
    world.app = restarted
    assert world.active(token) == {"active": False}


def test_tokens_of_before_a_rotation_stay_good_and_new_ones_use_the_new_key(world: World) -> None:
    old = world.token()
    rotate_signing_key(Path(world.config.state_dir), now=NOW, lifetime_seconds=600, lead_seconds=60)
    assert len(world.send("GET", "/jwks").json()["keys"]) == 2
    world.now = NOW + 60
    new = world.token()
    kids = {header(token)["kid"] for token in (old, new)}
    assert len(kids) == 2
    assert claims_of(world, old) and claims_of(world, new)
    assert world.active(old)["active"] and world.active(new)["active"]
    world.now = NOW + 60 + 600 + 60
    assert header(new)["kid"] in {key["kid"] for key in world.send("GET", "/jwks").json()["keys"]}
    assert len(world.send("GET", "/jwks").json()["keys"]) == 1


def header(token: str) -> dict[str, str]:
    head = token.split(".")[0]
    return msgspec.json.decode(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))


def forgeries(world: World) -> dict[str, str]:
    keys = load_signing_keys(Path(world.config.state_dir))
    claims = access_claims(world.config, "app", now=NOW)
    good = sign(claims, keys[0])
    head, body, signature = good.split(".")
    stranger = ECKey.generate_key("P-256")
    public = world.send("GET", "/jwks").json()["keys"][0]

    def part(value: dict[str, object]) -> str:
        return base64.urlsafe_b64encode(msgspec.json.encode(value)).decode().rstrip("=")

    def made(header: dict[str, object], claims: dict[str, object], key: object, algorithms: list[str]) -> str:
        return jwt.encode(header, claims, key, algorithms=algorithms)

    at = {"typ": "at+jwt", "kid": keys[0].kid}
    confused = OctKey.import_key({"kty": "oct", "k": public["x"]})
    return {
        "no signature": f"{head}.{body}.",
        "alg none": f"{part({**at, 'alg': 'none'})}.{body}.",
        "changed claims": f"{head}.{part({**claims, 'sub': 'admin'})}.{signature}",
        "key of a stranger": made({**at, "alg": "ES256"}, claims, stranger, ["ES256"]),
        "key in the header": made({**at, "alg": "ES256", "jwk": stranger.as_dict()}, claims, stranger, ["ES256"]),
        "public key as secret": made({**at, "alg": "HS256"}, claims, confused, ["HS256"]),
        "other issuer": sign({**claims, "iss": "https://other.example"}, keys[0]),
        "other type": made({**at, "typ": "JWT", "alg": "ES256"}, claims, keys[0].key(), ["ES256"]),
        "no key id": made({"typ": "at+jwt", "alg": "ES256"}, claims, keys[0].key(), ["ES256"]),
        "no expiry": sign({k: v for k, v in claims.items() if k != "exp"}, keys[0]),
        "expiry as text": sign({**claims, "exp": "9999999999"}, keys[0]),
        "no id": sign({k: v for k, v in claims.items() if k != "jti"}, keys[0]),
        "unknown client": sign({**claims, "client_id": "nobody"}, keys[0]),
        "client as list": sign({**claims, "client_id": ["app"]}, keys[0]),
        "not yet": sign({**claims, "nbf": NOW + 5}, keys[0]),
        "too long": good + "A" * 9000,
        "not text": "\udc80.\udc80.\udc80".encode("utf-8", "replace").decode(),
    }


def test_no_forged_token_is_active(world: World) -> None:
    for kind, token in forgeries(world).items():
        assert world.active(token) == {"active": False}, kind


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=60), data=st.data())
def test_no_text_is_taken_for_a_token_or_leaks_an_exception(world: World, text: str, data: st.DataObject) -> None:
    keys = load_signing_keys(Path(world.config.state_dir))
    good = mint(world.config, keys, "app", now=NOW)
    place = data.draw(st.integers(0, len(good) - 1))
    for token in (text, f"{text}.{text}.{text}", good[:place] + text + good[place:], good[:place]):
        assert read_token(world.config, keys, token, now=NOW) is None or token == good


def test_minting_refuses_what_is_not_declared_and_never_lives_longer_than_configured(world: World) -> None:
    keys = load_signing_keys(Path(world.config.state_dir))
    for more in (
        {"client_id": "nobody"},
        {"client_id": "app", "username": "nobody"},
        {"client_id": "app", "scopes": ["x"]},
    ):
        with pytest.raises(UsageError):
            mint(world.config, keys, now=NOW, **more)
    for asked, given_ in ((5, 5), (86_400, 600), (None, 600)):
        claims = read_token(
            world.config, keys, mint(world.config, keys, "app", now=NOW, lifetime_seconds=asked), now=NOW
        )
        assert claims is not None and claims["exp"] == NOW + given_


class TestHostileRequests:
    @pytest.mark.parametrize(
        "body",
        [
            b"grant_type=client_credentials&grant_type=password",
            b"grant_type",
            b"grant_type=client_credentials&x=%ff",
            b"\xff\xfe",
            b"&".join(b"a%d=1" % n for n in range(60)),
            b"{}",
        ],
    )
    def test_a_form_that_is_not_sound_is_refused(self, world: World, body: bytes) -> None:
        headers = {"content-type": "application/x-www-form-urlencoded"}
        response = world.send("POST", "/token", content=body, headers=headers, auth=("app", world.secret("app")))
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request")

    def test_a_body_without_end_is_cut_off(self, world: World) -> None:
        response = world.post("/token", grant_type="client_credentials", padding="x" * 20_000)
        assert response.status_code == 413

    def test_secrets_in_the_address_are_refused(self, world: World) -> None:
        response = world.send(
            "POST",
            f"/token?client_id=app&client_secret={world.secret('app')}",
            data={"grant_type": "client_credentials"},
        )
        assert response.status_code == 400

    def test_json_is_refused(self, world: World) -> None:
        response = world.send("POST", "/token", json={"grant_type": "client_credentials"})
        assert response.status_code == 400

    @pytest.mark.parametrize(
        "header",
        [
            "Basic",
            "Basic ",
            "Basic !!!",
            "Basic YXBw",
            "Bearer x",
            "",
            "Basic " + base64.b64encode(b"\xff:\xff").decode(),
        ],
    )
    def test_an_authorization_header_that_is_not_sound_is_a_failed_attempt(self, world: World, header: str) -> None:
        form = {"grant_type": "client_credentials"}
        response = world.send("POST", "/token", data=form, headers={"authorization": header})
        assert response.status_code == 401

    def test_two_ways_of_authentication_at_once_are_refused(self, world: World) -> None:
        response = world.post("/token", grant_type="client_credentials", client_secret=world.secret("app"))
        assert response.status_code == 400
        response = world.post("/token", grant_type="client_credentials", client_id="opaque")
        assert response.status_code == 400
        assert world.post("/token", grant_type="client_credentials", client_id="app").status_code == 200

    def test_guessing_is_slowed_down_for_the_one_who_guesses(self, world: World) -> None:
        for _ in range(10):
            assert world.post("/token", "app", "wrong", grant_type="client_credentials").status_code == 401
        refused = world.post("/token", "app", grant_type="client_credentials")
        assert refused.status_code == 429
        assert refused.json()["error"] == "temporarily_unavailable"
        assert refused.headers["retry-after"] == "60"
        assert world.token("opaque")
        world.monotonic = 60.0
        assert world.token("app")

    def test_a_caller_who_knows_the_secret_is_never_slowed_down(self, world: World) -> None:
        for _ in range(30):
            assert world.token("app")


class TestThrottle:
    @settings(max_examples=50)
    @given(st.lists(st.tuples(st.integers(0, 40), st.booleans(), st.integers(0, 30)), max_size=80))
    def test_no_one_fails_more_often_than_allowed_in_a_window_and_memory_is_bounded(
        self, events: list[tuple[int, bool, int]]
    ) -> None:
        throttle, now = Throttle(limit=3, window=60, capacity=8), 0.0
        failures: dict[int, list[float]] = {}
        for name, succeeds, wait in events:
            now += wait
            if throttle.begin((str(name),), now) == 0:
                if succeeds:
                    throttle.succeeded((str(name),))
                else:
                    failures.setdefault(name, []).append(now)
            assert len(throttle) <= 8
        if len(failures) <= 8:
            for moments in failures.values():
                for index in range(len(moments) - 6):
                    assert moments[index + 6] - moments[index] >= 60

    def test_attempts_at_once_are_bounded(self) -> None:
        async def flood() -> list[bool]:
            checker = SecretChecker(Throttle(limit=1000), clock=lambda: 0.0, waiting=3)
            attempts = [checker.check("client", f"c{n}", "x", None, "peer") for n in range(20)]
            return [attempt.wait > 0 for attempt in await asyncio.gather(*attempts)]

        assert sum(asyncio.run(flood())) == 17

    def test_success_is_remembered_and_a_wrong_secret_still_fails(self) -> None:
        from assay.identity.passwords import hash_password

        async def run() -> list[bool]:
            checker = SecretChecker(Throttle(), clock=lambda: 0.0)
            encoded = hash_password(Secret("right"))
            answers = [
                await checker.check("client", "c", s, encoded, "p") for s in ("right", "right", "wrong", "right")
            ]
            answers.append(await checker.check("user", "c", "right", None, "p"))
            return [answer.accepted for answer in answers]

        assert asyncio.run(run()) == [True, True, False, True, False]


def test_the_health_report_says_when_keys_cannot_be_read(world: World) -> None:
    def health() -> httpx.Response:
        return world.send("GET", "http://127.0.0.1:9001/health")

    assert health().json() == {"status": "ok", "issuer": URL, "development": True}
    (Path(world.config.state_dir) / "signing-keys.json").write_bytes(b"garbage")
    assert health().status_code == 503
    assert "damaged" in health().json()["reason"]
    assert world.token("app")

"""Proof of authentication: each attack finds the flaw it is for, and nothing in a service that verifies its callers."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.controls.proving.shop import Shop, named, outcome, run, surface_in
from tests.prove.scripted import Asked, Said, allowed, refused

from assay.controls.authentication.proofs import forge, keys
from assay.controls.authentication.prove import prove
from assay.prove.case import Family, Offer, Shaken
from assay.prove.surface import Persona, Surface

FLAWS = [
    ("call-without-credential", "no-authentication"),
    ("garbage-credential-accepted", "no-authentication"),
    ("signature-not-verified", "no-signature"),
    ("unsigned-token-accepted", "alg-none"),
    ("public-key-as-secret", "confusion"),
    ("key-from-token-trusted", "jwk"),
    ("key-from-token-trusted", "jku"),
    ("expired-token-accepted", "no-expiry"),
    ("early-token-accepted", "no-nbf"),
    ("foreign-token-accepted", "no-audience"),
    ("credential-outside-its-place", "token-in-query"),
]


@pytest.fixture
def surface(tmp_path: Path) -> Surface:
    return surface_in(tmp_path / "shop")


@pytest.mark.parametrize(("test", "flaw"), FLAWS)
class TestEachAttack:
    def test_finds_its_flaw(self, surface: Surface, test: str, flaw: str) -> None:
        assert outcome(named(list(prove(surface)), test), Shop(frozenset({flaw})), surface) == "fail"

    def test_finds_nothing_in_a_safe_service(self, surface: Surface, test: str, flaw: str) -> None:
        assert outcome(named(list(prove(surface)), test), Shop(), surface) == "pass"


def test_a_gateway_that_refuses_is_named(surface: Surface) -> None:
    (case,) = named(list(prove(surface)), "call-without-credential", "report")
    judged = run(case, Shop(gateway=True), surface)
    assert judged.outcome == "pass"
    assert "`authentication/no-accepted-credential`" in judged.sentence


@pytest.mark.parametrize("test", ["call-without-credential", "signature-not-verified", "expired-token-accepted"])
class TestWhatStandsBefore:
    def _shop(self, answer: Said) -> Shop:
        """Refuses everything but the tokens of this run's own identities, by something else than authentication."""
        good: set[str] = set()

        def wants(asked: Asked) -> Said | None:
            if asked.who is not None and asked.headers.get("authorization", "") and not good:
                good.add(asked.bearer)
            return None if asked.bearer in good else answer

        return Shop(gateway=True, wants=wants)

    def test_is_not_counted_for_authentication(self, surface: Surface, test: str) -> None:
        case = named(list(prove(surface)), test, "report" if test.startswith("call") else "")[0]
        judged = run(case, self._shop(refused("authorisation/no-rule-allows")), surface)
        assert judged.outcome == "inconclusive"

    def test_shows_that_authentication_only_observes(self, surface: Surface, test: str) -> None:
        case = named(list(prove(surface)), test, "report" if test.startswith("call") else "")[0]
        watched = refused("authorisation/no-rule-allows", 403, "authentication/no-accepted-credential")
        judged = run(case, self._shop(watched), surface)
        assert judged.outcome == "fail"
        assert "only observes" in judged.sentence

    def test_of_a_rate_limit_means_that_nothing_was_reached(self, surface: Surface, test: str) -> None:
        case = named(list(prove(surface)), test, "report" if test.startswith("call") else "")[0]
        assert run(case, self._shop(refused("rate_limiting/limit", 429)), surface).outcome == "inconclusive"


def test_without_a_working_caller_nothing_passes(surface: Surface) -> None:
    broken = Shop(wants=lambda asked: Said(401, {"title": "Unauthorized"}))
    for case in prove(surface):
        if not case.writes and case.test.id != "default-credentials-accepted":
            assert run(case, broken, surface).outcome == "inconclusive", case.id


def test_a_good_token_that_stops_working_meanwhile_makes_refusals_worthless(surface: Surface) -> None:
    calls = []

    def locks_out(asked: Asked) -> Said | None:
        calls.append(asked)
        return Said(401, {"title": "locked"}) if len(calls) > 1 else None

    (case,) = named(list(prove(surface)), "signature-not-verified")
    assert run(case, Shop(wants=locks_out), surface).outcome == "inconclusive"


def test_a_200_without_the_data_is_no_leak(surface: Surface) -> None:
    def soft(asked: Asked) -> Said | None:
        return None if asked.who else Said(200, {"items": [], "title": "please sign in first"})

    (case,) = named(list(prove(surface)), "call-without-credential", "report")
    assert run(case, Shop(wants=soft), surface).outcome == "inconclusive"


class TestWrites:
    def test_that_are_refused_and_done_all_the_same_are_found(self, surface: Surface) -> None:
        shop = Shop()

        def does_it_anyway(asked: Asked) -> Said | None:
            if asked.method == "PATCH" and asked.who is None:
                for order in shop.orders.values():
                    order["note"] = asked.json()["note"]
                return Said(401, {"title": "Unauthorized"})
            return None

        shop.wants = does_it_anyway
        (case,) = named(list(prove(surface)), "call-without-credential", "updateOrder")
        assert case.family is Family.CROSS_WRITE and case.writes
        assert run(case, shop, surface).outcome == "fail"

    def test_that_are_accepted_without_effect_are_not_called_a_finding(self, surface: Surface) -> None:
        def says_yes(asked: Asked) -> Said | None:
            return Said(204) if asked.method == "PATCH" and asked.who is None else None

        (case,) = named(list(prove(surface)), "call-without-credential", "updateOrder")
        assert run(case, Shop(wants=says_yes), surface).outcome == "inconclusive"


class TestPlanning:
    def test_leaves_open_operations_alone(self, surface: Surface) -> None:
        assert not [c for c in prove(surface) if c.operation == "health"]

    def test_tries_every_closed_operation_without_a_credential(self, surface: Surface) -> None:
        tried = {c.operation for c in named(list(prove(surface)), "call-without-credential")}
        assert tried == {t.id for t in surface.targets} - {"health"}

    def test_forges_tokens_for_one_operation_of_each_requirement(self, surface: Surface) -> None:
        assert len(named(list(prove(surface)), "signature-not-verified")) == 1

    def test_gives_every_case_an_id_of_its_own_and_sends_nothing(self, surface: Surface) -> None:
        ids = [c.id for c in prove(surface)]
        assert len(ids) == len(set(ids))

    def test_asks_for_all_credentials_where_a_contract_does(self, tmp_path: Path) -> None:
        text = """
openapi: 3.1.0
info: {title: Shop, version: "1"}
components:
  securitySchemes:
    oauth: {type: oauth2, flows: {clientCredentials: {tokenUrl: https://login.example/token, scopes: {read: r}}}}
    cert: {type: mutualTLS}
security: [{oauth: [read], cert: []}]
paths:
  /report: {get: {operationId: report, responses: {"200": {description: ok}}}}
"""
        both = Persona("back", "back", ("admin",), ("token", "certificate"), ("read",))
        half = Persona("back+token", "back", ("admin",), ("token",), ("read",))
        head = """
assay: 1
organisation: {name: Shop}
environments: {production: {tier: production, issuer: {url: https://issuer.test, audience: shop}}}
apis:
  shop: {owner: a, exposure: internal, environment: production, contract: contract.yaml, upstream: "http://10.0.0.1",
         access: [{roles: [admin], operations: ["*"]}]}
consumers:
  back:
    {kind: service, roles: [admin], authenticate: {oauth2: {client: back, scopes: [read]}, mtls: {san: back.internal}}}
"""
        surface = surface_in(tmp_path / "both", head=head, contract=text, personas=(both, half))
        (case,) = named(list(prove(surface)), "part-of-credentials-accepted")
        assert case.identity == "back+token"
        good = {"turnover": "123456"}
        strict = lambda a: Said(200, good) if a.who and a.who.persona == "back" else Said(401, {})  # noqa: E731
        assert run(case, Shop(wants=strict), surface).outcome == "pass"
        assert run(case, Shop(wants=lambda asked: Said(200, good)), surface).outcome == "fail"

    def test_plans_nothing_for_an_api_of_which_nobody_is_known(self, tmp_path: Path) -> None:
        nobody = surface_in(tmp_path / "nobody", personas=(), declared_access=False)
        assert not [c for c in prove(nobody) if c.test.id not in ("default-credentials-accepted",)]


class TestClientCertificates:
    def _surface(self, folder: Path) -> Surface:
        text = """
openapi: 3.1.0
info: {title: Shop, version: "1"}
components: {securitySchemes: {cert: {type: mutualTLS}}}
security: [{cert: []}]
paths:
  /report: {get: {operationId: report, responses: {"200": {description: ok}}}}
"""
        head = """
assay: 1
organisation: {name: Shop}
environments: {production: {tier: production}}
apis:
  shop: {owner: a, exposure: internal, environment: production, contract: contract.yaml, upstream: "http://10.0.0.1",
         access: [{roles: [admin], operations: ["*"]}]}
consumers: {back: {kind: service, roles: [admin], authenticate: {mtls: {san: back.internal}}}}
"""
        back = Persona("back", "back", ("admin",), ("certificate",))
        return surface_in(folder, head=head, contract=text, personas=(back,))

    @pytest.mark.parametrize(("refuses", "expected"), [(True, "pass"), (False, "fail")])
    def test_of_an_unknown_authority_are_judged_by_the_handshake(
        self, tmp_path: Path, refuses: bool, expected: str
    ) -> None:
        def shake(offer: Offer) -> Shaken:
            bad = refuses and offer.certificate == "unknown-authority"
            return Shaken(9, error="unknown CA") if bad else Shaken(9, "TLSv1.3")

        surface = self._surface(tmp_path / "c")
        (case,) = named(list(prove(surface)), "client-certificate-unverified", variant="authority")
        shop = Shop(wants=lambda asked: Said(200, {"turnover": "123456"}))
        assert run(case, shop, surface, shakes=shake).outcome == expected

    @pytest.mark.parametrize(("careless", "expected"), [(False, "pass"), (True, "fail")])
    def test_of_strangers_are_judged_by_the_answer(self, tmp_path: Path, careless: bool, expected: str) -> None:
        surface = self._surface(tmp_path / "c")
        (case,) = named(list(prove(surface)), "client-certificate-unverified", variant="subject")

        def answer(asked: Asked) -> Said:
            known = careless or (asked.who is not None and asked.who.persona == "back")
            return allowed({"turnover": "123456"}) if known else refused("authentication/no-accepted-credential", 401)

        judged = run(case, Shop(wants=answer), surface, shakes=lambda offer: Shaken(9, "TLSv1.3"))
        assert judged.outcome == expected


class TestForging:
    def test_a_guessed_secret_is_confirmed_by_a_forged_token(self, surface: Surface) -> None:
        token = keys.hmac_token({"sub": "a"}, {"alg": "HS256"}, b"secret")
        assert forge.secret_of(token, keys.common_secrets()) == b"secret"
        strong = keys.hmac_token({"sub": "a"}, {"alg": "HS256"}, b"\x8e" * 32)
        assert forge.secret_of(strong, keys.common_secrets()) is None
        (case,) = named(list(prove(surface)), "guessable-signing-secret")
        assert run(case, Shop(), surface).outcome == "not_applicable"

    def test_an_opaque_token_has_nothing_to_forge(self) -> None:
        assert forge.parts("opaque") is None
        assert forge.parts("a.b.c") is None
        assert forge.altered("opaque") == forge.unsigned("opaque") == ()

    def test_a_foreign_issuers_token_cannot_be_back_dated(self, surface: Surface) -> None:
        (case,) = named(list(prove(surface)), "expired-token-accepted")
        judged = run(case, Shop(), surface, own_issuer=False)
        assert judged.outcome == "inconclusive"
        assert "not ours" in judged.sentence

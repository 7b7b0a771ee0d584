"""A credential counts as refused only after it worked at home, a store as clean only after the search was seen to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from tests.prove.scripted import Asked, Said, ScriptedLab, allowed, judge, refused

from assay.controls.environment_segregation.prove import prove
from assay.declare.gateways import part
from assay.declare.loader import load
from assay.domain import Outcome
from assay.prove.case import Case, Identity, NotReached, Offer, Seen, Shaken
from assay.prove.personas import personas_of
from assay.prove.surface import Persona, Surface, Target, targets_of

CONTRACT = """\
openapi: 3.1.0
info: {title: x, version: "1"}
servers: [{url: https://x.example}]
components:
  securitySchemes:
    login: {type: oauth2, flows: {clientCredentials: {tokenUrl: "https://login.example/token", scopes: {}}}}
    key: {type: apiKey, in: header, name: X-API-Key}
    certificate: {type: mutualTLS}
security: [{login: []}, {key: []}, {certificate: []}]
paths: {/records: {get: {operationId: list, responses: {"200": {description: ok}}}}}
"""
_CONNECTED = 'connection: {kind: KIND, dsn: {secret: "env:X"}}'


def head(kind: str = "sqlite") -> str:
    lines = "assay: 1\norganisation: {name: x}\nenvironments:\n"
    for name, tier in (("live", "production"), ("test", "non-production")):
        lines += f"  {name}: {{tier: {tier}, issuer: {{url: https://{name}.example, audience: {name}}},"
        lines += f' gateway: {{listen: "127.0.0.1:{8443 if name == "live" else 8543}"}}}}\n'
    lines += "data: {customer: {fields: {email: {category: user.contact.email, identifies: direct}}}}\nsystems:\n"
    for name in ("live", "test"):
        lines += f"  crm-{name}: {{kind: database, environment: {name}, owner: o, holds: [customer], {_CONNECTED}}}\n"
    lines += "apis:\n"
    for name in ("live", "test"):
        lines += f"  api-{name}: {{owner: o, exposure: internal, environment: {name}, contract: c.yaml,"
        lines += f' upstream: "https://{name}", access: [{{roles: [any], operations: ["*"]}}]}}\n'
    lines += "consumers:\n"
    for name in ("live", "test"):
        for way, how in (
            ("token", f"oauth2: {{client: {name}}}"),
            ("key", "api_key: {}"),
            ("certificate", f"mtls: {{san: {name}.x}}"),
        ):
            lines += f"  {name}-{way}: {{kind: service, environment: {name}, roles: [any], authenticate: {{{how}}}}}\n"
    return lines.replace("KIND", kind)


def surface_of(folder: Path, environment: str, kind: str = "sqlite") -> Surface:
    (folder / "c.yaml").write_text(CONTRACT)
    (folder / "assay.yaml").write_text(head(kind))
    declaration = part(load(folder / "assay.yaml", environ={}), environment)
    return Surface(
        declaration=declaration,
        targets=targets_of(declaration, base_of={f"api-{environment}": ""}),
        personas=personas_of(declaration, environment),
        others={("live" if environment == "test" else "test"): frozenset({"token", "key", "certificate"})},
    )


@dataclass
class There:
    """The other gateway. ``problem``: why a credential does not work there."""

    surface: Surface
    lab: Any
    problem: str = ""

    async def act(self, persona: Persona) -> Identity:
        return Identity(f"{persona.name}#1", persona.name, persona.roles)

    async def works(self, target: Target, who: Identity, purpose: str) -> Seen:
        if self.problem:
            raise NotReached(self.problem)
        return Seen(99, 200, {}, b"[]", 0.1, "")


@dataclass
class Lab(ScriptedLab):
    """A lab with another environment and stores that hold values."""

    there: Surface | None = None
    away: str = ""
    problem: str = ""
    stores: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    blind: bool = False

    async def abroad(self, environment: str) -> There:
        if self.away or self.there is None:
            raise NotReached(self.away or "nothing is known")
        return There(self.there, self, self.problem)

    async def identifying(self, system: str, fields: Any, *, at_most: int) -> tuple[bytes, ...]:
        if not self.stores.get(system):
            raise NotReached(f"system `{system}` holds no such value")
        return self.stores[system][:at_most]

    async def stored(self, needle: bytes, *, system: str | None = None) -> bool:
        return not self.blind and needle in self.stores.get(system or "", ())


def cases(surface: Surface) -> dict[str, Case]:
    return {case.id.partition("/")[2]: case for case in prove(surface)}


def abroad(folder: Path) -> Surface:
    there = surface_of(folder, "live")
    return replace(there, personas=tuple(replace(p, name=f"live:{p.name}") for p in there.personas))


GOOD = allowed([{"id": "c-1", "name": "Ada Byron"}])
TOKEN = "foreign-credential-accepted/api-test.list/live:token"
CERTIFICATE = "foreign-credential-accepted/api-test.list/live:certificate"


def gateway(foreign: Said) -> Any:
    def answer(asked: Asked) -> Said:
        return foreign if asked.who and asked.who.persona.startswith("live:") else GOOD

    return answer


@pytest.mark.parametrize(
    ("foreign", "outcome", "words"),
    [
        (refused("authentication/token", 401), Outcome.PASS, "refused here with 401 by policy `authentication/token`"),
        (refused("environment_segregation/api-test/environment/barred"), Outcome.PASS, "refused here"),
        (GOOD, Outcome.FAIL, "let through"),
        (allowed([], 200, "r", "environment_segregation/api-test/environment/barred"), Outcome.FAIL, "only observed"),
        (refused("network_ranges/gateway/ranges/denied"), Outcome.INCONCLUSIVE, "not for being foreign"),
        (refused("authorisation/no-rule-allows"), Outcome.INCONCLUSIVE, "not for being foreign"),
        (Said(200, b"[]"), Outcome.INCONCLUSIVE, "does not say who decided"),
        (Said(0), Outcome.INCONCLUSIVE, "no answer"),
    ],
)
def test_a_foreign_token_must_be_refused_for_being_foreign(
    tmp_path: Path, foreign: Said, outcome: Outcome, words: str
) -> None:
    surface, there = surface_of(tmp_path, "test"), abroad(tmp_path)
    found = judge(cases(surface)[TOKEN], Lab(surface, gateway(foreign), there=there))
    assert found.outcome is outcome, found.sentence
    assert words in found.sentence


@pytest.mark.parametrize(
    "how", [{"away": "the gateway of environment `live` was never started"}, {"problem": "answered 403 at home"}]
)
def test_a_credential_that_was_not_seen_to_work_at_home_proves_nothing(tmp_path: Path, how: dict[str, str]) -> None:
    surface, there = surface_of(tmp_path, "test"), abroad(tmp_path)
    found = judge(cases(surface)[TOKEN], Lab(surface, gateway(refused("authentication/token")), there=there, **how))
    assert found.outcome is Outcome.INCONCLUSIVE
    assert next(iter(how.values())) in found.sentence


@pytest.mark.parametrize(
    ("foreign", "plain", "outcome"),
    [("tlsv1 alert unknown ca", "", Outcome.PASS), ("reset", "reset", Outcome.INCONCLUSIVE)],
)
def test_a_certificate_refused_in_the_handshake_counts_when_others_succeed(
    tmp_path: Path, foreign: str, plain: str, outcome: Outcome
) -> None:
    surface, there = surface_of(tmp_path, "test"), abroad(tmp_path)

    def shake(offer: Offer) -> Shaken:
        return Shaken(1, error=foreign if offer.certificate.startswith("live:") else plain)

    lab = Lab(surface, gateway(GOOD), there=there, shakes=shake)
    assert judge(cases(surface)[CERTIFICATE], lab).outcome is outcome


def test_a_certificate_that_the_gateway_knows_and_lets_through_is_found(tmp_path: Path) -> None:
    surface, there = surface_of(tmp_path, "test"), abroad(tmp_path)
    lab = Lab(surface, gateway(GOOD), there=there, shakes=lambda _: Shaken(1, version="TLSv1.3"))
    assert judge(cases(surface)[CERTIFICATE], lab).outcome is Outcome.FAIL


REAL = tuple(f"person{i}@northwind-mail.net".encode() for i in range(8))
MADE_UP = tuple(f"made-up{i}@nobody.net".encode() for i in range(8))
STORES = "production-data-in-test-store/gateway/anonymous/crm-live-in-crm-test"


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize(
    ("live", "test", "blind", "outcome", "words"),
    [
        (REAL, MADE_UP, False, Outcome.PASS, "none of 8"),
        (REAL, (*MADE_UP, REAL[3]), False, Outcome.FAIL, "1 of 8"),
        (REAL, (), False, Outcome.INCONCLUSIVE, "`crm-test` holds no such value"),
        ((), MADE_UP, False, Outcome.INCONCLUSIVE, "`crm-live` holds no such value"),
        (REAL[:2], MADE_UP, False, Outcome.INCONCLUSIVE, "too few"),
        (REAL, MADE_UP, True, Outcome.INCONCLUSIVE, "not found there again"),
    ],
)
def test_copies_of_production_data_are_found_and_never_shown(
    tmp_path: Path,
    kind: str,
    live: tuple[bytes, ...],
    test: tuple[bytes, ...],
    blind: bool,
    outcome: Outcome,
    words: str,
) -> None:
    surface = surface_of(tmp_path, "test", kind)
    lab = Lab(surface, gateway(GOOD), stores={"crm-live": live, "crm-test": test}, blind=blind)
    found = judge(cases(surface)[STORES], lab)
    assert found.outcome is outcome, found.sentence
    assert words in found.sentence
    assert not any(value.decode() in f"{found.sentence}{found.facts}" for value in REAL)
    assert not lab.asked, "nothing is sent"


def test_production_is_not_searched_for_its_own_data(tmp_path: Path) -> None:
    assert not any("test-store" in case for case in cases(surface_of(tmp_path, "live")))

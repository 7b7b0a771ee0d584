"""A bureau in a function: records of people, callers who see some of them, and a warehouse that gets a part. Safe as it
is, with every flaw that a test switches on. Its
warehouse is a real SQLite file."""

from __future__ import annotations

import base64
import hashlib
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.controls.proving.shop import surface_in
from tests.prove.scripted import Asked, Said, ScriptedLab, judge

from assay.domain import Secret
from assay.prove.case import Case, Draft, Identity, Judged, Thing
from assay.prove.stores import Stores
from assay.prove.surface import Persona, Surface, Target

CONTRACT = """\
openapi: 3.1.0
info: {title: Bureau, version: "1"}
servers: [{url: https://bureau.example}]
components:
  securitySchemes:
    oauth: {type: oauth2, flows: {clientCredentials: {tokenUrl: https://login.example/token, scopes: {read: r}}}}
  schemas:
    Person:
      type: object
      additionalProperties: false
      required: [name]
      properties: &person
        name: {type: string, maxLength: 60}
        email: {type: string, maxLength: 80}
        iban: {type: string, maxLength: 40}
        city: {type: string, maxLength: 60}
        remark: {type: string, maxLength: 80}
    Shown:
      type: object
      properties:
        <<: *person
        id: {type: string}
        extra: {type: string}
security: [{oauth: [read]}]
paths:
  /people:
    get:
      operationId: listPeople
      responses:
        "200":
          description: ok
          content: {application/json: {schema: {type: array, items: {$ref: "#/components/schemas/Shown"}}}}
    post:
      operationId: createPerson
      requestBody: {required: true, content: {application/json: {schema: {$ref: "#/components/schemas/Person"}}}}
      responses: &one
        "201": {description: ok, content: {application/json: {schema: {$ref: "#/components/schemas/Shown"}}}}
        "200": {description: ok, content: {application/json: {schema: {$ref: "#/components/schemas/Shown"}}}}
  /people/{personId}:
    parameters: [{name: personId, in: path, required: true, schema: {type: string}}]
    get: {operationId: getPerson, responses: *one}
"""
HEAD = """\
assay: 1
organisation: {name: Bureau, subjects: 1000}
environments: {production: {tier: production, issuer: {url: https://issuer.test, audience: shop}}}
apis:
  shop:
    owner: bureau
    exposure: internal
    environment: production
    contract: contract.yaml
    upstream: http://10.0.0.1:8000
    backed_by: [register]
    access: [{roles: [clerk, boss], operations: ["*"]}]
    reveal:
      - {roles: [boss], classes: [user], form: clear}
      - {roles: [clerk], classes: [user.financial], form: last4}
consumers:
  clerk: {kind: application, roles: [clerk], clearance: confidential,
          authenticate: {oauth2: {client: clerk, scopes: [read]}}}
  boss: {kind: application, roles: [boss], clearance: special, authenticate: {oauth2: {client: boss, scopes: [read]}}}
systems:
  register: {kind: database, environment: production, owner: bureau, location: eu, holds: [person]}
  warehouse: {kind: database, environment: production, owner: bureau, location: eu,
              connection: {kind: sqlite, dsn: {secret: "env:WAREHOUSE_DSN"}}}
data:
  person:
    from: [contract.yaml#/components/schemas/Person, contract.yaml#/components/schemas/Shown]
    fields:
      id: {level: internal}
      name: {category: user.name}
      email: {category: user.contact.email}
      iban: {category: user.financial.bank_account}
      city: {level: internal}
  profile: {fields: {city: {level: internal}}}
flows:
  nightly: {from: register, to: warehouse, data: [person], into: profile,
            transforms: {name: drop, email: {tokenise: deterministic}, iban: last4}}
"""
CLERK = Persona("clerk", "clerk", ("clerk",), ("token",), ("read",), clearance="confidential", people=True)
BOSS = Persona("boss", "boss", ("boss",), ("token",), ("read",), clearance="special", people=True)
KNOWN = {
    "name": "Anna de Vries",
    "email": "anna@example.com",
    "iban": "NL91ABNA0417164300",
    "city": "Leiden",
    "remark": "none",
}


def bureau_surface(folder: Path, *, head: str = HEAD, contract: str = CONTRACT) -> Surface:
    """The bureau as a surface."""
    return surface_in(folder, head=head, contract=contract, personas=(CLERK, BOSS))


@dataclass
class Bureau:
    """See the module."""

    flaws: frozenset[str] = frozenset()
    people: dict[str, dict[str, str]] = field(default_factory=lambda: {"1": dict(KNOWN)})
    warehouse: Path = Path("warehouse.db")

    def things(self, target: Target, who: Identity) -> Thing:
        return Thing({"personId": "1"}, who, "", made=True)

    def __call__(self, asked: Asked) -> Said:
        if asked.method == "POST":
            body = asked.json()
            number = str(len(self.people) + 1)
            self.people[number] = body
            self._move(body)
            return Said(201, self._shown(number, asked))
        if asked.path == "/people":
            return Said(200, [self._shown(n, asked) for n in self.people])
        number = asked.path.rpartition("/")[2]
        return Said(200, self._shown(number, asked)) if number in self.people else Said(404)

    def _shown(self, number: str, asked: Asked) -> dict[str, Any]:
        record = self.people[number]
        shown: dict[str, Any] = {"id": number, **record}
        if "unlabelled" in self.flaws:
            shown["extra"] = "write to jo.day@example.com"
        if "unlabelled-likely" in self.flaws:
            shown["extra"] = "+31 6 1234 5678"
        if "stronger" in self.flaws:
            shown["city"] = "DE89370400440532013000"
        if "unlike" in self.flaws:
            shown["email"] = "none"
        if "keyed" in self.flaws:
            shown["extra"] = {"jo.day@example.com": 1}
        boss = asked.who is not None and asked.who.persona == "boss"
        if not boss:
            shown |= {"name": "***", "email": "***", "iban": "***" + record.get("iban", "")[-4:]}
        iban, email = record.get("iban", ""), record.get("email", "")
        if not boss and "clear" in self.flaws:
            shown["email"] = email
        if not boss and "encoded" in self.flaws:
            shown["email"] = base64.b64encode(email.encode()).decode()
        if not boss and "digest" in self.flaws:
            shown["email"] = hashlib.sha256(email.encode()).hexdigest()
        if not boss and "all-but-the-end" in self.flaws:
            shown["iban"] = iban[:-4] + "****"
        if boss and "nobody" in self.flaws:
            shown |= {"name": "***", "email": "***", "iban": "***"}
        if not boss and "another" in self.flaws:
            shown = {"id": "0", "city": "x"}
        return shown

    def _move(self, body: dict[str, str]) -> None:
        if "nothing-moves" in self.flaws:
            return
        moved = {"city": body.get("city", ""), "iban": body.get("iban", "")[-4:], "email": "t-" + "7" * 12}
        if "raw" in self.flaws:
            moved["email"] = body.get("email", "")
        if "hashed" in self.flaws:
            moved["email"] = hashlib.md5(body.get("email", "").encode(), usedforsecurity=False).hexdigest()
        if "kept" in self.flaws:
            moved["name"] = body.get("name", "")
        with closing(sqlite3.connect(self.warehouse)) as store:
            store.execute("CREATE TABLE IF NOT EXISTS profile (city, iban, email, name)")
            store.execute("INSERT INTO profile VALUES (:city, :iban, :email, :name)", {"name": None, **moved})
            store.commit()


class BureauLab(ScriptedLab):
    """Looks into the warehouse, and drafts people."""

    def draft(self, target: Target, thing: Thing | None = None, *, plant: str = "") -> Draft:
        made = super().draft(target, thing, plant=plant)
        body = {"name": "Someone New", "city": "Utrecht"} if target.operation.body else None
        return Draft(made.params, body=body, content_type=made.content_type)

    async def stored(self, needle: bytes, *, system: str | None = None) -> bool:
        assert isinstance(self.service, Bureau)
        dsn = Secret(f"sqlite:///{self.service.warehouse}")
        return (await Stores(self.surface.declaration, lambda _: dsn).holds(needle, system)).found


def outcome(surface: Surface, cases: list[Case], test: str, bureau: Bureau, operation: str = "") -> Judged:
    """The first case of a test (on an operation) against a bureau."""
    case = next(c for c in cases if c.test.id == test and operation in (c.operation, ""))
    with tempfile.TemporaryDirectory() as folder:
        bureau.warehouse = Path(folder) / "warehouse.db"
        bureau.warehouse.touch()
        return judge(case, BureauLab(surface, bureau, bureau.things, people=400))

"""A help desk in a function: notes in a real database, people, files. Safe, and with every flaw that a test wants."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from tests.controls.proving.shop import surface_in
from tests.prove.scripted import Asked, Said, ScriptedLab, judge

from assay.gateway.decision import Decision
from assay.prove.case import Case, Draft, Identity, Judged, Thing
from assay.prove.surface import Persona, Surface, Target

CONTRACT = """\
openapi: 3.1.0
info: {title: Desk, version: "1"}
servers: [{url: https://desk.example}]
components:
  securitySchemes:
    oauth: {type: oauth2, flows: {clientCredentials: {tokenUrl: https://login.example/token, scopes: {read: r}}}}
  schemas:
    Note:
      type: object
      additionalProperties: false
      required: [note]
      properties:
        note: {type: string, maxLength: 300}
        iban: {type: string, pattern: "^[A-Z]{2}[0-9]{10}$"}
    Shown:
      type: object
      properties: {id: {type: string}, note: {type: string}, iban: {type: string}, state: {type: string}}
security: [{oauth: [read]}]
paths:
  /notes:
    get:
      operationId: listNotes
      parameters:
        - {name: q, in: query, schema: {type: string, maxLength: 200}}
        - {name: limit, in: query, schema: {type: integer, minimum: 1, maximum: 10}}
        - {name: iban, in: query, schema: {type: string}}
      responses: &page
        "200":
          description: ok
          content:
            application/json:
              schema: {type: object, properties: {items: {type: array, items: {$ref: "#/components/schemas/Shown"}}}}
    post:
      operationId: createNote
      requestBody: &note {required: true, content: {application/json: {schema: {$ref: "#/components/schemas/Note"}}}}
      responses: &one
        "201": {description: ok, content: {application/json: {schema: {$ref: "#/components/schemas/Shown"}}}}
        "200": {description: ok, content: {application/json: {schema: {$ref: "#/components/schemas/Shown"}}}}
  /notes/{noteId}:
    parameters: [{name: noteId, in: path, required: true, schema: {type: string}}]
    get: {operationId: getNote, responses: *one}
    patch: {operationId: updateNote, requestBody: *note, responses: *one}
  /pages:
    get:
      operationId: getPage
      parameters: [{name: page, in: query, required: true, schema: {type: string}}]
      responses: {"200": {description: ok}}
  /links:
    get:
      operationId: openLink
      parameters: [{name: url, in: query, required: true, schema: {type: string}}]
      responses: {"200": {description: ok}}
  /imports:
    post:
      operationId: importNames
      requestBody: {content: {application/xml: {schema: {}}}}
      responses: {"200": {description: ok}}
  /once:
    post:
      operationId: payOnce
      parameters: [{name: Idempotency-Key, in: header, required: true, schema: {type: string}}]
      requestBody: *note
      responses: *one
"""
HEAD = """\
assay: 1
organisation: {name: Desk}
environments: {production: {tier: production, issuer: {url: https://issuer.test, audience: shop}}}
apis:
  shop:
    owner: desk
    exposure: internal
    environment: production
    contract: contract.yaml
    upstream: http://10.0.0.1:8000
    backed_by: [store]
    limits: {default: 20/minute, body: 4KiB}
    reveal: [{roles: [boss], classes: [user], form: clear}]
    access: [{roles: [clerk, boss], operations: ["*"]}]
consumers:
  till: {kind: application, roles: [clerk], clearance: internal, authenticate: {oauth2: {client: till, scopes: [read]}}}
  boss: {kind: application, roles: [boss], clearance: special, authenticate: {oauth2: {client: boss, scopes: [read]}}}
systems:
  store: {kind: database, environment: production, owner: desk, location: eu, holds: [note],
          at_rest: {encryption: aes-256-gcm, by: gateway, keys: notes}}
data:
  note:
    from: [contract.yaml#/components/schemas/Note, contract.yaml#/components/schemas/Shown]
    fields:
      iban: {category: user.financial.bank_account, level: restricted, encrypt: true, lookup: true}
      note: {level: internal}
"""
CLERK = Persona("till", "till", ("clerk",), ("token",), ("read",), people=True)
BOSS = Persona("boss", "boss", ("boss",), ("token",), ("read",), clearance="special", people=True)
_PAGES = {"intro.txt": "welcome", "hello": "welcome"}
_ABOVE = {"../marker.txt": "a marker"}


def desk_surface(folder: Path, *, head: str = HEAD, **more: Any) -> Surface:
    """The desk as a surface, by default behind nobody's gateway."""
    return surface_in(folder, head=head, contract=CONTRACT, personas=(CLERK, BOSS), **more)


@dataclass
class Desk:
    """See the module. ``gateway``: the policy that refuses everything that looks like an attack."""

    flaws: frozenset[str] = frozenset()
    gateway: str = ""
    rate: int = 0
    lab: ScriptedLab | None = None
    wants: Callable[[Asked], Said | None] = lambda asked: None
    counts: dict[str, int] = field(default_factory=dict)
    plain: list[str] = field(default_factory=list)
    paid: dict[str, int] = field(default_factory=dict)
    notes: sqlite3.Connection = field(default_factory=lambda: sqlite3.connect(":memory:"))

    def __post_init__(self) -> None:
        self.notes.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, note TEXT, iban TEXT, state TEXT)")
        self.notes.execute(
            "INSERT INTO notes VALUES (1, 'hello', 'DE1234567890', 'new'), (2, 'a lamp', 'FR0987654321', 'new')"
        )

    def things(self, target: Target, who: Identity) -> Thing:
        return Thing({"noteId": "1"}, who, "", made=True)

    def __call__(self, asked: Asked) -> Said:
        special = self.wants(asked)
        if special is not None:
            return special
        if self.gateway and re.search(
            r"' ?\)?(OR|AND|\|)|\$ne|\$eq|objectClass|\{\{|\$\(", unquote_plus(asked.target) + str(asked.body)
        ):
            return Said(403, {}, decision=Decision("refused", self.gateway))
        said = self._limited(asked) or self._answer(asked)
        return Said(said.status, said.body, {**self._headers(), **said.headers}, said.decision)

    def _headers(self) -> dict[str, str]:
        return {} if "headers" in self.flaws else {"x-content-type-options": "nosniff", "cache-control": "no-store"}

    def _limited(self, asked: Asked) -> Said | None:
        if not self.rate:
            return None
        who = asked.who.subject if asked.who else "nobody"
        if "by-address" in self.flaws:
            who = asked.headers.get("x-forwarded-for", who)
        if "by-token" in self.flaws:
            who = asked.headers.get("authorization", who)
        if "all-alike" in self.flaws:
            who = "everybody"
        if "forgets" in self.flaws and who not in self.counts and len(self.counts) >= 20:
            self.counts.pop(next(iter(self.counts)))
        if self.lab is not None and self.lab.waited:
            self.counts.clear()
            self.lab.waited = 0.0
        self.counts[str(who)] = self.counts.pop(str(who), 0) + 1
        if self.counts[str(who)] <= self.rate:
            return None
        return Said(429, {}, {} if "no-retry-after" in self.flaws else {"retry-after": "3"})

    def _answer(self, asked: Asked) -> Said:
        query = dict(parse_qsl(asked.target.partition("?")[2]))
        name = asked.path.split("/")[1]
        if len(asked.headers) > 9:
            return Said(431)
        if len(asked.body) > 4096 and "large" not in self.flaws:
            return Said(413)
        if {"pages": "page", "links": "url"}.get(name, "q") not in (*query, "q"):
            return Said(400)
        if name == "pages":
            return self._page(query["page"])
        if name == "links":
            if "ssrf" in self.flaws and self.lab is not None:
                self.lab.fetched.add(query["url"])
            return Said(200, {"opened": True})
        if name == "imports":
            return self._import(asked.body.decode())
        if asked.method == "GET" and asked.path == "/notes":
            return self._search(query)
        number = asked.path.rpartition("/")[2]
        if asked.method != "POST" and number not in ("1", "2"):
            return Said(404)
        if asked.method == "GET":
            return Said(200, self._shown(int(number), asked))
        if asked.method not in ("POST", "PATCH"):
            return Said(405)
        return self._write(asked, name)

    def _page(self, page: str) -> Said:
        text = _PAGES.get(page) or (_ABOVE.get(page) if "traversal" in self.flaws else None)
        return Said(200, {"text": text}) if text else Said(404)

    def _import(self, text: str) -> Said:
        if "xxe" in self.flaws and self.lab is not None:
            self.lab.fetched.update(re.findall(r'SYSTEM "([^"]+)"', text))
        if "<!DOCTYPE" in text and "expands" not in self.flaws and "xxe" not in self.flaws:
            return Said(400)
        found = re.search(r'ENTITY e0 "([^"]+)"', text)
        return Said(200, {"names": [found[1] * 3] if found and "expands" in self.flaws else ["first"]})

    def _search(self, query: dict[str, str]) -> Said:
        text = query.get("limit", "5")
        if not text.isdigit() or int(text) < 1 or len(query.get("q", "")) > 200:
            return Said(400)
        limit = int(text)
        if limit > 10 and "pages" not in self.flaws:
            return Said(400)
        if limit > 10:
            return Said(200, {"items": [{"id": str(n)} for n in range(50)]})
        wanted = query.get("q", "")
        if "error" in self.flaws and "'" in wanted:
            return Said(500, {"detail": 'Traceback (most recent call last): File "/app/desk.py", line 3'})
        if "torn" in self.flaws and wanted.count("'") % 2:
            return Said(500, {})
        if "sql" in self.flaws:
            try:
                rows = self.notes.execute(f"SELECT id, note FROM notes WHERE note LIKE '%{wanted}%'").fetchall()  # noqa: S608 - the flaw
            except sqlite3.Error:
                return Said(500, {})
        else:
            rows = self.notes.execute("SELECT id, note FROM notes WHERE note LIKE ?", (f"%{wanted}%",)).fetchall()
        # What was searched for is repeated, with a time and the length: naive tools take that for a finding.
        more = {"query": wanted, "length": len(wanted), "at": str(self.notes.total_changes)}
        return Said(200, {"items": [{"id": str(i), "note": n} for i, n in rows], **more})

    def _shown(self, number: int, asked: Asked) -> dict[str, Any]:
        row = self.notes.execute("SELECT note, iban, state FROM notes WHERE id = ?", (number,)).fetchone()
        boss = asked.who is not None and asked.who.persona == "boss"
        iban = row[1] if boss or "clear" in self.flaws else "***"
        shown = {"id": str(number), "note": row[0], "iban": iban, "state": row[2]}
        if "leaks-elsewhere" in self.flaws:
            shown["note"] = f"{row[0]} {row[1]}"
        if "hash" in self.flaws:
            shown["password_hash"] = "$2b$12$" + "a" * 53
        return shown

    def _write(self, asked: Asked, name: str) -> Said:
        body = asked.json()
        if "crash" in self.flaws and not isinstance(body, dict):
            return Said(500, {})
        if "loose" not in self.flaws:
            if asked.headers.get("content-type") != "application/json":
                return Said(415)
            note = body.get("note") if isinstance(body, dict) else None
            iban = body.get("iban", "DE1234567890") if isinstance(body, dict) else None
            if not isinstance(iban, str) or not re.fullmatch("[A-Z]{2}[0-9]{10}", iban):
                return Said(400)
            extra = set(body) - {"note", "iban"} if isinstance(body, dict) else set()
            if not isinstance(note, str) or len(note) > 300 or (extra and "assign" not in self.flaws):
                return Said(400)
        if not isinstance(body, dict):
            return Said(201, {"id": "1"}) if "loose" in self.flaws else Said(400)
        if name == "once":
            key = asked.headers.get("idempotency-key", "")
            if key not in self.paid or "replay" in self.flaws:
                self.paid[key] = len(self.paid) + sum(self.paid.values()) + 1
            return Said(201, {"id": str(self.paid[key])})
        number = 1 if asked.method == "PATCH" else 2
        note = str(body.get("note", ""))
        if "template" in self.flaws:
            note = re.sub(r"\{\{(\d+)\*(\d+)\}\}", lambda m: str(int(m[1]) * int(m[2])), note)
        if "format" in self.flaws:
            try:
                note = note.format()
            except (ValueError, LookupError):
                return Said(422)
        if "sql-write" in self.flaws:
            note = re.sub(r"'\|\|upper\('(\w+)'\)\|\|'", lambda m: m[1].upper(), note)
        self.notes.execute(
            "UPDATE notes SET note = ?, iban = ? WHERE id = ?", (note, str(body.get("iban", "")), number)
        )
        if "assign" in self.flaws and "state" in body:
            self.notes.execute("UPDATE notes SET state = ? WHERE id = ?", (str(body["state"]), number))
        if self.lab is not None and "stores-nothing" not in self.flaws:
            shown = body if "plaintext" in self.flaws else {k: v for k, v in body.items() if k != "iban"}
            self.lab.store = (self.lab.store or b"") + json.dumps(shown).encode()
        said = self._shown(number, asked)
        return Said(201, {**said, **body} if "echo" in self.flaws else said)


class DeskLab(ScriptedLab):
    """Drafts with what the contract asks for in queries and headers, too."""

    def draft(self, target: Target, thing: Thing | None = None, *, plant: str = "") -> Draft:
        made = super().draft(target, thing, plant=plant)
        needed = [p for p in target.operation.parameters if p.required]
        query = tuple((p.name, "hello") for p in needed if p.location == "query")
        return replace(made, query=query, headers=tuple((p.name, "k") for p in needed if p.location == "header"))


def outcome(surface: Surface, cases: list[Case], test: str, desk: Desk, operation: str = "", **more: Any) -> Judged:
    """The first case of a test (on an operation) against a desk."""
    case = next(c for c in cases if c.test.id == test and operation in (c.operation, ""))
    lab = DeskLab(surface, desk, desk.things, store=b"", people=400, **more)
    desk.lab = lab
    return judge(case, lab)

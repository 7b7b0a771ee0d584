"""What calls of cases made is known from the answers, and nothing that was merely shown is taken for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.declare import load
from assay.prove.case import Call, Identity, Seen
from assay.prove.identities import Cast, Sources
from assay.prove.objects.making import Made, Maker
from assay.prove.objects.noticing import Nameless, Noticing
from assay.prove.surface import Surface, targets_of

CONTRACT = """\
openapi: 3.0.3
info: {title: Notes, version: "1"}
paths:
  /folders/{folderId}/notes:
    parameters: [{name: folderId, in: path, required: true, schema: {type: string}}]
    get: {operationId: listNotes, responses: {"200": {description: ok}}}
    post:
      operationId: createNote
      requestBody: {content: {application/json: {schema: {type: object, properties: {text: {type: string}}}}}}
      responses: {"201": {description: made}}
  /folders/{folderId}/notes/search:
    parameters: [{name: folderId, in: path, required: true, schema: {type: string}}]
    post: {operationId: searchNotes, responses: {"200": {description: ok}}}
  /folders/{fid}/notes/{noteId}:
    parameters:
      - {name: fid, in: path, required: true, schema: {type: string}}
      - {name: noteId, in: path, required: true, schema: {type: string}}
    get: {operationId: getNote, responses: {"200": {description: ok}}}
    put: {operationId: putNote, responses: {"200": {description: ok}}}
    delete: {operationId: deleteNote, responses: {"204": {description: gone}}}
  /messages:
    post: {operationId: sendMessage, responses: {"201": {description: sent}}}
"""
HEAD = """\
assay: 1
organisation: {name: Notes}
environments: {here: {tier: non-production}}
apis:
  notes: {owner: o, exposure: internal, environment: here, contract: contract.yaml, upstream: "http://127.0.0.1:1"}
"""
WHO = Identity("writer#1", "writer", ())


@pytest.fixture(scope="module")
def noticing(tmp_path_factory: pytest.TempPathFactory) -> Noticing:
    folder: Path = tmp_path_factory.mktemp("notes")
    (folder / "contract.yaml").write_text(CONTRACT)
    (folder / "assay.yaml").write_text(HEAD)
    declaration = load(folder / "assay.yaml", environ={})
    surface = Surface(declaration, targets_of(declaration, base_of={"notes": "/v1"}), (), declared_access=False)
    cast = Cast(Sources(surface=surface, directory=folder, resolve=lambda reference: pytest.fail(reference)))
    return Noticing(surface, Maker(surface, cast, salt="s"))


def call(target: str, body: Any = None, method: str = "POST") -> Call:
    return Call(method=method, target=target, who=WHO, body=json.dumps(body).encode() if body is not None else None)


def seen(status: int, body: Any = None, **headers: str) -> Seen:
    return Seen(1, status, headers, json.dumps(body).encode(), 0.0, "")


NOTES = "/v1/folders/f%201/notes"
ITEM = "/folders/{fid}/notes/{noteId}"


@pytest.mark.parametrize(
    "answer",
    [
        seen(201, {"id": "n-1", "text": "hello"}),
        seen(201, None, location="https://elsewhere.example/v1/folders/f%201/notes/n-1"),
        seen(200, None, location="/folders/f%201/notes/n-1"),
        seen(200, {"noteId": "n-1", "text": "hello"}),
    ],
    ids=["an id in the body", "a location", "a location and 200", "what was sent, under an id"],
)
def test_what_an_answer_says_was_made_will_be_deleted_by_whoever_made_it(noticing: Noticing, answer: Seen) -> None:
    found = noticing.read(call(NOTES + "?draft=1", {"text": "hello"}), answer, "notes")
    assert found == Made("notes", ITEM, {"fid": "f 1", "noteId": "n-1"}, WHO)


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (call(NOTES, {"text": "hello"}), seen(200, {"id": "n-7", "text": "somebody else's"})),
        (call(NOTES, {"text": "hello"}), seen(400, {"id": "n-7", "text": "hello"})),
        (call(f"{NOTES}/search", {"text": "hello"}), seen(200, [{"id": "n-7", "text": "hello"}])),
        (call(NOTES, method="GET"), seen(200, [{"id": "n-7", "text": "hello"}])),
        (call(f"{NOTES}/n-7", method="PUT"), seen(200, {"id": "n-7"})),
        (call("/v1/unknown", {"text": "hello"}), seen(201, {"id": "n-7"})),
    ],
    ids=["another text", "a refusal", "a search", "a read", "a change", "no operation"],
)
def test_what_is_only_shown_is_left_alone(noticing: Noticing, sent: Call, answer: Seen) -> None:
    assert noticing.read(sent, answer, "notes") is None


def test_what_a_caller_named_itself_is_known_when_it_is_new(noticing: Noticing) -> None:
    found = noticing.read(call(f"{NOTES}/mine", method="PUT"), seen(201), "notes")
    assert found == Made("notes", ITEM, {"fid": "f 1", "noteId": "mine"}, WHO)


def test_what_no_operation_deletes_is_named_with_the_reason(noticing: Noticing) -> None:
    sent = noticing.read(call("/v1/messages", {"text": "hello"}), seen(201, {"id": "m-1"}), "notes")
    assert sent == Nameless("notes", "sendMessage", "no declared operation deletes it")
    silent = noticing.read(call(NOTES, {"text": "hello"}), seen(201), "notes")
    assert silent == Nameless("notes", "createNote", "the answer does not say what it is called")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([NOTES, f"{NOTES}/x", "/v1/messages"]) | st.text(), st.binary() | values, values, st.text())
def test_any_answer_can_be_read(noticing: Noticing, target: str, body: Any, answer: Any, location: str) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = Call(method="POST", target=target, who=None, body=raw)
    found = noticing.read(sent, seen(201, answer, location=location), "notes")
    assert found is None or isinstance(found, Made | Nameless)

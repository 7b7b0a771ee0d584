"""References across files, in circles, and to nowhere."""

from __future__ import annotations

from pathlib import Path

import jsonschema_rs
import pytest

from assay.declare.contract import ReadLimits, parse_contract, read_contract
from assay.domain import DeclarationError


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder / next(iter(files))


MULTI = {
    "api.yaml": """\
openapi: 3.0.3
info: {title: Pets, version: "1"}
paths:
  /pets/{id}:
    $ref: paths/pet.yaml
components:
  schemas:
    Tag: {type: string, maxLength: 3}
""",
    "paths/pet.yaml": """\
get:
  operationId: getPet
  parameters:
    - $ref: ../shared.json#/id
  responses:
    '200':
      description: ok
      content:
        application/json:
          schema: {$ref: "../schemas/Pet.yaml"}
""",
    "shared.json": '{\n "id": {"name": "id", "in": "path", "required": true,\n  "schema": {"type": "integer"}}\n}',
    "schemas/Pet.yaml": """\
type: object
properties:
  name: {type: string}
  tags: {type: array, items: {$ref: "../api.yaml#/components/schemas/Tag"}}
  parent: {$ref: "#"}
  friends: {type: array, items: {$ref: "Pet.yaml"}}
""",
}


def test_a_contract_in_several_files_is_one_contract(tmp_path: Path) -> None:
    contract = read_contract(write(tmp_path, MULTI), name="openapi/api.yaml")
    (operation,) = contract.operations
    assert operation.id == "getPet"
    assert operation.pointer == "openapi/paths/pet.yaml#/get"
    assert str(contract.locate(operation.pointer)) == "openapi/paths/pet.yaml:1:1"
    (parameter,) = operation.parameters
    assert str(contract.locate(parameter.pointer)) == "openapi/shared.json:2:2"
    schema_ref = operation.responses[0].schema
    assert schema_ref is not None
    schema = contract.json_schema(schema_ref, direction="response", closed=True)
    validator = jsonschema_rs.Draft202012Validator(schema)
    assert validator.is_valid({"parent": {"parent": {"tags": ["abc"]}}, "friends": [{"name": "x"}]})
    assert not validator.is_valid({"parent": {"parent": {"tags": ["abcd"]}}})
    assert not validator.is_valid({"friends": [{"undeclared": 1}]})
    fields = {f.path: f for f in contract.fields(schema_ref, direction="response")}
    assert fields[("name",)].owner == "openapi/schemas/Pet.yaml#"
    assert fields[("parent",)].recursive
    assert fields[("friends",)].recursive
    assert not fields[("tags",)].recursive


def test_values_are_found_through_chains_of_references(tmp_path: Path) -> None:
    contract = read_contract(write(tmp_path, MULTI))
    assert contract.resolve("#/components/schemas/Tag") == {"type": "string", "maxLength": 3}
    assert contract.resolve("#/paths/~1pets~1{id}/get/operationId") == "getPet"
    with pytest.raises(DeclarationError, match="leads to nothing"):
        contract.resolve("#/components/schemas/Tog")


def operation(reference: str) -> str:
    return f"""\
openapi: 3.0.3
paths:
  /a:
    get:
      responses:
        '200':
          description: ok
          content: {{application/json: {{schema: {{$ref: "{reference}"}}}}}}
components:
  schemas:
    A: {{$ref: "#/components/schemas/B"}}
    B: {{$ref: "#/components/schemas/A"}}
"""


@pytest.mark.parametrize(
    ("reference", "check"),
    [
        ("#/components/schemas/Nothing", "dangling-reference"),
        ("#nowhere", "dangling-reference"),
        ("missing.yaml", "dangling-reference"),
        ("missing.yaml#/x", "dangling-reference"),
        ("../outside.yaml", "reference-outside-tree"),
        ("/etc/hostname", "reference-outside-tree"),
        ("link.yaml", "reference-outside-tree"),
        ("%2e%2e/outside.yaml", "reference-outside-tree"),
        ("https://example.test/x.yaml", "remote-reference"),
        ("//example.test/x.yaml", "remote-reference"),
        ("file:///etc/hostname", "remote-reference"),
        ("#/components/schemas/A", "circular-reference"),
        ("broken.yaml", "dangling-reference"),
        ("sub", "dangling-reference"),
    ],
)
def test_a_reference_that_cannot_be_followed_is_named_with_its_place(
    tmp_path: Path, reference: str, check: str
) -> None:
    (tmp_path / "outside.yaml").write_text("type: string")
    path = write(tmp_path / "tree", {"api.yaml": operation(reference), "broken.yaml": "a: [", "sub/x.yaml": "{}"})
    (tmp_path / "tree" / "link.yaml").symlink_to("../outside.yaml")
    with pytest.raises(DeclarationError) as caught:
        read_contract(path, name="api.yaml")
    (verdict,) = (v for v in caught.value.verdicts if v.location.line == 8)
    assert verdict.check == check
    assert reference in verdict.sentence
    assert str(verdict.location) == "api.yaml:8:40"
    assert verdict.fix


def test_a_broken_reference_that_nothing_needs_is_a_note() -> None:
    contract = parse_contract(
        b"""
openapi: 3.0.3
paths: {/a: {get: {responses: {'200': {description: ok, content: {application/json: {example: {$ref: x}}}}}}}}
components: {schemas: {Unused: {$ref: "#/components/schemas/Gone"}}}
""",
        name="a.yaml",
    )
    found = [n for n in contract.notes if n.check == "dangling-reference"]
    assert [(n.location.line, str(n.severity)) for n in found] == [(4, "low")]


def test_a_single_document_cannot_pull_in_files() -> None:
    with pytest.raises(DeclarationError) as caught:
        parse_contract(operation("/etc/hostname").encode(), name="fetched")
    assert {v.check for v in caught.value.verdicts} == {"reference-outside-tree"}


def test_the_number_and_size_of_files_is_bounded(tmp_path: Path) -> None:
    path = write(tmp_path, MULTI)
    with pytest.raises(DeclarationError, match="more than 2 files"):
        read_contract(path, limits=ReadLimits(documents=2))
    with pytest.raises(DeclarationError, match="together"):
        read_contract(path, limits=ReadLimits(total_bytes=300))
    with pytest.raises(DeclarationError, match="more than the 20"):
        read_contract(path, limits=ReadLimits(file_bytes=20))


def test_anchors_and_ids_of_openapi_31_are_followed() -> None:
    contract = parse_contract(
        b"""
openapi: 3.1.0
paths:
  /a:
    post:
      requestBody: {content: {application/json: {schema: {$ref: "#money"}}}}
  /b:
    post:
      requestBody: {content: {application/json: {schema: {$ref: "https://schemas.example/tree"}}}}
components:
  schemas:
    Money: {$anchor: money, type: integer}
    Tree:
      $id: https://schemas.example/tree
      type: object
      properties: {leaf: {$ref: "#/$defs/Leaf"}, more: {$dynamicRef: "#node"}}
      $defs: {Leaf: {type: boolean, $dynamicAnchor: node}}
""",
        name="a.yaml",
    )
    money, tree = (o.body[0].schema for o in contract.operations)
    assert money is not None
    assert tree is not None
    assert jsonschema_rs.is_valid(contract.json_schema(money, direction="request", closed=True), 1)
    validator = jsonschema_rs.Draft202012Validator(contract.json_schema(tree, direction="request", closed=True))
    assert validator.is_valid({"leaf": True, "more": False})
    assert not validator.is_valid({"leaf": "x"})
    assert not validator.is_valid({"more": 1})

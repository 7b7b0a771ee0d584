"""The same API in three dialects is read into the same operations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assay.declare.contract import Contract, Operation, Parameter, Requirement, parse_contract, read_contract

OPENAPI_30 = """\
openapi: 3.0.3
info: {title: Customers, version: "1"}
servers: [{url: "https://{host}/v1/", variables: {host: {default: api.example}}}]
security: [{oauth: [read]}]
paths:
  /customers/{customerId}:
    parameters:
      - {name: customerId, in: path, required: true, schema: {type: integer}}
    get:
      operationId: getCustomer
      tags: [customers]
      parameters:
        - {name: fields, in: query, explode: false, schema: {type: array, items: {type: string}}}
      responses:
        200: {description: ok, content: {application/json: {schema: {$ref: "#/components/schemas/Customer"}}}}
        default: {description: wrong}
    put:
      operationId: updateCustomer
      security: [{oauth: [write], key: []}, {}]
      requestBody:
        required: true
        content: {application/json: {schema: {$ref: "#/components/schemas/Customer"}}}
      responses: {204: {description: done, headers: {ETag: {schema: {type: string}}}}}
components:
  securitySchemes:
    oauth:
      type: oauth2
      flows: {clientCredentials: {tokenUrl: "https://login.example/token", scopes: {read: reads, write: writes}}}
    key: {type: apiKey, in: header, name: X-Key}
  schemas:
    Customer:
      type: object
      required: [id, name]
      properties:
        id: {type: integer, readOnly: true}
        name: {type: string, nullable: true}
        age: {type: integer, minimum: 0, exclusiveMinimum: true}
"""
OPENAPI_31 = OPENAPI_30.replace("3.0.3", "3.1.0").replace("{type: string, nullable: true}", "{type: [string, 'null']}")
OPENAPI_31 = OPENAPI_31.replace("minimum: 0, exclusiveMinimum: true", "exclusiveMinimum: 0")
SWAGGER = """\
swagger: "2.0"
info: {title: Customers, version: "1"}
host: api.example
basePath: /v1/
schemes: [https]
consumes: [application/json]
produces: [application/json]
security: [{oauth: [read]}]
paths:
  /customers/{customerId}:
    parameters:
      - {name: customerId, in: path, required: true, type: integer}
    get:
      operationId: getCustomer
      tags: [customers]
      parameters:
        - {name: fields, in: query, type: array, items: {type: string}, collectionFormat: csv}
      responses:
        200: {description: ok, schema: {$ref: "#/definitions/Customer"}}
        default: {description: wrong}
    put:
      operationId: updateCustomer
      security: [{oauth: [write], key: []}, {}]
      parameters:
        - {name: anything, in: body, required: true, schema: {$ref: "#/definitions/Customer"}}
      responses: {204: {description: done, headers: {ETag: {type: string}}}}
securityDefinitions:
  oauth:
    type: oauth2
    flow: application
    tokenUrl: https://login.example/token
    scopes: {read: reads, write: writes}
  key: {type: apiKey, in: header, name: X-Key}
definitions:
  Customer:
    type: object
    required: [id, name]
    properties:
      id: {type: integer, readOnly: true}
      name: {type: string, x-nullable: true}
      age: {type: integer, minimum: 0, exclusiveMinimum: true}
"""
DIALECTS = {"3.0.3": OPENAPI_30, "3.1.0": OPENAPI_31, "2.0": SWAGGER}


def read(text: str) -> Contract:
    return parse_contract(text.encode(), name="api.yaml")


def normal_form(contract: Contract) -> dict[str, object]:
    """Everything about a contract but where it was written."""

    def parameter(p: Parameter) -> dict[str, object]:
        schema = contract.json_schema(p.schema, direction="request", closed=True)
        return {
            "name": p.name,
            "in": p.location,
            "required": p.required,
            "style": (p.style, p.explode),
            "schema": schema,
        }

    def operation(o: Operation) -> dict[str, object]:
        return {
            "id": (o.id, o.declared_id),
            "route": (o.method, o.path),
            "tags": o.tags,
            "parameters": [parameter(p) for p in o.parameters],
            "bodies": [
                (b.media_type, b.schema and contract.json_schema(b.schema, direction="request", closed=True))
                for b in o.body
            ],
            "body_required": o.body_required,
            "responses": [
                (
                    r.status,
                    r.media_type,
                    r.headers,
                    r.schema and contract.json_schema(r.schema, direction="response", closed=True),
                )
                for r in o.responses
            ],
            "security": o.security,
        }

    schemes = {
        s.name: (s.kind, s.location, s.parameter_name, dict(s.scopes), s.token_url)
        for s in contract.security_schemes.values()
    }
    return {
        "title": contract.title,
        "servers": contract.servers,
        "base_path": contract.base_path,
        "schemes": schemes,
        "operations": [operation(o) for o in contract.operations],
    }


@pytest.mark.parametrize("version", DIALECTS)
def test_every_dialect_gives_the_same_normal_form(version: str) -> None:
    contract = read(DIALECTS[version])
    assert contract.version == version
    form = normal_form(contract)
    form["servers"] = tuple(str(s).rstrip("/") for s in contract.servers)
    assert form == {
        "title": "Customers",
        "servers": ("https://api.example/v1",),
        "base_path": "/v1",
        "schemes": {
            "oauth": ("oauth2", None, None, {"read": "reads", "write": "writes"}, "https://login.example/token"),
            "key": ("apiKey", "header", "X-Key", {}, None),
        },
        "operations": [
            {
                "id": ("getCustomer", True),
                "route": ("GET", "/customers/{customerId}"),
                "tags": ("customers",),
                "parameters": [
                    {
                        "name": "customerId",
                        "in": "path",
                        "required": True,
                        "style": ("simple", False),
                        "schema": {"$schema": DRAFT, "type": "integer"},
                    },
                    {
                        "name": "fields",
                        "in": "query",
                        "required": False,
                        "style": ("form", False),
                        "schema": {"$schema": DRAFT, "type": "array", "items": {"type": "string"}},
                    },
                ],
                "bodies": [],
                "body_required": False,
                "responses": [
                    (
                        "200",
                        "application/json",
                        (),
                        {"$schema": DRAFT, "$ref": "#/$defs/Customer", "$defs": {"Customer": OUT}},
                    ),
                    ("default", None, (), None),
                ],
                "security": ((Requirement("oauth", ("read",)),),),
            },
            {
                "id": ("updateCustomer", True),
                "route": ("PUT", "/customers/{customerId}"),
                "tags": (),
                "parameters": [
                    {
                        "name": "customerId",
                        "in": "path",
                        "required": True,
                        "style": ("simple", False),
                        "schema": {"$schema": DRAFT, "type": "integer"},
                    }
                ],
                "bodies": [
                    ("application/json", {"$schema": DRAFT, "$ref": "#/$defs/Customer", "$defs": {"Customer": IN}})
                ],
                "body_required": True,
                "responses": [("204", None, ("ETag",), None)],
                "security": ((Requirement("key"), Requirement("oauth", ("write",))), ()),
            },
        ],
    }


DRAFT = "https://json-schema.org/draft/2020-12/schema"
OUT: dict[str, object] = {
    "type": "object",
    "required": ["id", "name"],
    "properties": {
        "id": {"type": "integer"},
        "name": {"type": ["string", "null"]},
        "age": {"type": "integer", "exclusiveMinimum": 0},
    },
    "additionalProperties": False,
}
IN: dict[str, object] = {
    **OUT,
    "required": ["name"],
    "properties": {
        "id": False,
        "name": {"type": ["string", "null"]},
        "age": {"type": "integer", "exclusiveMinimum": 0},
    },
}


def test_json_and_yaml_are_read_alike(tmp_path: Path) -> None:
    import yaml

    # `responses` has integer keys in YAML, which are the same names as the strings of JSON
    document = json.dumps(yaml.safe_load(OPENAPI_30))
    (tmp_path / "api.json").write_text(document)
    from_json = read_contract(tmp_path / "api.json")
    assert normal_form(from_json) == normal_form(read(OPENAPI_30))


def test_form_parameters_of_swagger_become_a_form_body() -> None:
    contract = read(
        """
swagger: "2.0"
info: {title: x, version: "1"}
paths:
  /upload:
    post:
      consumes: [multipart/form-data]
      parameters:
        - {name: file, in: formData, type: file, required: true}
        - {name: tags, in: formData, type: array, items: {type: string}, collectionFormat: multi}
        - {name: note, in: formData, type: string, maxLength: 5}
      responses: {200: {description: ok}}
"""
    )
    (operation,) = contract.operations
    (body,) = operation.body
    assert (body.media_type, operation.body_required, operation.id) == ("multipart/form-data", True, "postUpload")
    assert body.encoding == {"tags": {"style": "form", "explode": True}}
    assert body.schema is not None
    schema = contract.json_schema(body.schema, direction="request", closed=True)
    assert schema["required"] == ["file"]
    assert schema["additionalProperties"] is False
    assert {f.name: f.format for f in contract.fields(body.schema, direction="request")} == {
        "file": "binary",
        "tags": None,
        "note": None,
    }
    assert contract.locate(body.pointer).line == 8


@pytest.mark.parametrize(
    ("written", "style", "explode"),
    [
        ("csv", "form", False),
        ("ssv", "spaceDelimited", False),
        ("tsv", "tabDelimited", False),
        ("pipes", "pipeDelimited", False),
        ("multi", "form", True),
    ],
)
def test_collection_formats_of_swagger_become_styles(written: str, style: str, explode: bool) -> None:
    contract = read(
        f"""
swagger: "2.0"
paths:
  /a:
    get:
      parameters: [{{name: q, in: query, type: array, items: {{type: string}}, collectionFormat: {written}}}]
"""
    )
    (parameter,) = contract.operations[0].parameters
    assert (parameter.style, parameter.explode) == (style, explode)


def test_parameter_styles_have_openapi_defaults() -> None:
    contract = read(
        """
openapi: 3.0.0
paths:
  /a/{p}:
    get:
      parameters:
        - {name: p, in: path, required: true, schema: {type: string}}
        - {name: q, in: query, schema: {type: string}, allowReserved: true}
        - {name: f, in: query, style: deepObject, explode: true, schema: {type: object}}
        - {name: c, in: cookie, schema: {type: string}}
        - {name: X-H, in: header, schema: {type: string}}
        - {name: Authorization, in: header, schema: {type: string}}
        - {name: j, in: query, content: {Application/JSON: {schema: {type: object}}}}
        - {name: w, in: header, style: form, schema: {type: string}}
"""
    )
    (operation,) = contract.operations
    assert [(p.name, p.style, p.explode, p.media_type) for p in operation.parameters] == [
        ("p", "simple", False, None),
        ("q", "form", True, None),
        ("f", "deepObject", True, None),
        ("c", "form", True, None),
        ("X-H", "simple", False, None),
        ("j", "form", True, "application/json"),
        ("w", "simple", False, None),
    ]
    assert operation.parameters[1].allow_reserved
    assert "unknown-style" in {note.check for note in contract.notes}


def test_an_operation_overrides_the_parameters_of_its_path() -> None:
    contract = read(
        """
openapi: 3.0.0
paths:
  /a:
    parameters: [{name: q, in: query, required: true, schema: {type: string}}, {name: r, in: query, schema: {}}]
    get:
      parameters: [{name: q, in: query, schema: {type: integer}}]
"""
    )
    first, second = contract.operations[0].parameters
    assert (first.name, first.required, first.schema.pointer) == ("q", False, "#/paths/~1a/get/parameters/0/schema")
    assert second.name == "r"


def test_an_operation_without_an_id_gets_one_that_does_not_depend_on_the_others() -> None:
    contract = read(
        """
openapi: 3.0.0
paths:
  /users/{id}: {get: {}, delete: {operationId: drop}}
  /users/{other}/x: {get: {}}
  /users-by/id: {get: {operationId: getUsersByIdX}}
  /users/{id}.x: {get: {}}
  /: {get: {}}
"""
    )
    assert [(o.id, o.declared_id) for o in contract.operations] == [
        ("getUsersById", False),
        ("drop", True),
        ("getUsersByOtherX", False),
        ("getUsersByIdX", True),
        ("getUsersByIdX-" + contract.operations[4].id[-8:], False),
        ("getRoot", False),
    ]


def test_an_unquoted_version_is_understood() -> None:
    assert read("openapi: 3.0\npaths: {}").version == "3.0.0"
    assert read("swagger: 2.0\npaths: {}").version == "2.0"

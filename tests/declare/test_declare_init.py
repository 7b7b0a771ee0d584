"""A first declaration works as it stands, whatever the contract, and marks every guess."""

from __future__ import annotations

import http.server
import json
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.declare.declaring import CONTRACT

from assay.controls import CONTROL_IDS
from assay.declare import Declaration, load
from assay.declare.contract import parse_contract
from assay.declare.init import draft
from assay.declare.init_files import fetch_contract, write_init
from assay.domain import AssayError, DeclarationError, IncompleteError, UsageError

UP = "http://127.0.0.1:9000"
ROOT = Path(__file__).parents[2]


def document(paths: dict[str, Any], **more: Any) -> bytes:
    return json.dumps(
        {"openapi": "3.0.3", "info": {"title": "My Shop API", "version": "1"}, "paths": paths, **more}
    ).encode()


def drafted(directory: Path, contract: bytes, **options: Any) -> Declaration:
    write_init(directory, contract=contract, **{"upstream": UP, **options})
    return load(directory, environ={}, controls=CONTROL_IDS, shown_as="")


def operation(**more: Any) -> dict[str, Any]:
    return {"responses": {"200": {"description": "ok"}}, **more}


def test_readers_read_admins_do_everything_and_the_contracts_own_exceptions_stay_open(tmp_path: Path) -> None:
    contract = document(
        {
            "/a": {
                "get": operation(operationId="readA"),
                "post": operation(operationId="writeA"),
                "delete": operation(operationId="dropA", security=[{"oauth": ["shop:admin"]}]),
            },
            "/b": {"get": operation(operationId="readB", security=[{"oauth": ["shop.admin"]}])},
            "/health": {"get": operation(operationId="health", security=[])},
        },
        security=[{"oauth": ["shop:read"]}],
        components={
            "securitySchemes": {
                "oauth": {
                    "type": "oauth2",
                    "flows": {
                        "clientCredentials": {
                            "tokenUrl": "https://x/t",
                            "scopes": {"shop:read": "", "shop:admin": "", "shop.admin": ""},
                        }
                    },
                }
            }
        },
    )
    api = drafted(tmp_path, contract).model.apis["my-shop"]
    assert [(rule.roles, rule.anonymous, rule.operations) for rule in api.access] == [
        (("user",), False, ("readA",)),
        (("admin",), False, ("*",)),
        ((), True, ("health",)),
    ]
    assert api.security == "contract"
    consumers = load(tmp_path, environ={}).model.consumers
    app, admin = consumers["app"].authenticate.oauth2, consumers["admin-console"].authenticate.oauth2
    assert app and admin
    assert app.scopes == ("shop:read",)
    assert set(admin.scopes) == {"shop:read", "shop:admin", "shop.admin"}
    assert consumers["partner"].authenticate.api_key is not None


def test_where_the_contract_is_silent_any_known_caller_gets_in_and_nobody_else(tmp_path: Path) -> None:
    api = drafted(tmp_path, document({"/a": {"get": operation(operationId="a")}})).model.apis["my-shop"]
    assert api.security == "any"
    assert not any(rule.anonymous for rule in api.access)


def test_a_contract_without_any_scheme_opens_nothing_by_saying_security_nowhere(tmp_path: Path) -> None:
    silent = {"/a": {"get": operation(operationId="a", security=[]), "post": operation(operationId="b", security=[])}}
    api = drafted(tmp_path, document(silent)).model.apis["my-shop"]
    assert api.security == "any"
    assert [(rule.roles, rule.operations) for rule in api.access] == [(("user",), ("a",)), (("admin",), ("*",))]


def test_the_words_of_an_error_are_no_data_set(tmp_path: Path) -> None:
    said = {
        "content": {"application/json": {"schema": {"type": "object", "properties": {"email": {"type": "string"}}}}}
    }
    answers = {"responses": {"200": {"description": ""}, "400": {"description": "", **said}, "default": said}}
    assert not drafted(tmp_path, document({"/a": {"get": {"operationId": "a", **answers}}})).model.data


def test_guesses_are_marked_with_confidence_and_reason(tmp_path: Path) -> None:
    declaration = drafted(tmp_path, CONTRACT.encode())
    order = declaration.model.data["order"]
    assert order.from_ == ("openapi/orders.yaml#/components/schemas/Order",)
    assert order.fields["email"].guessed == "high"
    assert declaration.model.data["order-address"].fields["city"].category == "user.contact.address.city"
    assert 'guessed: high}  # guess: name "email" (high)' in declaration.sources["assay.yaml"]


def test_what_the_service_stores_is_not_encrypted_behind_its_back(tmp_path: Path) -> None:
    schema = {"type": "object", "properties": {"iban": {"type": "string"}, "password": {"type": "string"}}}
    body = {"content": {"application/json": {"schema": schema}}}
    contract = document({"/accounts": {"post": operation(operationId="make", requestBody=body)}})
    fields = drafted(tmp_path, contract).model.data["accounts"].fields
    assert {name: (item.level, item.encrypt) for name, item in fields.items()} == {
        "iban": ("restricted", False),
        "password": ("special", False),
    }


def test_variants_of_a_record_are_one_data_set(tmp_path: Path) -> None:
    person = {"type": "object", "properties": {"email": {"type": "string"}}}
    names = ("Customer", "CustomerCreate", "UpdateCustomerRequest", "CustomerList")
    schemas = dict.fromkeys(names, person)
    paths = {
        f"/{name}": {
            "post": operation(
                operationId=name,
                requestBody={"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}},
            )
        }
        for name in names
    }
    data = drafted(tmp_path, document(paths, components={"schemas": schemas})).model.data
    assert {name: len(item.from_) for name, item in data.items()} == {"customer": 4}


def test_strictness_is_relaxed_only_where_the_contract_forces_it(tmp_path: Path) -> None:
    free = {"name": "filter", "in": "query", "schema": {"type": "object"}}
    bad = {"type": "object", "properties": {"a": {}}, "required": ["b"]}
    contract = document(
        {
            "/a": {"get": operation(operationId="a", parameters=[free])},
            "/b": {"post": operation(operationId="b", requestBody={"content": {"application/json": {"schema": bad}}})},
        }
    )
    strict = drafted(tmp_path, contract).model.apis["my-shop"].strict
    assert (strict.query, strict.body) == (False, False)
    strict = drafted(tmp_path / "other", CONTRACT.encode()).model.apis["orders"].strict
    assert (strict.query, strict.body) == (True, True)


def test_an_operation_id_that_would_name_others_is_left_to_admins(tmp_path: Path) -> None:
    contract = document({"/a": {"get": operation(operationId="get*")}, "/b": {"get": operation(operationId="getB")}})
    access = drafted(tmp_path, contract).model.apis["my-shop"].access
    assert [rule.operations for rule in access] == [("getB",), ("*",)]


def test_the_upstream_comes_from_the_contract_if_nobody_gives_one(tmp_path: Path) -> None:
    contract = document({}, servers=[{"url": "/v1"}, {"url": "https://shop.example/v2"}])
    assert drafted(tmp_path, contract, upstream=None).model.apis["my-shop"].upstream == "https://shop.example/v2"
    with pytest.raises(UsageError, match="does not say where the service answers"):
        drafted(tmp_path / "other", document({}), upstream=None)
    with pytest.raises(UsageError, match="no URL that can be used"):
        drafted(tmp_path / "other", document({}), upstream="shop.example")


def test_existing_files_are_named_and_kept(tmp_path: Path) -> None:
    (tmp_path / "assay.yaml").write_text("mine")
    with pytest.raises(UsageError, match=r"Already there: .*assay\.yaml"):
        drafted(tmp_path, CONTRACT.encode())
    assert (tmp_path / "assay.yaml").read_text() == "mine"
    assert not (tmp_path / "openapi").exists()
    drafted(tmp_path, CONTRACT.encode(), force=True)


def test_a_contract_inside_is_referred_to_and_one_outside_is_copied_with_what_it_refers_to(tmp_path: Path) -> None:
    outside, inside = tmp_path / "elsewhere", tmp_path / "here"
    (outside / "parts").mkdir(parents=True)
    split = CONTRACT.replace('"#/components/schemas/Order"', '"parts/order.yaml"', 1)
    (outside / "api.yaml").write_text(split)
    (outside / "parts/order.yaml").write_text("type: object\nproperties: {phone: {type: string}}\n")
    written = write_init(inside, contract=outside / "api.yaml", upstream=UP)
    assert {file.relative_to(inside).as_posix() for file in written} == {
        *("assay.yaml", "openapi/api.yaml", "openapi/parts/order.yaml")
    }
    declaration = load(inside, environ={}, controls=CONTROL_IDS)
    pointers = [pointer for item in declaration.model.data.values() for pointer in item.from_]
    assert "openapi/parts/order.yaml#" in pointers
    (inside / "own.yaml").write_text(CONTRACT)
    write_init(inside, contract=inside / "own.yaml", upstream=UP, force=True)
    assert load(inside, environ={}).model.apis["orders"].contract == "own.yaml"


def test_hostile_words_of_a_contract_stay_words(tmp_path: Path) -> None:
    contract = document(
        {"/a": {"get": operation(operationId="${HOME}: [x] # y\n- z")}},
        info=None,
    ).replace(
        b'"info": null',
        b'"info": {"title": "x\\n# }: ${PATH} \\u2028 ghp_16C7e42F292c6912E7710c838347Ae178B4a", "version": "1"}',
    )
    declaration = drafted(tmp_path, contract)
    (api,) = declaration.model.apis.values()
    assert api.access[0].operations == ("${HOME}: [x] # y\n- z",)
    assert "ghp_16C7" not in declaration.sources["assay.yaml"]


def test_the_example_of_this_project_can_be_drafted(tmp_path: Path) -> None:
    write_init(tmp_path, contract=ROOT / "examples/customer-data/openapi/customer-data.yaml", upstream=UP)
    assert load(tmp_path, environ={}, controls=CONTROL_IDS).model.apis["customer-data"].upstream == UP


names = st.sampled_from(
    ["email", "name", "iban", "password", "notes", "a.b", "a/b", "~", "", "ünïcode", "on", "1", "x: y", "${X}"]
) | st.text(max_size=6)
leaves = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["string", "integer", "array", "object", ["string", "null"]]),
        "format": st.sampled_from(["email", "date", "uuid", "password"]),
        "maxLength": st.integers(0, 500),
        "readOnly": st.booleans(),
    },
)
schemas = st.recursive(
    leaves | st.sampled_from([{"$ref": "#/components/schemas/A"}, {"$ref": "#/components/schemas/B~1x"}]),
    lambda inner: st.one_of(
        st.builds(
            lambda p, r: {"type": "object", "properties": p, "required": r},
            st.dictionaries(names, inner, max_size=3),
            st.lists(names, max_size=2, unique=True),
        ),
        st.builds(lambda i: {"type": "array", "items": i}, inner),
        st.builds(
            lambda k, i: {k: i}, st.sampled_from(["allOf", "anyOf", "oneOf"]), st.lists(inner, min_size=1, max_size=2)
        ),
        st.builds(lambda i: {"type": "object", "additionalProperties": i}, inner),
    ),
    max_leaves=6,
)
securities = st.none() | st.lists(
    st.sampled_from([{}, {"key": []}, {"oauth": ["read"]}, {"oauth": ["a:admin"], "cert": []}, {"basic": []}]),
    max_size=3,
)
operations = st.builds(
    lambda i, security, request, response: {
        **({"operationId": i} if i else {}),
        **({"security": security} if security is not None else {}),
        **({"requestBody": {"content": {"application/json": {"schema": request}}}} if request is not None else {}),
        "responses": {"200": {"description": "", "content": {"application/json": {"schema": response}}}},
    },
    st.none() | st.text(min_size=1, max_size=8),
    securities,
    st.none() | schemas,
    schemas,
)
contracts = st.builds(
    lambda title, paths, a, b, security: json.dumps(
        {
            "openapi": "3.1.0",
            "info": {"title": title, "version": "1"},
            "paths": paths,
            **({"security": security} if security is not None else {}),
            "components": {
                "schemas": {"A": a, "B/x": b},
                "securitySchemes": {
                    "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
                    "oauth": {"type": "oauth2", "flows": {}},
                    "cert": {"type": "mutualTLS"},
                    "basic": {"type": "http", "scheme": "basic"},
                },
            },
        }
    ).encode(),
    st.text(max_size=20),
    st.dictionaries(
        st.sampled_from(["/", "/a", "/a b", "/customers", "/x:y"]),
        st.dictionaries(st.sampled_from(["get", "post", "put", "delete", "head"]), operations, max_size=3),
        max_size=3,
    ),
    schemas,
    schemas,
    securities,
)


@settings(max_examples=150, deadline=None)
@given(contracts)
def test_a_draft_of_any_contract_that_can_be_read_loads(contract: bytes) -> None:
    try:
        parse_contract(contract, name="x")
    except DeclarationError:
        return
    with tempfile.TemporaryDirectory() as directory:
        declaration = drafted(Path(directory), contract)
        (api,) = declaration.model.apis
        assert all(o for o in declaration.operations(api))


def test_a_draft_is_the_same_each_time() -> None:
    contract = parse_contract(CONTRACT.encode(), name="api.yaml")
    assert draft(contract, contract_path="api.yaml", upstream=UP) == draft(
        contract, contract_path="api.yaml", upstream=UP
    )


ANSWERS: dict[str, tuple[int, dict[str, str], bytes]] = {
    "/openapi.yaml": (200, {"content-type": "application/yaml"}, CONTRACT.encode()),
    "/page": (200, {"content-type": "text/html; charset=utf-8"}, b"<html>"),
    "/missing": (404, {}, b""),
    "/broken": (500, {}, b""),
    "/secret": (401, {}, b""),
    "/empty": (200, {}, b"  "),
    "/large": (200, {}, b"x" * 5000),
    "/moved": (302, {"location": "/openapi.yaml"}, b""),
    "/loop": (302, {"location": "/loop"}, b""),
    "/away": (302, {"location": "file:///etc/passwd"}, b""),
    "/garbled": (200, {"content-encoding": "gzip"}, b"not gzip"),
}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = ANSWERS[self.path.partition("?")[0]]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()
        thread.join()


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False) as made:
        yield made


@pytest.mark.integration
def test_a_served_contract_is_fetched_and_saved_beside_the_declaration(
    server: str, client: httpx.Client, tmp_path: Path
) -> None:
    for path in ("/openapi.yaml", "/moved", "/openapi.yaml?key=x"):
        assert fetch_contract(server + path, client=client) == CONTRACT.encode()
    drafted(tmp_path, fetch_contract(server + "/openapi.yaml", client=client))
    assert (tmp_path / "openapi/orders.yaml").read_bytes() == CONTRACT.encode()


@pytest.mark.integration
@pytest.mark.parametrize(
    ("path", "kind", "sentence"),
    [
        ("/page", UsageError, "is a web page, not an OpenAPI document"),
        ("/missing", UsageError, r"There is no document at .*/missing \(status 404\)"),
        ("/broken", IncompleteError, "answered with status 500"),
        ("/secret", UsageError, "asks for credentials"),
        ("/empty", UsageError, "is empty"),
        ("/large", UsageError, "larger than 0 MiB"),
        ("/loop", UsageError, "gives no document that can be read"),
        ("/away", AssayError, "cannot be reached|no document"),
        ("/garbled", UsageError, "gives no document that can be read"),
    ],
)
def test_what_is_no_contract_is_told(
    server: str, client: httpx.Client, path: str, kind: type[AssayError], sentence: str
) -> None:
    with pytest.raises(kind, match=sentence) as caught:
        fetch_contract(server + path, client=client, limit=4096)
    assert caught.value.fix


@pytest.mark.integration
def test_a_server_that_is_not_there_is_told(client: httpx.Client) -> None:
    with pytest.raises(IncompleteError, match="cannot be reached"):
        fetch_contract("http://127.0.0.1:1/x", client=client)


@pytest.mark.parametrize("listen", ["foo", "localhost:8443", "127.0.0.1", "127.0.0.1:99999", ""])
def test_no_draft_listens_where_nothing_can(listen: str) -> None:
    contract = parse_contract(CONTRACT.encode(), name="api.yaml")
    with pytest.raises(UsageError, match="no address"):
        draft(contract, contract_path="api.yaml", upstream="http://127.0.0.1:9000", listen=listen)


@pytest.mark.parametrize("url", ["ftp://x/y", "openapi.yaml", "http://", "http://[", "http://x:port/", "\0"])
def test_what_is_no_url_is_told(url: str, client: httpx.Client) -> None:
    with pytest.raises(UsageError):
        fetch_contract(url, client=client)


def test_credentials_in_a_url_are_not_repeated(client: httpx.Client) -> None:
    with pytest.raises(IncompleteError) as caught:
        fetch_contract("http://user:hunter2@127.0.0.1:1/x?token=hunter3", client=client)
    assert "hunter" not in caught.value.diagnosis()

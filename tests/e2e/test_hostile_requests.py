"""Hostile requests end as a refusal, the gateway stays up, and the service behind it sees none of them."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
from urllib.parse import urlsplit

import httpx
import pytest

pytestmark = pytest.mark.integration
JSON = {"content-type": "application/json"}
RECORD = {
    "name": "Frank Hostile",
    "email": "frank@example.test",
    "phone": "+353 1 555 0102",
    "date_of_birth": "1990-01-02",
    "postcode": "D02",
    "iban": "IE29AIBK93115200000099",
    "national_id": "285057800608441",
    "notes": "x",
}


@pytest.fixture(scope="module", autouse=True)
def unlimited(world):
    """So many refusals in a row would otherwise be the rate limit's."""
    file = world.directory / "assay.yaml"
    original = file.read_text()
    file.write_text(original.replace("60/minute", "60000/minute").replace("10/minute", "10000/minute"))
    world.assay("apply")
    yield
    file.write_text(original)
    world.assay("apply")


@pytest.fixture(scope="module")
def admin(world):
    """A caller whose role may do everything, so that only the request itself can be at fault."""
    trust = ssl.create_default_context(cafile=str(world.state / "pki" / "ca.crt"))
    pair = world.state / "pki" / "client-back-office.internal"
    trust.load_cert_chain(f"{pair}.crt", f"{pair}.key")
    with httpx.Client(base_url=world.url, verify=trust, timeout=30, trust_env=False) as client:
        yield client


def customers(world) -> int:
    found = httpx.get(f"{world.direct}/customers", params={"limit": 1000}, timeout=30, trust_env=False)
    return len(found.json()["items"])


def body(**changes: object) -> bytes:
    return json.dumps({**RECORD, **changes}).encode()


BODIES = {
    "duplicate keys": (body()[:-1] + b', "name": "Twice"}', JSON),
    "invalid UTF-8": (body().replace(b"Frank", b"Fr\xff\xfenk"), JSON),
    "overlong UTF-8": (body().replace(b"Frank", b"Fr\xc0\xafnk"), JSON),
    "deep nesting": (b'{"notes":' + b"[" * 5000 + b"]" * 5000 + b"}", JSON),
    "a huge number": (body()[:-1] + b', "x": 1e999}', JSON),
    "a number of a thousand digits": (body().replace(b'"x"', b"9" * 1000), JSON),
    "not a number": (body().replace(b'"notes": "x"', b'"notes": NaN'), JSON),
    "trailing garbage": (body() + b"{}", JSON),
    "a byte order mark": (b"\xef\xbb\xbf" + body(), JSON),
    "a lone surrogate": (body(notes="\ud800"), JSON),
    "a NUL": (body(notes="a\x00b"), JSON),
    "an undeclared property": (body(role="admin"), JSON),
    "the wrong type": (body(name=42), JSON),
    "a read-only property": (body(customerId="c-1"), JSON),
    "a bad date": (body(date_of_birth="1990-13-45"), JSON),
    "not JSON": (b"name=x", JSON),
    "nothing at all": (b"", JSON),
    "XML where JSON is declared": (b"<a/>", {"content-type": "application/xml"}),
    "an entity bomb": (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', {"content-type": "text/xml"}),
    "no media type": (body(), {}),
    "another charset": (body(), {"content-type": "application/json; charset=utf-16"}),
    "a compressed bomb": (gzip.compress(b" " * 10_000_000), {**JSON, "content-encoding": "gzip"}),
    "too many bytes": (body(notes="x" * 70_000), JSON),
    "SQL in free text": (body(notes="x' UNION SELECT password FROM users --"), JSON),
    "a script in free text": (body(notes="<script>alert(1)</script>"), JSON),
    "a template expression": (body(notes="{{7*7}}{{config.items()}}"), JSON),
    "a shell command": (body(notes="; cat /etc/passwd | nc 127.0.0.1 1"), JSON),
    "an operator object": (body(name={"$gt": ""}), JSON),
}


@pytest.mark.parametrize("case", BODIES)
def test_a_hostile_body_is_refused_with_a_reason(world, admin, case: str) -> None:
    content, headers = BODIES[case]
    before = customers(world)
    answer = admin.post("/customers", content=content, headers=headers)
    if answer.status_code == 429:
        pytest.fail("the limit was reached before the body was looked at")
    assert 400 <= answer.status_code < 500, f"{answer.status_code} {answer.text}"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["title"]
    assert customers(world) == before


PATHS = {
    "an encoded slash": "/customers/c-1001%2forders",
    "an encoded backslash": "/customers/c-1001%5corders",
    "dots out of the tree": "/customers/../debug/config",
    "encoded dots": "/customers/%2e%2e/debug/config",
    "double encoded dots": "/customers/%252e%252e/debug/config",
    "a matrix parameter": "/customers/c-1001;role=admin",
    "a NUL": "/customers/c-1001%00",
    "another case": "/CUSTOMERS",
    "a trailing slash": "/customers/",
    "an undeclared path": "/internal/metrics",
    "an id that is none": "/customers/1%20OR%201=1",
    "a very long path": "/customers/" + "a" * 20_000,
}


@pytest.mark.parametrize("case", PATHS)
def test_a_path_trick_reaches_nothing(world, case: str) -> None:
    request = f"GET {PATHS[case]} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    assert 400 <= raw(world, request) < 500


QUERIES = {
    "an undeclared parameter": "debug=1",
    "a parameter twice": "limit=1&limit=2",
    "a bad number": "limit=1e3",
    "beyond the bound": "limit=1000000",
    "invalid encoding": "email=%zz",
    "invalid UTF-8": "search=%ff%fe",
    "SQL": "search=zz%27%20OR%201%3D1%20--",
    "a method override": "_method=DELETE",
}


@pytest.mark.parametrize("case", QUERIES)
def test_a_hostile_query_is_refused(admin, case: str) -> None:
    answer = admin.get(f"/customers?{QUERIES[case]}")
    assert answer.status_code in (400, 403), f"{answer.status_code} {answer.text}"


def raw(world, request: bytes) -> int:
    """The status of the answer to exactly these bytes; 400 when the connection is closed without one."""
    parts = urlsplit(world.url)
    trust = ssl.create_default_context(cafile=str(world.state / "pki" / "ca.crt"))
    with (
        socket.create_connection((parts.hostname, parts.port), timeout=30) as line,
        trust.wrap_socket(line, server_hostname=parts.hostname) as tls,
    ):
        tls.sendall(request)
        try:
            answer = tls.recv(4096)
        except OSError:
            answer = b""
    return int(answer.split(b" ")[1]) if answer.startswith(b"HTTP/1.1") else 400


HEAD = b"POST /customers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
SMUGGLING = {
    "two lengths": HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "a length and chunks": HEAD
    + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n",
    "a bad chunk size": HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
    "a negative length": HEAD + b"Content-Length: -1\r\n\r\n",
    "an obscured coding": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-A : b\r\n\r\n",
    "no host": b"GET /health HTTP/1.1\r\n\r\n",
    "HTTP/1.0": b"GET /health HTTP/1.0\r\n\r\n",
    "an underscore": b"GET /health HTTP/1.1\r\nHost: l\r\nX_Forwarded_For: 1.2.3.4\r\nConnection: close\r\n\r\n",
    "a flood of headers": b"GET /health HTTP/1.1\r\nHost: l\r\n"
    + b"".join(b"X-%d: a\r\n" % n for n in range(500))
    + b"\r\n",
    "a huge header": b"GET /health HTTP/1.1\r\nHost: l\r\nX-A: " + b"a" * 100_000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("case", SMUGGLING)
def test_a_request_that_two_parsers_could_read_differently_is_refused(world, case: str) -> None:
    assert raw(world, SMUGGLING[case]) >= 400


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PUT", "PROPFIND", "OPTIONS"])
def test_an_undeclared_method_is_refused(world, method: str) -> None:
    request = f"{method} /customers HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    assert 400 <= raw(world, request) < 500


def test_a_method_override_changes_nothing(world, admin) -> None:
    before = customers(world)
    for name in ("x-http-method-override", "x-http-method", "x-method-override"):
        answer = admin.get("/customers", headers={name: "DELETE"})
        assert answer.status_code in (200, 400)
    assert customers(world) == before


def test_after_all_that_the_gateway_is_well(world) -> None:
    world.until(lambda: world.status()["healthy"])
    with world.client() as client:
        assert client.get("/health").status_code == 200

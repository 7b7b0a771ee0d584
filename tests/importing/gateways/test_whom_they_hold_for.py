"""A feature is there only on the routes that it holds for, and only if it keeps somebody out."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.importing.gateways.audit import audit
from assay.importing.gateways.platforms import read_gateway

KONG = """\
_format_version: "3.0"
services:
  - {id: 5f1e, name: a, url: "https://a.example", routes: [{name: at-a, id: 77aa, paths: [/a], protocols: [https]}]}
  - {id: 6f2e, name: b, url: "https://b.example", routes: [{name: at-b, paths: [/b], protocols: [https]}]}
routes: [{name: at-c, paths: [/c], service: {id: 6f2e}}]
plugins:
  - {name: key-auth, service: {id: 5f1e}, config: {key_in_query: false}}
  - {name: acl, route: {id: 77aa}, config: {allow: [staff]}}
  - {name: ip-restriction, consumer_group: {name: gold}, config: {allow: [10.0.0.0/8]}}
"""


def states(path: Path) -> dict[tuple[str, str], str]:
    foreign, _ = read_gateway([path])
    return {(c.route.id, c.expected.control): c.state for c in audit(foreign).cells}


def test_a_plugin_of_one_service_is_not_on_the_others(tmp_path: Path) -> None:
    path = tmp_path / "kong.yaml"
    path.write_text(KONG)
    found = states(path)
    assert [found[r, "authentication"] for r in ("at-a", "at-b", "at-c")] == ["there", "absent", "absent"]
    assert [found[r, "authorisation"] for r in ("at-a", "at-b")] == ["there", "absent"]
    assert found["at-a", "network_ranges"] == "absent", "it is for one group of consumers"
    foreign, _ = read_gateway([path])
    assert {r.id: r.upstream for r in foreign.routes}["at-c"] == "https://b.example"


@pytest.mark.parametrize(
    ("lines", "state"),
    [
        ("allow 10.0.0.0/8; deny all;", "there"),
        ("allow 0.0.0.0/0; deny all;", "weak"),
        ("deny 203.0.113.7;", "weak"),
        ("allow 10.0.0.0/8;", "weak"),
    ],
)
def test_a_list_that_lets_everybody_else_in_keeps_nobody_out(tmp_path: Path, lines: str, state: str) -> None:
    path = tmp_path / "nginx.conf"
    path.write_text(f"http {{ server {{ server_name s; location / {{ {lines} proxy_pass http://127.0.0.1:1; }} }} }}")
    assert states(path)["s /", "network_ranges"] == state


ALLOWED = '{"Effect": "Allow", "Principal": "*", "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}'
DENIED = '{"Effect": "Deny", "Principal": "*", "Condition": {"OPERATOR": {"aws:SourceIp": "10.0.0.0/8"}}}'
ANYBODY = '{"Effect": "Allow", "Principal": "*"}'


@pytest.mark.parametrize(
    ("statements", "state"),
    [
        (ALLOWED, "there"),
        (ALLOWED.replace("10.0.0.0/8", "0.0.0.0/0"), "weak"),
        (f"{ALLOWED}, {ANYBODY}", "weak"),
        (f"{DENIED.replace('OPERATOR', 'NotIpAddress')}, {ANYBODY}", "there"),
        (f"{DENIED.replace('OPERATOR', 'IpAddress')}, {ANYBODY}", "weak"),
    ],
)
def test_addresses_in_a_policy_count_where_nothing_lets_everybody_in(
    tmp_path: Path, statements: str, state: str
) -> None:
    path = tmp_path / "export.json"
    path.write_text(
        '{"openapi": "3.0.1", "info": {"title": "t", "version": "1"}, "x-amazon-apigateway-policy": '
        f'{{"Version": "2012-10-17", "Statement": [{statements}]}}, "paths": {{"/x": {{"get": {{"operationId": "x", '
        '"x-amazon-apigateway-integration": {"type": "http_proxy", "uri": "https://a.example/x"}}}}}'
    )
    found = {control: s for (_, control), s in states(path).items()}
    assert found["network_ranges"] == state

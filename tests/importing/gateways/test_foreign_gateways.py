"""Gateways of other makes: what is there, what only seems to be, and what is missing, at its own line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.declare.loader import load
from assay.declare.yaml_write import block_lines
from assay.domain import AssayError, Location, UsageError
from assay.importing.gateways.audit import Audit, audit
from assay.importing.gateways.catalogue import catalogue, expected
from assay.importing.gateways.draft import draft
from assay.importing.gateways.platforms import PLATFORMS, read_gateway
from assay.importing.source import structured

GOLDEN = Path(__file__).parent / "golden"
FILES = {path.name.partition(".")[0]: path for path in sorted(GOLDEN.glob("*.in.*")) if path.is_file()}


def read(platform: str) -> Audit:
    foreign, _ = read_gateway([FILES[platform]], shown=lambda path: path.name)
    return audit(foreign)


def described(platform: str) -> str:
    """Everything that was understood, as people would want to see it change."""
    path = FILES[platform]
    foreign, problems = read_gateway([path], shown=lambda path: path.name)
    routes: dict[str, object] = {}
    for route in foreign.routes:
        facts = {
            "serves": f"{' '.join(route.methods) or 'ANY'} {','.join(route.hosts)}{route.path}{'…' * route.prefix}",
            "upstream": route.upstream,
            "proofs": list(route.proofs),
            "groups": list(route.groups),
            "limit": f"{route.limit.count}/{route.limit.seconds}s per {route.limit.per}" if route.limit else "",
            "networks": [f"+{n}" for n in route.allow] + [f"-{n}" for n in route.deny],
            "at": str(route.at),
        }
        cells = {
            c.expected.control: f"{c.state}: "
            + "; ".join(f"{u.feature} {u.says or u.weakness}".strip() for u in c.uses)
            if c.uses
            else c.state
            for c in audit(foreign).of(route)
        }
        routes[route.id] = {k: v for k, v in facts.items() if v} | {"controls": cells}
    found = {
        "platform": foreign.platform,
        "routes": routes,
        "callers": {c.id: {"proofs": list(c.proofs), "groups": list(c.groups)} for c in foreign.callers},
        "unread": [f"{u.what} ({u.at})" for u in foreign.unread],
        "problems": [f"{sentence} ({at})" for at, sentence in problems],
    }
    return "\n".join(block_lines({k: v for k, v in found.items() if v}, "")) + "\n"


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_configuration_is_read_as_its_platform_means_it(platform: str) -> None:
    golden = GOLDEN / f"{platform}.out.yaml"
    found = described(platform)
    if os.environ.get("ASSAY_UPDATE_GOLDEN"):
        golden.write_text(found, encoding="utf-8")
    assert found == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("platform", PLATFORMS)
def test_what_is_drafted_loads_and_says_no_more_than_the_gateway_does(platform: str, tmp_path: Path) -> None:
    foreign = read(platform).foreign
    made = draft(foreign, title=platform, source=FILES[platform].name)
    for name, text in made.files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    declaration = load(tmp_path)
    open_ids = {o for api in declaration.model.apis.values() for r in api.access if r.anonymous for o in r.operations}
    assert bool(open_ids) == any(not r.proofs for r in foreign.routes)
    assert not any(api.strict.injection for api in declaration.model.apis.values())


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_feature_of_a_catalogue_serves_a_control_that_is_expected_or_known(platform: str) -> None:
    known = catalogue(platform)
    assert {e.control for e in expected()} >= set(known.controls.values())
    assert not set(known.controls) & known.other


def test_a_plugin_nobody_knows_is_said_and_concludes_nothing() -> None:
    found = read("kong")
    assert [u.what for u in found.foreign.unread] == ["plugin `our-own-thing`"]
    cells = {c.expected.control: c.state for c in found.cells if c.route.id == "catalogue"}
    assert cells["authentication"] == "weak", "an anonymous consumer lets everybody in"


def test_a_feature_that_lets_calls_pass_is_no_control() -> None:
    found = {(c.route.id, c.expected.control): c for c in read("envoy").cells}
    assert found["catalogue", "authentication"].state == "weak", "nor is a certificate that nobody verifies"
    assert "allow_missing" in found["catalogue", "authentication"].why
    assert found["catalogue", "authorisation"].why == "it is switched off for this route"


def test_nginx_is_not_led_out_of_its_own_directory(tmp_path: Path) -> None:
    outside = tmp_path / "outside.conf"
    outside.write_text("server { location / { proxy_pass http://127.0.0.1:1; } }")
    inside = tmp_path / "in" / "nginx.conf"
    inside.parent.mkdir()
    inside.write_text(f"http {{ include ../outside.conf; include {outside}; include loop.conf; }}")
    (inside.parent / "loop.conf").write_text("include loop.conf;")
    foreign, _ = read_gateway([inside])
    assert foreign.routes == ()
    assert len(foreign.unread) >= 3


def test_a_file_of_no_platform_names_the_choices(tmp_path: Path) -> None:
    path = tmp_path / "some.yaml"
    path.write_text("a: 1\n")
    with pytest.raises(UsageError, match="no platform") as caught:
        read_gateway([path])
    assert "kong" in caught.value.fix


@pytest.mark.parametrize(
    ("text", "why", "line"),
    [
        ('http {\n  server {\n    location /orders {\n      auth_jwt "shop" t', 'end of file, expecting "}"', 4),
        ("http { server { listen 80; } }\n}", 'unexpected "}"', 2),
        ("server { listen 80; }\n# and then\nserver", "in the middle of a directive", 3),
        ('server { listen 80; }\nload_module "x', "in the middle of a directive", 2),
    ],
)
def test_nginx_that_was_cut_off_is_not_taken_for_nginx_that_serves_nothing(
    tmp_path: Path, text: str, why: str, line: int
) -> None:
    path = tmp_path / "nginx.conf"
    path.write_text(text)
    with pytest.raises(UsageError, match=why) as caught:
        read_gateway([path], platform="nginx")
    assert caught.value.location == Location(str(path), line)


@pytest.mark.parametrize("text", ["", " \n", "[1, 2, 3]", "word"])
@pytest.mark.parametrize("platform", sorted({*PLATFORMS} - {"nginx"}))
def test_what_can_be_no_configuration_is_refused_although_its_platform_is_given(
    platform: str, text: str, tmp_path: Path
) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=f"is empty|no configuration of {platform}") as caught:
        read_gateway([path], platform=platform)
    assert caught.value.location is not None


@pytest.mark.parametrize("text", ["", "{", "a: [1, 2", "server {", "http { server { listen 443 ssl; ", "\x00", "- - -"])
@pytest.mark.parametrize("platform", PLATFORMS)
def test_broken_files_are_errors_with_a_place_or_are_empty(platform: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "broken"
    path.write_text(text)
    try:
        foreign, _ = read_gateway([path], platform=platform)
    except UsageError as error:
        assert error.fix
    else:
        assert foreign.routes == ()


WORDS = st.sampled_from(
    [
        "services",
        "routes",
        "plugins",
        "name",
        "config",
        "paths",
        "http",
        "routers",
        "middlewares",
        "rule",
        "tls",
        "options",
        "static_resources",
        "listeners",
        "filter_chains",
        "filters",
        "typed_config",
        "http_filters",
        "route_config",
        "virtual_hosts",
        "match",
        "prefix",
        "get",
        "security",
        "uri",
        "uris",
        "consumers",
        "ssls",
        "upstream",
        "nodes",
        "jwt",
        "rate-limiting",
        "minute",
        "protocols",
        "_format_version",
        "openapi",
        "x-amazon-apigateway-policy",
        "Statement",
        "Principal",
        "x-amazon-apigateway-authorizer",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=25,
)


@settings(max_examples=150, deadline=None)
@given(value=VALUES, platform=st.sampled_from([p for p in PLATFORMS if p != "nginx"]))
def test_no_shape_of_a_file_makes_a_reader_fail(
    value: object, platform: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("fuzz", numbered=True) / "file.yaml"
    path.write_text(
        "\n".join(block_lines(value, "")) if isinstance(value, dict | list) else str(value), encoding="utf-8"
    )
    try:
        foreign, _ = read_gateway([path], platform=platform)
        audit(foreign)
        draft(foreign, title="x", source="y")
    except AssayError:
        return


@settings(max_examples=150, deadline=None)
@given(text=st.text(alphabet="{};#\"'\\ \n$=abserver location proxy_pass include listen", max_size=120))
def test_no_text_makes_the_reader_of_nginx_fail(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("fuzz", numbered=True) / "nginx.conf"
    path.write_text(text, encoding="utf-8")
    try:
        audit(read_gateway([path], platform="nginx")[0])
    except AssayError:
        return


def test_what_a_platform_keeps_elsewhere_is_not_said_to_be_absent() -> None:
    states = {c.state for c in read("aws").cells if c.expected.control == "rate_limiting"}
    assert states == {"unsaid"}


def test_json_with_tabs_keeps_its_places() -> None:
    source = structured('{\n\t"a": {\n\t\t"b": 1\n\t}\n}', "x.json")
    assert str(source.top["a"]["b"].at) == "x.json:3:8"

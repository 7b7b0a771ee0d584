"""Who may call, as the contract says it."""

from __future__ import annotations

import pytest

from assay.declare.contract import Requirement, parse_contract
from assay.domain import DeclarationError

SCHEMES = """
components:
  securitySchemes:
    o: {type: oauth2, flows: {implicit: {authorizationUrl: u, scopes: {a: "", b: ""}}}}
    k: {type: apiKey, in: query, name: key}
    x-token: {type: http, scheme: Bearer, bearerFormat: JWT}
    basic: {type: http, scheme: basic}
    digest: {type: http, scheme: digest}
    oidc: {type: openIdConnect, openIdConnectUrl: "https://i/.well-known/openid-configuration"}
    tls: {type: mutualTLS}
"""


def security(text: str, top: str = "") -> object:
    head = "openapi: 3.1.0\n" + (f"security: {top}\n" if top else "")
    body = f"paths: {{/a: {{get: {{{f'security: {text}' if text else ''}}}}}}}"
    return parse_contract((head + body + SCHEMES).encode(), name="a.yaml").operations[0].security


def test_alternatives_and_combinations_are_kept_apart() -> None:
    assert security("[{o: [b, a, b], k: []}, {x-token: []}]") == (
        (Requirement("k"), Requirement("o", ("b", "a"))),
        (Requirement("x-token"),),
    )


def test_an_empty_requirement_allows_anonymous_calls() -> None:
    assert security("[{}, {k: []}]") == ((), (Requirement("k"),))


def test_an_empty_list_lifts_what_the_document_requires() -> None:
    assert security("[]", top="[{k: []}]") == ((),)


def test_the_document_applies_where_the_operation_says_nothing() -> None:
    assert security("", top="[{k: []}]") == ((Requirement("k"),),)


def test_silence_is_not_the_same_as_anonymous() -> None:
    assert security("") == ()


def test_every_kind_of_scheme_is_understood() -> None:
    contract = parse_contract(("openapi: 3.1.0\npaths: {}" + SCHEMES).encode(), name="a.yaml")
    assert {s.name: s.kind for s in contract.security_schemes.values()} == {
        "o": "oauth2",
        "k": "apiKey",
        "x-token": "http-bearer",
        "basic": "http-basic",
        "digest": "http-other",
        "oidc": "openIdConnect",
        "tls": "mutualTLS",
    }
    assert contract.security_schemes["k"].location == "query"
    assert contract.locate(contract.security_schemes["k"].pointer).line == 6


@pytest.mark.parametrize("text", ["[{ko: []}]", "[{broken: []}]"])
def test_a_scheme_that_does_not_exist_is_an_error(text: str) -> None:
    source = (
        f"openapi: 3.0.0\npaths:\n  /a:\n    get:\n      security: {text}" + SCHEMES + "    broken: {type: apiKey}\n"
    )
    with pytest.raises(DeclarationError) as caught:
        parse_contract(source.encode(), name="a.yaml")
    (verdict,) = caught.value.verdicts
    assert verdict.check == "unknown-security-scheme"
    assert str(verdict.location) == "a.yaml:5:19"


def test_a_misspelt_scheme_gets_the_closest_name() -> None:
    source = b"""
openapi: 3.0.0
security: [{oauht: []}]
paths: {}
components: {securitySchemes: {oauth: {type: http, scheme: basic}}}
"""
    with pytest.raises(DeclarationError) as caught:
        parse_contract(source, name="a.yaml")
    assert caught.value.fix == "did you mean `oauth`?"

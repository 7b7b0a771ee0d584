"""Amazon API Gateway's OpenAPI export: what its ``x-amazon-apigateway-…`` extensions enforce on each operation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from assay.importing.gateways.catalogue import catalogue
from assay.importing.gateways.foreign import Foreign, Proof, Route, Unread, Use, lax_networks
from assay.importing.source import Source, Spot

PLATFORM = "aws"
_PREFIX = "x-amazon-apigateway-"
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", f"{_PREFIX}any-method")
_UNDERSTOOD = (
    "authorizer",
    "authtype",
    "request-validator",
    "request-validators",
    "policy",
    "gateway-responses",
    "auth",
)
_UNSAID = frozenset({"rate_limiting", "activity_logging"})
"""What belongs to a stage, which no export carries: usage plans, throttling and access logs."""


def recognises(top: Spot) -> bool:
    """Whether a file is such an export."""
    if not (top["openapi"] or top["swagger"]):
        return False
    return any(True for _ in _extensions(top, 0))


def read(sources: Iterable[Source]) -> Foreign:
    """The APIs in these files."""
    tops = [s.top for s in sources]
    routes = tuple(route for top in tops for route in _routes(top))
    known = catalogue(PLATFORM)
    unread = [
        Unread(f"extension `{name}`", spot.at)
        for top in tops
        for name, spot in _extensions(top, 0)
        if name.removeprefix(_PREFIX) not in _UNDERSTOOD and not known.knows(name.removeprefix(_PREFIX))
    ]
    return Foreign(platform=PLATFORM, routes=routes, unread=tuple(unread), unsaid=_UNSAID)


def _extensions(spot: Spot, depth: int) -> Iterator[tuple[str, Spot]]:
    """Every extension of the platform, wherever it stands."""
    if depth > 12:
        return
    if isinstance(spot.value, dict):
        for key, below in spot.items():
            if key.startswith(_PREFIX):
                yield key, below
            yield from _extensions(below, depth + 1)
    elif isinstance(spot.value, list):
        for below in spot.each():
            yield from _extensions(below, depth + 1)


def _routes(top: Spot) -> Iterator[Route]:
    schemes = top.down("components", "securitySchemes") or top["securityDefinitions"]
    policy = top[f"{_PREFIX}policy"]
    everywhere = [Use("https", top["paths"].at, "HTTPS only")]
    if policy:
        everywhere += list(_policy(policy))
    if responses := top[f"{_PREFIX}gateway-responses"]:
        everywhere.append(Use("gateway-responses", responses.at, "error bodies of our own"))
    title = top.down("info", "title").text("api")
    for path, item in top["paths"].items():
        for method, operation in item.items():
            if method not in _METHODS or not isinstance(operation.value, dict):
                continue
            any_method = method.startswith("x-")
            route = Route(
                id=operation["operationId"].text() or f"{'any' if any_method else method} {path}",
                api=title,
                path=path.replace("+}", "}"),
                at=operation.at,
                prefix=path.endswith("+}"),
                methods=() if any_method else (method.upper(),),
                upstream=_upstream(operation[f"{_PREFIX}integration"]),
                uses=tuple(everywhere),
            )
            route = _secured(route, operation["security"] or top["security"], schemes)
            if operation[f"{_PREFIX}auth"]["type"].text() == "AWS_IAM":
                use = Use("iam", operation[f"{_PREFIX}auth"].at, "signed requests (SigV4)")
                route = replace(route, proofs=(*route.proofs, "elsewhere"), uses=(*route.uses, use))
            route = _validated(route, operation, top)
            yield route


def _upstream(integration: Spot) -> str:
    uri = integration["uri"].text()
    return uri if uri.startswith(("http://", "https://")) else ""


def _secured(route: Route, security: Spot, schemes: Spot) -> Route:
    alternatives = list(security.each())
    if any(isinstance(a.value, dict) and not a.value for a in alternatives):
        weak = "an empty requirement stands beside the others, so a call without a credential passes"
        return replace(route, uses=(*route.uses, Use("lambda-authorizer", security.at, "", weak)))
    for alternative in alternatives:
        for name, scopes in alternative.items():
            scheme = schemes[name]
            feature, proof, weak = _scheme(scheme)
            if not scheme:
                weak = f"there is no scheme `{name}` in the export"
            proofs = (*route.proofs, proof) if not weak or feature != "api-key" else route.proofs
            route = replace(
                route, proofs=proofs, uses=(*route.uses, Use(feature, alternative.at, f"scheme {name}", weak))
            )
            if scopes.texts():
                use = Use("scopes", scopes.at, f"scopes {', '.join(scopes.texts())}")
                route = replace(route, groups=scopes.texts(), uses=(*route.uses, use))
    return route


def _scheme(scheme: Spot) -> tuple[str, Proof, str]:
    """Feature, kind of proof, and weakness."""
    authorizer = scheme[f"{_PREFIX}authorizer"]
    kind, authtype = authorizer["type"].text(), scheme[f"{_PREFIX}authtype"].text()
    if authtype == "awsSigv4":
        return "iam", "elsewhere", ""
    if "cognito" in kind or "cognito" in authtype:
        return "cognito-authorizer", "token", ""
    if kind == "jwt" or authorizer["jwtConfiguration"]:
        audience = authorizer.down("jwtConfiguration", "audience")
        return "jwt-authorizer", "token", "" if audience else "tokens for any audience are taken"
    if kind in ("token", "request"):
        cached = authorizer["authorizerResultTtlInSeconds"].number()
        weak = "its decision is kept for an hour" if cached is not None and cached >= 3600 else ""
        return "lambda-authorizer", "elsewhere", weak
    if scheme["type"].text() == "apiKey":
        return "api-key", "api_key", "a usage plan's key is for metering: AWS says not to rely on it to authenticate"
    return "lambda-authorizer", "elsewhere", "a scheme without an authorizer: nothing checks it"


def _validated(route: Route, operation: Spot, top: Spot) -> Route:
    name = operation[f"{_PREFIX}request-validator"] or top[f"{_PREFIX}request-validator"]
    if not name:
        return route
    validator = top[f"{_PREFIX}request-validators"][name.text()]
    body = validator["validateRequestBody"].flag()
    weak = "" if body else f"validator `{name.text()}` does not look at bodies"
    use = Use("request-validator", name.at, f"validator {name.text()}", weak)
    return replace(route, validated=body, uses=(*route.uses, use))


def _policy(policy: Spot) -> Iterator[Use]:
    statements = list(policy["Statement"].each())
    everybody = any(_allows(s) and _anyone(s) and not s["Condition"] for s in statements)
    for statement in statements:
        allowed, condition = _allows(statement), statement["Condition"]
        void = "another statement allows everybody" if allowed and everybody else ""
        tests = [(operator, key, values) for operator, test in condition.items() for key, values in test.items()]
        addresses = [(operator, values.texts()) for operator, key, values in tests if key == "aws:SourceIp"]
        if addresses:
            networks = [network for _, texts in addresses for network in texts]
            # Who is allowed by being in a list, or denied by not being in it.
            listed = all(operator == ("IpAddress" if allowed else "NotIpAddress") for operator, _ in addresses)
            weak = lax_networks(networks if listed else (), denied=True)
            yield Use("policy-source-ip", statement.at, f"{len(networks)} networks", weak or void)
        if any(key in ("aws:SourceVpc", "aws:SourceVpce") for _, key, _ in tests):
            yield Use("vpc-endpoint", statement.at, "calls from a VPC", void)
        if allowed and not _anyone(statement):
            yield Use("resource-policy", statement.at, "named principals", void)
        elif allowed and not condition:
            yield Use("resource-policy", statement.at, "", "it allows everybody")


def _allows(statement: Spot) -> bool:
    return statement["Effect"].text() == "Allow"


def _anyone(statement: Spot) -> bool:
    principal = statement["Principal"]
    named = principal["AWS"].value if isinstance(principal.value, dict) else principal.value
    return named == "*" or (isinstance(named, list) and "*" in named)

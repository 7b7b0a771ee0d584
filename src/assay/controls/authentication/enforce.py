"""Who issues tokens, how each consumer is recognised, and what each operation accepts as proof."""

from __future__ import annotations

from collections.abc import Iterator

from assay.controls._lib.subjects import served_apis
from assay.controls.authentication.schemes import Resolver, home
from assay.controls.base import Site
from assay.controls.observe import mode
from assay.declare.declaration import Declaration
from assay.declare.model import LEVELS, Claims, Issuer
from assay.declare.rules import rules_by_operation
from assay.gateway import ir

_CONTROL = "authentication"


def enforce(declaration: Declaration, site: Site) -> Iterator[ir.AnyPiece]:
    """Token issuers of the environments that APIs are served in, every consumer, and every operation's alternatives."""
    lived_in = dict.fromkeys(api.environment for _, api in served_apis(declaration))
    for name in lived_in:
        environment = declaration.model.environments.get(name)
        if environment and environment.issuer:
            yield _issuer(declaration, site, name, environment.issuer)
    yield from _callers(declaration)
    yield from _operations(declaration)


def _introspection(declaration: Declaration, site: Site, issuer: Issuer) -> ir.IntrospectionPolicy | None:
    """How opaque tokens are asked about: as declared, or at the development issuer when a consumer's are opaque."""
    asked = issuer.introspection
    if asked:
        return ir.IntrospectionPolicy(
            url=asked.url, client=asked.client, credential=asked.credential.secret, cache_seconds=asked.cache
        )
    clients = (c.authenticate.oauth2 for c in declaration.model.consumers.values())
    if issuer.development and site.introspection[0] and any(c and c.opaque for c in clients):
        client, credential = site.introspection
        return ir.IntrospectionPolicy(f"{site.development_issuer}/introspect", client, credential)
    return None


def _issuer(declaration: Declaration, site: Site, name: str, issuer: Issuer) -> ir.TokenIssuer:
    return ir.TokenIssuer(
        control=_CONTROL,
        source=str(declaration.locate("environments", name, "issuer")),
        issuer=name,
        url=issuer.url or site.development_issuer,
        audiences=issuer.audience,
        algorithms=issuer.algorithms,
        max_lifetime_seconds=issuer.max_lifetime,
        clock_skew_seconds=issuer.clock_skew,
        claims=_claims(issuer.claims),
        introspection=_introspection(declaration, site, issuer),
        development=issuer.development,
    )


def _claims(claims: Claims) -> ir.ClaimNames:
    return ir.ClaimNames(
        subject=claim_path(claims.subject),
        client=claim_path(claims.client),
        roles=claim_path(claims.roles) if claims.roles is not None else None,
        scope=claim_path(claims.scope),
        tenant=claim_path(claims.tenant),
    )


def claim_path(written: str) -> tuple[str, ...]:
    """The keys to follow from the top of a token. A URL (RFC 7519 §4.2) is one key."""
    return (written,) if "://" in written else tuple(written.split("."))


def _callers(declaration: Declaration) -> Iterator[ir.Caller]:
    for name, consumer in declaration.model.consumers.items():
        ways, environment = consumer.authenticate, home(declaration, consumer)
        # Without an environment it is not known whose token would prove the client: then no token does.
        client = ways.oauth2.client if ways.oauth2 and environment else None
        yield ir.Caller(
            control=_CONTROL,
            source=str(declaration.places.key("consumers", name)),
            consumer=name,
            issuer=environment,
            client=client,
            opaque=bool(client and ways.oauth2 and ways.oauth2.opaque),
            certificate_name=ways.mtls.san if ways.mtls else None,
            api_key=ways.api_key is not None,
            roles=consumer.roles,
            clearance=LEVELS.index(consumer.clearance),
            networks=consumer.networks.allow if consumer.networks else (),
        )


def _operations(declaration: Declaration) -> Iterator[ir.Authentication]:
    for api_id, api in served_apis(declaration):
        contract = declaration.contracts[api_id]
        rules, resolver = rules_by_operation(api, contract.operations), Resolver(declaration, api, contract)
        source = str(declaration.locate("apis", api_id, "contract"))
        whole = mode(api, _CONTROL)
        for operation in contract.operations:
            yield ir.Authentication(
                control=_CONTROL,
                source=source,
                mode=mode(api, _CONTROL, operation.id) if api.observe else whole,
                api=api_id,
                operation=operation.id,
                alternatives=resolver.accepted(operation, rules[operation.id]).alternatives,
            )

"""Who is calling, as Envoy RBAC principals: the one place that knows where each credential leaves its mark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from assay.gateway import ir
from assay.gateway.envoy.types import ANSWER_NAMESPACE, JWT_NAMESPACE, JWT_PAYLOAD, KEY_NAMESPACE, Json, string_match

ANYBODY: Json = {"any": True}


def all_of(parts: Iterable[Json]) -> Json:
    """Every part; anybody when there is none."""
    ids = [p for p in parts if p != ANYBODY]
    if not ids:
        return ANYBODY
    return ids[0] if len(ids) == 1 else {"and_ids": {"ids": ids}}


def any_of(parts: Iterable[Json]) -> Json:
    """Any part; nobody when there is none."""
    ids = list(parts)
    if not ids:
        return negate(ANYBODY)
    return ids[0] if len(ids) == 1 else {"or_ids": {"ids": ids}}


def negate(part: Json) -> Json:
    """Not ``part``."""
    return {"not_id": part}


def metadata(namespace: str, path: Sequence[str], value: Json) -> Json:
    """The dynamic metadata at ``path`` in ``namespace`` matches ``value`` (a ValueMatcher)."""
    matcher = {"filter": namespace, "path": [{"key": p} for p in path], "value": value}
    return {"sourced_metadata": {"metadata_matcher": matcher, "metadata_source": "DYNAMIC"}}


def _claim(path: Sequence[str], value: Json) -> Json:
    return metadata(JWT_NAMESPACE, (JWT_PAYLOAD, *path), value)


def _present() -> Json:
    return {"string_match": string_match(safe_regex=".+")}


def has_token(issuer: ir.TokenIssuer, *, opaque: bool = True) -> Json:
    """A verified token of this issuer: signed (its claims are there) or, if ``opaque``, confirmed by introspection."""
    signed = _claim(("iss",), {"string_match": string_match(exact=issuer.url)})
    if not (opaque and issuer.introspection):
        return signed
    return any_of([signed, metadata(ANSWER_NAMESPACE, ("x-assay-client",), _present())])


def has_key() -> Json:
    """A valid API key."""
    return metadata(KEY_NAMESPACE, ("consumer",), _present())


def has_certificate() -> Json:
    """A client certificate that the listener verified."""
    # Without a name Envoy would match any TLS connection, also one without a client certificate.
    return {"authenticated": {"principal_name": string_match(safe_regex=".+")}}


def presented(proof: ir.Proof, issuers: Mapping[str, ir.TokenIssuer]) -> Json:
    """The proof is there and genuine, whoever it belongs to."""
    if proof.kind == "token":
        issuer = issuers.get(proof.issuer or "")
        return has_token(issuer) if issuer else negate(ANYBODY)
    return has_key() if proof.kind == "key" else has_certificate()


def _list_or_words(path: Sequence[str], word: str) -> Json:
    """A claim that holds ``word``: in a list, or among words separated by spaces (RFC 6749 §3.3)."""
    spellings = ({"exact": word}, {"prefix": f"{word} "}, {"suffix": f" {word}"}, {"contains": f" {word} "})
    listed = {"list_match": {"one_of": {"string_match": string_match(exact=word)}}}
    return _claim(path, {"or_match": {"value_matchers": [listed, *({"string_match": s} for s in spellings)]}})


def scopes_granted(scopes: Iterable[str], issuer: ir.TokenIssuer) -> Json:
    """Every scope is in the token."""
    parts = []
    for scope in sorted(set(scopes)):
        signed = _list_or_words(issuer.claims.scope, scope)
        if issuer.introspection:
            opaque = metadata(ANSWER_NAMESPACE, ("x-assay-scope",), {"string_match": {"contains": f" {scope} "}})
            signed = any_of([signed, opaque])
        parts.append(signed)
    return all_of(parts)


def _roles_claimed(roles: Sequence[str], issuer: ir.TokenIssuer) -> Json:
    """The signed token itself says one of the roles; anybody when the issuer's tokens carry no roles."""
    path = issuer.claims.roles
    return ANYBODY if path is None else any_of(_list_or_words(path, role) for role in roles)


def _by_token(caller: ir.Caller, roles: Sequence[str], issuer: ir.TokenIssuer) -> Json:
    if caller.client is None:
        return negate(ANYBODY)
    if caller.opaque:
        parts = [metadata(ANSWER_NAMESPACE, ("x-assay-client",), {"string_match": string_match(exact=caller.client)})]
        if issuer.claims.roles is not None and roles:
            held = [
                metadata(ANSWER_NAMESPACE, ("x-assay-roles",), {"string_match": {"contains": f",{r},"}}) for r in roles
            ]
            parts.append(any_of(held))
        return all_of(parts)
    parts = [
        has_token(issuer, opaque=False),
        _claim(issuer.claims.client, {"string_match": string_match(exact=caller.client)}),
    ]
    if roles:
        parts.append(_roles_claimed(roles, issuer))
    return all_of(parts)


def is_caller(
    caller: ir.Caller, proof: ir.Proof, issuers: Mapping[str, ir.TokenIssuer], roles: Sequence[str] = ()
) -> Json | None:
    """This consumer, by this kind of proof, in one of ``roles`` (any, if empty); None if it has no such credential."""
    if proof.kind == "token":
        issuer = issuers.get(proof.issuer or "")
        if caller.client is None or issuer is None or caller.issuer != issuer.issuer:
            return None
        return _by_token(caller, roles, issuer)
    if proof.kind == "key":
        if not caller.api_key:
            return None
        return metadata(KEY_NAMESPACE, ("consumer",), {"string_match": string_match(exact=caller.consumer)})
    if caller.certificate_name is None:
        return None
    return {"authenticated": {"principal_name": string_match(exact=caller.certificate_name)}}


def addresses(networks: Iterable[str]) -> Json:
    """The client's address (after trusted hops) lies in one of the networks."""
    return any_of({"remote_ip": cidr(n)} for n in networks)


def cidr(network: str) -> Json:
    """A CidrRange."""
    prefix, _, length = network.partition("/")
    return {"address_prefix": prefix, "prefix_len": int(length)}

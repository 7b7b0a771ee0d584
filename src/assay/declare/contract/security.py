"""Security schemes and requirements of all three dialects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from assay.declare.contract.context import Context, child, children, items
from assay.declare.contract.documents import Resolved
from assay.declare.contract.model import Requirement, SchemeKind, SecurityScheme
from assay.domain import Severity, did_you_mean

if TYPE_CHECKING:
    from assay.declare.contract.model import Operation

_HTTP: dict[str, SchemeKind] = {"bearer": "http-bearer", "basic": "http-basic"}
_DIRECT: dict[str, SchemeKind] = {"openIdConnect": "openIdConnect", "mutualTLS": "mutualTLS", "basic": "http-basic"}
_LOCATIONS: dict[str, Literal["header", "query", "cookie"]] = {"header": "header", "query": "query", "cookie": "cookie"}

Requirements = tuple[tuple[Requirement, ...], ...]


def read_schemes(context: Context, node: Resolved, declared: dict[str, object]) -> dict[str, SecurityScheme]:
    """Every security scheme by name. One that cannot be understood is left out with a note, and is an error if used."""
    found: dict[str, SecurityScheme] = {}
    for name, at in children(
        node, declared, skip=lambda name: name.startswith("x-") and not isinstance(declared[name], dict)
    ):
        end = context.documents.end(at)
        if end is None or not isinstance(end.value, dict):
            context.note(
                "unknown-security-scheme", at, f"the security scheme `{name}` is not a mapping", fix="define it"
            )
            continue
        scheme = _scheme(context, name, end)
        if scheme is None:
            context.note(
                "unknown-security-scheme",
                end,
                f"the security scheme `{name}` is of no kind that OpenAPI knows",
                severity=Severity.MEDIUM,
                fix="correct its `type` (and, for an API key, `in` and `name`)",
            )
        else:
            found[name] = scheme
    return found


def _scheme(context: Context, name: str, node: Resolved) -> SecurityScheme | None:
    raw = context.own(node)
    kind = raw.get("type")
    if kind == "apiKey":
        location, parameter = _LOCATIONS.get(str(raw.get("in"))), raw.get("name")
        if location is None or not isinstance(parameter, str) or not parameter:
            return None
        return SecurityScheme(name, "apiKey", context.shown(node), location=location, parameter_name=parameter)
    if kind == "http":
        word = raw.get("scheme")
        if not isinstance(word, str) or not word:
            return None
        return SecurityScheme(
            name,
            _HTTP.get(word.lower(), "http-other"),
            context.shown(node),
            bearer_format=_text(raw.get("bearerFormat")),
        )
    if kind == "oauth2":
        flows = raw.get("flows")
        each = [f for f in flows.values() if isinstance(f, dict)] if isinstance(flows, dict) else [raw]
        scopes: dict[str, str] = {}
        for flow in each:
            declared = flow.get("scopes")
            if isinstance(declared, dict):
                scopes.update({scope: _text(said) or "" for scope, said in declared.items()})
        token_url = next((u for u in (_text(flow.get("tokenUrl")) for flow in each) if u), None)
        return SecurityScheme(name, "oauth2", context.shown(node), scopes=scopes, token_url=token_url)
    direct = _DIRECT.get(str(kind))
    if direct is None:
        return None
    return SecurityScheme(name, direct, context.shown(node), open_id_connect_url=_text(raw.get("openIdConnectUrl")))


def read_requirements(
    context: Context, node: Resolved, schemes: Mapping[str, SecurityScheme], declared: Mapping[str, object]
) -> Requirements | None:
    """The ``security`` of a document or an operation: OR of ANDs; None when it says nothing.

    An explicitly empty list allows anonymous calls (OpenAPI 3.0.3 § 4.7.10).
    """
    if "security" not in context.own(node):
        return None
    at = child(node, "security")
    alternatives: list[tuple[Requirement, ...]] = []
    for item in items(at, context.sequence(node, "security")):
        if not isinstance(item.value, dict):
            context.wrong_type(item, "a mapping")
            continue
        alternatives.append(_all_of(context, item, schemes, declared))
    if not alternatives and isinstance(at.value, list):
        return ((),)
    return tuple(dict.fromkeys(alternatives))


def _all_of(
    context: Context, item: Resolved, schemes: Mapping[str, SecurityScheme], declared: Mapping[str, object]
) -> tuple[Requirement, ...]:
    together: list[Requirement] = []
    for name, raw in context.own(item).items():
        at = child(item, name)
        if name not in schemes:
            if name in declared:
                sentence, fix = f"the security scheme `{name}` cannot be enforced", "correct its definition"
            else:
                sentence = f"no security scheme is called `{name}`"
                fix = did_you_mean(name, schemes, what="security scheme")
            context.error("unknown-security-scheme", at, sentence, fix=fix)
            continue
        if raw is not None and not (isinstance(raw, list) and all(isinstance(scope, str) for scope in raw)):
            context.wrong_type(at, "a list of scopes")
            continue
        scopes = tuple(dict.fromkeys(str(scope) for scope in raw)) if isinstance(raw, list) else ()
        known = schemes[name]
        for scope in scopes:
            if known.kind == "oauth2" and scope not in known.scopes:
                context.note(
                    "undeclared-scope",
                    at,
                    f"the scope `{scope}` is required, and `{name}` does not declare it",
                    fix=did_you_mean(scope, known.scopes, what="scope"),
                    group=f"{name} {scope}",
                )
        together.append(Requirement(name, scopes))
    return tuple(sorted(together, key=lambda r: r.scheme))


def note_unsecured(context: Context, operations: tuple[Operation, ...]) -> None:
    """Say once how much of the contract says nothing about security."""
    silent = [o for o in operations if not o.security]
    for operation in silent:
        at = context.at(operation.pointer)
        context.note(
            "operation-without-security",
            at,
            "the contract says nothing about who may call this operation",
            fix="add `security` to the operation or the document",
            group="all",
        )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None

"""A declaration of what a foreign gateway does, as it is: controls that it lacks are switched off in it, not invented.

`assay check` on it finds what is missing by its ordinary tests. Everything that had to be guessed says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from assay.declare.yaml_write import flow_text, scalar_text
from assay.importing.gateways.foreign import Caller, Foreign, Limit, Route

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_SPECIAL = re.compile(r"[\\^$.|?*+()\[\]]")
_WINDOWS = {1: "second", 60: "minute", 3600: "hour", 86400: "day"}


@dataclass(frozen=True, slots=True)
class Draft:
    """Texts by file name, relative to the declaration's directory; and what could not be said in them."""

    files: Mapping[str, str]
    losses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Operation:
    id: str
    method: str
    path: str
    route: Route


def draft(foreign: Foreign, *, title: str, source: str) -> Draft:
    """The declaration and the contracts of everything that a gateway passes on.

    Args:
        title: the platform's name.
        source: the name of the configuration, for the comment at the top.
    """
    losses: list[str] = []
    apis: dict[str, list[Route]] = {}
    for route in foreign.routes:
        apis.setdefault(_slug(route.api), []).append(route)
    operations = {api: _operations(api, routes, losses) for api, routes in apis.items()}
    files = {f"openapi/{api}.yaml": _contract(api, found) for api, found in operations.items()}
    callers = foreign.callers or _unknown(foreign)
    text = "\n".join(
        [
            *_head(title, source),
            *(line for api, routes in apis.items() for line in _api(api, routes, operations[api], losses)),
            *_consumers(callers, frozenset(r for o in operations.values() for r in _roles(o))),
            "",
        ]
    )
    return Draft({"assay.yaml": text, **files}, tuple(dict.fromkeys(losses)))


def _head(title: str, source: str) -> list[str]:
    return [
        f"# What {title} does today, read from {source}.",
        "#",
        "# As it is, not as it should be: what that gateway does not check is switched off here, so that `assay check`",
        '# finds it. What says "guess" was guessed. Then mend it here, and let Assay enforce it, or mend it there.',
        "",
        "assay: 1",
        "",
        "organisation: {name: My organisation}  # guess",
        "",
        "environments:",
        "  imported:",
        "    tier: non-production  # guess: production asks for a real issuer and a real certificate",
        "    issuer: {development: true, audience: imported}  # guess: whose tokens they are is not said",
        "",
        "apis:",
    ]


def _api(api: str, routes: Sequence[Route], operations: Sequence[_Operation], losses: list[str]) -> list[str]:
    upstream = next((r.upstream for r in routes if r.upstream), "")
    if not upstream:
        losses.append(f"API `{api}`: the configuration does not say where its service answers")
    hosts = tuple(dict.fromkeys(h for r in routes for h in r.hosts))
    lines = [
        f"  {scalar_text(api)}:",
        "    owner: my-team  # guess",
        "    exposure: public  # guess: public, partner or internal",
        "    environment: imported",
        f"    contract: openapi/{api}.yaml",
        f"    upstream: {scalar_text(_base(upstream) or 'http://127.0.0.1:9000')}" + ("" if upstream else "  # guess"),
        "    security: any  # the contract below names no credentials: the configuration does",
    ]
    if hosts and all(r.hosts for r in routes):
        lines.append(f"    hosts: {flow_text(list(hosts))}")
    lines += ["    access:", *_access(operations)]
    lines += _limits(routes, operations)
    lines += _networks(routes)
    body = "true" if all(r.validated for r in routes) else "false"
    lines.append(f"    strict: {{query: false, body: {body}, injection: false}}  # what is looked at there")
    return [*lines, ""]


def _access(operations: Sequence[_Operation]) -> list[str]:
    rules: dict[tuple[str, ...], list[str]] = {}
    for operation in operations:
        who = (operation.route.groups or ("known",)) if operation.route.proofs else ()
        rules.setdefault(tuple(_slug(w) for w in who), []).append(operation.id)
    return [
        f"      - {{{f'roles: {flow_text(list(who))}' if who else 'anonymous: true'}, operations: {flow_text(ids)}}}"
        for who, ids in rules.items()
    ] or ["      []"]


def _roles(operations: Iterable[_Operation]) -> Iterable[str]:
    return (_slug(w) for o in operations if o.route.proofs for w in (o.route.groups or ("known",)))


def _limits(routes: Sequence[Route], operations: Sequence[_Operation]) -> list[str]:
    found = {o.id: o.route.limit for o in operations if o.route.limit}
    sizes = [r.body for r in routes if r.body]
    body = [f"body: {max(sizes)}B"] if sizes and len(sizes) == len(routes) else []
    limits = list(found.values())
    if found and len(found) == len(operations) and len(set(limits)) == 1:
        rates = [f"default: {_rate(limits[0])}"]
    else:
        rates = ["operations: {" + ", ".join(f"{scalar_text(o)}: {_rate(x)}" for o, x in found.items()) + "}"]
        rates = rates if found else []
    return [f"    limits: {{{', '.join([*rates, *body])}}}"] if rates or body else []


def _rate(limit: Limit) -> str:
    if limit.seconds in _WINDOWS:
        return f"{limit.count}/{_WINDOWS[limit.seconds]}"
    return f"{max(1, round(limit.count * 60 / limit.seconds))}/minute"


def _networks(routes: Sequence[Route]) -> list[str]:
    lists = {(r.allow, r.deny) for r in routes}
    if len(lists) != 1:
        return []
    allow, deny = lists.pop()
    parts = [f"{name}: {flow_text(list(found))}" for name, found in (("allow", allow), ("deny", deny)) if found]
    return [f"    networks: {{{', '.join(parts)}}}"] if parts else []


def _unknown(foreign: Foreign) -> tuple[Caller, ...]:
    """Somebody for each group and kind of proof, where the configuration does not list callers."""
    groups = dict.fromkeys(_slug(g) for r in foreign.routes if r.proofs for g in (r.groups or ("known",)))
    proofs = tuple(dict.fromkeys(p for r in foreign.routes for p in r.proofs)) or ("token",)
    where = foreign.routes[0].at if foreign.routes else None
    return tuple(Caller(f"some-{g}", where, proofs, (g,)) for g in groups) if where else ()


def _consumers(callers: Iterable[Caller], used: frozenset[str]) -> list[str]:
    lines = []
    for caller in callers:
        name = _slug(caller.id)
        ways: dict[str, object] = {}
        for proof in caller.proofs or ("token",):
            if proof == "api_key":
                ways["api_key"] = {}
            elif proof == "certificate":
                ways["mtls"] = {"san": f"{name}.internal"}
            else:
                ways["oauth2"] = {"client": name}
        roles = [_slug(g) for g in caller.groups]
        if "known" not in roles and ("known" in used or not roles):
            roles.append("known")
        lines += [
            f"  {scalar_text(name)}:",
            "    kind: application  # guess",
            f"    authenticate: {flow_text(ways)}",
            f"    roles: {flow_text(roles)}",
        ]
        if caller.limit:
            lines.append(f"    limit: {_rate(caller.limit)}")
    return ["consumers:", *lines] if lines else []


def _operations(api: str, routes: Sequence[Route], losses: list[str]) -> list[_Operation]:
    found: dict[tuple[str, str], _Operation] = {}
    ids: set[str] = set()
    for route in routes:
        for path in _paths(route, losses):
            for method in route.methods or _METHODS:
                shape = re.sub(r"\{[^}]*\}", "{}", path)
                if (method, shape) in found or method.lower() in ("trace", "connect"):
                    losses.append(f"API `{api}`: {method} {path} is served twice; the first route is described")
                    continue
                name = f"{method.lower()}-{_slug(route.id)}" + ("-below" if path.endswith("{below}") else "")
                while name in ids:
                    name += "-again"
                ids.add(name)
                found[method, shape] = _Operation(name, method, path, route)
    return list(found.values())


def _paths(route: Route, losses: list[str]) -> tuple[str, ...]:
    """The path as templates of OpenAPI, which knows neither prefixes nor patterns."""
    path = "/" + route.path.strip("/")
    plain = _SPECIAL.split(path, maxsplit=1)[0]
    if not route.prefix and plain != path and not re.fullmatch(r"[^\\^$|?*+()\[\]]*", path):
        losses.append(f"route `{route.id}`: the pattern `{route.path}` is described by its plain beginning")
        path = plain.rpartition("/")[0] or "/"
        return (f"{path.rstrip('/')}/{{below}}",)
    path = re.sub(r"\{([^}]*)\}|:([A-Za-z_][A-Za-z0-9_]*)", lambda m: "{" + _slug(m[1] or m[2] or "id") + "}", path)
    path = re.sub(r"[^A-Za-z0-9/{}._~%!$&'()*+,;=:@-]", "-", path)
    if not route.prefix:
        return (path,)
    losses.append("prefixes are described by themselves and one segment below: deeper paths have no operation")
    return (path, f"{path.rstrip('/')}/{{below}}")


def _contract(api: str, operations: Sequence[_Operation]) -> str:
    paths: dict[str, list[_Operation]] = {}
    for operation in operations:
        paths.setdefault(operation.path, []).append(operation)
    lines = [
        "# Synthesised from routes: replace it by the API's own contract, which knows parameters and bodies.",
        "openapi: 3.1.0",
        f"info: {{title: {scalar_text(api)}, version: '0'}}",
        "paths:" if paths else "paths: {}",
    ]
    for path, found in paths.items():
        lines.append(f"  {scalar_text(path)}:")
        names = re.findall(r"\{([^}]*)\}", path)
        if names:
            lines.append("    parameters:")
            lines += [f"      - {{name: {n}, in: path, required: true, schema: {{type: string}}}}" for n in names]
        for operation in found:
            lines.append(f"    {operation.method.lower()}:")
            lines.append(f"      operationId: {scalar_text(operation.id)}")
            if operation.method in ("POST", "PUT", "PATCH"):
                lines.append("      requestBody: {content: {application/json: {schema: {}}}}")
            lines.append("      responses: {default: {description: Not described in the configuration.}}")
    return "\n".join(lines) + "\n"


def _base(url: str) -> str:
    return url if re.fullmatch(r"https?://[^/?#@\s]+(/[^?#\s]*)?", url) else ""


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-").lower() or "root"

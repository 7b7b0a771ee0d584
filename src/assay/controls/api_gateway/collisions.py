"""Paths that two operations could answer: within one API (ambiguous), and between two APIs on one host (colliding)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from assay.controls._lib.judging import judge as _judge
from assay.controls._lib.subjects import api_subject, operation_subject, served_apis
from assay.controls.api_gateway.paths import ANY, Shapes, public_base, rivals, routable, shape, usable_base
from assay.declare.contract import Contract, Operation
from assay.declare.declaration import Declaration
from assay.domain import Verdict

_SHOWN = 3


def ambiguous_paths(declaration: Declaration, api_id: str) -> Iterator[Verdict]:
    """One verdict per pair of operations that one path could be, neither being the more concrete; or one pass."""
    judge, contract = _judge("api_gateway"), declaration.contracts[api_id]
    at = declaration.locate("apis", api_id, "contract")
    groups: dict[tuple[str, int], list[tuple[Operation, tuple[str, ...]]]] = defaultdict(list)
    for operation in contract.operations:
        segments = shape(operation.path)
        if routable(operation.method):
            groups[operation.method, len(segments)].append((operation, segments))
    found, complete = 0, True
    for members in groups.values():
        if len({tuple(ANY in s for s in segments) for _, segments in members}) < 2:
            continue  # parameters stand in the same places everywhere, so no two templates can be rivals
        shapes = Shapes(segments for _, segments in members)
        for number, (operation, segments) in enumerate(members):
            others = [
                members[n][0]
                for n in shapes.overlapping(segments)
                if n > number and rivals(segments, members[n][1]) and _really(contract, operation, members[n][0])
            ]
            if not others:
                continue
            found += 1
            shown = ", ".join(f"`{o.path}` ({o.id})" for o in others[:_SHOWN])
            more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
            yield judge.failed(
                "ambiguous-path",
                operation_subject(api_id, operation.id),
                contract.locate(operation.pointer),
                f"a path of API `{api_id}` can be both `{operation.path}` ({operation.id}) and {shown}{more}",
                related=tuple(contract.locate(o.pointer) for o in others[:_SHOWN]),
            )
        complete = complete and not shapes.exhausted
    if not complete:
        sentence = f"API `{api_id}` has too many paths that begin with a parameter to compare them all"
        yield judge.unclear("ambiguous-path", api_subject(api_id), at, sentence)
    elif not found:
        sentence = f"every path of API `{api_id}` is one operation's"
        yield judge.passed("ambiguous-path", api_subject(api_id), at, sentence)


def _really(contract: Contract, one: Operation, other: Operation) -> bool:
    """Whether the types of the parameters leave a path that both match: `/users/me` is no integer `/users/{id}`."""
    for mine, theirs in zip(one.path.split("/"), other.path.split("/"), strict=True):
        literal, templated, operation = (mine, theirs, other) if "{" not in mine else (theirs, mine, one)
        if "{" in literal or not templated.startswith("{") or not templated.endswith("}"):
            continue
        parameter = next((p for p in operation.parameters if p.location == "path" and p.name == templated[1:-1]), None)
        if parameter and not _may_be(literal, contract.resolve(str(parameter.schema))):
            return False
    return True


def _may_be(text: str, schema: object) -> bool:
    """Whether a parameter of this schema may have the value ``text``. In doubt it may; patterns are not tried."""
    if not isinstance(schema, dict) or schema.get("nullable"):
        return True
    listed = schema.get("enum")
    if isinstance(listed, list):
        return text in {str(value) for value in listed}
    if schema.get("type") in ("integer", "number"):
        return bool(re.fullmatch(r"-?[0-9][0-9.eE+-]*", text))
    if schema.get("type") == "boolean":
        return text in ("true", "false")
    return schema.get("format") != "uuid" or bool(re.fullmatch(r"[0-9a-fA-F-]{36}", text))


def routes_collide(declaration: Declaration) -> Iterator[Verdict]:
    """One verdict per served API: no other API on one of its gateway's hosts could answer one of its paths."""
    judge = _judge("api_gateway")
    hosts: dict[tuple[str, str], list[str]] = defaultdict(list)
    own = {name for name, environment in declaration.model.environments.items() if environment.gateway}
    for api_id, api in served_apis(declaration):
        gateway = api.environment if api.environment in own else ""
        for host in dict.fromkeys(h.lower() for h in api.hosts):
            hosts[gateway, host].append(api_id)
    clashes: dict[tuple[str, str], set[str]] = defaultdict(set)
    unfinished: set[str] = set()
    for neighbours in hosts.values():
        unfinished |= _compare(declaration, neighbours, clashes)
    for api_id, _ in served_apis(declaration):
        at, subject = declaration.places.key("apis", api_id), api_subject(api_id)
        mine = {pair: paths for pair, paths in clashes.items() if api_id in pair}
        for pair, paths in mine.items():
            other = pair[0] if pair[1] == api_id else pair[1]
            shown = ", ".join(sorted(paths)[:_SHOWN])
            more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
            sentence = f"APIs `{api_id}` and `{other}` both answer {shown}{more}"
            related = (declaration.places.key("apis", other),)
            yield judge.failed("routes-collide", subject, at, sentence, related=related)
        if mine:
            continue
        if api_id in unfinished:
            sentence = f"API `{api_id}` shares its path with others that have too many paths to compare them all"
            yield judge.unclear("routes-collide", subject, at, sentence)
        else:
            yield judge.passed("routes-collide", subject, at, f"no other API answers a path of API `{api_id}`")


def _compare(declaration: Declaration, neighbours: Sequence[str], clashes: dict[tuple[str, str], set[str]]) -> set[str]:
    """Adds the paths that two of ``neighbours`` share to ``clashes``; returns the APIs that could not be compared."""
    bases = {a: public_base(declaration.model.apis[a], declaration.contracts[a]) for a in neighbours}
    close = [
        a
        for a in neighbours
        if usable_base(bases[a]) and any(a != b and _nested(bases[a], bases[b]) for b in neighbours)
    ]
    by_method: dict[str, list[tuple[str, str, tuple[str, ...]]]] = defaultdict(list)
    for api_id in close:
        for operation in declaration.operations(api_id):
            if routable(operation.method):
                path = bases[api_id] + operation.path
                by_method[operation.method].append((api_id, path, shape(path)))
    unfinished: set[str] = set()
    for method, routes in by_method.items():
        shapes = Shapes(segments for _, _, segments in routes)
        for number, (api_id, path, segments) in enumerate(routes):
            for other in shapes.overlapping(segments):
                rival = routes[other][0]
                if other > number and rival != api_id:
                    clashes[api_id, rival].add(f"{method} {path}")
        if shapes.exhausted:
            unfinished.update(close)
    return unfinished


def _nested(one: str, other: str) -> bool:
    return (one + "/").startswith(other + "/") or (other + "/").startswith(one + "/")

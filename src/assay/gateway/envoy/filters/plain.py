"""Spares the inspector the plainest requests: a script in Envoy judges them, and marks those that pass.

The mark is dynamic metadata, which no client can set; the inspection filter asks about every request without it. It is
given only while many requests come and the inspector says that it lives: see ``plain.lua``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Final

from assay.gateway.assemble import OperationPolicy
from assay.gateway.envoy import plainness
from assay.gateway.envoy.filters.base import Filter, View
from assay.gateway.envoy.filters.slots import Slot
from assay.gateway.envoy.types import ANSWER_NAMESPACE, Json, filter_off, http_filter
from assay.gateway.words import FIRST, LOGIC, TELLING

NAME = "assay.plain"
UNMARKED: Final[Json] = {
    "filter": ANSWER_NAMESPACE,
    "path": [{"key": "x-assay-decision"}],
    "value": {"string_match": {"exact": "plain"}},
    "invert": True,
}
"""Matches the metadata of every request that the script has not marked."""

MOST_VALUES: Final = 5_000
"""How much of the policy the script may carry: it is read again by every worker whenever routes change."""
_NEVER: Final = "^%z%z%z%z$"
_HEADERS: Final[Mapping[str, str]] = {
    ":path": "^[%w/._~-]*$",  # no query string, nothing encoded
    "content-type": "^application/json$",
    "content-encoding": _NEVER,
    "x-envoy-auth-partial-body": _NEVER,
    "x-http-method": _NEVER,
    "x-http-method-override": _NEVER,
    "x-method-override": _NEVER,
    "x-original-method": _NEVER,
}
"""Patterns of Lua that the values of these headers must match; what matches :data:`_NEVER` is no header."""


STRETCH_MILLISECONDS: Final = 25
"""How often a busy worker asks whether the inspector lives. It is trusted with judging for two stretches at a time."""
MANY: Final = 15
"""How many requests in a stretch make a worker busy."""


def script(digest: str, operations: Mapping[str, plainness.Node]) -> str:
    """The filter's program for these operations, under the policy of this digest."""
    words = {**dict.fromkeys(LOGIC, 2), **dict.fromkeys(TELLING, 1)}
    return (
        _template()
        .replace("--DIGEST--", written(digest))
        .replace("--WORDS--", written(words))
        .replace("--FIRST--", written(dict.fromkeys(FIRST, True)))
        .replace("--STRETCH--", written(STRETCH_MILLISECONDS))
        .replace("--MANY--", written(MANY))
        .replace("--HEADERS--", written(_HEADERS))
        .replace("--OPERATIONS--", written(operations))
    )


@cache
def _template() -> str:
    return (resources.files(__package__) / "plain.lua").read_text(encoding="utf-8")


def written(value: Any) -> str:
    """A value as Lua writes it. Texts are ASCII without quotation marks and backslashes, which JSON writes alike."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"[{written(k)}] = {written(v)}" for k, v in sorted(value.items())) + " }"
    if isinstance(value, list):
        return "{ " + ", ".join(map(written, value)) + " }"
    return json.dumps(value)


def nodes(view: View) -> Mapping[str, plainness.Node]:
    """What the plain requests of each operation look like, as far as the script has room; by operation's id."""
    return view.once(__name__, lambda: _nodes(view))


def _nodes(view: View) -> Mapping[str, plainness.Node]:
    definitions = {library.api: plainness.definitions(library) for library in view.policy.libraries}
    found, room = {}, MOST_VALUES
    for operation in view.policy.operations:
        node = plainness.node(operation, definitions.get(operation.route.api, {}))
        if node is None or not plainness.is_text(operation.id):
            continue
        room -= plainness.weight(node)
        if room < 0:
            break
        found[operation.id] = node
    return found


def _listener(view: View) -> Json | None:
    return http_filter("lua.v3.Lua") if nodes(view) else None


def _everywhere(view: View) -> Json | None:
    if not nodes(view):
        return None
    source = script(view.policy.digest, nodes(view))
    return http_filter("lua.v3.LuaPerRoute", source_code={"inline_string": source})


def _route(view: View, operation: OperationPolicy, _queried: bool) -> Json | None:
    return filter_off() if nodes(view) and operation.id not in nodes(view) else None


FILTER = Filter(NAME, Slot.PLAIN, _listener, _everywhere, _route, off_by_default=False)

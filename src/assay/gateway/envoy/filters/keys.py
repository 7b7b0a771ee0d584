"""API keys, checked in the gateway itself against SHA-256 digests: no key in clear anywhere, no extra hop.

The table of digests rides on the routes' configuration, so that issuing or revoking a key touches no connection.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from importlib import resources

import msgspec

from assay.gateway import ir
from assay.gateway.assemble import OperationPolicy
from assay.gateway.envoy.filters.base import Filter, View
from assay.gateway.envoy.filters.slots import Slot
from assay.gateway.envoy.types import Json, filter_off, http_filter
from assay.gateway.runtime import KeyDigest

NAME = "assay.keys"
OFF: Json = filter_off()
"""Configuration of a route whose calls bring no key that counts."""


@cache
def _template() -> str:
    return (resources.files(__package__) / "keys.lua").read_text(encoding="utf-8")


def _words(sha256: str) -> str:
    """The digest as eight signed 32-bit words, which is what LuaJIT's bit operations yield."""
    raw = bytes.fromhex(sha256)
    return ", ".join(str(int.from_bytes(raw[i : i + 4], "big", signed=True)) for i in range(0, 32, 4))


def script(keys: Iterable[KeyDigest], headers: Iterable[str]) -> str:
    """The filter's program, with its table of keys."""
    lines = [
        f"  [{json.dumps(k.id)}] = {{ {_words(k.sha256)}, {k.not_before}, {k.expires}, {json.dumps(k.consumer)} }},"
        for k in sorted(keys, key=lambda k: k.id)
    ]
    names = ", ".join(json.dumps(h) for h in headers)
    return _template().replace("--RECORDS--", "\n".join(lines)).replace("--HEADERS--", names)


def accepted(operation: OperationPolicy) -> bool:
    """Whether a key is among what the operation accepts as proof."""
    alternatives = operation.authentication.alternatives if operation.authentication else ()
    return any(p.kind == "key" for a in alternatives for p in a)


def without(operation: OperationPolicy) -> OperationPolicy:
    """An operation for calls that bring no key: what takes a key beside something else is not open to them.

    Unchanged where that would change which other credentials count, since a caller's identity hangs on those, and where
    nothing is enforced, since the log must still say who would have been refused.
    """
    authentication = operation.authentication
    if authentication is None or authentication.mode is ir.Mode.OBSERVE:
        return operation
    others = tuple(a for a in authentication.alternatives if all(p.kind != "key" for p in a))
    kept = {p.kind for a in others for p in a} | {"key"}
    if not others or kept != {p.kind for a in authentication.alternatives for p in a}:
        return operation
    return replace(operation, authentication=msgspec.structs.replace(authentication, alternatives=others))


def _listener(view: View) -> Json | None:
    return http_filter("lua.v3.Lua") if view.key_headers else None


def _everywhere(view: View) -> Json | None:
    if not view.key_headers:
        return None
    source = script(view.runtime.keys, view.key_headers)
    return http_filter("lua.v3.LuaPerRoute", source_code={"inline_string": source})


def _route(_view: View, operation: OperationPolicy, _queried: bool) -> Json | None:
    return None if accepted(operation) else OFF


FILTER = Filter(NAME, Slot.KEY, _listener, _everywhere, _route, off_by_default=False)

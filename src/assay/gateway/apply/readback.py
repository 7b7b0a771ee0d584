"""Compares what Envoy says it runs with what was written for it.

``/config_dump`` shows the resources after they went through Protobuf, so two spellings of one value must count as
equal (https://protobuf.dev/programming-guides/json/): values at their default are left out, 64-bit integers and
durations have their own forms, field names come in snake case. Sensitive values are shown as ``[redacted]``. Nothing
else may differ.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from assay.gateway.apply.admin import Admin
from assay.gateway.envoy import Configuration

_DURATION = re.compile(r"(-?\d+)(?:\.(\d{1,9}))?s")
_ENUM = re.compile(r"[A-Z][A-Z0-9_]*")
_REDACTED = "[redacted]"
_DUMPS = {
    "cds.json": ("dynamic_active_clusters", "cluster"),
    "lds.json": ("dynamic_listeners", "listener"),
    "rds.json": ("dynamic_route_configs", "route_config"),
}


async def read_back(admin: Admin) -> dict[str, dict[str, Any]]:
    """The dynamic resources Envoy runs: per file, by name.

    A listener that is still warming counts as absent, because it takes no traffic yet.

    Raises:
        IncompleteError: Envoy does not answer.
    """
    found: dict[str, dict[str, Any]] = {}
    for file, (kind, member) in _DUMPS.items():
        entries = await admin.dump(kind)
        states = (
            [e.get("active_state", {}) for e in entries if "warming_state" not in e] if file == "lds.json" else entries
        )
        found[file] = {s[member].get("name", ""): s[member] for s in states if member in s}
    return found


def digest(resources: Mapping[str, Mapping[str, Any]]) -> str:
    """SHA-256 of what :func:`read_back` found, to see later whether it is still the same."""
    return hashlib.sha256(msgspec.json.encode(resources, order="sorted")).hexdigest()


def differences(configuration: Configuration, running: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Where Envoy runs something else than ``configuration``, as paths; empty when it runs exactly that."""
    found: list[str] = []
    for file, content in configuration.files.items():
        written = {r.get("name", ""): r for r in content["resources"]}
        shown = running.get(file, {})
        found += [f"{file}: `{name}` is not running" for name in written.keys() - shown.keys()]
        found += [f"{file}: `{name}` runs and was not written" for name in shown.keys() - written.keys()]
        for name in written.keys() & shown.keys():
            found += [f"{file}: {where}" for where in unequal(written[name], shown[name], name)]
    return sorted(found)


def unequal(written: object, shown: object, where: str = "") -> Iterable[str]:
    """The paths at which two Protobuf messages in JSON differ."""
    # Most subtrees are spelt alike. A field's type is fixed by its message, so Python's True == 1 does no harm here.
    if written == shown:
        return
    if isinstance(written, dict) and isinstance(shown, dict):
        ours = {_snake(k): v for k, v in written.items()}
        for key in ours.keys() | shown.keys():
            if key not in shown:
                # An empty map is left out; an empty message that was set is shown, so only ours may be lacking.
                if ours[key] != {} and not _default(ours[key]):
                    yield f"{where}.{key}"
            elif key not in ours:
                if not _default(shown[key]):
                    yield f"{where}.{key}"
            else:
                yield from unequal(ours[key], shown[key], f"{where}.{key}")
    elif isinstance(written, list) and isinstance(shown, list):
        if len(written) != len(shown):
            yield f"{where} (length)"
        else:
            for index, (a, b) in enumerate(zip(written, shown, strict=True)):
                yield from unequal(a, b, f"{where}[{index}]")
    elif shown != _REDACTED and _scalar(written) != _scalar(shown):
        yield where


def _snake(key: str) -> str:
    # Keys of maps (`assay.access`, header names) are no field names: only lowerCamelCase is changed.
    if not key.isalnum() or key.islower() or not key[:1].islower():
        return key
    return re.sub(r"([A-Z])", lambda m: "_" + m[1].lower(), key)


def _default(value: object) -> bool:
    """Whether Protobuf leaves this value out. An enum's first name is not known here, so any name may be it."""
    if isinstance(value, str):
        return value in ("", "0s") or bool(_ENUM.fullmatch(value))
    if isinstance(value, dict):
        return False
    return not value


def _scalar(value: object) -> object:
    if isinstance(value, bool) or value is None:
        return (type(value).__name__, value)
    if isinstance(value, int | float):
        return ("number", float(value) if isinstance(value, float) or abs(value) < 2**53 else value)
    if isinstance(value, str):
        duration = _DURATION.fullmatch(value)
        if duration:
            return ("duration", int(duration[1]), (duration[2] or "").ljust(9, "0"))
        if re.fullmatch(r"-?\d{1,20}", value):
            return _scalar(int(value))
    return value

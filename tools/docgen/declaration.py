"""``declaration.md``: every key of the declaration, from the model."""

from __future__ import annotations

import json
import tomllib
from collections import deque
from pathlib import Path
from typing import Any

from assay.declare.model import Model
from assay.declare.quantities import RateValue
from tools.docgen.markdown import code, page, table

WORDS = Path(__file__).with_name("declaration.toml")
_UNITS = ((365 * 86400, "y"), (86400, "d"), (3600, "h"), (60, "m"), (1, "s"))
_SIZES = ((1024 * 1024, "MiB"), (1024, "KiB"), (1, "B"))


def pages() -> dict[str, str]:
    """The page of the declaration."""
    schema = Model.model_json_schema(by_alias=True)
    words = tomllib.loads(WORDS.read_text(encoding="utf-8"))
    for name, keys in words["later"].items():
        if unknown := set(keys) - _definition(schema, name)["properties"].keys():
            raise LookupError(f"{WORDS.name} speaks of {', '.join(sorted(unknown))} in `{name}`, which does not exist")
    sections = [_section(name, route, _definition(schema, name), words) for name, route in _reachable(schema)]
    return {"declaration.md": page("The declaration", words["introduction"], words["values"], *sections)}


def _definition(schema: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = schema if name == "Model" else schema["$defs"][name]
    return found


def _reachable(schema: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """Every mapping with the places it may stand, nearest to the top first."""
    places: dict[str, list[str]] = {"Model": [""]}
    waiting = deque(["Model"])
    while waiting:
        name = waiting.popleft()
        for key, value in _definition(schema, name).get("properties", {}).items():
            for target, step in _targets(value):
                if "properties" not in schema["$defs"][target]:
                    continue
                if target not in places:
                    waiting.append(target)
                here = [f"{p}.{key}{step}".lstrip(".") for p in places[name]]
                places.setdefault(target, []).extend(h for h in here if h not in places.get(target, []))
    return list(places.items())


def _targets(schema: dict[str, Any]) -> list[tuple[str, str]]:
    if "$ref" in schema:
        return [(schema["$ref"].rpartition("/")[2], "")]
    found = [t for inner in schema.get("anyOf", ()) for t in _targets(inner)]
    if isinstance(schema.get("items"), dict):
        found += [(name, "[]" + step) for name, step in _targets(schema["items"])]
    mapped = [*schema.get("patternProperties", {}).values(), schema.get("additionalProperties")]
    return found + [(n, ".*" + step) for inner in mapped if isinstance(inner, dict) for n, step in _targets(inner)]


def _section(name: str, routes: list[str], schema: dict[str, Any], words: dict[str, Any]) -> str:
    about = "" if name == "Model" else " ".join(schema.get("description", "").split())
    where = "" if name == "Model" else "Stands at " + ", ".join(code(r) for r in routes) + "."
    required = schema.get("required", [])
    rows = [
        (
            code(key),
            _kind(value),
            "required" if key in required else _default(value),
            _meaning(name, key, value, words),
        )
        for key, value in schema.get("properties", {}).items()
    ]
    parts = [f"## {_title(name)}", f"{about} {where}".strip(), table(("key", "value", "default", "meaning"), rows)]
    return "\n\n".join(p for p in parts if p)


def _title(name: str) -> str:
    return "Top level" if name == "Model" else name.rstrip("_")


def _meaning(owner: str, key: str, schema: dict[str, Any], words: dict[str, Any]) -> str:
    """The model's own words, else ours; a key without either is a mistake."""
    text: str | None = schema.get("description") or words["meaning"].get(owner, {}).get(key)
    if not text:
        raise LookupError(f"nothing says what `{owner}.{key}` means; describe it in the model or in {WORDS.name}")
    later = key in words["later"].get(owner, ())
    return text + (" *Read and checked; nothing uses it yet.*" if later else "")


def _kind(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name == "Category":
            return "one of the five families of objectives"
        return f"[{_title(name)}](#{_title(name).lower()})"
    if "anyOf" in schema:
        if any(s.get("pattern", "").endswith("GB)$") for s in schema["anyOf"]):
            return "size"
        return " or ".join(dict.fromkeys(_kind(s) for s in schema["anyOf"] if s.get("type") != "null"))
    if "enum" in schema:
        return " · ".join(code(v) for v in schema["enum"])
    if "const" in schema:
        return code(schema["const"])
    return _plain(schema)


def _plain(schema: dict[str, Any]) -> str:
    pattern, kind = schema.get("pattern", ""), schema.get("type")
    if kind == "array":
        return f"list of {_kind(schema['items'])}"
    if kind == "object":
        inner = [*schema.get("patternProperties", {}).values(), schema.get("additionalProperties")]
        values = [_kind(s) for s in inner if isinstance(s, dict)]
        return f"mapping of {'id' if 'patternProperties' in schema else 'name'} to {values[0]}" if values else "mapping"
    if kind == "boolean":
        return "`true` · `false`"
    if kind in ("integer", "number"):
        return "number"
    for end, name in (("[smhdwy]$", "duration"), ("[smhd])$", "rate"), ("%$", "percentage"), ("|file:.+)$", "secret")):
        if pattern.endswith(end):
            return name
    if pattern.startswith("^[A-Za-z0-9]["):
        return "id"
    return "date" if schema.get("format") == "date" else "text"


def _default(schema: dict[str, Any]) -> str:
    value = schema.get("default")
    if value is None or value in ([], {}) or (isinstance(value, dict) and "$ref" in schema):
        return ""
    kind = _kind(schema)
    if isinstance(value, int) and kind == "duration":
        return code(_scaled(value, _UNITS))
    if isinstance(value, int) and kind == "size":
        return code(_scaled(value, _SIZES))
    return code(value if isinstance(value, str | RateValue) else json.dumps(value))


def _scaled(value: int, scale: tuple[tuple[int, str], ...]) -> str:
    return next(f"{value // size}{unit}" for size, unit in scale if value % size == 0)

"""The declaration's JSON Schema (draft-07), generated from the model, for editors.

`python -m assay.declare.schema > schema/assay.schema.json` writes it.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from assay.declare.merge import LISTS, SECTIONS
from assay.declare.model import Model

_ID = "urn:assay:schema:declaration:1"
_VARIABLE = {"type": "string", "pattern": "\\$\\{[A-Za-z_][A-Za-z0-9_]*(:-[^{}]*)?\\}"}
_KEEP_DEFAULT = (str, bool, int, float)


def json_schema() -> dict[str, Any]:
    """The schema of one declaration file.

    A section that is named but empty stands for none. A file in `assay.d/` may leave out what another file says, so
    nothing is required at the top; the loader asks for it once all files are merged. Where a word, number or pattern
    is expected, a `${VARIABLE}` may stand instead.
    """
    raw = Model.model_json_schema(by_alias=True, ref_template="#/definitions/{model}")
    definitions = {name: _convert(schema) for name, schema in sorted(raw.pop("$defs").items())}
    definitions["Variable"] = {
        "description": "A value from the environment: `${NAME}` or `${NAME:-default}`.",
        **_VARIABLE,
    }
    top = _convert(raw)
    top.pop("required", None)
    for section in (*SECTIONS, *LISTS):
        top["properties"][section]["type"] = [top["properties"][section]["type"], "null"]
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": _ID,
        "title": "Assay declaration",
        "description": "What an organisation must protect, and how: one file of it.",
        **{key: value for key, value in top.items() if key not in ("title", "description")},
        "definitions": definitions,
    }


def _convert(schema: Any) -> Any:
    """One schema in draft-07: `prefixItems` becomes `items`, siblings of `$ref` (ignored there) become an `allOf`."""
    if isinstance(schema, list):
        return [_convert(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    out: dict[str, Any] = {}
    for key, value in schema.items():
        if key in ("properties", "patternProperties"):
            out[key] = {name: _value(inner) for name, inner in value.items()}
        elif key in ("items", "additionalProperties") and isinstance(value, dict):
            out[key] = _value(value)
        elif key == "prefixItems":
            out["items"] = [_value(item) for item in value]
        elif key == "items" and "prefixItems" in schema:
            out["additionalItems"] = value
        elif key in ("anyOf", "allOf", "oneOf"):
            out[key] = [_convert(item) for item in value]
        elif key == "default":
            if isinstance(value, _KEEP_DEFAULT) and _is_kind(value, schema):
                out[key] = value
        elif key == "title" and "properties" not in schema:
            continue
        else:
            out[key] = value
    if "patternProperties" in out and "additionalProperties" not in out:
        out["additionalProperties"] = False
    if "$ref" in out and len(out) > 1:
        reference = out.pop("$ref")
        out = {**out, "allOf": [{"$ref": reference}]}
    return out


def _value(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a value, which may also be a variable where text of any kind would not do."""
    converted: dict[str, Any] = _convert(schema)
    about: dict[str, Any] = {
        key: converted.pop(key) for key in ("title", "description", "default", "examples") if key in converted
    }
    if not _needs_variable(converted):
        return {**about, **converted}
    variable = {"$ref": "#/definitions/Variable"}
    if "anyOf" in converted:
        return {**about, "anyOf": [*converted["anyOf"], variable]}
    return {**about, "anyOf": [converted, variable]}


def _needs_variable(schema: dict[str, Any]) -> bool:
    if "anyOf" in schema:
        return any(_needs_variable(item) for item in schema["anyOf"]) and not any(map(_is_free_text, schema["anyOf"]))
    if str(schema.get("pattern", "")).startswith("^(env:"):
        return False
    if schema.get("type") in ("integer", "number", "boolean") and "const" not in schema:
        return True
    return schema.get("type") == "string" and "const" not in schema and not _is_free_text(schema)


def _is_free_text(schema: dict[str, Any]) -> bool:
    return schema.get("type") == "string" and not {"pattern", "enum", "const", "format", "minLength"} & schema.keys()


def _is_kind(value: object, schema: dict[str, Any]) -> bool:
    if isinstance(value, bool):
        return schema.get("type") == "boolean"
    if isinstance(value, int | float):
        return schema.get("type") in ("integer", "number")
    return True


def text() -> str:
    """The schema as it is committed."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())

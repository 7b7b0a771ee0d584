"""The published JSON schema of OSCAL 1.2.1, every model of it, as a validator."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

_SCHEMA = Path(__file__).with_name("oscal_complete_schema-1.2.1.json")


@cache
def _validator(kind: str) -> Any:
    # Of the complete schema's alternatives only the one that is meant, so that an error names its place. The Rust
    # engine knows `\p{L}`, which Python's `re` does not, so the schema is used as it was published.
    schema = json.loads(_SCHEMA.read_text(encoding="utf-8"))
    schema["oneOf"] = [one for one in schema["oneOf"] if kind in one["properties"]]
    assert len(schema["oneOf"]) == 1
    return jsonschema_rs.validator_for(schema, validate_formats=True)


def problems(document: dict[str, Any]) -> list[str]:
    """What is wrong with a document; empty: it is valid."""
    (kind,) = document
    return [f"{'/'.join(map(str, e.instance_path))}: {e.message}"[:300] for e in _validator(kind).iter_errors(document)]

"""The schemas that the inspector's tests share."""

from __future__ import annotations

from typing import Any

LIBRARY: dict[str, Any] = {
    "Customer": {
        "type": "object",
        "additionalProperties": False,
        "required": ["name"],
        "properties": {
            "name": {"type": "string", "minLength": 1, "maxLength": 100},
            "email": {"type": "string", "format": "email"},
            "born": {"type": "string", "format": "date"},
            "age": {"type": "integer", "minimum": 0, "maximum": 150},
            "notes": {"type": "string", "maxLength": 5000},
            "tags": {"type": "array", "maxItems": 5, "items": {"type": "string"}},
            "friend": {"$ref": "#/$defs/Customer"},
        },
    }
}

"""Values as YAML text, for the few lines that a patch writes."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import date

from assay.declare.yaml_places import plain_value
from assay.domain import AssayError

_PLAIN = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./@%+ -]*")
_INDENT = "  "
_WIDE = 120


def scalar_text(value: object) -> str:
    """One scalar: plain where it reads back as the same value in YAML 1.1 and 1.2 alike, else in double quotes."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else {"inf": ".inf", "-inf": "-.inf"}.get(str(value), ".nan")
    if isinstance(value, date):
        return value.isoformat()
    if not isinstance(value, str):
        raise AssayError(
            f"A value of type {type(value).__name__} cannot be written as YAML.",
            fix="use text, numbers, true, false, lists and mappings",
        )
    if _PLAIN.fullmatch(value) and not value.endswith(" ") and plain_value(value) == value and not _is_yaml_1_1(value):
        return value
    return _quoted(value)


def _quoted(value: str) -> str:
    """Double quotes; what YAML does not print (YAML 1.2.2, production [1]) is escaped, surrogates are refused."""
    if any(0xD800 <= ord(c) <= 0xDFFF for c in value):
        raise AssayError("Text with half a character (a lone surrogate) cannot be written.", fix="correct the text")
    text = json.dumps(value, ensure_ascii=False)
    return re.sub("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]", lambda m: f"\\u{ord(m[0]):04x}", text)


def _is_yaml_1_1(value: str) -> bool:
    """Words that an older reader takes for something else: `yes`, `1_000`, `12:30:00`, a date."""
    return value.lower() in ("y", "n", "yes", "no", "on", "off") or bool(
        re.fullmatch(r"[-+.]*[0-9][-+0-9_.:a-fA-FxXT]*", value)
    )


def flow_text(value: object) -> str:
    """``value`` on one line: `{a: 1, b: [x, y]}`."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar_text(str(k))}: {flow_text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(flow_text, value)) + "]"
    return scalar_text(value)


def block_lines(value: object, indent: str) -> list[str]:
    """A mapping or list over several lines, each beginning with ``indent``. Short lists of scalars stay on one line."""
    lines: list[str] = []
    if isinstance(value, Mapping):
        for key, inner in value.items():
            lines += _entry(f"{indent}{scalar_text(str(key))}:", inner, indent + _INDENT)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            lines += item_lines(item, indent)
    return lines


def item_lines(value: object, indent: str) -> list[str]:
    """An item of a list as lines that begin with ``indent``: a mapping that is too long for one line has several."""
    line = f"{indent}- {flow_text(value)}"
    if not isinstance(value, Mapping) or len(line) <= _WIDE:
        return [line]
    lines = block_lines(value, indent + _INDENT)
    return [f"{indent}- {lines[0].lstrip()}", *lines[1:]]


def entry_lines(key: str, value: object, indent: str) -> list[str]:
    """`key: value` as lines that begin with ``indent``."""
    return _entry(f"{indent}{scalar_text(key)}:", value, indent + _INDENT)


def _entry(head: str, value: object, indent: str) -> list[str]:
    if is_long(value):
        return [head, *block_lines(value, indent)]
    return [f"{head} {flow_text(value)}"]


def is_long(value: object) -> bool:
    """Whether a value is better written over several lines."""
    if isinstance(value, Mapping):
        return bool(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return any(isinstance(item, Mapping) for item in value)
    return False

"""Path templates: as regular expressions, in the order in which they are tried, and those that say the same twice."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from assay.declare.contract.ranges import bounds, whole_numbers
from assay.declare.contract.regexes import segment_regex

if TYPE_CHECKING:
    from assay.declare.contract.documents import Documents
    from assay.declare.contract.model import Contract, Parameter

_PLACEHOLDER = re.compile(r"\{([^{}/]+)\}")
_SPECIAL = re.compile(r"([\\.+*?()|\[\]{}^$])")
_BARE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
_SEGMENT = "[^/]+"
_BY_TYPE = {
    "integer": "-?[0-9]{1,19}",
    "number": r"-?[0-9]{1,19}(?:\.[0-9]{1,19})?(?:[eE][-+]?[0-9]{1,3})?",
    "boolean": "(?:true|false)",
}
_BY_FORMAT = {
    "uuid": "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}",
    "date": "[0-9]{4}-[0-9]{2}-[0-9]{2}",
}


def placeholders(template: str) -> tuple[str, ...]:
    """Names of a template's parameters in order, as written between braces."""
    return tuple(_PLACEHOLDER.findall(template))


def well_formed(template: str) -> bool:
    """Whether every brace belongs to a placeholder."""
    rest = _PLACEHOLDER.sub("", template)
    return "{" not in rest and "}" not in rest


def path_regex(template: str, parameters: Iterable[Parameter], contract: Contract) -> str:
    """An anchored RE2 expression for the paths that a template (without base path) stands for.

    It matches the path as it is sent: characters of the template that a URL cannot hold are percent-encoded
    (RFC 3986 § 2.1, either case). A parameter matches what its type, format, enum or pattern allows; one whose schema
    says less, or says it in a way that cannot be carried over with certainty, matches anything but a slash.
    """
    typed = {p.name: _value_regex(p, contract.documents) for p in parameters if p.location == "path"}
    pieces: list[str] = []
    end = 0
    for found in _PLACEHOLDER.finditer(template):
        pieces.append(_literal(template[end : found.start()]))
        pieces.append(typed.get(found[1], _SEGMENT))
        end = found.end()
    pieces.append(_literal(template[end:]))
    return "^" + "".join(pieces) + "$"


def match_key(template: str) -> tuple[object, ...]:
    """A sort key by which more concrete templates come first (OpenAPI 3.0.3, Paths Object)."""
    return (*((_rank(segment), -_literal_length(segment)) for segment in template.split("/")), (3, 0), template)


def match_order(templates: Iterable[str]) -> list[str]:
    """Templates in the order in which they must be tried: a concrete segment before a templated one."""
    return sorted(templates, key=match_key)


def ambiguous(templates: Iterable[str]) -> list[Sequence[str]]:
    """Groups of templates that differ in nothing but the names of their parameters."""
    groups: dict[str, list[str]] = {}
    for template in templates:
        groups.setdefault(_PLACEHOLDER.sub("{}", template), []).append(template)
    return [same for same in groups.values() if len(same) > 1]


def _rank(segment: str) -> int:
    if _PLACEHOLDER.search(segment) is None:
        return 0
    return 2 if _PLACEHOLDER.fullmatch(segment) else 1


def _literal_length(segment: str) -> int:
    return len(_PLACEHOLDER.sub("", segment))


def _literal(text: str) -> str:
    wire = quote(_BARE_PERCENT.sub("%25", text), safe="/:@!$&'()*+,;=-._~%")
    return _PERCENT.sub(lambda m: _either_case(m[0]), _SPECIAL.sub(r"\\\1", wire))


def _either_case(encoded: str) -> str:
    return "%" + "".join(f"[{c.upper()}{c.lower()}]" if c.isalpha() else c for c in encoded[1:])


def _value_regex(parameter: Parameter, documents: Documents) -> str:
    if parameter.style != "simple" or parameter.media_type is not None:
        return _SEGMENT
    schema = _resolved(parameter, documents)
    if schema is None or schema.get("nullable") is True:
        return _SEGMENT
    listed = schema.get("enum")
    if isinstance(listed, list) and listed:
        words = [_word(value) for value in listed]
        return "(?:" + "|".join(dict.fromkeys(w for w in words if w)) + ")" if all(words) else _SEGMENT
    kind = schema.get("type")
    if isinstance(kind, list):
        kinds = [k for k in kind if k != "null"]
        kind = kinds[0] if len(kinds) == 1 else None
    limits = bounds(schema) if kind == "integer" else None
    if limits:
        return whole_numbers(*limits)
    if isinstance(kind, str) and kind in _BY_TYPE:
        return _BY_TYPE[kind]
    if kind != "string":
        return _SEGMENT
    pattern = schema.get("pattern")
    named = _BY_FORMAT.get(str(schema.get("format")))
    if named:
        return named
    return (segment_regex(pattern) if isinstance(pattern, str) else None) or _SEGMENT


def _resolved(parameter: Parameter, documents: Documents) -> Mapping[str, object] | None:
    ref = parameter.schema
    for _ in range(20):
        schema = documents.schema(ref)
        if not isinstance(schema, dict):
            return None
        refers = schema.get("$ref")
        if not isinstance(refers, str):
            return schema
        target = documents.next_schema(ref, refers)
        if target is None:
            return None
        ref = target
    return None


def _word(value: object) -> str:
    """An enumerated value as it is sent; empty if it has no plain form."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | str) and value != "":
        return _literal(str(value)).replace("/", "%2[Ff]")
    return ""

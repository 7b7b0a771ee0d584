"""Keywords of a schema that hold plain values: kept, converted to draft 2020-12, or dropped and said."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

import jsonschema_rs

from assay.declare.contract.regexes import backtracks
from assay.declare.contract.vocabulary import words
from assay.domain import Severity

Report = Callable[..., None]
"""``report(check, keyword, sentence, *, severity, fix, group)``; keyword may be empty for the schema itself."""

TYPES = frozenset(("null", "boolean", "object", "array", "number", "string", "integer"))
_COUNTS = (
    "maxLength",
    "minLength",
    "maxItems",
    "minItems",
    "maxProperties",
    "minProperties",
    "minContains",
    "maxContains",
)
_NUMBERS = ("minimum", "maximum")
FORMATS = words(
    # JSON Schema 2020-12 § 7.3, OpenAPI 3.0.3 § 4.4, and the OpenAPI format registry
    "date-time date time duration email idn-email hostname idn-hostname ipv4 ipv6 uri uri-reference iri iri-reference "
    "uuid uri-template json-pointer relative-json-pointer regex int8 int16 int32 int64 uint8 uint16 uint32 uint64 "
    "float double decimal decimal128 byte binary base64url password"
)
WIDTHS = {
    f"{sign}int{bits}": (0, 2**bits - 1) if sign else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    for sign in ("", "u")
    for bits in (8, 16, 32, 64)
}
"""Least and greatest value of the formats that are widths of whole numbers (OpenAPI format registry)."""
_UNENFORCED = {
    "contentEncoding": "the encoding of a string (`contentEncoding`) is not checked",
    "contentMediaType": "what a string contains (`contentMediaType`) is not checked",
    "contentSchema": "what a string contains (`contentSchema`) is not checked",
}
SILENT = words(
    # annotations, places for definitions, and what other modules read
    "title description default example examples deprecated externalDocs xml readOnly writeOnly nullable x-nullable "
    "$schema $id $anchor $dynamicAnchor $comment $vocabulary $defs definitions id discriminator $ref $dynamicRef "
    "$recursiveRef $recursiveAnchor then else additionalItems summary"
)

REGEX_BYTES = 8 << 20
"""Memory for one compiled regular expression; the inspector's own bound, which a test holds this against."""


def plain(raw: Mapping[str, object], report: Report) -> dict[str, object]:
    """The assertions of a schema that contain no other schema."""
    out: dict[str, object] = {}
    _types(raw, out, report)
    _bounds(raw, out, report)
    for name in _COUNTS:
        if name in raw:
            count = _whole(raw[name])
            if count is None:
                _invalid(report, name, "is not a whole number from 0 upwards")
            else:
                out[name] = count
    if "pattern" in raw:
        pattern = raw["pattern"]
        if usable_pattern(pattern, report, "pattern"):
            out["pattern"] = pattern
    if "uniqueItems" in raw:
        if isinstance(raw["uniqueItems"], bool):
            out["uniqueItems"] = raw["uniqueItems"]
        else:
            _invalid(report, "uniqueItems", "is not true or false")
    if "enum" in raw:
        if isinstance(raw["enum"], list):
            out["enum"] = raw["enum"]
        else:
            _invalid(report, "enum", "is not a list")
    if "const" in raw:
        out["const"] = raw["const"]
    _format(raw, out, report)
    _width(out)
    for name, sentence in _UNENFORCED.items():
        if name in raw:
            report("content-encoding", name, sentence, severity=Severity.LOW, group=name)
    return out


def usable_pattern(pattern: object, report: Report, keyword: str) -> bool:
    """Whether a regular expression can be enforced; says so when it cannot, or only by backtracking."""
    if not isinstance(pattern, str) or not compiles(pattern):
        report(
            "invalid-pattern",
            keyword,
            f"`{str(pattern)[:80]}` is not a regular expression that can be compiled, so it is not enforced",
            severity=Severity.MEDIUM,
            fix="correct it (ECMA-262), or make it smaller",
        )
        return False
    if backtracks(pattern):
        report(
            "backtracking-pattern",
            keyword,
            f"`{pattern[:80]}` looks around or back, which no engine does in linear time",
            severity=Severity.LOW,
            fix="write it without look-around and back-references",
        )
    return True


@functools.lru_cache(maxsize=4096)
def compiles(pattern: str) -> bool:
    """Whether the validator accepts a regular expression, within the memory that the inspector grants one."""
    options = jsonschema_rs.FancyRegexOptions(size_limit=REGEX_BYTES)
    try:
        jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=options)
    except (ValueError, jsonschema_rs.ValidationError):
        return False
    return True


def string_list(value: object) -> list[str] | None:
    """The value if it is a list of strings."""
    return value if isinstance(value, list) and all(isinstance(item, str) for item in value) else None


def unknown(raw: Mapping[str, object], known: frozenset[str], report: Report) -> None:
    """Say which keywords mean nothing."""
    for name in raw:
        if name in known or name in SILENT or name in _UNENFORCED or name.startswith("x-"):
            continue
        report(
            "unknown-keyword",
            name,
            f"the keyword `{name}` means nothing in a schema, so it is ignored",
            severity=Severity.LOW,
            fix="correct its spelling, or start it with `x-`",
            group=name,
        )


def _types(raw: Mapping[str, object], out: dict[str, object], report: Report) -> None:
    declared = raw.get("type")
    if declared is None:
        return
    if declared in ("any", "file"):  # a Swagger file is any sequence of bytes
        return
    names = string_list(declared) if isinstance(declared, list) else [declared]
    kinds = [name for name in names or [] if isinstance(name, str) and name in TYPES]
    if not names or len(kinds) != len(names):
        _invalid(report, "type", f"`{str(declared)[:40]}` is not a type")
        return
    out["type"] = kinds[0] if len(kinds) == 1 else list(dict.fromkeys(kinds))


def _bounds(raw: Mapping[str, object], out: dict[str, object], report: Report) -> None:
    for name in _NUMBERS:
        if name in raw:
            if _is_number(raw[name]):
                out[name] = raw[name]
            else:
                _invalid(report, name, "is not a number")
    for name, inclusive in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        bound = raw.get(name)
        if bound is True and inclusive in out:
            out[name] = out.pop(inclusive)
        elif isinstance(bound, bool):
            continue
        elif _is_number(bound):
            out[name] = bound
        elif name in raw:
            _invalid(report, name, "is neither a number nor true or false")
    if "multipleOf" in raw:
        step = raw["multipleOf"]
        if isinstance(step, int | float) and not isinstance(step, bool) and step > 0:
            out["multipleOf"] = step
        else:
            _invalid(report, "multipleOf", "is not a number above 0")


def _format(raw: Mapping[str, object], out: dict[str, object], report: Report) -> None:
    if "format" not in raw:
        return
    name = raw["format"]
    if not isinstance(name, str):
        _invalid(report, "format", "is not a name")
        return
    out["format"] = name
    if name not in FORMATS:
        report(
            "unknown-format",
            "format",
            f"the format `{name[:40]}` is not one that can be checked",
            severity=Severity.LOW,
            fix="add a `pattern` or an `enum`",
            group=name,
        )


def _width(out: dict[str, object]) -> None:
    """Writes a width as the bounds that it means, which validators know; tighter ones that are declared stay."""
    kinds = out.get("type")
    bounds = WIDTHS.get(str(out.get("format")))
    if bounds is None or not {"integer", "number"} & set(kinds if isinstance(kinds, list) else [kinds]):
        return
    low, high = bounds
    if not any(_is_at_least(out.get(name), low) for name in ("minimum", "exclusiveMinimum")):
        out["minimum"] = low
    if not any(_is_at_least(high, out.get(name)) for name in ("maximum", "exclusiveMaximum")):
        out["maximum"] = high


def _is_at_least(value: object, least: object) -> bool:
    return isinstance(value, int | float) and isinstance(least, int | float) and value >= least


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value) or value < 0:
        return None
    return int(value)


def _invalid(report: Report, keyword: str, what: str) -> None:
    report(
        "invalid-keyword",
        keyword,
        f"`{keyword}` {what}, so it is not enforced",
        severity=Severity.MEDIUM,
        fix=f"correct `{keyword}`",
    )

"""Words as OSCAL wants them: ids, times, one line, Markdown, and names that are the same each time.

OSCAL's data types are those of the NIST Metaschema: ``token``, ``string``, ``markup-line``, ``markup-multiline``,
``uuid``, ``date-time-with-timezone``. Texts of others (contracts, answers of a service) go into documents that other
tools render, so nothing of them is left that Markdown, HTML or an OSCAL insert would act on.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from assay.domain import UsageError
from assay.report.plain import plain

NS = "urn:assay:oscal:v1"
"""Qualifies every property and facet that is Assay's own, as OSCAL asks of extensions."""
RMF = "http://csrc.nist.gov/ns/rmf"
"""Where NIST's own catalogs keep the property that says how an objective is assessed."""

Json = dict[str, Any]

_ROOT = uuid.uuid5(uuid.NAMESPACE_URL, NS)
_TOKEN = re.compile(r"[A-Za-z_][A-Za-z0-9._-]*")
_CODE = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_ACTIVE = re.compile(r"([\\*\[\]<>{}`|])")
_NEVER = "–"


def named(kind: str, *identity: str) -> str:
    """A UUID of version 5 (RFC 9562) from what the thing is, so that the same thing has the same name every time."""
    return str(uuid.uuid5(_ROOT, json.dumps([kind, *identity])))


def digest_name(kind: str, content: Any) -> str:
    """A UUID of version 5 from all of a content; any change of it changes the name."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return named(kind, hashlib.sha256(text.encode()).hexdigest())


def token(text: str) -> str:
    """An id. What is no token becomes one, with a digest of the text so that two texts stay two tokens."""
    if _TOKEN.fullmatch(text):
        return text
    spelt = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.")[:60]
    mark = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{spelt if spelt[:1].isalpha() else '_' + spelt}-{mark}"


def string(text: str) -> str:
    """A plain value on one line, neither empty nor with blanks around it."""
    return " ".join(plain(text).split()) or _NEVER


def line(text: str) -> str:
    """One line of Markdown."""
    return _inert(string(text))


def prose(*paragraphs: str) -> str:
    """Markdown in paragraphs; empty ones are left out."""
    kept = ("\n".join(" ".join(one.split()) for one in plain(text).splitlines()).strip() for text in paragraphs)
    return "\n\n".join(_inert(text) for text in kept if text) or _NEVER


def bullets(items: Iterable[str]) -> str:
    """A list in Markdown, one item a line, as :func:`raw` paragraphs of a text."""
    return "\n".join(f"- {line(item)}" for item in items)


def raw(*paragraphs: str) -> str:
    """Paragraphs that are Markdown already; empty ones are left out."""
    return "\n\n".join(p for p in paragraphs if p) or _NEVER


def moment(at: datetime) -> str:
    """A time in UTC.

    Raises:
        UsageError: the year has no place in OSCAL's pattern, which begins with 1900.
    """
    if not 1900 <= at.year <= 2999:
        raise UsageError(f"OSCAL has no way to write the year {at.year}", fix="choose another time with --at")
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def end_of(day: date) -> str:
    """The last second of a day: what is due on it, or holds through it, ends then."""
    return moment(datetime.combine(day, time(23, 59, 59), UTC))


def prop(name: str, value: object, *, remarks: str = "", kind: str = "") -> Json:
    """A property of Assay's own."""
    made: Json = {"name": token(name), "ns": NS, "value": string(str(value))}
    if kind:
        made["class"] = token(kind)
    if remarks:
        made["remarks"] = prose(remarks)
    return made


def props(values: Mapping[str, object]) -> list[Json]:
    """Properties of Assay's own; what is None or empty is left out."""
    return [prop(name, value) for name, value in values.items() if value not in (None, "")]


def full(**values: Any) -> Json:
    """An object without its empty members, since no list in OSCAL may be empty. ``_`` in a name stands for ``-``."""
    return {name.replace("_", "-"): value for name, value in values.items() if value not in (None, "", [], (), {})}


def _inert(text: str) -> str:
    """Text in which Markdown sees nothing but words and code; what stands in backticks stays as it is written."""
    made, at = [], 0
    for found in _CODE.finditer(text):
        made += [_escaped(text[at : found.start()]), _closed(found[0])]
        at = found.end()
    return "".join([*made, _escaped(text[at:])])


def _escaped(text: str) -> str:
    return _ACTIVE.sub(r"\\\1", text)


def _closed(code: str) -> str:
    # `{{ insert: param, x }}` is replaced by processors of OSCAL wherever it stands.
    return code.replace("{{", "{ {")

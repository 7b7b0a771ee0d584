"""A finding of somebody else's, without the secrets and the data that came with it.

What testers keep as evidence holds credentials and people's data. Nothing of that is taken over: requests lose their
credentials, and of answers only digests remain, by which the same content is recognised when it is seen again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from assay.domain import Location, Severity
from assay.evidence.redact import HEADERS, Scrubber

_LONGEST_TEXT = 300
_SHORTEST_MARK, _LONGEST_MARK = 4, 512
_MOST_VALUES, _MOST_TEXTS = 40, 8
_LOOKED_AT = 128 * 1024
_MOST_BODY = 64 * 1024
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+")
_SECRET_NAME = re.compile(r"(?i)auth|token|secret|session|cookie|csrf|api[-_]?key|passw|credential|jwt|signature")
_SCRUBBER = Scrubber()
# Of the connection, or written by every client: not part of an attack.
_OF_THE_CLIENT = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    }
)


@dataclass(frozen=True, slots=True)
class Mark:
    """A piece of an answer, known again by its digest only.

    Attributes:
        kind: ``text``: stands anywhere in the answer; ``value``: is a text or number of its JSON.
        length: characters, for ``text``.
        sha256: over its UTF-8 bytes.
    """

    kind: Literal["text", "value"]
    length: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Request:
    """The request that showed it, as far as it can be sent again.

    Attributes:
        target: path and query as they went over the wire, without the host.
        headers: without credentials and without those that every client writes.
        authenticated: whether it carried a credential (which is gone).
        redacted: whether something else was taken out, so that it is not the same request any more.
    """

    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: str | None = None
    content_type: str | None = None
    authenticated: bool = False
    redacted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedFinding:
    """One finding.

    Attributes:
        source: the file it was read from.
        tool: who found it, such as ``ZAP``.
        id: the tool's own id for this kind of finding (rule, plugin, template).
        method, url: what was called; ``url`` without credentials, empty for findings in code.
        parameter: the parameter that was attacked, if it is told.
        evidence: SHA-256 over what the tool kept as evidence, or nothing.
        place: where in code it is, for tools that read code.
        marks: by which the content that showed it is known again.
    """

    source: str
    tool: str
    id: str
    title: str
    severity: Severity
    method: str = ""
    url: str = ""
    parameter: str = ""
    evidence: str = ""
    place: Location | None = None
    request: Request | None = None
    marks: tuple[Mark, ...] = field(default=())

    @property
    def key(self) -> str:
        """A short id: the same finding keeps it when it is reported again, with another payload or another body."""
        place = (self.place.file, self.place.line) if self.place else ("", 0)
        parts = (self.tool.lower(), self.id, self.method, path_of(self.url), self.parameter, *place)
        digest = hashlib.sha256(json.dumps(parts, ensure_ascii=True).encode()).hexdigest()[:10]
        word = re.sub(r"[^a-z0-9]+", "-", self.tool.lower()).strip("-")[:20] or "finding"
        return f"{word}-{digest}"


def path_of(url: str) -> str:
    """The path of a URL, or of a target without a host; what is neither gives itself."""
    try:
        return urlsplit(url).path or ("/" if url else "")
    except ValueError:
        return url.partition("?")[0]


def cleaned(text: object, longest: int = _LONGEST_TEXT) -> str:
    """A foreign text on one line, without anything a terminal would obey, cut to a length."""
    found = _CONTROL.sub(" ", str(text)) if isinstance(text, str | int | float) else ""
    found = " ".join(found.split())
    if not found.isprintable():  # unassigned characters, which a terminal of tomorrow may obey
        found = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in found)
    return found if len(found) <= longest else found[: longest - 1] + "…"


def scrubbed(text: str) -> tuple[str, bool]:
    """The text without what looks like a secret, and whether anything was taken out."""
    found = _SCRUBBER.redact(text.encode("utf-8", "replace")).decode("utf-8", "replace")
    return found, found != text


def request_of(
    target: str, headers: Iterable[tuple[str, str]] = (), body: str | None = None, content_type: str | None = None
) -> Request:
    """A request as far as it may be kept. ``target`` may be a whole URL; its host is left out."""
    kept: list[tuple[str, str]] = []
    authenticated = redacted = False
    for name, value in headers:
        low = name.strip().lower()
        if low in HEADERS or (_SECRET_NAME.search(low) and low != "www-authenticate"):
            authenticated = True
        elif low == "content-type":
            content_type = content_type or value.strip()
        elif low not in _OF_THE_CLIENT and not low.startswith(":") and len(kept) < 30 and _sendable(low, value):
            text, changed = scrubbed(value.strip())
            redacted |= changed
            kept.append((low, text))
    path, changed = scrubbed(target_of(target))
    redacted |= changed
    if body:
        if len(body) > _MOST_BODY:
            body, redacted = body[:_MOST_BODY], True
        body, changed = scrubbed(body)
        redacted |= changed
    return Request(path, tuple(kept), body or None, content_type, authenticated, redacted)


def _sendable(name: str, value: str) -> bool:
    return re.fullmatch(r"[a-z0-9!#$%&'*+.^_`|~-]+", name) is not None and value.isprintable() and value.isascii()


def target_of(url: str) -> str:
    """Path and query of a URL exactly as written, so that a payload in them stays what it is."""
    found = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*", url)
    rest = url[found.end() :] if found else url
    rest = rest.partition("#")[0]
    return rest if rest.startswith("/") else "/" + rest


def shown_url(url: str) -> str:
    """A URL as it may be shown: no credentials, nothing that looks like a secret, on one line."""
    found = re.match(r"([A-Za-z][A-Za-z0-9+.-]*://)[^/?#]*@", url)
    text = found[1] + url[found.end() :] if found else url
    return cleaned(scrubbed(text)[0], 2_000)


def digest_of(*parts: str) -> str:
    """SHA-256 over the evidence that a tool kept; nothing where it kept none."""
    whole = "\n".join(p for p in parts if p)
    return hashlib.sha256(whole.encode("utf-8", "replace")).hexdigest() if whole else ""


def marks_of(evidence: Iterable[str], answer: str) -> tuple[Mark, ...]:
    """How the content is known again: the pieces that the tool points at, else the values of the answer's JSON."""
    texts = [t for e in evidence if _SHORTEST_MARK <= len(t := e.strip()) <= _LONGEST_MARK]
    found = [_mark("text", t) for t in dict.fromkeys(texts)][:_MOST_TEXTS]
    if not found:
        try:
            value = json.loads(answer[:_LOOKED_AT]) if answer else None
        except (ValueError, RecursionError):
            value = None
        values = [v for v in dict.fromkeys(_values(value)) if _SHORTEST_MARK <= len(v) <= _LONGEST_MARK]
        found = [_mark("value", v) for v in values[:_MOST_VALUES]]
    return tuple(found)


def _mark(kind: Literal["text", "value"], text: str) -> Mark:
    return Mark(kind, len(text), hashlib.sha256(text.encode("utf-8", "replace")).hexdigest())


def _values(value: Any) -> Iterator[str]:
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
        elif isinstance(item, str | int | float) and not isinstance(item, bool):
            yield str(item)


def holds(marks: Sequence[Mark], text: str, value: Any) -> bool:
    """Whether an answer holds the content: any text that the tool pointed at, or at least half of the values.

    ``value`` is the answer as JSON, or None.
    """
    texts = [m for m in marks if m.kind == "text"]
    if texts:
        return any(_stands_in(m, text[:_LOOKED_AT]) for m in texts)
    wanted = {m.sha256 for m in marks}
    if not wanted:
        return False
    there = {hashlib.sha256(v.encode("utf-8", "replace")).hexdigest() for v in _values(value)}
    return len(wanted & there) * 2 >= len(wanted)


def _stands_in(mark: Mark, text: str) -> bool:
    data = text
    for at in range(len(data) - mark.length + 1):
        window = data[at : at + mark.length].encode("utf-8", "replace")
        if hashlib.sha256(window).hexdigest() == mark.sha256:
            return True
    return False

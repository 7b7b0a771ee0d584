"""Looks for personal data and secrets in a JSON value, a text or bytes. Pure; time and size are bounded.

Every detector takes time linear in its text. Findings carry where and what, never the value.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from assay.domain import Confidence, UsageError, did_you_mean
from assay.scanning.context import NOWHERE, Context, context_of, words_of
from assay.scanning.detector import Detect, Hit
from assay.scanning.found import Bounds, Found, Scan, shape_of
from assay.scanning.keys import keys, secrets, tokens
from assay.scanning.national import NATIONAL
from assay.scanning.payment import cards, ibans
from assay.scanning.person import births, names, places, position
from assay.scanning.reachable import addresses, emails, phones

_DIGITS = re.compile(
    # What every number and date has that is looked for; most texts have none of it.
    r"(?a)\d(?:[ ./()-]{0,2}\d){5}|[A-Z]{3} ?[A-Z]{3} ?[0-9L-V]{2}|[A-Z]{2}\d{2}|[a-z]\.?,? (?:18|19|20)\d\d"
)
_NUMBERED: Final[tuple[Detect, ...]] = (ibans, phones, births)
_CARD_DIGITS: Final = 13
_NO_DIGITS: Final = dict.fromkeys(range(0x30, 0x3A))
_BY_CONTEXT: Final[tuple[Detect, ...]] = (names, places, position, secrets)

DETECTORS: Final = (
    *("payment-card", "iban", *(n.name for n in NATIONAL), "email", "phone", "ip-address", "jwt", "aws-access-key"),
    *(
        "github-token",
        "slack-token",
        "stripe-key",
        "google-api-key",
        "private-key",
        "password-hash",
        "password",
        "secret",
    ),
    *("person-name", "street-address", "postal-code", "coordinates", "date-of-birth"),
)
"""The names of all detectors."""


DEFAULT: Final = Bounds()


class Members(list[tuple[str, Any]]):
    """The members of a JSON object as they were sent, names that occur twice included."""


def scan_value(value: Any, *, least: Confidence = Confidence.LOW, bounds: Bounds = DEFAULT) -> Scan:
    """Scans a JSON value: dicts, lists, texts, numbers. ``least``: findings that are less sure are left out."""
    scanner = _Scanner(least, bounds)
    scanner.walk(value)
    return scanner.result("json")


def scan_text(text: str, *, name: str = "", least: Confidence = Confidence.LOW, bounds: Bounds = DEFAULT) -> Scan:
    """Scans a text. ``name``: the name it stands under, such as that of a header or column."""
    scanner = _Scanner(least, bounds)
    scanner.text("", text, context_of(name) if name else NOWHERE)
    return scanner.result("text")


def scan_bytes(data: bytes, *, least: Confidence = Confidence.LOW, bounds: Bounds = DEFAULT) -> Scan:
    """Scans bytes: as JSON if they are, else as text if they are. In anything else nothing is looked for."""
    if len(data) > bounds.size:
        cut = scan_text(data[: bounds.size].decode("utf-8", "replace"), least=least, bounds=bounds)
        said = f"only the first {bounds.size} of {len(data)} bytes were read"
        return replace(cut, unread="; ".join(u for u in (said, cut.unread) if u))
    text = decoded(data)
    if text is None:
        return Scan((), 0, "the bytes are no text", "binary")
    value = parsed(text)
    if value is NOTHING:
        return scan_text(text, least=least, bounds=bounds)
    return scan_value(value, least=least, bounds=bounds)


NOTHING: Final = object()
"""No JSON value, where ``None`` is one."""


def parsed(text: str) -> Any:
    """A text as a JSON value, with every member of its objects; :data:`NOTHING` when it is no JSON."""
    if text.lstrip(" \t\r\n\ufeff")[:1] not in ("{", "["):
        return NOTHING
    try:
        return json.loads(text.lstrip("\ufeff"), object_pairs_hook=Members)
    except (ValueError, RecursionError):
        return NOTHING


def decoded(data: bytes) -> str | None:
    """Bytes as text: UTF-8, or UTF-16 with a byte order mark; None for what is no text."""
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    return None if "\0" in text[:4096] else text


def detector_named(name: str) -> str:
    """The name of a detector, checked.

    Raises:
        UsageError: there is none of that name.
    """
    if name not in DETECTORS:
        raise UsageError(f"there is no detector `{name}`", fix=did_you_mean(name, DETECTORS, what="detector"))
    return name


@dataclass
class _Scanner:
    least: Confidence
    bounds: Bounds
    found: list[Found] = field(default_factory=list)
    values: int = 0
    unread: dict[str, None] = field(default_factory=dict)
    contexts: dict[tuple[str, frozenset[str], frozenset[str]], Context] = field(default_factory=dict)

    def result(self, kind: Any) -> Scan:
        return Scan(tuple(sorted(self.found)), self.values, "; ".join(self.unread), kind)

    def walk(self, value: Any) -> None:
        """Every text and number of a JSON value, in the order they stand; without recursion."""
        waiting: list[tuple[str, Any, Context, int]] = [("", value, NOWHERE, 0)]
        while waiting:
            path, one, context, depth = waiting.pop()
            if isinstance(one, str):
                self.text(path, one, context)
            elif isinstance(one, bool) or one is None:
                continue
            elif isinstance(one, int | float):
                self.text(path, _written(one), context)
            elif isinstance(one, dict | list | tuple):
                if depth >= self.bounds.depth:
                    self.unread[f"what lies deeper than {self.bounds.depth} levels was not read"] = None
                    continue
                if isinstance(one, Members | dict):
                    waiting.extend(reversed(list(self._members(path, one, context, depth))))
                else:
                    waiting.extend((f"{path}/{i}", v, context, depth + 1) for i, v in reversed(list(enumerate(one))))
            if self._full():
                return

    def _full(self) -> bool:
        if self.values >= self.bounds.values:
            self.unread[f"only the first {self.bounds.values} values were read"] = None
        elif len(self.found) >= self.bounds.found:
            self.unread[f"the search ended after {self.bounds.found} findings"] = None
        else:
            return False
        return True

    def _members(self, path: str, value: Any, around: Context, depth: int) -> Iterator[tuple[str, Any, Context, int]]:
        pairs = value if isinstance(value, Members) else value.items()
        beside: frozenset[str] = frozenset()
        if len(pairs) <= 200:
            beside = _beside(tuple(str(k) for k, _ in pairs))
        for key, one in pairs:
            name = str(key)
            shown = name
            if len(name) > 5 and not name.isidentifier() and self._name(path, name):
                shown = shape_of(name)
            yield f"{path}/{escaped(shown)}", one, self._context(name, beside, around.words), depth + 1

    def _context(self, name: str, beside: frozenset[str], above: frozenset[str]) -> Context:
        key = (name, beside, above)
        found = self.contexts.get(key)
        if found is None:
            found = context_of(name, beside, above)
            if len(self.contexts) < 4096:
                self.contexts[key] = found
        return found

    def _name(self, path: str, name: str) -> bool:
        """Whether a member's name is personal data itself, as in an object keyed by e-mail address."""
        hits = [h for h in detect(name, NOWHERE) if h[4] is not Confidence.LOW]
        for start, end, detector, category, sure, checked in hits:
            if sure.rank >= self.least.rank:
                shape = shape_of(name[start:end])
                at = f"{path}/{escaped(shape_of(name))}"
                self.found.append(Found(at, start, end, detector, category, sure, checked, shape, "name"))
        return bool(hits)

    def text(self, path: str, text: str, context: Context) -> None:
        """One text with what is known about it."""
        self.values += 1
        if len(text) > self.bounds.text:
            self.unread[f"of long texts only the first {self.bounds.text} characters were read"] = None
            text = text[: self.bounds.text]
        for start, end, detector, category, sure, checked in detect(text, context):
            if sure.rank >= self.least.rank:
                shape = shape_of(text[start:end])
                self.found.append(Found(path, start, end, detector, category, sure, checked, shape))


def _written(number: float) -> str:
    # Beyond this no number is an identifier, and writing it out would take long.
    return str(number) if -(10**20) < number < 10**20 else ""


def _beside(keys: tuple[str, ...]) -> frozenset[str]:
    found: set[str] = set()
    for key in keys:
        found |= words_of(key)
        found.add(key.lower())
    return frozenset(found)


def escaped(name: str) -> str:
    """A member's name as a part of a JSON pointer (RFC 6901 section 3)."""
    return name.replace("~", "~0").replace("/", "~1")


def detect(text: str, context: Context) -> Iterable[Hit]:
    """What the detectors find in one text; where several find the same span, the surest, and of those the first."""
    hits: list[Hit] = []
    if "@" in text:
        hits += emails(text, context)
    if len(text) >= 5 and _DIGITS.search(text):
        digits = len(text) - len(text.translate(_NO_DIGITS))
        if digits >= _CARD_DIGITS:
            hits += cards(text, context)
        for one in NATIONAL:
            if digits >= one.digits:
                hits += one(text, context)
        for detector in _NUMBERED:
            hits += detector(text, context)
    if "." in text or ":" in text:
        hits += addresses(text, context)
    if len(text) >= 20:
        if "eyJ" in text:
            hits += tokens(text, context)
        hits += keys(text, context)
    if context.name or len(text) >= 12:
        for detector in _BY_CONTEXT:
            hits += detector(text, context)
    return hits if len(hits) < 2 else _strongest(hits)


def _strongest(hits: list[Hit]) -> list[Hit]:
    """Of findings that lie over each other, the ones to keep: surer before less sure, checked before not, longer first.

    Those of the same certainty on the same span are all kept: nobody can say which it is.
    """
    order = sorted(hits, key=lambda h: (-h[4].rank, not h[5], h[0] - h[1]))
    kept: list[Hit] = []
    # What is kept never overlaps but on one same span, so only the span that begins last before an end can be over it.
    starts: list[int] = []
    spans: dict[int, list[Hit]] = {}
    for hit in order:
        before = bisect_left(starts, hit[1]) - 1
        group = spans[starts[before]] if before >= 0 else []
        if not group or group[0][1] <= hit[0]:
            starts.insert(before + 1, hit[0])
            spans[hit[0]] = [hit]
        elif _same(group[0], hit) and all(k[2] != hit[2] for k in group):
            group.append(hit)
        else:
            continue
        kept.append(hit)
    return kept


def _same(one: Hit, other: Hit) -> bool:
    return (one[0], one[1], one[4], one[5]) == (other[0], other[1], other[4], other[5])

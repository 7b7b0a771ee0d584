"""Guessing what a field of a contract holds, from its name, format, example and description.

A guess is marked with its confidence and reason and counts as claimed until a person or a payload scan confirms it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal

from assay.declare.classify_values import shape_of
from assay.declare.classify_words import Certainty, Meaning, words
from assay.declare.contract import FieldPath
from assay.declare.model import Level

_FORMATS: Mapping[str, tuple[str, Certainty]] = {
    "email": ("user.contact.email", "high"),
    "idn-email": ("user.contact.email", "high"),
    "password": ("user.authorization.password", "low"),
    "phone": ("user.contact.phone_number", "high"),
    "phone-number": ("user.contact.phone_number", "high"),
    "e164": ("user.contact.phone_number", "high"),
    "ipv4": ("user.device.ip_address", "low"),
    "ipv6": ("user.device.ip_address", "low"),
    "iban": ("user.financial.bank_account", "high"),
    "ssn": ("user.government_id.national_identification_number", "high"),
}
_LESS: Mapping[Certainty, Certainty] = {"high": "medium", "medium": "low", "low": "low"}
_LONG = 100


@dataclass(frozen=True, slots=True)
class Guess:
    """What a field probably holds. ``why`` names the evidence, such as `name "email"`."""

    category: str
    level: Level
    confidence: Certainty
    why: str
    identifies: Literal["direct", "quasi"] | None = None
    bits: float | None = None
    free_text: bool = False


def classify(field: FieldPath) -> Guess | None:
    """The best guess for a field, or None when nothing suggests personal or secret data."""
    schema = _values(field.schema)
    kinds = _types(schema)
    if kinds and not kinds & {"string", "integer", "number"}:
        return None
    if "properties" in schema or (not kinds and any(k in schema for k in ("allOf", "oneOf", "anyOf"))):
        return None
    name = tokens(field.name)
    around = _context(field)
    by_name = _by_name(name, around, kinds)
    by_shape = _by_shape(field, schema, kinds)
    if by_name and by_shape and by_name.category == by_shape.category:
        return _sure(by_name, by_shape)
    if by_shape and (by_name is None or by_shape.confidence == "high" or by_name.confidence == "low"):
        return by_shape
    if by_name:
        return _doubted(by_name, schema)
    return _by_description(schema, kinds) or _free_text(field, name, schema, kinds)


@lru_cache(maxsize=16_384)
def tokens(name: str) -> tuple[str, ...]:
    """The words of a name, in lower case without accents: `homePhone2` is `home`, `phone`, `2`.

    No more than the first 200 characters are looked at.
    """
    plain = unicodedata.normalize("NFKD", name[:200].replace("ß", "ss"))
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", plain)
    spaced = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1 \2", spaced)
    spaced = re.sub(r"(?<=[A-Za-z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])", " ", spaced)
    return tuple(re.findall(r"[a-z0-9]+", spaced.lower()))


_Phrase = tuple[int, tuple[str, ...], str, Meaning]


@cache
def _phrases() -> tuple[Mapping[tuple[str, ...], Sequence[_Phrase]], Mapping[str, Sequence[_Phrase]]]:
    """Every phrase by its words, and by the one word they make without spaces; the longest have the lowest rank."""
    pairs = [(tuple(phrase.split()), meaning) for meaning in words().meanings for phrase in meaning.phrases]
    pairs.sort(key=lambda pair: (-len(pair[0]), -sum(map(len, pair[0]))))
    by_words: dict[tuple[str, ...], list[_Phrase]] = {}
    by_joined: dict[str, list[_Phrase]] = {}
    for rank, (phrase, meaning) in enumerate(pairs):
        entry = (rank, phrase, "".join(phrase), meaning)
        by_words.setdefault(phrase, []).append(entry)
        by_joined.setdefault(entry[2], []).append(entry)
    return by_words, by_joined


def _by_name(name: tuple[str, ...], around: frozenset[str], kinds: frozenset[str]) -> Guess | None:
    for meaning, joined, start, end in _matches(name):
        before, after = name[:start], name[end:]
        if words().not_data_before.intersection(before) or not _harmless(after):
            continue
        confidence = _with_context(meaning, around.union(before))
        if confidence is None:
            continue
        if kinds and "string" not in kinds and meaning.category.startswith(("user.name", "user.contact.email")):
            continue
        if len(name) == 1 and name[0] != joined:
            confidence = _LESS[confidence]
        why = f'name "{" ".join(name[start:end])}"'
        return Guess(meaning.category, meaning.level, confidence, why, meaning.identifies, meaning.bits)
    return None


@lru_cache(maxsize=16_384)
def _matches(name: tuple[str, ...]) -> tuple[tuple[Meaning, str, int, int], ...]:
    """Phrases in a name, the longest first, each with the words it covers; a single long word may end in one."""
    by_words, by_joined = _phrases()
    size = len(name)
    spans: dict[int, tuple[Meaning, str, int, int]] = {}

    def note(found: Sequence[_Phrase], start: int, end: int) -> None:
        for rank, _, joined, meaning in found:
            if rank not in spans and not (meaning.whole and end - start < size):
                spans[rank] = (meaning, joined, start, end)

    note(by_joined.get("".join(name), ()), 0, size)
    for start in range(size - 1, -1, -1):
        for end in range(start + 1, min(size, start + _LONGEST) + 1):
            note(by_words.get(name[start:end], ()), start, end)
    for index, word in enumerate(name):
        note(by_joined.get(word, ()), index, index + 1)
    if size == 1:
        for start in range(1, len(name[0]) - 4):
            note([p for p in by_joined.get(name[0][start:], ()) if not p[3].whole], 0, 1)
    return tuple(spans[rank] for rank in sorted(spans))


_LONGEST = 6
"""Words in the longest phrase."""


def _harmless(rest: tuple[str, ...]) -> bool:
    """Whether words after a phrase leave its meaning: digits, `number`, `value`, `address`, `primary`."""
    known = words()
    return all(word.isdigit() or word in known.qualifiers for word in rest)


def _with_context(meaning: Meaning, around: frozenset[str]) -> Certainty | None:
    """How sure the phrase makes the guess among these words, or None where it says nothing."""
    if meaning.context is None:
        return meaning.confidence
    about_things = bool(around & words().things)
    if around & words().contexts[meaning.context] and not (meaning.context == "person" and about_things):
        return meaning.confidence
    return "low" if meaning.loose and not about_things else None


def _by_shape(field: FieldPath, schema: Mapping[str, object], kinds: frozenset[str]) -> Guess | None:
    if kinds and "string" not in kinds:
        return None
    written = field.format if isinstance(field.format, str) else schema.get("format")
    if isinstance(written, str) and written.lower() in _FORMATS:
        category, confidence = _FORMATS[written.lower()]
        return _as_meaning(category, confidence, f'format "{written.lower()}"')
    for example in _examples(field, schema):
        category_of_example = shape_of(example)
        if category_of_example:
            sure: Certainty = "medium" if category_of_example != "user.contact.email" else "high"
            return _as_meaning(category_of_example, sure, "example")
    return None


def _as_meaning(category: str, confidence: Certainty, why: str) -> Guess:
    meaning = next(m for m in words().meanings if m.category == category)
    return Guess(category, meaning.level, confidence, why, meaning.identifies, meaning.bits)


def _sure(by_name: Guess, by_shape: Guess) -> Guess:
    return Guess(
        by_name.category,
        by_name.level,
        "high",
        f"{by_name.why} and {by_shape.why}",
        by_name.identifies,
        by_name.bits,
    )


def _doubted(guess: Guess, schema: Mapping[str, object]) -> Guess | None:
    """A closed list of words is seldom a name or an address, though it may be a gender."""
    if isinstance(schema.get("enum"), list) and guess.identifies == "direct":
        return None
    if guess.level == "special" and isinstance(schema.get("enum"), list) and "authorization" in guess.category:
        return None
    written = schema.get("format")
    if written in ("date", "date-time") and "date_of_birth" not in guess.category:
        return None
    if written in ("uuid", "uri", "url") and guess.category.startswith(("user.contact", "user.name")):
        return None
    return guess


_SAID = re.compile(
    r"(?:(?:an?|the|your|their|his|her|(?:customer|user|person|patient|employee|contact)'?s?|primary|full|optional|required)"
    r" )*"
    r"(e-?mail address|phone number|telephone number|date of birth|birth ?date|social security number|"
    r"credit card number|iban|passport number|first name|last name|family name|given name|full name|postal code|"
    r"zip code|home address|street address|ip address|bank account number|national insurance number|tax id|password)"
    r"\b(?! (?:is|id|verification|type|status|has|policy|template|field)\b)",
    re.IGNORECASE,
)


def _by_description(schema: Mapping[str, object], kinds: frozenset[str]) -> Guess | None:
    said = schema.get("description")
    if not isinstance(said, str) or (kinds and "string" not in kinds) or isinstance(schema.get("enum"), list):
        return None
    match = _SAID.match(said[:200])
    if not match:
        return None
    said_words = tokens(match[1].replace("-", ""))
    guess = _by_name(said_words, frozenset(("person",)), frozenset(("string",)))
    if guess is None:
        return None
    why = f'description "{" ".join(said_words)}"'
    return Guess(guess.category, guess.level, _LESS[guess.confidence], why, guess.identifies, guess.bits)


def _free_text(
    field: FieldPath, name: tuple[str, ...], schema: Mapping[str, object], kinds: frozenset[str]
) -> Guess | None:
    bound = any(key in schema for key in ("enum", "const", "pattern", "format"))
    if "string" not in kinds or field.read_only or bound:
        return None
    if _context(field) & _MACHINES:
        return None
    longest = schema.get("maxLength")
    if isinstance(longest, int) and longest < _LONG:
        return None
    for said in (" ".join(name), name[-1] if name and name[-1] not in _WEAK_ENDS else ""):
        if said in words().free_text:
            return Guess("user.content", "confidential", "low", f'free text "{said}"', free_text=True)
    return None


_WEAK_ENDS = frozenset(("about", "message", "reason", "description", "review", "instructions"))
_MACHINES = frozenset(("error", "errors", "problem", "exception", "fault", "warning", "log", "validation"))


def _values(schema: Mapping[str, object]) -> Mapping[str, object]:
    """The schema of the values themselves, for a list of them."""
    for _ in range(3):
        inner = schema.get("items")
        if schema.get("type") == "array" and isinstance(inner, Mapping):
            schema = inner
    return schema


def _types(schema: Mapping[str, object]) -> frozenset[str]:
    kind = schema.get("type")
    if isinstance(kind, str):
        return frozenset((kind,))
    if isinstance(kind, list):
        return frozenset(k for k in kind if isinstance(k, str)) - {"null"}
    return frozenset()


def _examples(field: FieldPath, schema: Mapping[str, object]) -> Iterable[object]:
    yield field.example
    yield schema.get("example")
    several = schema.get("examples")
    yield from several[:3] if isinstance(several, list) else ()


def _context(field: FieldPath) -> frozenset[str]:
    """Words of the schema that declares the field, and of the properties above it."""
    owner = field.owner.replace("~1", "/").replace("~0", "~")
    last = [part for part in owner.rsplit("/", 3)[1:] if part not in ("properties", "items", "schema", "schemas")]
    return frozenset(word for part in (*last, *field.path[:-1]) for word in tokens(part))

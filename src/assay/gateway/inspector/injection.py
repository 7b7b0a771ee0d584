"""Searching free text for injection: libmodsecurity with libinjection and a small rule set of our own.

Text goes through a cheap filter first. What consists of letters, digits and harmless punctuation only, and has none of
the words on which an attack without punctuation would rest, cannot match any rule (a property test holds this against
the whole engine) and never reaches libmodsecurity.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import pairwise
from typing import Final

import libmodsecurity

from assay.domain import AssayError
from assay.gateway.inspector.decision import Refused
from assay.gateway.inspector.strict_json import Json
from assay.gateway.words import FIRST, LOGIC, TELLING

_PLAIN: Final = re.compile(r"[\w \n.,:;!?'()–—’“”„…€£-]*")
_AFTER_BRACKET: Final = re.compile(r"\)[^\s.,:!?]|\)[.,:!?]+[^\s.,:!?]|\)\s*\(")
_AFTER_COLON: Final = re.compile(r":[^\s]")
_HEADER_LINE: Final = re.compile(r"\n\s*[\w-]+:")
# As the rules read text: words are of ASCII only, so that `union` is a word of `unionß` too.
_WORD: Final = re.compile(r"\w+", re.ASCII)
# Without digits: `python4` is a python.
_AFTER_SEMICOLON: Final = re.compile(r";[ \n]*([a-z_]*)")


WINDOW: Final = 8192
OVERLAP: Final = 1024
MAX_SEARCHED: Final = 512 * 1024
"""Characters that the engine may have to search in one request; about a second of work in the worst case."""
_MAX_SETS: Final = 32


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words that continue a statement whose string literal an apostrophe has ended.
_AFTER_QUOTE: Final = _words(
    "or and xor union having group order limit like rlike in is not between procedure into where "
    "select div regexp sounds return var while this as alert confirm prompt"
)
# Programs that a line of a script may start with.
_PROGRAMS: Final = _words(
    "sudo whoami uname ifconfig ipconfig netstat nslookup tasklist systeminfo printenv wget curl ncat "
    "telnet nmap chmod chown certutil python python2 python3 perl ruby php node rm mkfifo reboot net "
    "reg base64 ksh dash csh"
)
_DIGIT: Final = re.compile(r"\d")
_ENCODED: Final = re.compile(r"%[0-9a-fu]|&#|&\w|\\[ux]")

# A rule file is asked only about text that has what every one of its rules needs (a test holds this against asking
# all files about everything). Text that hides behind an encoding is put to all of them.
_GATES: Final = (
    ("sql", re.compile("")),
    ("xss", re.compile(r"[<=(`\[]|script|data:|document|location|srcdoc")),
    ("command", re.compile(r"[;|&\n`$(<]|/dev/|/bin/|cmd|powershell|sh\s|nc\s|runtime")),
    ("template", re.compile(r"[{<#@]|jndi|java|freemarker|class|\?new")),
    ("nosql", re.compile(r"[$'\"]|__proto__|this\.|function|constructor|db\.")),
    ("directory", re.compile(r"[()*|\]]|::|//")),
    ("path", re.compile(r"\.\.|[/\\]|\.ini|169\.|100\.|fd00|metadata|web-inf|jar:")),
    ("markup", re.compile(r"[<\r\n]|\\r")),
)

_CLASSES: Final = {
    "sql": "SQL",
    "xss": "script",
    "command": "an operating system command",
    "template": "a template expression",
    "jndi": "a lookup expression",
    "nosql": "a query operator",
    "ldap": "an LDAP filter",
    "xpath": "an XPath expression",
    "path": "a file path outside the application",
    "ssrf": "an internal address",
    "xml": "an XML entity",
    "crlf": "a header",
    "attack": "an attack",
}
_MESSAGE: Final = re.compile(r'\[id "\d+"\] \[rev "[^"]*"\] \[msg "(\w+)"\] \[data "[\w:]*:v(\d+)"\]')


def harmless(text: str) -> bool:
    """Whether no rule can match ``text``, decided without the engine. A wrong True would be a hole; False costs time.

    Harmless text has letters, digits and gentle punctuation only, no apostrophe but inside a word, no bracket that
    looks like a call, no word on which an attack could rest, no semicolon but before a word that begins no command,
    and no condition beside a number.
    """
    if _PLAIN.fullmatch(text) is None or "--" in text or ".." in text or "__" in text or "\n." in text:
        return False
    folded = text.lower()
    words = _WORD.findall(folded)
    if not TELLING.isdisjoint(words) or "169.254" in text or "100.100" in text:
        return False
    if "document." in folded:
        return False
    if ";" in text and any(not word or word in FIRST for word in _AFTER_SEMICOLON.findall(folded)):
        return False
    if "'" in text:
        parts = folded.split("'")
        for before, after in pairwise(parts):
            if not before[-1:].isalpha() or not after[:1].isalpha():
                return False
            word = _WORD.match(after)
            if word and word[0] in _AFTER_QUOTE:
                return False
    if "(" in text and text.count("(") != text.count(" (") + text.startswith("("):
        return False
    if ")" in text and _AFTER_BRACKET.search(text):
        return False
    if ":" in text and (_AFTER_COLON.search(text) or ("\n" in text and _HEADER_LINE.search(text))):
        return False
    if "\n" in text and not _PROGRAMS.isdisjoint(words):
        return False
    return LOGIC.isdisjoint(words) or _DIGIT.search(text) is None


@dataclass(frozen=True, slots=True)
class Hit:
    """A recognised injection: its class, and the index of the value it was found in."""

    kind: str
    index: int


class Engine:
    """libmodsecurity with this package's rules. Not for use by several threads at once.

    Raises:
        AssayError: the rules cannot be loaded.
    """

    def __init__(self) -> None:
        self._modsecurity = libmodsecurity.ModSecurity()
        self._modsecurity.set_log_callback(_ignore)
        self._everything = _load(*(name for name, _ in _GATES))
        self._sets: dict[tuple[str, ...], libmodsecurity.RulesSet] = {}

    def search(self, values: Sequence[str]) -> Hit | None:
        """The first recognised injection among ``values``, or None."""
        folded = "\n\n".join(values).lower() if len(values) > 1 else values[0].lower()
        if _ENCODED.search(folded):
            return self.search_everywhere(values)
        return self._ask(self._rules(tuple([name for name, gate in _GATES if gate.search(folded)])), values)

    def search_everywhere(self, values: Sequence[str]) -> Hit | None:
        """Like :meth:`search`, but every rule sees every value."""
        return self._ask(self._everything, values)

    def _rules(self, names: tuple[str, ...]) -> libmodsecurity.RulesSet:
        """The rules of several files as one set: a transaction costs as much as many rules, so a request has one.

        Sets are made when a text first asks for them, in a millisecond. There is a bound on how many are kept; beyond
        it, all rules are asked.
        """
        found = self._sets.get(names)
        if found is None:
            if len(self._sets) >= _MAX_SETS:
                return self._everything
            found = self._sets[names] = _load(*names)
        return found

    def _ask(self, rules: libmodsecurity.RulesSet, values: Sequence[str]) -> Hit | None:
        transaction = libmodsecurity.Transaction(self._modsecurity, rules, "-")
        for index, value in enumerate(values):
            transaction.add_request_header(f"v{index}", value)
        transaction.process_request_headers()
        intervention = transaction.intervention()
        if intervention is None or not intervention.disruptive:
            return None
        # What the engine writes after the value itself; a value cannot forge it, since the last one counts.
        found = _MESSAGE.findall(intervention.log or "")
        kind, place = found[-1] if found else ("attack", "0")
        index = int(place)
        return Hit(kind if kind in _CLASSES else "attack", index if index < len(values) else 0)


def _load(*names: str) -> libmodsecurity.RulesSet:
    folder = resources.files(__package__).joinpath("rules")
    rules = libmodsecurity.RulesSet()
    for file in ("common.conf", *(f"{name}.conf" for name in names)):
        if rules.load(folder.joinpath(file).read_text("utf-8")) < 0:
            raise AssayError(
                f"The injection rules {file} cannot be loaded: {rules.get_parser_error()}.",
                fix="reinstall Assay: its files are damaged",
            )
    return rules


def _ignore(_: str) -> None:
    """The engine's own log would repeat what clients sent."""


def strings(value: Json) -> Iterator[str]:
    """Every string inside ``value``, keys included."""
    waiting: list[Json] = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            yield from item
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def _windows(text: str) -> Iterator[str]:
    """Long text in overlapping pieces: one expression never works on so much that its engine would give up."""
    for start in range(0, max(1, len(text) - OVERLAP), WINDOW - OVERLAP):
        yield text[start : start + WINDOW]


def check(engine: Engine, texts: Iterable[tuple[str, Json]]) -> None:
    """Refuses a request when one of its free texts carries an injection; each text comes with the name of its place.

    Raises:
        Refused: with the class and the place, never with the text.
    """
    places: list[str] = []
    values: list[str] = []
    size = 0
    for place, value in texts:
        for text in (value,) if isinstance(value, str) else strings(value):
            if not harmless(text):
                size += len(text)
                for window in _windows(text):
                    places.append(place)
                    values.append(window)
    if not values:
        return
    if size > MAX_SEARCHED:
        raise Refused(
            "free-text-size",
            f"The free texts of a request may have at most {MAX_SEARCHED} characters together.",
            reason="too much free text",
            status=413,
        )
    hit = engine.search(values)
    if hit is not None:
        place = places[hit.index]
        raise Refused(
            f"injection-{hit.kind}",
            f"The text in {place} looks like {_CLASSES[hit.kind]} and was refused.",
            reason=f"{hit.kind} in {place}",
            status=403,
        )


def check_keys(value: Json, declared: frozenset[str]) -> None:
    """Refuses object keys that databases take for operators (``$ne``) or that reach a prototype (``__proto__``).

    Raises:
        Refused: such a key that the contract does not declare.
    """
    waiting: list[Json] = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            for key in item:
                if (key.startswith("$") or key == "__proto__") and key not in declared:
                    raise Refused(
                        "injection-nosql",
                        "An object has a key that is a query operator.",
                        reason="operator key",
                        status=403,
                    )
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)

"""YAML to plain values by events: iterative, duplicate keys refused, aliases shared and counted.

Scalars follow the core schema of YAML 1.2.2 (§ 10.3.2), so ``on``, ``yes`` and dates stay strings. Keys are strings as
written: ``200:`` is ``"200"``. The merge key ``<<`` of YAML 1.1 is understood, because contracts use it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

_INT = re.compile(r"[-+]?[0-9]+\Z")
_OCTAL = re.compile(r"0o[0-7]+\Z")
_HEX = re.compile(r"0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_NOT_A_NUMBER = re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z")
_WORDS: dict[str, object] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_DIGITS = 400
_CORE = "tag:yaml.org,2002:"
_NUMERIC_START = frozenset("0123456789+-.")


class YamlFailure(Exception):
    """YAML that cannot be read; ``line`` and ``column`` count from 1."""

    def __init__(self, sentence: str, mark: Any = None, *, fix: str = "", check: str = "contract-unreadable") -> None:
        super().__init__(sentence)
        self.check, self.sentence, self.fix = check, sentence, fix
        self.line = mark.line + 1 if mark else 1
        self.column = mark.column + 1 if mark else 1


def events(text: str) -> Iterator[Any]:
    """libyaml's events of a text.

    Raises:
        YamlFailure: the text is not YAML.
    """
    try:
        loader = yaml.CSafeLoader(text)
        try:
            while True:
                event = loader.get_event()
                if event is None:
                    return
                yield event
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        what = ", ".join(part for part in (error.context, error.problem) if part)
        raise YamlFailure(
            f"the YAML is malformed: {what}", error.problem_mark or error.context_mark, fix="correct the YAML"
        ) from None
    except (yaml.YAMLError, UnicodeError, ValueError) as error:
        reason = getattr(error, "reason", "") or "a character that YAML does not allow"
        raise YamlFailure(f"the YAML is malformed: {reason}", fix="remove control characters") from None


class _Frame:
    """A collection being filled."""

    __slots__ = ("anchor", "height", "key", "key_mark", "keys", "merges", "size", "value")

    def __init__(self, value: dict[str, object] | list[object], anchor: str | None) -> None:
        self.value = value
        self.anchor = anchor
        self.key: str | None = None
        self.key_mark: Any = None
        self.keys: set[str] = set()
        self.merges: list[object] = []
        self.size = 1
        self.height = 1


def load_yaml(text: str, *, depth: int, values: int, aliased: int) -> tuple[object, frozenset[str]]:
    """The value of the single YAML document in ``text``, and every string under a key ``$ref``.

    Aliases become shared objects, which may add at most ``aliased`` values to the ``values`` that are written out.

    Raises:
        YamlFailure: malformed, more than one document, duplicate keys, tags outside the core schema, recursive or too
            many aliases, too deep.
    """
    stack: list[_Frame] = []
    anchors: dict[str, tuple[object, int, int]] = {}
    open_anchors: set[str] = set()
    references: set[str] = set()
    root: object = None
    documents = 0
    total = 0
    for event in events(text):
        kind = type(event)
        if kind is yaml.ScalarEvent:
            top = stack[-1] if stack else None
            if top is not None and top.key is None and type(top.value) is dict:
                _take_key(top, event)
                if event.anchor:
                    anchors[event.anchor] = (event.value, 1, 0)
                continue
            value: object = _scalar(event)
            size, height = 1, 0
            if event.anchor:
                anchors[event.anchor] = (value, 1, 0)
        elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            mapping = kind is yaml.MappingStartEvent
            _check_tag(event, ("map",) if mapping else ("seq",))
            if stack:
                _no_complex_key(stack[-1], event)
            if len(stack) >= depth:
                raise _too_deep(depth, event)
            if event.anchor:
                open_anchors.add(event.anchor)
            stack.append(_Frame({} if mapping else [], event.anchor))
            continue
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            frame = stack.pop()
            if frame.merges:
                _merge(frame, event)
            value, size, height = frame.value, frame.size, frame.height
            if frame.anchor:
                open_anchors.discard(frame.anchor)
                anchors[frame.anchor] = (value, size, height)
        elif kind is yaml.AliasEvent:
            if stack:
                _no_complex_key(stack[-1], event)
            if event.anchor in open_anchors:
                raise YamlFailure(
                    f"`*{event.anchor}` contains itself", event.start_mark, fix="use `$ref` for recursion"
                )
            if event.anchor not in anchors:
                raise YamlFailure(f"`*{event.anchor}` has no anchor", event.start_mark, fix="name an anchor above it")
            value, size, height = anchors[event.anchor]
            if len(stack) + height > depth:
                raise _too_deep(depth, event)
        elif kind is yaml.DocumentStartEvent:
            documents += 1
            if documents > 1:
                raise YamlFailure(
                    "the file holds more than one YAML document", event.start_mark, fix="keep one document per file"
                )
            continue
        else:
            continue
        if stack and stack[-1].key == "$ref" and type(value) is str:
            references.add(value)
        total += 1
        _place(stack, value, size, height)
        if total > values or (stack and stack[-1].size > total + aliased):
            raise YamlFailure(
                f"the document holds more than {values:,} values, or its aliases repeat more than {aliased:,}",
                event.start_mark,
                fix="use `$ref` instead of aliases",
                check="too-large",
            )
        if not stack:
            root = value
    return root, frozenset(references)


def _place(stack: list[_Frame], value: object, size: int, height: int) -> None:
    if not stack:
        return
    top = stack[-1]
    top.size += size
    top.height = max(top.height, height + 1)
    if type(top.value) is dict:
        if top.key == "<<" and top.key_mark is not None:
            top.merges.append(value)
        else:
            top.value[top.key or ""] = value
        top.key = None
    else:
        top.value.append(value)  # type: ignore[union-attr]


def _take_key(frame: _Frame, event: Any) -> None:
    key: str = event.value
    merge = key == "<<" and event.implicit[0]
    if key in frame.keys and not merge:
        raise YamlFailure(
            f"the key `{key}` is written twice in one mapping",
            event.start_mark,
            fix="keep one of the two",
            check="duplicate-key",
        )
    frame.keys.add(key)
    frame.key = key
    frame.key_mark = event.start_mark if merge else None


def _no_complex_key(frame: _Frame, event: Any) -> None:
    if type(frame.value) is dict and frame.key is None:
        raise YamlFailure("a mapping's key is not plain text", event.start_mark, fix="use text as key")


def _merge(frame: _Frame, event: Any) -> None:
    """Apply ``<<``: keys written in the mapping win, then earlier sources (YAML merge key, 2005 draft)."""
    target = frame.value
    if not isinstance(target, dict):
        return
    for merged in frame.merges:
        for source in merged if isinstance(merged, list) else [merged]:
            if not isinstance(source, dict):
                raise YamlFailure(
                    "`<<` merges something that is not a mapping", event.start_mark, fix="merge a mapping"
                )
            for key, value in source.items():
                target.setdefault(key, value)


def _check_tag(event: Any, allowed: tuple[str, ...]) -> str | None:
    tag: str | None = event.tag
    if tag is None or tag == "!":
        return None
    name = tag.removeprefix(_CORE)
    if name == tag or name not in allowed:
        raise YamlFailure(f"the YAML tag `{tag}` is not part of a contract", event.start_mark, fix="remove the tag")
    return name


def _scalar(event: Any) -> object:
    text: str = event.value
    if event.implicit[0]:
        return _plain(text, event)
    name = _check_tag(event, ("str", "int", "float", "bool", "null"))
    if name is None or name == "str":
        return text
    value = _plain(text, event)
    if name == "float" and type(value) is int:
        return float(value)
    if {int: "int", float: "float", bool: "bool", type(None): "null"}.get(type(value)) != name:
        raise YamlFailure(f"`{text}` is not a YAML {name}", event.start_mark, fix="correct the value or its tag")
    return value


def _plain(text: str, event: Any) -> object:
    """A plain scalar by the core schema."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMERIC_START:
        return text
    if _INT.match(text):
        return int(_short(text, event))
    if _FLOAT.match(text):
        value = float(_short(text, event))
        if value in (float("inf"), float("-inf")):
            raise YamlFailure(f"`{text[:40]}` is too large a number", event.start_mark, fix="use a smaller number")
        return value
    if _HEX.match(text):
        return int(_short(text, event)[2:], 16)
    if _OCTAL.match(text):
        return int(_short(text, event)[2:], 8)
    if _NOT_A_NUMBER.match(text):
        raise YamlFailure(f"`{text}` has no JSON form", event.start_mark, fix="use a number, or quote the text")
    return text


def _short(text: str, event: Any) -> str:
    if len(text) > _DIGITS:
        raise YamlFailure(f"a number has more than {_DIGITS} digits", event.start_mark, fix="use a smaller number")
    return text


def _too_deep(depth: int, event: Any) -> YamlFailure:
    return YamlFailure(
        f"the document is nested more than {depth} levels deep",
        event.start_mark,
        fix="use `$ref` instead of nesting",
        check="too-deep",
    )

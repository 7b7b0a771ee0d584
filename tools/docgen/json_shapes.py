"""``json.md``: what ``--format json`` prints, from values that the code itself made."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from assay.domain import Confidence, Outcome, Severity
from tools.docgen import json_samples
from tools.docgen.markdown import code, page, table

WORDS = Path(__file__).with_name("json.toml")
_LIST = "list"
_ELSEWHERE = {"verdict": "verdict", "verdicts": "verdict", "location": "location"}
_SCALES = {"outcome": Outcome, "severity": Severity, "confidence": Confidence}


def pages() -> dict[str, str]:
    """The page of the published JSON."""
    words = tomllib.loads(WORDS.read_text(encoding="utf-8"))
    samples = json_samples.all_of_them()
    _same("the samples", samples.keys(), words["shape"].keys())
    sections = [_section(name, samples[name], words["shape"][name]) for name in words["shape"]]
    return {"json.md": page("JSON", words["introduction"], *sections)}


def _section(name: str, samples: list[dict[str, Any]], words: dict[str, Any]) -> str:
    found: dict[str, list[str]] = {}
    for sample in samples:
        for path, kind in _members(sample, "", frozenset(words.get("open", ())), words.get("links", {})):
            kinds = found.setdefault(path, [])
            if kind not in kinds:
                kinds.append(kind)
    meanings = words["meaning"]
    _same(f"what `{name}` prints", found.keys(), meanings.keys())
    rows = ((code(path), _either(found[path]), meanings[path]) for path in meanings)
    return "\n\n".join((f"## {words['title']}", words["about"].strip(), table(("member", "type", "meaning"), rows)))


def _same(what: str, found: Any, said: Any) -> None:
    if found ^ said:
        raise LookupError(f"{WORDS.name} and {what} differ in {', '.join(sorted(found ^ said))}")


def _either(kinds: list[str]) -> str:
    """The kinds that were seen; a list that was empty says nothing about its items."""
    known = [k for k in kinds if k != _LIST] if any(k.startswith(_LIST + " ") for k in kinds) else kinds
    return " or ".join(sorted(known, key=lambda kind: kind == "`null`"))


def _members(
    value: dict[str, Any], path: str, open_maps: frozenset[str], links: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Path and kind of every member; ``links`` are paths whose shape has a section of its own."""
    for key, inner in value.items():
        here = f"{path}.{key}".lstrip(".")
        link = links.get(here) or _ELSEWHERE.get(key)
        yield here, _kind(key, inner, link)
        if link or here in open_maps:
            continue
        if isinstance(inner, dict):
            yield from _members(inner, here, open_maps, links)
        for item in inner if isinstance(inner, list) else ():
            if isinstance(item, dict):
                yield from _members(item, f"{here}[]", open_maps, links)


def _kind(key: str, value: Any, link: str | None) -> str:
    if value is None:
        return "`null`"
    if link:
        target = f"[{link}](#{link})"
        return f"list of {target}" if isinstance(value, list) else target
    if key in _SCALES:
        return " · ".join(code(member) for member in _SCALES[key])
    if isinstance(value, bool):
        return "`true` · `false`"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, list):
        return _LIST + (" of objects" if value and isinstance(value[0], dict) else " of texts" if value else "")
    return "object" if isinstance(value, dict) else "text"

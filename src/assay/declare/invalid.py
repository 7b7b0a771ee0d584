"""What the model refuses, in plain sentences: one per mistake, at the place where it was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.declare.places import Path, Places
from assay.declare.problem import problem
from assay.declare.schema_shape import expected_at, keys_at, words_at
from assay.declare.yaml_places import dotted
from assay.domain import Verdict, did_you_mean, nearest
from assay.identity.secrets import looks_like_secret


@dataclass(frozen=True, slots=True)
class Mistake:
    """One refusal of the model: the data path it speaks about, and pydantic's own words for it."""

    path: Path
    kind: str
    context: tuple[tuple[str, str], ...] = ()
    about_key: bool = False


def mistakes(errors: Sequence[Mapping[str, Any]], data: object) -> tuple[Mistake, ...]:
    """Pydantic's errors as mistakes: the alternatives of a union become one, locations become paths into ``data``."""
    found = _reduce([(tuple(e["loc"]), e) for e in errors], (), data)
    return tuple(dict.fromkeys(found))


def explain(found: Sequence[Mistake], raw: object, places: Places) -> list[Verdict]:
    """Verdicts for ``found``. ``raw`` is the data before substitution, so that no environment value is repeated."""
    unknown: dict[Path, list[str]] = {}
    missing: dict[Path, list[str]] = {}
    verdicts: list[Verdict] = []
    for mistake in found:
        if mistake.kind == "extra_forbidden":
            unknown.setdefault(mistake.path[:-1], []).append(str(mistake.path[-1]))
        elif mistake.kind == "missing":
            missing.setdefault(mistake.path[:-1], []).append(str(mistake.path[-1]))
        else:
            verdicts.append(_invalid(mistake, raw, places))
    for path, keys in unknown.items():
        for key in keys:
            verdicts.append(_unknown(path, key, missing.get(path, []), places))
    for path, keys in missing.items():
        if keys:
            verdicts.append(_missing(path, keys, places))
    return verdicts


def _unknown(path: Path, key: str, missing: list[str], places: Places) -> Verdict:
    meant = nearest(key, missing)
    if meant:
        missing.remove(meant)
    known = keys_at(path)
    fix = did_you_mean(key, known, what="key")
    if key == "<<":
        fix = "YAML 1.2 has no merge keys; write the keys out"
    shown = _shown(key)
    sentence = f"the key {shown} is not known" + (f" in `{dotted(path)}`" if path else " at the top of the declaration")
    return problem("unknown-key", dotted((*path, key)), sentence, places.key(*path, key), fix)


def _missing(path: Path, keys: list[str], places: Places) -> Verdict:
    named = ", ".join(f"`{key}`" for key in keys[:-1]) + (" and " if len(keys) > 1 else "") + f"`{keys[-1]}`"
    subject = f"`{dotted(path)}`" if path else "the declaration"
    first = keys[0]
    words = words_at((*path, first))
    fix = f"add `{first}: {' | '.join(words)}`" if words else f"add `{first}: …`"
    if not path and first == "assay":
        fix = "begin the file with `assay: 1`"
    return problem("missing-key", dotted(path), f"{subject} has no {named}", places.key(*path), fix)


def _invalid(mistake: Mistake, raw: object, places: Places) -> Verdict:
    path = mistake.path
    subject = dotted(path) or "the declaration"
    location = places.key(*path) if mistake.about_key else places.value(*path)
    value = _at(raw, path)
    sentence, fix = _words(mistake, path, value)
    check = "invalid-value"
    if path[-1:] == ("secret",) and mistake.kind == "value_error":
        check = "literal-secret"
        sentence, fix = "a secret stands here as a literal", "refer to it: `secret: env:NAME` or `secret: file:PATH`"
    return problem(check, dotted(path), f"`{subject}`: {sentence}", location, fix)


def _words(mistake: Mistake, path: Path, value: object) -> tuple[str, str]:
    kind, context = mistake.kind, dict(mistake.context)
    if kind in ("literal_error", "enum"):
        words = words_at(path)
        shown = _shown(value) if isinstance(value, str | int | float | bool) else "this"
        return f"{shown} is not one of the words that may stand here", did_you_mean(str(value), words, what="word")
    if kind in ("value_error", "assertion_error"):
        return str(context.get("error", "this value does not belong here")), ""
    if kind in ("date_from_datetime_parsing", "date_parsing"):
        return "the calendar has no such day", "write a day that there is, such as 2027-01-31"
    if kind in _BOUNDS:
        return _BOUNDS[kind].format(**context), ""
    if value is None and kind.endswith("_type"):
        return f"nothing stands here; {expected_at(path)} is expected", "give it a value, or remove the key"
    if kind == "string_type" and isinstance(value, int | float):
        return "this is read as a number or as true/false; text is expected", "put it in quotes"
    if kind == "string_pattern_mismatch" and path[-1:] == ("coverage",):
        return "coverage is a share from 0% to 100%", "write it as `100%`"
    return f"{expected_at(path)} is expected", _hint(path, value)


_BOUNDS = {
    "greater_than_equal": "the smallest value is {ge}",
    "less_than_equal": "the largest value is {le}",
    "too_short": "at least {min_length} must be listed",
    "string_too_short": "at least {min_length} characters are needed",
}


def _hint(path: Path, value: object) -> str:
    if isinstance(value, list) and "mapping" in expected_at(path):
        return "write `key: value` lines without the leading `-`"
    if isinstance(value, str) and expected_at(path) == "a list":
        return "put it in brackets: `[…]`"
    if isinstance(value, str | int) and keys_at(path):
        return "write it as a mapping with " + ", ".join(f"`{key}`" for key in keys_at(path)[:6])
    return ""


def _shown(value: object) -> str:
    """A value that is safe to repeat, or a word for it."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if len(text) > 60 or not text.isprintable() or looks_like_secret(text):
        return "this"
    return f"`{text}`"


def _at(data: object, path: Path) -> object:
    for step in path:
        if not is_step(data, step):
            return data
        data = data[step]  # type: ignore[index]  # is_step looked
    return data


_Error = tuple[tuple[Any, ...], Mapping[str, Any]]


def _reduce(errors: Sequence[_Error], path: Path, here: object) -> list[Mistake]:
    """Follow each error's location through the data. What is no step of the data names an alternative of a union."""
    found: list[Mistake] = []
    deeper: dict[Any, list[_Error]] = {}
    labels: dict[Any, list[_Error]] = {}
    for loc, error in errors:
        if not loc:
            found.append(Mistake(path, error["type"], _context(error)))
        elif len(loc) == 2 and loc[1] == "[key]":
            found.append(Mistake((*path, loc[0]), error["type"], _context(error), about_key=True))
        elif error["type"] == "missing" and len(loc) == 1:
            found.append(Mistake((*path, loc[0]), "missing"))
        elif is_step(here, loc[0]):
            deeper.setdefault(loc[0], []).append((loc[1:], error))
        else:
            labels.setdefault(loc[0], []).append((loc[1:], error))
    for step, inner in deeper.items():
        found += _reduce(inner, (*path, step), here[step])  # type: ignore[index]  # is_step looked
    if labels:
        found += _one_alternative(list(labels.values()), path, here)
    return found


def _one_alternative(labels: list[list[_Error]], path: Path, here: object) -> list[Mistake]:
    """The alternative that was meant: the only one whose outer type fits, else the first with a reason of its own."""
    fitting = [errors for errors in labels if not any(not loc and e["type"].endswith("_type") for loc, e in errors)]
    if fitting:
        return _reduce(min(fitting, key=len), path, here)
    return [Mistake(path, "union_type")]


def is_step(here: object, step: object) -> bool:
    """Whether ``step`` leads from ``here`` to something: a key of a mapping or an index of a list."""
    if isinstance(here, dict):
        return step in here
    return isinstance(here, list) and isinstance(step, int) and 0 <= step < len(here)


def _context(error: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((key, str(value)) for key, value in (error.get("ctx") or {}).items())

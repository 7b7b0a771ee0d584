"""What the readers share: JSON with the place of a mistake, dates, and values of the wrong kind."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import date
from typing import Any, Final

from assay.domain import AssayError, Location, did_you_mean
from assay.privilege.rights import Unclear

LIMIT: Final = 32 * 1024 * 1024
"""Bytes of an export that are read at most."""
_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ][0-9:.]+(?:Z|[+-][0-9:]{4,6})?)?", re.ASCII)


def json_object(text: str, file: str) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        AssayError: it is no JSON, or something else than an object; with the place.
    """
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise AssayError(
            f"`{file}` is no JSON: {error.msg}",
            fix="export it again; half an export is worse than none",
            location=Location(file, error.lineno, error.colno),
        ) from None
    except (RecursionError, ValueError):
        raise AssayError(
            f"`{file}` is nested too deeply, or holds a number that is too long",
            fix="export it again",
            location=Location(file),
        ) from None
    if not isinstance(value, dict):
        raise AssayError(f"`{file}` holds no JSON object", fix="export it again", location=Location(file))
    return value


def named(value: dict[str, Any], key: str, file: str, unclear: list[Unclear]) -> list[dict[str, Any]]:
    """The mappings in a list; what is something else is said."""
    found = value.get(key)
    if found is None:
        return []
    if not isinstance(found, list):
        unclear.append(Unclear(f"`{key}` is no list, so what it says is not known", Location(file)))
        return []
    if any(not isinstance(item, dict) for item in found):
        unclear.append(Unclear(f"`{key}` holds something that is no object, and was not read", Location(file)))
    return [item for item in found if isinstance(item, dict)]


def mapping(value: dict[str, Any], key: str, file: str, unclear: list[Unclear]) -> dict[str, Any]:
    """The mapping under a key; empty where there is none; what is something else is said."""
    found = value.get(key)
    if found is not None and not isinstance(found, dict):
        unclear.append(Unclear(f"`{key}` is no object, so what it says is not known", Location(file)))
    return found if isinstance(found, dict) else {}


def texts(value: object) -> list[str]:
    """One text or a list of them, as AWS writes it; nothing else."""
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def day(value: object, at: Location, unclear: list[Unclear]) -> date | None:
    """A date as ISO 8601 writes it. In any other form it is not guessed which part is the month."""
    if value in (None, ""):
        return None
    match = _DAY.fullmatch(value) if isinstance(value, str) else None
    if match:
        try:
            return date.fromisoformat(match[1])
        except ValueError:
            pass
    shown = str(value)[:40]
    unclear.append(Unclear(f"`{shown}` is no date of the form YEAR-MONTH-DAY, so since when is not known", at))
    return None


def no_principal(principal: str, known: Iterable[str], file: str, what: str = "principal") -> AssayError:
    """The error for a name that an export does not hold."""
    names = list(known)
    fix = did_you_mean(principal, names, what=what) if names else "export the account as well"
    return AssayError(
        f"`{file}` holds no {what} `{principal}`",
        fix=f"{fix}; `login` says what the account is called there",
        location=Location(file),
    )

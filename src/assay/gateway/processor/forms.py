"""The forms a masked value can take. Each is a pure function of one JSON value.

What holds for every form that shows part of a value: ``null`` stays ``null`` (it says that there is no value); an array
is masked item by item; an object at the end of a path becomes ``{}``, since even its member names may be data. Numbers
and booleans have no parts to show: they become ``null``. A value that is not recognised becomes ``***``: no guessing.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from assay.domain import AssayError, did_you_mean
from assay.gateway.keysets import Keyset
from assay.gateway.processor.json_text import Json, Number, encode
from assay.gateway.processor.paths import DROPPED

Form = Callable[[Json], Json]

CLEAR = "clear"
FIXED = "fixed"
MASK = "***"
MOST_REVEALING_FIRST = ("clear", "generalise", "email", "last4", "token", "hash", "fixed", "encrypt", "drop")
"""``token`` before ``hash``: a holder of the keyset can turn a token back. ``encrypt`` after ``fixed`` although it
carries the value: to everybody without the keyset it says no more than that there is one."""

_KEYED = frozenset({"token", "hash", "encrypt"})
_WITHOUT_SEPARATORS = dict.fromkeys(map(ord, " -./\u00a0\u202f"))
_EMAIL = re.compile(r"([^@\s*\"])[^@\s\"]*@([^@\s.*])(?:[^@\s]*)\.([A-Za-z]{2,24}|xn--[A-Za-z0-9-]{2,59})")
_DATE = re.compile(r"(\d{4})-\d{2}-\d{2}(?:[T ][0-9:.,+Zz-]*)?")
_YEAR = re.compile(r"\d{4}")
_GENERALISED = re.compile(r"[^*]{2,3}\*\*\*")
_DATE_WORDS = frozenset({"date", "birth", "dob", "birthday", "birthdate", "year", "timestamp"})


class UnknownForm(AssayError):
    """A policy names a masking form that does not exist."""


def needs_keyset(form: str) -> bool:
    """Whether the form is keyed."""
    return form in _KEYED


def check_form(form: str) -> None:
    """Raises :class:`UnknownForm` with the closest match."""
    if form not in MOST_REVEALING_FIRST:
        raise UnknownForm(
            f"There is no masking form `{form}`.", fix=did_you_mean(form, MOST_REVEALING_FIRST, what="form")
        )


def form_of(form: str, *, category: str, binding: str, keyset: Keyset | None) -> Form:
    """The function for ``form``, for a value of data ``category``.

    Tokens and hashes are bound to the category, so that the same e-mail address has the same pseudonym in every field
    of that class; ciphertexts are bound to ``binding`` (``API/FIELD``).

    Raises:
        UnknownForm: no such form, or a keyed form without a keyset.
    """
    check_form(form)
    if form in _KEYED:
        if keyset is None:
            raise UnknownForm(f"The masking form `{form}` needs a keyset.", fix="create the keyset for masking first")
        return _keyed(form, category, binding, keyset)
    if form == CLEAR:
        return _clear
    if form == "drop":
        return _drop
    textual: dict[str, Callable[[str], str]] = {
        FIXED: lambda _: MASK,
        "last4": last4,
        "email": email,
        "generalise": year if _DATE_WORDS & set(re.split(r"[._]", category)) else leading,
    }
    change = textual[form]
    return lambda value: _textual(value, change)


def last4(text: str) -> str:
    """Twelve asterisks and the last four characters (separators not counted); ``***`` for fewer than eight."""
    compact = text.translate(_WITHOUT_SEPARATORS)
    return "*" * 12 + compact[-4:] if len(compact) >= 8 else MASK


def email(text: str) -> str:
    """``a***@e***.com``: first letters and top-level domain; ``***`` for what is not one plain e-mail address."""
    match = _EMAIL.fullmatch(text)
    return f"{match[1]}***@{match[2]}***.{match[3]}" if match else MASK


def year(text: str) -> str:
    """The year of an ISO 8601 date or date-time; ``***`` for anything else."""
    match = _DATE.fullmatch(text)
    if match:
        return match[1]
    return text if _YEAR.fullmatch(text) else MASK


def leading(text: str) -> str:
    """The first three characters (two of four), as for postal codes; ``***`` for fewer than four."""
    if _GENERALISED.fullmatch(text):
        return text
    shown = text[:3] if len(text) > 4 else text[:2] if len(text) == 4 else ""
    return MASK if "*" in shown else shown + MASK


def _clear(value: Json) -> Json:
    return value


def _drop(_value: Json) -> Json:
    return DROPPED


def _textual(value: Json, change: Callable[[str], str]) -> Json:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_textual(item, change) for item in value]
    return {} if isinstance(value, dict) else None


def _keyed(form: str, category: str, binding: str, keyset: Keyset) -> Form:
    def seal(value: Json) -> Json:
        if value is None:
            return None
        if isinstance(value, list):
            return [seal(item) for item in value]
        if form == "encrypt":
            return keyset.encrypt(binding, encode(value).decode())
        text = value if isinstance(value, str) else _as_text(value)
        return keyset.token(category, text) if form == "token" else keyset.pseudonym(category, text)

    return seal


def _as_text(value: Json) -> str:
    return bytes(value).decode() if isinstance(value, Number) else encode(value).decode()

"""Identities that are given on a command line: ``NAME[@ROLE,…]=KIND:…``, secrets always by reference."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pydantic
import yaml

from assay.declare.model import ProveIdentity
from assay.domain import AssayError, Location, UsageError, did_you_mean
from assay.identity.secrets import looks_like_secret

_HEAD = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9_.-]*)(?:@(?P<roles>[A-Za-z0-9_.,-]+))?\Z")
_REFERENCE = re.compile(r"(?:env|file):.+\Z", re.DOTALL)
_KINDS = ("bearer", "header", "basic", "login")
_LONGEST = 64 * 1024
EXAMPLES = (
    "alice=bearer:env:ALICE_TOKEN",
    "partner=header:X-API-Key:env:PARTNER_KEY",
    "carl=basic:carl:env:CARL_PASSWORD",
    "dora=login:dora-login.yaml",
    "eve@admin,auditor=bearer:env:EVE_TOKEN",
)
"""One of each form, for help texts and errors."""


def read_recipe(path: Path) -> str:
    """The text of a login recipe's file. Raises OSError or ValueError."""
    with path.open(encoding="utf-8") as file:
        return file.read(_LONGEST)


def given_identities(
    texts: Iterable[str], *, base: Path, read: Callable[[Path], str] = read_recipe
) -> dict[str, ProveIdentity]:
    """Identities by name, in the order given; paths of recipes are relative to ``base``.

    Raises:
        UsageError: one cannot be understood, or a name comes twice; with examples of what can be written.
    """
    found: dict[str, ProveIdentity] = {}
    for text in texts:
        name, identity = given_identity(text, base=base, read=read)
        if name in found:
            raise UsageError(f"The identity `{name}` is given twice.", fix="give each of them a name of its own")
        found[name] = identity
    return found


def given_identity(text: str, *, base: Path, read: Callable[[Path], str] = read_recipe) -> tuple[str, ProveIdentity]:
    """The name and identity that one option says; see :data:`EXAMPLES`. Raises UsageError."""
    head, equals, rest = text.partition("=")
    match = _HEAD.match(head)
    if not equals or match is None:
        # What stands there may be a secret; only the part before the first sign of one is repeated.
        raise _unclear("An identity is written as NAME=KIND:…, and this is not.")
    roles = tuple(r for r in (match["roles"] or "").split(",") if r)
    kind, colon, value = rest.partition(":")
    if kind not in _KINDS or not colon or not value:
        shown = kind if kind.isalpha() and len(kind) <= 12 and looks_like_secret(kind) is None else ""
        hint = did_you_mean(shown, _KINDS, what="kind") + " " if shown and shown not in _KINDS else ""
        raise _unclear(f"How the identity `{match['name']}` proves itself is not understood.", hint)
    try:
        way: dict[str, Any] = _WAYS[kind](value)
        if kind == "login":
            way = {"login": _recipe(base / value, read)}
        identity = ProveIdentity.model_validate({"roles": roles, **way})
    except pydantic.ValidationError as error:
        raise _invalid(match["name"], error) from None
    return match["name"], identity


def _bearer(value: str) -> dict[str, Any]:
    return {"bearer": _secret(value)}


def _header(value: str) -> dict[str, Any]:
    name, _, reference = value.partition(":")
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name):
        raise _unclear("A header is given as header:NAME:env:VARIABLE.")
    return {"header": {"name": name, "value": _secret(reference)}}


def _basic(value: str) -> dict[str, Any]:
    # A user's name may hold colons no more than HTTP Basic allows (RFC 7617 section 2): none.
    user, _, reference = value.partition(":")
    if not user:
        raise _unclear("A name and password are given as basic:USER:env:VARIABLE.")
    return {"basic": {"user": user, "password": _secret(reference)}}


def _login(value: str) -> dict[str, Any]:
    return {}


_WAYS: dict[str, Callable[[str], dict[str, Any]]] = {
    "bearer": _bearer,
    "header": _header,
    "basic": _basic,
    "login": _login,
}


def _secret(reference: str) -> dict[str, str]:
    if not _REFERENCE.match(reference):
        raise _unclear("A secret is given by reference, and never written out.")
    return {"secret": reference}


def _recipe(path: Path, read: Callable[[Path], str]) -> Any:
    try:
        recipe = yaml.safe_load(read(path))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f"The login recipe `{path}` cannot be read: {reason}.", fix="correct the path") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError(
            f"The login recipe `{path}` is not YAML.", fix="write `path:`, `body:` and `extract:`, one a line"
        ) from error
    if not isinstance(recipe, dict):
        raise UsageError(
            f"The login recipe `{path}` is not a mapping.",
            fix="write `path:`, `body:` and `extract:`, one a line",
            location=Location(str(path)),
        )
    return recipe


def _invalid(name: str, error: pydantic.ValidationError) -> AssayError:
    first = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "it"
    return _unclear(f"The identity `{name}` is not sound: {where}: {first['msg']}.")


def _unclear(sentence: str, hint: str = "") -> UsageError:
    return UsageError(sentence, fix=hint + "write it like " + ", ".join(f"`{e}`" for e in EXAMPLES))

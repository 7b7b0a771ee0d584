"""References to secrets (``env:NAME``, ``file:PATH``) and the recognition of secrets that were written out."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from assay.domain import AssayError, Location, Secret, UsageError, did_you_mean
from assay.identity.files import read_private

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}", re.ASCII)
_LIMIT = 64 * 1024
SCHEMES: Final = ("env", "file")


def resolve(
    reference: str,
    *,
    environ: Mapping[str, str],
    base: Path,
    location: Location | None = None,
) -> Secret:
    """The secret that ``reference`` leads to.

    ``env:NAME`` is looked up in ``environ``. ``file:PATH`` is read relative to ``base`` (the declaration's directory):
    UTF-8, at most 64 KiB, one trailing line break removed, readable by its owner only. ``location`` is where the
    reference was written, for errors. An empty secret is an error: it would compare equal to a missing one.

    Raises :class:`UsageError` for something that is no reference (its text is not repeated: it may be the secret) and
    :class:`AssayError` when there is nothing at the end of it.
    """
    scheme, colon, target = reference.partition(":")
    if not colon or scheme not in SCHEMES or not target:
        word = scheme if colon and scheme.isidentifier() and len(scheme) <= 12 else ""
        raise UsageError(
            "A secret is given by reference, and this is none.",
            fix=(did_you_mean(word, SCHEMES) + " " if word and looks_like_secret(reference) is None else "")
            + "write env:NAME or file:PATH",
            location=location,
        )
    if scheme == "env":
        return _from_environment(target, environ, location)
    return _from_file(target, base, location)


def looks_like_secret(text: str) -> str | None:
    """What kind of secret ``text`` seems to be, in words, or None.

    For values that a person wrote where a reference belongs. Known forms are recognised by their shape; a long token
    without one, by its randomness. Digests, UUIDs, names, paths, ordinary URLs and references are not secrets.
    """
    value = text.strip()
    if len(value) < 8 or value.partition(":")[0] in SCHEMES:
        return None
    if len(value) > _LIMIT:
        value = value[:_LIMIT]
    for kind, pattern in _FORMS:
        if pattern.search(value):
            return kind
    for kind, recognise in _SHAPES:
        if recognise(value):
            return kind
    return None


def _from_environment(name: str, environ: Mapping[str, str], location: Location | None) -> Secret:
    if not _NAME.fullmatch(name):
        raise UsageError(
            "The secret reference `env:…` does not name an environment variable.",
            fix="use letters, digits and underscores: env:CRM_PASSWORD",
            location=location,
        )
    value = environ.get(name)
    if value is None:
        raise AssayError(
            f"The secret `env:{name}` is missing: no environment variable has that name.",
            fix=f"export {name}=… before starting, or correct the reference",
            location=location,
        )
    if not value:
        raise AssayError(
            f"The secret `env:{name}` is empty.",
            fix=f"give {name} a value, or correct the reference",
            location=location,
        )
    return Secret(value)


def _from_file(target: str, base: Path, location: Location | None) -> Secret:
    path = base / target
    try:
        content = read_private(path, limit=_LIMIT, what="secret file")
        value = content.decode()
    except UnicodeDecodeError as error:
        raise AssayError(
            f"The secret `file:{target}` is not UTF-8 text.", fix="store it as text, such as base64", location=location
        ) from error
    except AssayError as error:
        raise AssayError(
            f"The secret `file:{target}` cannot be used. {error.sentence}",
            fix=error.fix,
            location=location or error.location,
        ) from error
    value = value.removesuffix("\n").removesuffix("\r")
    if not value:
        raise AssayError(f"The secret `file:{target}` is empty.", fix=f"write the secret to {path}", location=location)
    if "\0" in value:
        raise AssayError(
            f"The secret `file:{target}` holds a NUL character.", fix="store it as plain text", location=location
        )
    return Secret(value)


def _is_jwt(value: str) -> bool:
    match = re.search(r"\b(eyJ[A-Za-z0-9_-]{8,})\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*", value)
    if match is None:
        return False
    head = match[1]
    try:
        header = msgspec.json.decode(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (msgspec.MsgspecError, binascii.Error, ValueError, RecursionError):
        return False
    return isinstance(header, dict) and "alg" in header


def _is_url_with_password(value: str) -> bool:
    if "://" not in value or any(c.isspace() for c in value):
        return False
    try:
        password = urlsplit(value).password
    except ValueError:
        return False
    return bool(password) and not _is_placeholder(password or "")


def _is_placeholder(value: str) -> bool:
    """``${PASSWORD}``, ``<password>``, ``***``: text that stands for a secret without being one."""
    return bool(re.fullmatch(r"\$\{[^}]*\}|\$[A-Z_]+|<[^>]*>|\{\{.*\}\}|[*x.…]+", value))


def _is_random_token(value: str) -> bool:
    """Whether ``value`` is one long word that nobody typed.

    Random tokens mix cases and digits within short runs; words, even joined in CamelCase or with hyphens, have long
    ones. Entropy alone does not tell them apart at 20 to 64 characters; the mean length of a run does: at most 2.7 in
    97 % of random base-62 tokens, at least 2.8 in nearly all identifiers. In one case the runs of a random token are
    longer, so such a token must be longer too and hold nothing but that case and digits.
    """
    if not 20 <= len(value) <= 512 or not re.fullmatch(r"[A-Za-z0-9+/_=~-]+", value) or _PUBLIC_FORM.fullmatch(value):
        return False
    body = value.rstrip("=")
    separators = sum(not c.isalnum() for c in body)
    runs = re.findall(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+|[^A-Za-z0-9]+", body)
    lower, upper, digits = (any(map(test, body)) for test in (str.islower, str.isupper, str.isdigit))
    if not digits or _entropy(body) < 3.3:
        return False
    if lower and upper:
        return separators <= len(body) // 8 and len(body) / len(runs) <= 2.7
    return separators == 0 and len(body) >= 24 and len(body) / len(runs) <= 3.2


def _entropy(text: str) -> float:
    """Shannon entropy of the characters of ``text``, in bits per character."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


# Digests in hexadecimal (MD5 to SHA-512), with or without the name of their algorithm, UUIDs and W3C trace contexts.
_PUBLIC_FORM = re.compile(
    r"(?:(?:md5|sha1|sha224|sha256|sha384|sha512)[-:=_]?)?"
    r"(?:[0-9a-f]{20}|[0-9a-f]{24}|[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{56}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})"
    r"|sha(?:256|384|512)[-=][A-Za-z0-9+/_-]{43,88}={0,2}"
    r"|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
    r"|[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}",
    re.IGNORECASE | re.ASCII,
)

_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("PEM private key", re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----")),
    ("Assay API key", re.compile(r"\bak_[a-z2-7]{8}_[A-Za-z0-9_-]{43}")),
    ("AWS access key id", re.compile(r"(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z2-7]{16}(?![A-Z0-9])")),
    ("GitHub token", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{50,})")),
    ("GitLab token", re.compile(r"\bglpat-[A-Za-z0-9_-]{20,}")),
    ("Slack token", re.compile(r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}")),
    ("Stripe key", re.compile(r"\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,}")),
    ("Google API key", re.compile(r"\bAIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])")),
    ("package registry token", re.compile(r"\b(?:npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{40,})")),
    ("SendGrid key", re.compile(r"\bSG\.[A-Za-z0-9_-]{20,24}\.[A-Za-z0-9_-]{39,50}")),
    ("authorization header", re.compile(r"(?i)^(?:authorization:\s*)?(?:bearer|basic)\s+[A-Za-z0-9+/_=.~-]{16,}$")),
    ("private JSON Web Key", re.compile(r'"kty"\s*:.*"(?:d|k)"\s*:\s*"|"(?:d|k)"\s*:\s*".*"kty"\s*:', re.DOTALL)),
    (
        "connection string with a password",
        re.compile(r"(?i)\b(?:password|pwd|accountkey|sharedaccesskey)\s*=\s*(?![$<{*])[^;\s]{4,}"),
    ),
)

_SHAPES: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("JSON Web Token", _is_jwt),
    ("URL with a password", _is_url_with_password),
    ("random token", _is_random_token),
)

"""Command lines that send an exchange again. Secrets are shell variables; nothing else is left to the shell."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

from assay.prove.case import Offer
from assay.prove.scope import Origin

_VERSION_OPTIONS = {"1.0": "-tls1", "1.1": "-tls1_1", "1.2": "-tls1_2", "1.3": "-tls1_3"}
_SECRET = "\x00"
"""Stands before and after the name of a shell variable until the line is quoted."""
_OPTIONS = "--path-as-is --globoff --http1.1 -sk -i"


def variable(kind: str, who: str) -> str:
    """Name of the shell variable that holds a secret: ``TOKEN_MOBILE_APP_2``."""
    return re.sub(r"[^A-Z0-9]+", "_", f"{kind}_{who}".upper()).strip("_")


def secret(name: str) -> str:
    """A place in a header value where the shell puts the variable ``name``."""
    return f"{_SECRET}{name}{_SECRET}"


def shown(value: str) -> str:
    """A header value for reading: its secrets by the names of their variables."""
    return re.sub(f"{_SECRET}([A-Z0-9_]+){_SECRET}", r"$\1", value)


def quoted(text: str) -> str:
    """The text as one word of a POSIX shell; variables of :func:`secret` are expanded, nothing else is."""
    pieces = text.split(_SECRET)
    if len(pieces) == 1:
        return shlex.quote(text)
    if not any(c in '\\"$`!' for piece in pieces[::2] for c in piece):
        return '"' + "".join(f"${{{piece}}}" if index % 2 else piece for index, piece in enumerate(pieces)) + '"'
    return "".join(
        f'"${{{piece}}}"' if index % 2 else shlex.quote(piece) for index, piece in enumerate(pieces) if piece
    )


def curl(
    method: str,
    url: str,
    headers: Iterable[tuple[str, str]],
    body: str | None,
    *,
    source: str | None = None,
    certificate_of: str | None = None,
) -> str:
    """A curl command line. ``headers`` and ``body`` are redacted; empty when a line break would have to be quoted away.

    ``body`` None: there is none. ``certificate_of``: the identity whose client certificate was shown.
    """
    words = ["curl", _OPTIONS, "--head" if method == "HEAD" else f"-X {shlex.quote(method)}"]
    if source:
        words.append(f"--interface {shlex.quote(source)}")
    if certificate_of:
        words += _shown(certificate_of, "--")
    # `name;` is curl's way to send a header without a value; `name:` would leave it out.
    words += [f"-H {quoted(f'{name}: {value}' if value else f'{name};')}" for name, value in headers]
    if body is not None:
        words.append(f"--data-binary {quoted(body)}")
    words.append(quoted(url))
    return " ".join(words)


def replay(case: str) -> str:
    """The command line for an exchange that needs a service of the run's own: the whole case again."""
    return f"assay prove --replay {shlex.quote(case)}"


def s_client(origin: Origin, offer: Offer) -> str:
    """An OpenSSL command line for a handshake."""
    words = ["openssl s_client", "-connect", shlex.quote(f"{origin.host}:{origin.port}")]
    if offer.minimum == offer.maximum:
        words.append(_VERSION_OPTIONS.get(offer.minimum, ""))
    if offer.suites:
        words += ["-cipher", shlex.quote(f"{offer.suites}:@SECLEVEL=0")]
    elif offer.minimum in ("1.0", "1.1"):
        words += ["-cipher", "ALL:@SECLEVEL=0"]
    if offer.name:
        words += ["-servername", shlex.quote(offer.name)]
    if offer.certificate != "none":
        words += [
            f'-cert "${variable("CERTIFICATE", offer.certificate)}"',
            f'-key "${variable("KEY", offer.certificate)}"',
        ]
    return " ".join(word for word in words if word) + " </dev/null"


def raw(origin: Origin, text: str, *, tls: bool) -> str:
    """A command line that sends bytes as they are; ``text`` is redacted."""
    escaped = "".join(
        c if c.isascii() and c.isprintable() and c not in "\\%" else "%%" if c == "%" else _octal(c) for c in text
    )
    where = f"{origin.host}:{origin.port}"
    pipe = f"openssl s_client -quiet -connect {shlex.quote(where)}" if tls else f"nc {origin.host} {origin.port}"
    return f"printf {shlex.quote(escaped)} | {pipe}"


def _shown(who: str, dashes: str) -> list[str]:
    return [f'{dashes}cert "${variable("CERTIFICATE", who)}"', f'{dashes}key "${variable("KEY", who)}"']


def _octal(character: str) -> str:
    return "".join(f"\\{byte:03o}" for byte in character.encode())

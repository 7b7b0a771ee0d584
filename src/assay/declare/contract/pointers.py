"""JSON Pointers in URI fragments (RFC 6901 § 6) and the references that carry them."""

from __future__ import annotations

import posixpath
import re
from urllib.parse import unquote

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")


def escape(step: str) -> str:
    """One step, as it stands in a pointer."""
    return step.replace("~", "~0").replace("/", "~1") if "~" in step or "/" in step else step


def join(pointer: str, *steps: str) -> str:
    """A pointer some steps further down."""
    for step in steps:
        pointer = f"{pointer}/{escape(step)}"
    return pointer


def steps(pointer: str) -> list[str]:
    """The steps of ``#/a/b``, unescaped, as they are spelled in the document (no percent-decoding)."""
    inner = pointer.removeprefix("#")
    if not inner:
        return []
    return [step.replace("~1", "/").replace("~0", "~") for step in inner.removeprefix("/").split("/")]


def split_reference(reference: str) -> tuple[str, str]:
    """The file part (still percent-encoded) and the fragment (decoded) of a reference."""
    file, _, fragment = reference.partition("#")
    return file, unquote(fragment) if "%" in fragment else fragment


def is_remote(file: str) -> bool:
    """Whether the file part of a reference names something that is not a relative path."""
    return file.startswith("//") or _SCHEME.match(file) is not None


def sibling(base: str, file: str) -> str:
    """The name of ``file`` (percent-decoded) as referred to from the document named ``base``."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(base), unquote(file)))

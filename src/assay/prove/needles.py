"""A text in every form in which a store may hold it without having encrypted it."""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

SHORTEST = 6
"""Bytes below which a text could be found by chance."""
_CHUNK = 1 << 20


def forms(needle: bytes) -> tuple[bytes, ...]:
    """The needle itself, and as UTF-16, base64 (at each of three alignments), hexadecimal, URL and JSON escapes."""
    found: dict[bytes, None] = {needle: None}
    for offset in range(3):
        # What stands before and after shares characters with it, so only the middle is certain.
        coded = base64.b64encode(b"\0" * offset + needle)
        whole = (offset + len(needle)) * 8 // 6
        middle = coded[math.ceil(offset * 8 / 6) : whole]
        found[middle] = None
        found[middle.replace(b"+", b"-").replace(b"/", b"_")] = None
    found[needle.hex().encode()] = None
    found[needle.hex().upper().encode()] = None
    escaped = quote(needle, safe="")
    found[escaped.encode()] = None
    found[re.sub(r"%[0-9A-F]{2}", lambda m: m[0].lower(), escaped).encode()] = None
    try:
        text = needle.decode()
    except UnicodeDecodeError:
        return tuple(found)
    found[text.encode("utf-16-le")] = None
    found[text.encode("utf-16-be")] = None
    found[json.dumps(text)[1:-1].encode()] = None
    return tuple(found)


def in_files(paths: Iterable[Path], wanted: tuple[bytes, ...]) -> tuple[bool, list[Path]]:
    """Whether one of the files holds one of the forms, and which files could not be read. Blocking.

    Read in pieces that overlap, so that a form that lies across two of them is found.
    """
    overlap = max(map(len, wanted)) - 1
    unread: list[Path] = []
    for path in paths:
        try:
            with path.open("rb") as file:
                before = b""
                while chunk := file.read(_CHUNK):
                    here = before + chunk
                    if any(form in here for form in wanted):
                        return True, unread
                    before = here[-overlap:] if overlap else b""
        except FileNotFoundError:
            continue  # databases remove files of their own while they work
        except OSError:
            unread.append(path)
    return False, unread

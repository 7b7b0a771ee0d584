"""On which line of a JSON text each value stands, by its pointer."""

from __future__ import annotations

import json
import re
from collections.abc import Collection

from assay.scanning.scanner import escaped

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)


def lines_of(text: str, pointers: Collection[str]) -> dict[str, int]:
    """The lines (from 1) on which the values at some pointers begin.

    ``text`` is JSON that was parsed without an error; what cannot be found is left out. Where a name stands twice in an
    object, the first place counts.
    """
    wanted = set(pointers)
    found: dict[str, int] = {}
    stack: list[tuple[str, int | None]] = []  # pointer of the object or list; its next index, None for an object
    path, name_next, line, at = "", False, 1, 0
    for match in _TOKEN.finditer(text):
        token = match[0]
        line += text.count("\n", at, match.start())
        at = match.start()
        if token in "]}":
            stack = stack[:-1]
            name_next = False
        elif token == ",":
            if stack:
                base, index = stack[-1]
                name_next = index is None
                if index is not None:
                    stack[-1] = base, index + 1
                    path = f"{base}/{index + 1}"
        elif token == ":":
            name_next = False
        elif name_next:
            path = f"{stack[-1][0]}/{escaped(_unquoted(token))}"
        else:
            if path in wanted:
                found.setdefault(path, line)
            if token in "{[":
                stack.append((path, None if token == "{" else 0))
                name_next = token == "{"
                path = path if token == "{" else f"{path}/0"
    return found


def _unquoted(token: str) -> str:
    try:
        return str(json.loads(token))
    except ValueError:
        return token

"""Where an answer says which thing it is about: its body, or its ``Location``."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from assay.prove.case import Seen
from assay.prove.objects.graph import Source, Steps
from assay.prove.objects.naming import identifies

_WRAPPERS = ("data", "result", "item", "items", "results", "content", "value", "response", "attributes")
_LONGEST = 500


def identifier(
    seen: Seen, source: Source, *, name: str, kind: str, path: str, params: Mapping[str, str], rng: random.Random
) -> str | None:
    """The value of path parameter ``name`` that an answer gives; None: it gives none.

    Args:
        kind: the last fixed name of the collection, such as ``customers``.
        path: the whole template up to the parameter, base path included.
        params: the parameters before it, which a ``Location`` must agree with.
    """
    body = seen.json()
    if source.at:
        found = [v for v in _values(body, source.at) if _usable(v)]
        if found:
            return str(rng.choice(found[:20]) if "*" in source.at else found[0])
    located = _location(seen.headers.get("location", ""), path, name, params)
    return located or _guessed(body, name, kind)


def _values(value: Any, steps: Steps) -> Iterator[Any]:
    if not steps:
        yield value
    elif steps[0] == "*":
        below = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else []
        for item in below[:100]:
            yield from _values(item, steps[1:])
    elif isinstance(value, dict) and steps[0] in value:
        yield from _values(value[steps[0]], steps[1:])


def _location(location: str, path: str, name: str, params: Mapping[str, str]) -> str | None:
    """The parameter's value in a ``Location`` header (RFC 9110 § 10.2.2), absolute or relative."""
    try:
        written = urlsplit(location).path.rstrip("/")
    except ValueError:
        return None
    if not written:
        return None
    pattern = re.escape(path).replace(r"\{", "{").replace(r"\}", "}")
    for known, value in params.items():
        pattern = pattern.replace("{" + re.escape(known) + "}", re.escape(value))
    pattern = pattern.replace("{" + re.escape(name) + "}", "([^/]+)")
    match = re.search(re.sub(r"\{[^{}/]*\}", "[^/]+", pattern) + r"\Z", written)
    # Behind a gateway that strips a base path, the service knows a shorter one.
    found = unquote(match[1] if match else written.rpartition("/")[2])
    return found if _usable(found) else None


def _guessed(body: Any, name: str, kind: str) -> str | None:
    """The identifier in an answer that its contract does not describe."""
    here = body
    for _ in range(3):
        if isinstance(here, list):
            here = here[0] if here else None
        if not isinstance(here, dict):
            return None
        named = [(s, k) for k in here if (s := identifies(str(k), name, kind)) is not None and _usable(here[k])]
        if named:
            return str(here[min(named)[1]])
        here = next((here[w] for w in _WRAPPERS if isinstance(here.get(w), dict | list)), None)
    return None


def _usable(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and 0 < len(str(value)) <= _LONGEST

"""Other spellings of a path, which the upstream may take for that path while the gateway takes them for an object's id.

Many frameworks match paths without regard to case (Express, ASP.NET), take a format after a dot (Rails, Spring), cut
what follows a semicolon (servlet containers), or trim blanks. Where `/things/export` and `/things/{id}` are different
operations, `/things/EXPORT` would be allowed as the one and answered as the other. Such spellings are refused, but only
where there is a template that would let them pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from assay.gateway import ir

_FORMATS = "json|xml|html?|csv|js|txt|ya?ml|rss|atom|pdf|md"
_CUT = "(?:;[^/]*)?"
_TAIL = rf"(?:\.(?:{_FORMATS})?|%20|%09|;[^/]*)*"
_SLASH = re.compile(r"/(?![^\[]*\])")
"""A slash of the path, not one inside a class such as ``[^/]``."""
_STEPS = 10_000
"""A bound on the search in a contract that is made to be slow; beyond it a path counts as covered."""


@dataclass(slots=True)
class _Node:
    literal: dict[str, _Node] = field(default_factory=dict)
    templated: dict[str, _Node] = field(default_factory=dict)
    ends: bool = False


def _segments(route: ir.Route) -> list[str]:
    return (route.public_base + route.template).split("/")


class Templates:
    """The templates of a host, to find which paths are special cases of another one."""

    def __init__(self, routes: Iterable[ir.Route]) -> None:
        self._root = _Node()
        for route in routes:
            node = self._root
            for segment in _segments(route):
                node = (node.templated if "{" in segment else node.literal).setdefault(segment, _Node())
            node.ends = True

    def covered(self, route: ir.Route) -> bool:
        """Whether a template with a parameter where ``route`` has text could match a path that is spelt like it."""
        waiting = [(self._root, 0, False)]
        segments = _segments(route)
        for _ in range(_STEPS):
            if not waiting:
                return False
            node, at, wider = waiting.pop()
            if at == len(segments):
                if wider and node.ends:
                    return True
                continue
            mine = segments[at]
            here = "{" not in mine
            waiting += [(below, at + 1, wider or here) for below in node.templated.values()]
            if here and mine in node.literal:
                waiting.append((node.literal[mine], at + 1, wider))
        return True


def spellings(route: ir.Route) -> str:
    """An RE2 expression for the other spellings of a route's path (and for the path itself)."""
    if route.pattern:
        own = route.pattern.removeprefix("^").removesuffix("$")
    else:
        own = re.escape(route.public_base + route.template)
    return f"(?i:{f'{_CUT}/'.join(_SLASH.split(own))}){_TAIL}"

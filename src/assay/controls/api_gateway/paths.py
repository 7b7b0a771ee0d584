"""Public paths: where the gateway serves an operation, and which two operations could answer the same call."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from assay.controls._lib.urls import Address, address
from assay.declare.contract import Contract, Operation, path_regex
from assay.declare.model import Api

_PARAMETER = re.compile(r"\{[^{}]*\}")
_USABLE = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*")
_ON_THE_WIRE = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@/-]*")
_NOT_ROUTED = frozenset({"TRACE", "CONNECT"})
ANY = "{}"
"""A segment that is a parameter."""


def routable(method: str) -> bool:
    """Whether the gateway serves a method at all. TRACE echoes headers, credentials included (RFC 9110 §9.3.8)."""
    return method not in _NOT_ROUTED


def pattern(base: str, operation: Operation, contract: Contract) -> str:
    """The expression for an operation's public path; empty when the path is literal and sent as it is written."""
    if _ON_THE_WIRE.fullmatch(base + operation.path):
        return ""
    return path_regex(base + operation.path, operation.parameters, contract)


def public_base(api: Api, contract: Contract) -> str:
    """The path under which the gateway serves an API, without a trailing slash; empty for the root."""
    return (contract.base_path if api.path is None else api.path).rstrip("/")


def usable_base(base: str) -> bool:
    """Whether a path survives normalisation unchanged, so that what is routed is what is written (RFC 3986 §6.2.2)."""
    return bool(_USABLE.fullmatch(base)) and not any(s in (".", "..") for s in base.split("/"))


def target_of(api: Api, contract: Contract) -> Address | None:
    """Where calls to an API are forwarded, or None when its upstream URL leads nowhere that can be connected to."""
    found = address(api.upstream)
    return found if found and usable_base(upstream_base(found, contract)) else None


def upstream_base(upstream: Address, contract: Contract) -> str:
    """The path before the contract's paths at the upstream: the upstream URL's own path, else the contract's."""
    return upstream.path or contract.base_path


def order(template: str) -> int:
    """A sort key under which more concrete templates come first (OpenAPI 3.1.1 §4.8.8.1).

    Each parameter that fills its segment counts two, each segment that is partly one counts one. Depends on nothing
    but the template, so that adding an operation does not change the others' routes.
    """
    return sum(2 if _PARAMETER.fullmatch(s) else 1 for s in template.split("/") if "{" in s)


def shape(path: str) -> tuple[str, ...]:
    """The segments of a path template, parameters without their names."""
    return tuple(_PARAMETER.sub(ANY, path).split("/"))


@dataclass(slots=True)
class _Node:
    exact: dict[str, _Node]
    templated: dict[str, tuple[re.Pattern[str], _Node]]
    owners: list[int]


def _matcher(segment: str) -> re.Pattern[str]:
    return re.compile(".+".join(re.escape(literal) for literal in segment.split(ANY)))


class Shapes:
    """Finds templates that some path could match besides another one. Bounded: gives up after ``budget`` steps.

    Types of parameters are not looked at here, so an overlap that it names may turn out to be none.
    """

    def __init__(self, shapes: Iterable[tuple[str, ...]], *, budget: int = 100_000) -> None:
        self._root = _Node({}, {}, [])
        self._left = budget
        for owner, segments in enumerate(shapes):
            node = self._root
            for segment in segments:
                if ANY in segment:
                    if segment not in node.templated:
                        node.templated[segment] = (_matcher(segment), _Node({}, {}, []))
                    node = node.templated[segment][1]
                else:
                    node = node.exact.setdefault(segment, _Node({}, {}, []))
            node.owners.append(owner)

    @property
    def exhausted(self) -> bool:
        """Whether the budget ran out, so that not everything was compared."""
        return self._left <= 0

    def overlapping(self, segments: tuple[str, ...]) -> Iterator[int]:
        """The numbers of the templates that share a possible path with ``segments``, itself included."""
        nodes = [self._root]
        for segment in segments:
            following: list[_Node] = []
            for node in nodes:
                self._left -= 1 + len(node.templated)
                if ANY in segment:
                    self._left -= len(node.exact)
                    matches = _matcher(segment).fullmatch
                    following.extend(child for text, child in node.exact.items() if matches(text))
                    following.extend(child for _, child in node.templated.values())
                    continue
                if exact := node.exact.get(segment):
                    following.append(exact)
                following.extend(child for pattern, child in node.templated.values() if pattern.fullmatch(segment))
            nodes = following
            if self.exhausted or not nodes:
                return
        for node in nodes:
            yield from node.owners


def rivals(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether two overlapping templates are such that neither is the more concrete one everywhere."""
    first = any(ANY not in a and ANY in b for a, b in zip(one, other, strict=True))
    second = any(ANY in a and ANY not in b for a, b in zip(one, other, strict=True))
    return first and second

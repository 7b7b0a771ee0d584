"""From a URL to the operation behind it, by the paths of every API; what lands nowhere is said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from assay.declare.contract import Operation
from assay.declare.declaration import Declaration
from assay.importing.findings.finding import ImportedFinding, path_of

_PARAMETER = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Landing:
    """Where a finding belongs.

    Attributes:
        api: empty when it belongs nowhere, or to more than one.
        operation: empty when it is about the API as a whole, or no single operation can be told.
        params: values of path parameters in the finding's URL.
        why: for a person, when it could not be told all the way.
    """

    api: str = ""
    operation: str = ""
    params: tuple[tuple[str, str], ...] = ()
    why: str = ""


@dataclass(slots=True)
class _Node:
    literal: dict[str, _Node] = field(default_factory=dict)
    templated: dict[str, tuple[tuple[str, ...], _Node]] = field(default_factory=dict)
    ends: list[tuple[str, Operation, tuple[str, ...]]] = field(default_factory=list)


def _segment(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What stands around the parameters of a path segment, and their names."""
    return tuple(_PARAMETER.split(text)[::2]), tuple(_PARAMETER.findall(text))


def _values(around: tuple[str, ...], text: str) -> tuple[str, ...] | None:
    """The parameters' values, each of one character or more; None where the segment is another.

    Takes each value as short as it can be, in one pass: both templates and URLs come from files that others wrote.
    """
    if len(around) == 1:
        return () if text == around[0] else None
    if not text.startswith(around[0]):
        return None
    at, values = len(around[0]), []
    for literal in around[1:-1]:
        found = text.find(literal, at + 1)
        if found < 0:
            return None
        values.append(text[at:found])
        at = found + len(literal)
    end = len(text) - len(around[-1])
    return (*values, text[at:end]) if end > at and text.endswith(around[-1]) else None


class Routes:
    """The paths of every API, under each base that a tester may have used: at the gateway, and at the service."""

    def __init__(self, declaration: Declaration) -> None:
        self._declaration = declaration
        self._root = _Node()
        self._bases: dict[str, set[str]] = {}
        self._files: dict[str, list[str]] = {}
        for api_id, api in declaration.model.apis.items():
            contract = declaration.contracts[api_id]
            bases = {(contract.base_path if api.path is None else api.path).rstrip("/"), contract.base_path.rstrip("/")}
            bases.add(path_of(api.upstream).rstrip("/"))
            self._bases[api_id] = bases
            self._files.setdefault(api.contract.removeprefix("./"), []).append(api_id)
            for operation in contract.operations:
                for base in bases:
                    self._add(api_id, operation, base + operation.path)

    def _add(self, api_id: str, operation: Operation, path: str) -> None:
        node = self._root
        names: list[str] = []
        for segment in path.split("/"):
            if "{" in segment:
                if segment not in node.templated:
                    node.templated[segment] = (_segment(segment)[0], _Node())
                names += _segment(segment)[1]
                node = node.templated[segment][1]
            else:
                node = node.literal.setdefault(segment, _Node())
        node.ends.append((api_id, operation, tuple(names)))

    def land(self, finding: ImportedFinding, *, declared_at: str = "") -> Landing:
        """Where a finding belongs. ``declared_at``: the API under which its file is declared, which decides a tie."""
        if finding.url:
            return self._by_url(finding, declared_at)
        if finding.place is not None:
            return self._by_place(finding.place.file, finding.place.line)
        return Landing(why="it names neither a URL nor a place in a file")

    def _by_url(self, finding: ImportedFinding, declared_at: str) -> Landing:
        path = path_of(finding.url)
        matches = list(self._walk(self._root, path.split("/"), ()))
        if not matches:
            return self._by_base(path, declared_at)
        apis = {api for _, api, _, _ in matches}
        if len(apis) > 1:
            apis = self._of_host(finding.url, apis) or apis
        if len(apis) > 1 and declared_at in apis:
            apis = {declared_at}
        if len(apis) > 1:
            return Landing(why=f"`{path}` belongs to more than one API: {', '.join(sorted(apis))}")
        (api,) = apis
        mine = [m for m in matches if m[1] == api]
        best = min(m[0] for m in mine)
        here = [m for m in mine if m[0] == best]
        named = [m for m in here if m[2].method.upper() == finding.method]
        ids = {m[2].id for m in named or here}
        if finding.method and not named:
            return Landing(api, why=f"the contract has no {finding.method} at `{path}`")
        if len(ids) > 1:
            return Landing(api, why=f"the finding does not say which method of `{path}` it is about")
        _, _, operation, params = (named or here)[0]
        return Landing(api, operation.id, params)

    def _walk(
        self, node: _Node, segments: list[str], values: tuple[str, ...], weight: tuple[int, ...] = ()
    ) -> Iterator[tuple[tuple[int, ...], str, Operation, tuple[tuple[str, str], ...]]]:
        """(weight, API, operation, parameters) of every template that matches; the most concrete weighs least."""
        stack: list[tuple[_Node, int, tuple[str, ...], tuple[int, ...]]] = [(node, 0, values, weight)]
        steps = 0
        while stack and (steps := steps + 1) < 10_000:
            at, index, got, heavy = stack.pop()
            if index == len(segments):
                for api, operation, names in at.ends:
                    yield heavy, api, operation, tuple(zip(names, got, strict=False))
                continue
            segment = segments[index]
            for below in {id(n): n for n in (at.literal.get(segment), at.literal.get(unquote(segment))) if n}.values():
                stack.append((below, index + 1, got, (*heavy, 0)))
            for around, below in at.templated.values():
                if (found := _values(around, unquote(segment))) is not None:
                    stack.append((below, index + 1, (*got, *found), (*heavy, 1)))

    def _of_host(self, url: str, apis: set[str]) -> set[str]:
        """Those whose host it is: at the gateway, at the service, or by the contract."""
        try:
            host = urlsplit(url).hostname
        except ValueError:
            return set()
        found = set()
        for api in apis if host else ():
            declared = self._declaration.model.apis[api]
            urls = (declared.upstream, *self._declaration.contracts[api].servers)
            if host in declared.hosts or any(_host(u) == host for u in urls):
                found.add(api)
        return found

    def _by_base(self, path: str, declared_at: str) -> Landing:
        """A path that no contract names still belongs to an API when it lies below its base."""
        lengths = {
            api: max((len(b) for b in bases if b and (path == b or path.startswith(b + "/"))), default=0)
            for api, bases in self._bases.items()
        }
        longest = max(lengths.values(), default=0)
        under = [api for api, length in lengths.items() if length == longest and length]
        why = f"no contract names `{path}`"
        return Landing(under[0], why=why) if len(under) == 1 else Landing(why=why)

    def _by_place(self, file: str, line: int) -> Landing:
        """A place in a contract is one in an operation: the last that begins at or before it."""
        apis = self._files.get(file.removeprefix("./"), [])
        if len(apis) != 1:
            return Landing(why=f"`{file}` is no contract of the declaration" if not apis else "several APIs share it")
        contract = self._declaration.contracts[apis[0]]
        started = [(contract.locate(o.pointer).line, o.id) for o in contract.operations]
        before = [each for each in started if each[0] <= line]
        return Landing(apis[0], max(before)[1] if before else "")


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None

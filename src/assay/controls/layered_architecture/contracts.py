"""Contracts about who may reach what: forbidden, independence, protected.

The kinds, and what they mean, are those that import-linter has for the imports of a program.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from assay.controls._lib.judging import judge as _judge
from assay.controls.layered_architecture.graph import Edge, Graph, node_of, shown, told
from assay.declare.declaration import Declaration
from assay.declare.model import LayerContract
from assay.domain import Location, Verdict

_CONTROL = "layered_architecture"
_SHOWN = 4


@dataclass(slots=True)
class _Contract:
    """One contract, its allowances, and those that made a difference."""

    declaration: Declaration
    graph: Graph
    name: str
    contract: LayerContract
    allowed: dict[tuple[str, str], int] = field(default_factory=dict)
    used: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        for index, edge in enumerate(self.contract.allow):
            self.allowed[self._node(edge.from_), self._node(edge.to)] = index

    @property
    def subject(self) -> str:
        return f"architecture.contracts.{self.name}"

    def judged(self) -> Iterator[Verdict]:
        """The contract's verdicts, then one for each allowance."""
        if self.contract.kind == "forbidden":
            yield from self._forbidden()
        elif self.contract.kind == "independence":
            yield from self._independent()
        else:
            yield from self._protected()
        yield from self._allowances()

    def _node(self, name: str) -> str:
        return node_of(self.declaration, name)

    def _reached(self, start: str, ends: set[str]) -> Iterator[tuple[Edge, ...]]:
        """Chains that allowances do not break; an allowance counts as used when without it there is a chain more."""
        found = list(self.graph.chains(start, ends, self.allowed.keys()))
        yield from found
        for pair in self.allowed.keys() - self.used:
            others = self.allowed.keys() - {pair}
            if len(list(self.graph.chains(start, ends, others))) > len(found):
                self.used.add(pair)

    def _forbidden(self) -> Iterator[Verdict]:
        ends = {self._node(n) for n in self.contract.to}
        chains = [c for n in dict.fromkeys(self.contract.from_) for c in self._reached(self._node(n), ends)]
        names = ", ".join(f"`{n}`" for n in self.contract.to)
        yield from self._chains("forbidden-chain", chains, f"nothing of `{self.name}` reaches {names}")

    def _independent(self) -> Iterator[Verdict]:
        members = {self._node(n) for n in self.contract.members}
        chains = [c for node in sorted(members) for c in self._reached(node, members - {node})]
        yield from self._chains("dependent-members", chains, f"no member of `{self.name}` reaches another")

    def _chains(self, check: str, chains: list[tuple[Edge, ...]], good: str) -> Iterator[Verdict]:
        judge, declaration = _judge(_CONTROL), self.declaration
        for chain in chains:
            sentence = f"{shown(chain[0].start)} reaches {shown(chain[-1].end)}, against `{self.name}`: {told(chain)}"
            related = tuple(declaration.locate(*e.route) for e in chain[1 : _SHOWN + 1])
            at = declaration.locate(*chain[0].route)
            yield judge.failed(check, self.subject, at, sentence, related=related)
        if not chains:
            yield judge.passed(check, self.subject, self._at(), good)

    def _protected(self) -> Iterator[Verdict]:
        judge, declaration, check = _judge(_CONTROL), self.declaration, "protected-member-called"
        callers = {self._node(n) for n in self.contract.callers} | {self._node(n) for n in self.contract.members}
        wrong = False
        for name in dict.fromkeys(self.contract.members):
            node = self._node(name)
            for start, edge in self.graph.into.get(node, {}).items():
                if start in callers:
                    continue
                if (start, node) in self.allowed:
                    self.used.add((start, node))
                    continue
                wrong = True
                verb = "puts data into" if edge.flow else "calls"
                only = ", ".join(f"`{c}`" for c in self.contract.callers) or "nobody"
                sentence = f"{shown(start)} {verb} {shown(node)}, which by `{self.name}` is for {only} only"
                at = declaration.locate(*edge.route)
                yield judge.failed(check, self.subject, at, sentence, related=(self._at(),))
        if not wrong:
            sentence = f"the members of `{self.name}` are called by nobody but its callers"
            yield judge.passed(check, self.subject, self._at(), sentence)

    def _allowances(self) -> Iterator[Verdict]:
        judge, check = _judge(_CONTROL), "allowance-unused"
        for (start, end), index in self.allowed.items():
            at = self.declaration.locate("architecture", "contracts", self.name, "allow", index)
            words = f"the call from {shown(start)} to {shown(end)}"
            if (start, end) in self.used:
                sentence = f"{words} is allowed for a stated reason, and would not be without"
                yield judge.passed(check, self.subject, at, sentence)
            else:
                sentence = f"{words} is allowed, and there is none that breaks `{self.name}`"
                yield judge.failed(check, self.subject, at, sentence)

    def _at(self) -> Location:
        return self.declaration.places.key("architecture", "contracts", self.name)


def contracts(declaration: Declaration, graph: Graph) -> Iterator[Verdict]:
    """Judges every declared contract but those of kind `layers`."""
    for name, contract in declaration.model.architecture.contracts.items():
        if contract.kind != "layers":
            yield from _Contract(declaration, graph, name, contract).judged()

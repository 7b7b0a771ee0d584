"""What reading a contract carries along: its documents, and the problems found so far."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from assay.declare.contract import pointers
from assay.declare.contract.documents import Documents, Resolved
from assay.declare.contract.problems import Problem
from assay.domain import Severity

NOTHING: dict[str, object] = {}


@dataclass(slots=True)
class Context:
    """Errors stop the reading of the contract at its end, so that all of them are told; notes do not."""

    documents: Documents
    errors: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)

    def error(self, check: str, at: Resolved, sentence: str, *, fix: str = "") -> None:
        """Something without which the contract cannot be enforced safely."""
        self.errors.append(Problem(check, at.file, at.pointer, sentence, Severity.HIGH, fix))

    def note(
        self,
        check: str,
        at: Resolved,
        sentence: str,
        *,
        severity: Severity = Severity.LOW,
        fix: str = "",
        reason: str = "",
        group: str = "",
    ) -> None:
        """Something that cannot be enforced, or was read in the safe one of several ways."""
        self.notes.append(Problem(check, at.file, at.pointer, sentence, severity, fix, reason, group))

    def mapping(self, node: Resolved, key: str) -> dict[str, object]:
        """The mapping under a key; empty when it is absent, with an error when it is something else."""
        value = self.own(node).get(key)
        if value is None:
            return NOTHING
        if isinstance(value, dict):
            return value
        self.wrong_type(child(node, key), "a mapping")
        return NOTHING

    def sequence(self, node: Resolved, key: str) -> list[object]:
        """The list under a key; empty when it is absent, with an error when it is something else."""
        value = self.own(node).get(key)
        if value is None:
            return []
        if isinstance(value, list):
            return value
        self.wrong_type(child(node, key), "a list")
        return []

    def text(self, node: Resolved, key: str) -> str | None:
        """The string under a key; None when it is absent, with an error when it is something else."""
        value = self.own(node).get(key)
        if value is None or isinstance(value, str):
            return value
        self.wrong_type(child(node, key), "text")
        return None

    def shown(self, node: Resolved) -> str:
        """The pointer of a node as the contract hands it out: with the file's name unless that is the contract's."""
        return node.pointer if node.file == self.documents.root else node.file + node.pointer

    def at(self, shown: str) -> Resolved:
        """The place that :meth:`shown` named."""
        file, _, fragment = shown.partition("#")
        return Resolved(file or self.documents.root, "#" + fragment, None)

    def own(self, node: Resolved) -> dict[str, object]:
        """The node as a mapping, without a complaint when it is none."""
        return node.value if isinstance(node.value, dict) else NOTHING

    def wrong_type(self, node: Resolved, expected: str) -> None:
        """Complain that a node is not what it should be."""
        name = pointers.steps(node.pointer)[-1:] or ["the document"]
        kind = _KINDS.get(type(node.value), "something else")
        self.error("wrong-type", node, f"`{name[0]}` is {kind} where {expected} is expected", fix=f"write {expected}")

    def object(self, node: Resolved) -> Resolved | None:
        """The node with references followed, if it is a mapping; complains if it is not.

        A reference that leads nowhere was complained about before.
        """
        end = self.documents.end(node)
        if end is None:
            return None
        if not isinstance(end.value, dict):
            self.wrong_type(end, "a mapping")
            return None
        return end


_KINDS: dict[type, str] = {
    dict: "a mapping",
    list: "a list",
    str: "text",
    int: "a number",
    float: "a number",
    bool: "true or false",
    type(None): "empty",
}


def child(node: Resolved, key: str) -> Resolved:
    """The member of a mapping."""
    value = node.value.get(key) if isinstance(node.value, dict) else None
    return Resolved(node.file, f"{node.pointer}/{pointers.escape(key)}", value)


def children(
    node: Resolved, values: dict[str, object], *, skip: Callable[[str], bool] = lambda key: key.startswith("x-")
) -> Iterator[tuple[str, Resolved]]:
    """The members of a mapping at a node, except for those to skip: by default, extensions."""
    file, pointer = node.file, node.pointer
    for key, value in values.items():
        if not skip(key):
            yield key, Resolved(file, f"{pointer}/{pointers.escape(key)}", value)


def items(node: Resolved, values: list[object]) -> Iterator[Resolved]:
    """The items of a list at a node."""
    for index, value in enumerate(values):
        yield Resolved(node.file, f"{node.pointer}/{index}", value)


def flag(node: Resolved, key: str) -> bool | None:
    """A boolean, or None where nothing usable is written."""
    value = node.value.get(key) if isinstance(node.value, dict) else None
    return value if isinstance(value, bool) else None

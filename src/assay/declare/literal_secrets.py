"""Secrets that stand in the declaration as text, in values, keys or comments."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from assay.declare.problem import problem
from assay.declare.yaml_nodes import Node
from assay.declare.yaml_places import Written
from assay.domain import Location, Verdict
from assay.identity.secrets import looks_like_secret

_REASON = "whoever can read the repository, or any copy of its history, has the secret"


def literal_secrets(written: Written, text: str, is_public: Callable[[str], bool]) -> list[Verdict]:
    """A verdict for each text in the file that looks like a secret; the text itself is never repeated.

    ``is_public`` says whether a text is a name that the contract publishes anyway.
    """
    found: dict[Location, str] = {}
    # The same words stand in a declaration again and again; each is judged once.
    kind_of: dict[str, str | None] = {}

    def judged(word: str) -> str | None:
        if word not in kind_of:
            kind = looks_like_secret(word)
            kind_of[word] = kind if kind and not is_public(word) else None
        return kind_of[word]

    spans: list[tuple[int, int]] = []
    for node in _scalars(written.root):
        spans.append((node.start.index, node.end.index))
        if kind := judged(node.text):
            found[Location(written.file, node.start.line, node.start.column)] = kind
    for word, at in _comment_words(text, written.file, spans):
        if kind := judged(word):
            found[at] = kind
    return [
        problem(
            "literal-secret",
            "",
            f"this looks like a secret ({kind})",
            at,
            "replace it by a reference (`secret: env:NAME` or `secret: file:PATH`), and change the secret",
            reason=_REASON,
        )
        for at, kind in found.items()
    ]


def _scalars(root: Node | None) -> Iterator[Node]:
    stack = [root] if root else []
    while stack:
        node = stack.pop()
        if node.kind == "scalar":
            yield node
        for key, value in node.entries:
            stack += [key, value]
        stack += node.items


def _comment_words(text: str, file: str, spans: list[tuple[int, int]]) -> Iterator[tuple[str, Location]]:
    """Words of comments: what follows a `#` at a line's start or after a space, outside every scalar."""
    spans = sorted(spans)
    position = 0
    index = 0
    for number, line in enumerate(text.split("\n"), start=1):
        at = line.find("#")
        while at >= 0:
            here = position + at
            while index < len(spans) and spans[index][1] <= here:
                index += 1
            inside = index < len(spans) and spans[index][0] <= here
            if not inside and (at == 0 or line[at - 1] in " \t"):
                column = at
                for word in line[at:].split(" "):
                    yield word.strip("#\"'`,;()"), Location(file, number, column + 1)
                    column += len(word) + 1
                break
            at = line.find("#", at + 1)
        position += len(line) + 1

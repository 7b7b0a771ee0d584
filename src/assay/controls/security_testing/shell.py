"""Whether a shell script runs a command of Assay, and whether its failure stops anything."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Means = Literal["gates", "ignored", "unclear"]
"""What a run of the command means for the pipeline: a failure ends it, changes nothing, or that cannot be told."""

_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*", re.DOTALL)
_WRAPPERS = (
    ("uv", "run"),
    ("poetry", "run"),
    ("pdm", "run"),
    ("hatch", "run"),
    ("pipenv", "run"),
    ("pipx", "run"),
    ("uvx",),
    ("exec",),
    ("time",),
    ("sudo",),
    ("env",),
    ("command",),
)
_ELSEWHERE = re.compile(
    r"(?:^|[\s;&|])(?:make|just|tox|nox|task|invoke|npm|pnpm|yarn|docker|podman|bash|sh|source|\.)\s|"
    r"(?:^|[\s;&|])\.{1,2}/|\.sh\b"
)
_OPERATORS = frozenset({"&&", "||", ";", "|", "&", "|&", "(", ")", ";;", "!"})
_COMPOUND = frozenset({"if", "while", "until", "for", "case", "!", "{", "function", "then", "else", "do", "elif"})


@dataclass(frozen=True, slots=True)
class Use:
    """One place where a command of Assay is run. ``line`` counts from 0 within the script."""

    command: str
    means: Means
    why: str
    line: int


def uses(script: str, *, pipefail: bool | None = False) -> Iterator[Use]:
    """Every run of ``assay COMMAND`` in a script that ends at the first failure (`sh -e`, as pipelines run theirs).

    ``pipefail``: whether the shell was started so that a pipe fails when any part of it does; None: where it can.
    """
    forgiving = False
    for number, text in _lines(script):
        tokens = _tokens(text)
        if tokens is None:
            if re.search(r"\bassay\s+(check|prove)\b", text):
                command = "prove" if re.search(r"\bassay\s+prove\b", text) else "check"
                yield Use(command, "unclear", "the line cannot be read as one command of a shell", number)
            continue
        if tokens[:2] == ["set", "+e"]:
            forgiving = True
        elif tokens[:1] == ["set"] and any(t.startswith("-") and "e" in t[1:] for t in tokens[1:2]):
            forgiving = False
        if "pipefail" in tokens and tokens[0] == "set":
            pipefail = "+o" not in tokens
        for words, after, rest, nested in _commands(tokens):
            run = _of_assay(words)
            if run is not None:
                yield Use(run, *_meaning(words, after, rest, nested, forgiving, pipefail), number)


def runs_elsewhere(script: str) -> bool:
    """Whether a script hands over to another file, which may run anything."""
    return any(_ELSEWHERE.search(text) for _, text in _lines(script))


def _lines(script: str) -> Iterator[tuple[int, str]]:
    """Lines with their numbers, continued ones as one, comments left out."""
    whole, first = "", 0
    for number, line in enumerate(script.splitlines()):
        if not whole:
            first = number
        if line.rstrip().endswith("\\"):
            whole += line.rstrip()[:-1] + " "
            continue
        whole += line
        if whole.strip() and not whole.lstrip().startswith("#"):
            yield first, whole
        whole = ""
    if whole.strip():
        yield first, whole


def _tokens(text: str) -> list[str] | None:
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = "#"
    try:
        return list(lexer)
    except ValueError:
        return None


def _commands(tokens: list[str]) -> Iterator[tuple[list[str], str, list[str], bool]]:
    """(words, operator after them, what follows, whether inside a condition or a group)."""
    words: list[str] = []
    nested = False
    for index, token in enumerate(tokens):
        if token in _OPERATORS:
            if token in ("(", "!"):
                nested = True
                continue
            if words:
                yield words, token, tokens[index + 1 :], nested
            words = []
            continue
        if not words and token in _COMPOUND:
            nested = True
            continue
        words.append(token)
    if words:
        yield words, "", [], nested


def _of_assay(words: list[str]) -> str | None:
    """The command of Assay that the words run, seen through assignments and runners."""
    rest = list(words)
    for _ in range(len(words)):
        while rest and _ASSIGNMENT.fullmatch(rest[0]):
            rest.pop(0)
        wrapper = next((w for w in _WRAPPERS if tuple(rest[: len(w)]) == w), None)
        if wrapper is None:
            break
        rest = rest[len(wrapper) :]
        while rest and rest[0].startswith("-") and rest[0] not in ("-m",):
            rest.pop(0)
    if len(rest) > 3 and re.fullmatch(r"python[0-9.]*", rest[0].rpartition("/")[2]) and rest[1:3] == ["-m", "assay"]:
        return rest[3]
    if len(rest) > 1 and rest[0].rpartition("/")[2] == "assay":
        return rest[1]
    return None


def _meaning(
    words: list[str], after: str, rest: list[str], nested: bool, forgiving: bool, pipefail: bool | None
) -> tuple[Means, str]:
    if "--help" in words:
        return "ignored", "it only prints its help"
    if "never" in _option(words, "--fail-on"):
        return "ignored", "`--fail-on never` lets every finding pass"
    if after == "||":
        if rest[:1] in (["exit"], ["return"], ["false"]) and rest[1:2] != ["0"]:
            return "gates", ""
        return "ignored", "its failure is caught by `||`"
    if after == "&":
        return "ignored", "it runs in the background, and nobody waits for its result"
    if after in ("|", "|&") and pipefail is None:
        return "unclear", "its result goes into a pipe, and not every shell minds"
    if after in ("|", "|&") and not pipefail:
        return "ignored", "its result is lost in a pipe, since `pipefail` is not set"
    if forgiving:
        return "ignored", "`set +e` lets failures pass"
    if nested:
        return "unclear", "it runs inside a condition or a group"
    return "gates", ""


def _option(words: list[str], name: str) -> list[str]:
    """Every value of an option, written as two words or with `=`."""
    found = [b for a, b in pairwise(words) if a == name]
    return found + [w.partition("=")[2] for w in words if w.startswith(name + "=")]

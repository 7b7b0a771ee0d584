"""A contract's files: the one that was named and, within its directory, those that it refers to."""

from __future__ import annotations

import os
import posixpath
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from assay.declare.contract import pointers
from assay.declare.contract.documents import Documents
from assay.declare.contract.limits import ReadLimits
from assay.declare.contract.parsing import Parsed, ParseFailure, parse
from assay.declare.contract.problems import Problem
from assay.domain import Location, Severity


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a document cannot be had."""

    check: str
    sentence: str
    fix: str
    line: int = 1
    column: int = 1


class Source(Protocol):
    """Where the bytes of documents come from, by the name that people see."""

    def read(self, name: str, limit: int) -> bytes | Refusal:
        """The bytes of a document (at most ``limit`` + 1 of them), or why there are none."""


@dataclass(frozen=True, slots=True)
class Directory:
    """The file at ``path``, shown as ``name``, and what lies in its directory or below."""

    path: Path
    name: str

    def read(self, name: str, limit: int) -> bytes | Refusal:
        """See :class:`Source`. Symbolic links that leave the directory are refused too."""
        try:
            top = self.path.parent.resolve()
            if name == self.name:
                path = self.path
            elif posixpath.isabs(name) != posixpath.isabs(self.name):
                return _outside(name)
            else:
                path = (top / posixpath.relpath(name, posixpath.dirname(self.name) or ".")).resolve()
                if not path.is_relative_to(top):
                    return _outside(name)
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as stream:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    return Refusal("contract-unreadable", f"`{name}` is not a regular file", "name an OpenAPI document")
                return stream.read(limit + 1)
        except FileNotFoundError:
            return Refusal("contract-unreadable", f"there is no file `{name}`", "correct the path")
        except (OSError, ValueError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or "the path is not valid"
            return Refusal("contract-unreadable", f"`{name}` cannot be read: {reason}", "make it readable")


@dataclass(frozen=True, slots=True)
class Single:
    """One document given as bytes; it has no neighbours."""

    name: str
    data: bytes

    def read(self, name: str, limit: int) -> bytes | Refusal:
        """See :class:`Source`."""
        if name == self.name:
            return self.data[: limit + 1]
        return Refusal(
            "reference-outside-tree",
            f"`{name}` is another document, and this contract was read from one document alone",
            "save the contract and the documents it refers to in one directory and name the file",
        )


def _outside(name: str) -> Refusal:
    return Refusal(
        "reference-outside-tree",
        f"`{name}` lies outside the contract's directory",
        "move it below the directory of the contract",
    )


def load(name: str, source: Source, limits: ReadLimits) -> tuple[Documents, dict[str, Refusal]]:
    """The document ``name`` and everything it refers to; for each document that could not be had, the reason."""
    documents = Documents(name)
    refused: dict[str, Refusal] = {}
    waiting = [name]
    total = 0
    while waiting:
        current = waiting.pop(0)
        if current in documents or current in refused:
            continue
        if len(documents.parsed()) >= limits.documents:
            refused[current] = Refusal(
                "too-large",
                f"the contract consists of more than {limits.documents} files",
                "bundle it into fewer files",
            )
            continue
        read = _read(current, source, limits, limits.total_bytes - total)
        if isinstance(read, Refusal):
            refused[current] = read
            continue
        parsed, size = read
        total += size
        documents.add(current, parsed)
        for reference in sorted(parsed.references):
            file, _ = pointers.split_reference(reference)
            if file and not pointers.is_remote(file):
                waiting.append(pointers.sibling(current, file))
    return documents, refused


def _read(name: str, source: Source, limits: ReadLimits, left: int) -> tuple[Parsed, int] | Refusal:
    data = source.read(name, limits.file_bytes)
    if isinstance(data, Refusal):
        return data
    if len(data) > left:
        return Refusal(
            "too-large",
            f"the contract's files have more than {limits.total_bytes:,} bytes together",
            "split the contract, or leave out examples",
        )
    try:
        return parse(data, limits=limits, suffix=posixpath.splitext(name)[1].lower()), len(data)
    except ParseFailure as failure:
        return Refusal(failure.check, failure.sentence, failure.fix, failure.line, failure.column)


def as_problem(name: str, refusal: Refusal) -> Problem:
    """A refusal of the document itself, told at the place in it where reading stopped."""
    return Problem(
        refusal.check,
        name,
        "#",
        refusal.sentence,
        Severity.HIGH,
        refusal.fix,
        location=Location(name, refusal.line, refusal.column),
    )

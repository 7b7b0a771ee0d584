"""One vocabulary for rights of every platform, and when one right answers another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Literal, get_args

from assay.domain import Location

Operation = Literal["read", "write", "delete", "execute", "admin", "impersonate", "grant"]
OPERATIONS: tuple[Operation, ...] = get_args(Operation)
EVERYTHING = "*"
NO_ROWS = "no row"
"""The rows of a right that reaches none today, and would as soon as somebody adds a policy."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One thing that a principal may do.

    Attributes:
        object: as the platform names it; `*` stands for any text.
        right: the platform's own word (``INSERT``, ``s3:GetObject``); two rights of one operation differ by it. Empty:
            every right of the operation.
        source: where this was read.
        since: since when it is held; None: the source does not say.
        via: what it comes through (roles, groups, policies), outermost first; empty: held directly.
        rows: the condition that lets it reach some rows only; empty: all of them.
        future: it is about objects that do not exist yet.
        at: where it was written, for rights that stand in a file.
    """

    principal: str
    object: str
    operation: Operation
    right: str = ""
    source: str = ""
    since: date | None = None
    via: tuple[str, ...] = ()
    rows: str = ""
    future: bool = False
    at: Location | None = None

    @property
    def wildcard(self) -> bool:
        """Whether it is about objects that nobody listed."""
        return EVERYTHING in self.object or self.future

    def __str__(self) -> str:
        through = f" through {' → '.join(self.via)}" if self.via else ""
        future = "future objects of " if self.future else ""
        return f"{self.right or self.operation} on {future}{self.object}{through}"


@dataclass(frozen=True, slots=True)
class Unclear:
    """Something that a source says and that does not decide a right."""

    sentence: str
    at: Location | None = None


@dataclass(frozen=True, slots=True)
class Rights:
    """Everything that a source says about one principal.

    Attributes:
        unclear: what cannot be decided; with anything in here, the grants are no complete list.
        powers: attributes beside rights on objects, such as ``superuser`` or ``bypassrls``.
        records: how many records an object holds, where the source knows.
        behind: what an object shows of others (a view, of its tables).
    """

    principal: str
    source: str
    grants: tuple[Grant, ...] = ()
    unclear: tuple[Unclear, ...] = ()
    powers: frozenset[str] = frozenset()
    records: Mapping[str, int] = field(default_factory=dict)
    behind: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Use:
    """A right that was seen in use. ``right`` empty: some right of this operation; ``last`` None: nobody knows when."""

    object: str
    operation: Operation
    right: str = ""
    last: date | None = None


@dataclass(frozen=True, slots=True)
class Uses:
    """What was used of an account's rights.

    Attributes:
        since: from when on this was watched; None: nobody knows, so that nothing can be called unused.
        complete: whether what is not in here was not used. False: ``unclear`` says why.
        measures: the rights that this can tell about; others are not judged by it. Empty: every right.
    """

    uses: tuple[Use, ...] = ()
    since: date | None = None
    complete: bool = False
    unclear: tuple[Unclear, ...] = ()
    source: str = ""
    measures: frozenset[str] = frozenset()


def covers(held: Grant, other: Grant | Use) -> bool:
    """Whether a right that is held would be enough to do what another one does. To administer everything is."""
    if held.operation == "admin" and held.object == EVERYTHING:
        return True
    if held.operation != other.operation:
        return False
    if held.right and other.right and not matches(held.right, other.right):
        return False
    return bool(held.future) == bool(getattr(other, "future", False)) and matches(held.object, other.object)


def touches(held: Grant, other: Grant | Use) -> bool:
    """Whether doing ``other`` takes some of ``held``: either is part of the other."""
    if held.operation != other.operation:
        return False
    if held.right and other.right and not (matches(held.right, other.right) or matches(other.right, held.right)):
        return False
    return matches(held.object, other.object) or matches(other.object, held.object)


@lru_cache(maxsize=65536)
def matches(pattern: str, name: str) -> bool:
    """Whether a pattern with `*` (any text) and `?` (any character, as AWS has it) fits a name, or a narrower pattern.

    What stands in parentheses belongs to what stands before them: a column to its table, arguments to their function.
    Takes at most len(pattern) × len(name) steps: patterns come from files that others wrote.
    """
    if pattern in (name, EVERYTHING):
        return True
    if "(" in name and "(" not in pattern:
        name = name[: name.index("(")]
    at = here = 0
    star, back = -1, 0
    while here < len(name):
        if at < len(pattern) and pattern[at] == "*":
            star, back = at, here
            at += 1
        elif at < len(pattern) and name[here] != "*" and pattern[at] in ("?", name[here]):
            at, here = at + 1, here + 1
        elif star >= 0:
            back += 1
            at, here = star + 1, back
        else:
            return False
    return all(c == "*" for c in pattern[at:])


def distinct(grants: Iterable[Grant]) -> tuple[Grant, ...]:
    """The grants without those that say nothing new: the same right once for each way it comes by."""
    return tuple(dict.fromkeys(grants))

"""The catalogue of the zoo: every deliberate flaw, what it is, where it is, and what it takes to see it.

A flaw is a switch in a service. With no switch on, the same code is the safe twin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

Needs = Literal[
    "one request",  # and nothing else: what a scanner without any account can see
    "one identity",
    "two identities",
    "two roles",
    "sequence",  # several calls in an order
    "effect",  # the answer looks right; only a look at the object afterwards tells
    "outside the contract",
    "many requests",
    "listener",  # a server of the tester's own, which the service is made to call
    "the issuer's key",  # to make a token that the issuer would not
    "shared secret",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """One deliberate flaw.

    Attributes:
        id: the switch: ``--flaws id``.
        service: which of the services has it.
        rows: rows of the probe catalogue (``AV17``) that it violates, the most fitting one first.
        control: the control that should have prevented it.
        operation: operationId where it shows; empty: outside the contract, or everywhere.
        also: other operations where the same switch shows; a finding there is no false alarm.
        needs: what a tester needs at least.
        hint: how a tester sees it, in a line: a request, an input, or where to look.
        hides: flaws that cannot be told, or seen at all, while this one is on.
    """

    id: str
    service: str
    title: str
    rows: tuple[str, ...]
    control: str
    operation: str
    needs: Needs
    explanation: str
    hint: str = ""
    also: tuple[str, ...] = ()
    hides: tuple[str, ...] = ()

    def explains(self, operation: str, rows: Iterable[str]) -> bool:
        """Whether a finding is due to this flaw, and no false alarm.

        Args:
            operation: operationId that the finding is about; empty: about none of the contract.
            rows: rows of the probe catalogue that the finding is about.
        """
        where = not self.operation or operation in (self.operation, *self.also)
        return where and bool(set(rows) & set(self.rows))


class Switches:
    """Which flaws are on, in one service.

    Args:
        on: ids of flaws.

    Raises:
        LookupError: there is no such flaw.
    """

    def __init__(self, on: Iterable[str] = ()) -> None:
        self.on = frozenset(find(flaw_id).id for flaw_id in on)

    def __contains__(self, flaw_id: str) -> bool:
        return find(flaw_id).id in self.on

    def __bool__(self) -> bool:
        return bool(self.on)


def describing(service: str) -> Callable[..., Flaw]:
    """A short way to write down flaws of one service: id, rows, control, operation, needs, title, explanation."""

    def describe(
        flaw_id: str, rows: str, control: str, operation: str, needs: Needs, title: str, why: str, **more: Any
    ) -> Flaw:
        given = {"id": flaw_id, "service": service, "rows": tuple(rows.split()), "control": control, **more}
        return Flaw(operation=operation, needs=needs, title=title, explanation=why, **given)

    return describe


def catalogue() -> tuple[Flaw, ...]:
    """Every flaw, by service, in the order of the probe catalogue."""
    return tuple(_BY_ID.values())


def find(flaw_id: str) -> Flaw:
    """The flaw with this id.

    Raises:
        LookupError: there is none; the message lists those there are.
    """
    try:
        return _BY_ID[flaw_id]
    except KeyError:
        raise LookupError(f"no flaw `{flaw_id}`; there are: {', '.join(_BY_ID)}") from None


def of_service(service: str) -> tuple[Flaw, ...]:
    """The flaws of one service."""
    return tuple(flaw for flaw in catalogue() if flaw.service == service)


def together(service: str) -> tuple[tuple[Flaw, ...], ...]:
    """The flaws of a service in as few groups as will do so that none hides another of its group."""
    groups: list[list[Flaw]] = []
    for flaw in of_service(service):
        for group in groups:
            if not any(flaw.id in other.hides or other.id in flaw.hides for other in group):
                group.append(flaw)
                break
        else:
            groups.append([flaw])
    return tuple(tuple(group) for group in groups)


def table() -> str:
    """The catalogue as aligned text, a flaw a line."""
    head = ("flaw", "service", "rows", "control", "operation", "needs", "title")
    rows = [
        (f.id, f.service, ",".join(f.rows), f.control, f.operation or "(none)", f.needs, f.title) for f in catalogue()
    ]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head) - 1)]
    lines = [
        "  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[-1]]) for row in [head, *rows]
    ]
    return "\n".join(lines) + "\n"


def _gather() -> dict[str, Flaw]:
    from tests.zoo.catalogue import clinic, files, shop

    found: dict[str, Flaw] = {}
    for flaw in (*shop.FLAWS, *clinic.FLAWS, *files.FLAWS):
        if flaw.id in found:
            raise ValueError(f"two flaws are called `{flaw.id}`")
        found[flaw.id] = flaw
    return found


_BY_ID = _gather()

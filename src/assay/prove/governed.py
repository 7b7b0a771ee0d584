"""What a case about the gateway's own configuration may look at: its files, what Envoy runs, versions, an application.

None of it calls the gateway; nothing of the live gateway is changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

Eyes = Literal["two", "claimed", "one", "unknown"]


@dataclass(frozen=True, slots=True)
class Files:
    """Whether the files of the gateway are as they were written when the policy was applied.

    Attributes:
        number: the version that is live.
        altered: sentences, each naming a file that is not.
        looked: how many files were compared. left: how many stored versions are too large to be compared as well.
    """

    number: int
    altered: tuple[str, ...]
    looked: int
    left: int = 0


@dataclass(frozen=True, slots=True)
class Running:
    """Whether Envoy runs what it was seen to run when the policy was applied.

    Attributes:
        same: whether it shows the same now. differing: where it does not, as paths into its configuration.
    """

    number: int
    same: bool
    differing: tuple[str, ...] = ()
    resources: int = 0


@dataclass(frozen=True, slots=True)
class Applied:
    """A version of the policy, as state and evidence log know it.

    Attributes:
        recorded: whether the log says that it was applied; None: the log began later.
        problems: sentences about what state and log say differently.
        loosens: what it let through in production that the one before did not; empty: nothing.
        compared: whether that was looked at; otherwise the policies are gone, damaged or too many.
        approvers: who approved that; ``signed``: whether by keys of declared people.
        eyes: whether two people are behind it, and which: shown by signatures, claimed, or not.
        source: where it came from, for people: a commit, or why none is known.
    """

    number: int
    live: bool
    recorded: bool | None
    problems: tuple[str, ...] = ()
    loosens: str = ""
    compared: bool = True
    approvers: tuple[str, ...] = ()
    signed: bool = False
    eyes: Eyes = "unknown"
    people: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of applying a policy that lets more through, which nobody approved, to a copy of the gateway's state.

    Attributes:
        loosens: what it would have let through. plan: the digest that somebody would have had to approve.
        refused: what the refusals said: without an approval, and with that of another plan; None where it was applied.
        changed: whether the copy was not as before afterwards.
    """

    loosens: str
    plan: str
    refused: tuple[str | None, ...]
    changed: bool


class Governed(Protocol):
    """The state of the gateway that is tested. Everything raises :class:`assay.prove.case.NotReached` with a reason."""

    async def files(self) -> Files:
        """Compares the files with the digests that were noted."""

    async def running(self) -> Running:
        """Asks Envoy what it runs."""

    async def versions(self) -> tuple[Applied, ...]:
        """Every version that is known, newest first."""

    async def attempt(self) -> Attempt:
        """Tries an application in a copy, after one that must succeed there did."""


__all__ = ["Applied", "Attempt", "Eyes", "Files", "Governed", "Running"]

"""Whether a change was seen by two people: what signatures show, and what is merely claimed.

An author's name is what the committer wrote, so a signature of one person shows one person. Two signatures of different
people do show two: of the commit, and of the merge that brought it in. Trailers such as ``Reviewed-by:`` are claims.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from assay.controls.governance.git import Change, Commit, Key, Keys, Named
from assay.declare.model import Model, Person

Eyes = Literal["two", "claimed", "one"]


@dataclass(frozen=True, slots=True)
class Reviewed:
    """Who is behind a change.

    Attributes:
        eyes: ``two``: signatures of two people show it; ``claimed``: somebody wrote so; ``one``: nobody else is named.
        author, reviewer: ids of declared people where they are known, else as written; ``reviewer`` may be empty.
        signed: whether the commit itself is signed by a declared person.
    """

    eyes: Eyes
    author: str
    reviewer: str = ""
    signed: bool = False


def keys_of(model: Model) -> Keys:
    """The declared people's keys, to verify signatures of commits."""
    return {name: tuple(Key(k.key, k.since, k.until) for k in person.keys) for name, person in model.people.items()}


def reviewed(change: Change, people: Mapping[str, Person]) -> Reviewed:
    """Who made a change, and whether somebody else saw it."""
    known = {p.email.lower(): name for name, p in people.items() if p.email}

    def who(named: Named) -> str:
        return known.get(named.email.lower(), "") or (str(named) if named.email else named.name)

    def signer(commit: Commit) -> str:
        return commit.signature.person if commit.signature.person in people else ""

    commit = change.commit
    first = signer(commit)
    author = first or who(commit.author)
    for merge in change.merges:
        second = signer(merge)
        if first and second and second != first:
            return Reviewed("two", author, second, signed=True)
    claims = (
        *(signer(m) for m in change.merges),
        *(who(r) for c in (commit, *change.merges) for r in c.reviewers),
        *(who(m.committer) for m in change.merges),
    )
    claimed = next((c for c in claims if c and c not in (author, who(commit.author))), "")
    return Reviewed("claimed" if claimed else "one", author, claimed, signed=bool(first))


__all__ = ["Reviewed", "keys_of", "reviewed"]

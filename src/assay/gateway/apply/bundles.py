"""What the parts beside Envoy read: written first, and waited for until the part says that it has it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from assay.domain import IncompleteError
from assay.identity.files import write_private

Reported = Callable[[], Awaitable[str | None]]
"""The digest of the bundle that a part works with; None while it does not answer."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """One part's share of a policy.

    Attributes:
        part: the part's name, for people.
        path: the file the part watches.
        data: what to put there.
        digest: what the part reports once it works with it.
        reported: asks the part.
    """

    part: str
    path: Path
    data: bytes
    digest: str
    reported: Reported


def write(bundles: Sequence[Bundle]) -> None:
    """Replaces the files the parts watch. Raises :class:`AssayError` when the disk refuses."""
    for bundle in bundles:
        write_private(bundle.path, bundle.data)


async def taken(bundles: Sequence[Bundle], *, within: float, poll: float = 0.05) -> None:
    """Waits until every part works with its new bundle.

    Raises:
        IncompleteError: one of them did not within ``within`` seconds; the sentence names it.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    for bundle in bundles:
        while (said := await bundle.reported()) != bundle.digest:
            if loop.time() >= deadline:
                answer = "does not answer" if said is None else "still works with an earlier one"
                raise IncompleteError(
                    f"the {bundle.part} did not take its part of the policy within {within:g} s: it {answer}",
                    fix=f"look at the log of the {bundle.part}; what was live before is live again",
                )
            await asyncio.sleep(poll)

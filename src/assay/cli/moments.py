"""A moment that somebody typed: ``--at 2026-12-01``, or with a time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from assay.domain import UsageError

AtOption = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", help="Judge at this moment instead of now: 2026-12-01, or 2026-12-01T12:00."),
]


def moment(text: str | None, now: datetime) -> datetime:
    """The moment in UTC; a day means its first, and a time without a zone is UTC. None: ``now``.

    Raises:
        UsageError: it is neither a day nor a time.
    """
    if text is None:
        return now
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"`{text}` is no date or time", fix="write it as 2026-12-01 or 2026-12-01T12:00") from error

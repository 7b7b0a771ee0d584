"""Verdicts as one versioned JSON object."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from assay.domain import Verdict
from assay.report.summary import summarise

VERSION = 1


def document(**members: Any) -> str:
    """A published JSON object: ``version`` first, then the members given."""
    # Not with the standard library: it indents in Python, which took a third of the time of a large `check`.
    return msgspec.json.format(msgspec.json.encode({"version": VERSION, **members}), indent=2).decode()


def render(verdicts: Iterable[Verdict], **more: Any) -> str:
    """``{"version": 1, "summary": …, "verdicts": […]}``."""
    verdicts = tuple(verdicts)
    return document(summary=summarise(verdicts).as_json(), verdicts=[v.as_json() for v in verdicts], **more)

"""Verdicts as one versioned JSON object."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from assay.domain import Verdict
from assay.report.summary import summarise

VERSION = 1


def document(**members: Any) -> str:
    """A published JSON object: ``version`` first, then the members given."""
    return json.dumps({"version": VERSION, **members}, indent=2, ensure_ascii=False)


def render(verdicts: Iterable[Verdict], **more: Any) -> str:
    """``{"version": 1, "summary": …, "verdicts": […]}``."""
    verdicts = tuple(verdicts)
    return document(summary=summarise(verdicts).as_json(), verdicts=[v.as_json() for v in verdicts], **more)

"""Which mappings count as reviewed: those that a person signed for, in the words that they have now."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from assay.decisions import Decisions
from assay.frameworks.coverage import Reviews
from assay.frameworks.crosswalk import Link

MAPPING_REVIEW = "mapping-review"
"""The kind of decision."""


def reviews(decisions: Decisions, links: Iterable[Link], at: datetime) -> Reviews:
    """The digests that count by then, by the subject of a link. A link whose words changed since is proposed again."""
    found: dict[str, tuple[str, ...]] = {}
    for link in links:
        signed = decisions.decided(MAPPING_REVIEW, link.subject, link.digest)
        if any(d.time <= at for d in signed):
            found[link.subject] = (link.digest,)
    return found

"""Turns answers into rows. A row holds only when both sides did what the walk claims they do."""

from __future__ import annotations

from assay.demo.rows import Row, Side
from assay.demo.scene import Answer
from assay.gateway.decision import Decision

Through = tuple[Answer, Decision]


def said(answer: Answer, note: str = "") -> str:
    """The status and what it means."""
    shown = str(answer.status) if answer.status else "no answer"
    return f"{shown} {note}".strip()


def bare(answer: Answer, note: str, *, shown: bool = True) -> Side:
    """The bare service let it happen (``shown``: the answer proves it, beyond its status)."""
    as_claimed = 200 <= answer.status < 300 and shown
    return Side(said(answer, note if as_claimed else "not as claimed"), as_claimed)


def refused(
    topic: str, attempt: str, through: Through, *statuses: int, direct: Side | None = None, note: str = "refused"
) -> Row:
    """An attack that the gateway must refuse, by a policy of its own, with one of ``statuses``."""
    answer, decision = through
    good = answer.status in statuses and decision.outcome == "refused"
    side = Side(said(answer, note if good else "NOT REFUSED AS CLAIMED"), good)
    return Row(topic, "attack", attempt, direct, side, decision.policy)


def permitted(
    topic: str, attempt: str, through: Through, *, direct: Side | None = None, note: str = "", shown: bool = True
) -> Row:
    """A legitimate call that must pass (``shown``: and give what it is called for)."""
    answer, decision = through
    good = 200 <= answer.status < 300 and decision.outcome == "allowed" and shown
    side = Side(said(answer, (note or "passes") if good else "SHOULD HAVE PASSED"), good)
    return Row(topic, "legitimate", attempt, direct, side, decision.policy)

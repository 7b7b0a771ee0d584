"""Accepted deviations: what is accepted, until when, and by whom."""

from __future__ import annotations

from collections.abc import Iterable

from htpy import Node, details, div, li, ol, p, span, strong, summary

from assay.report.html.parts import grid, mono
from assay.report.judgement import ExceptionNote

_SOON = 30
_TONES = {"active": "warn", "approved": "info", "requested": "none", "withdrawn": "none"}


def section(notes: Iterable[ExceptionNote]) -> Node:
    """A table with a countdown, and what each of them covers."""
    notes = tuple(notes)
    if not notes:
        return p["None is declared: nothing that was found is accepted."]
    counting = [n for n in notes if n.state in ("active", "approved")]
    lead = f"{len(counting)} of {len(notes)} count. An exception hides nothing and lowers no risk; it ends by itself."
    return [p[lead], div(".wide")[grid(_HEADINGS, map(_row, notes))], [_covered(n) for n in notes if n.covers]]


_HEADINGS = ("exception", "accepted", "why", "by whom", "until", "state")


def _row(note: ExceptionNote) -> tuple[Node, ...]:
    accepted: Node = [mono(note.check or note.control), " on ", mono(note.on)]
    who: Node = [
        div[f"owner: {note.owner}"],
        div[f"requested: {note.requested_by}"] if note.requested_by else None,
        div[f"approved: {note.approved_by}" if _agreed(note) else f"approver: {note.approved_by}"],
        div(".small")["by signature" if note.signed else "only claimed: nobody signs here"] if _agreed(note) else None,
    ]
    beside = f"beside it: {', '.join(note.compensating)}" if note.compensating else ""
    return (
        mono(note.id),
        accepted,
        [note.reason, div(".small")[beside] if beside else None],
        who,
        _until(note),
        _state(note),
    )


def _agreed(note: ExceptionNote) -> bool:
    return note.state in ("active", "approved", "matches nothing", "expired")


def _until(note: ExceptionNote) -> Node:
    day = note.expires.isoformat()
    if note.days < 0:
        return [day, div(".small")[f"{-note.days} days ago"]]
    left = "its last day" if note.days == 0 else f"{note.days} days left"
    return [day, div(".small")[strong[left] if note.days <= _SOON else left]]


def _state(note: ExceptionNote) -> Node:
    tone = _TONES.get(note.state, "bad")
    sign = {"warn": "!", "info": "○", "none": "–", "bad": "✗"}[tone]
    chip = span(class_=f"chip {tone}")[f"{sign} {note.state}"]
    return [chip, div(".small")[note.missing] if note.missing else None]


def _covered(note: ExceptionNote) -> Node:
    return details[
        summary[f"What {note.id} is about today: {len(note.covers)}"], ol[(li[each] for each in note.covers)]
    ]

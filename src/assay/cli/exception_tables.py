"""Exceptions as tables and as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from assay.app.deciding import Traces
from assay.app.exceptions import Listed
from assay.cli.console import tables
from assay.cli.words import counted
from assay.decisions import Decision
from assay.report.plain import plain

_SOON = 30
_STYLES = {
    "active": "green",
    "approved": "green",
    "requested": "yellow",
    "unsigned": "yellow",
    "altered since": "bold red",
    "matches nothing": "yellow",
    "expired": "bold red",
    "withdrawn": "dim",
}


def as_json(each: Listed) -> dict[str, object]:
    """The published shape (version 1)."""
    entry, consent = each.entry, each.consent
    return {
        "id": consent.id,
        "state": each.state,
        "signed": each.signed,
        "control": entry.control,
        "check": entry.check,
        "on": entry.on,
        "reason": entry.reason,
        "owner": entry.owner,
        "approved_by": entry.approved_by,
        "compensating": list(entry.compensating),
        "expires": entry.expires.isoformat(),
        "days_left": each.days,
        "covers": {"design": len(each.design), "proven": len(each.proven)},
        "requested": _decision(consent.requested),
        "approved": _decision(consent.approved),
        "withdrawn": _decision(consent.withdrawn),
        "missing": consent.missing or None,
        "command": consent.command or None,
        "digest": consent.digest,
        "location": {"file": each.location.file, "line": each.location.line, "column": each.location.column},
    }


def _decision(decision: Decision | None) -> dict[str, str] | None:
    if decision is None:
        return None
    return {
        "person": decision.person,
        "time": decision.time.isoformat(),
        "reason": decision.reason,
        "key": decision.keyid,
        "file": decision.file,
    }


def show_table(found: Sequence[Listed]) -> None:
    """One line for each, and below them what is still missing."""
    table = Table("id", "state", "until", "covers", "deviates from", "on", "signed", box=None, header_style="bold")
    for each in found:
        entry, consent = each.entry, each.consent
        style = _STYLES[each.state]
        table.add_row(
            escape(plain(consent.id)),
            f"[{style}]{escape(_state(each))}[/]",
            f"{entry.expires.isoformat()} ({_days(each.days)})",
            _covers(each),
            escape(plain(entry.control + (f"/{entry.check}" if entry.check else ""))),
            escape(plain(entry.on)),
            escape(plain(_signed(each))),
        )
    console = tables()
    console.print(table)
    for each in found:
        if each.consent.missing and each.state != "expired":
            console.print(f"\n[yellow]{escape(plain(each.consent.id))}[/]: {escape(plain(each.consent.missing))}")
            if each.consent.command:
                console.print(f"  [green]fix[/] {escape(each.consent.command)}", soft_wrap=True)


def show_one(console: Console, each: Listed) -> None:
    """An exception in full, for whoever is to decide on it."""
    entry = each.entry
    of = entry.control + (f"/{entry.check}" if entry.check else "")
    lines = (
        ("deviates from", f"{of} on {entry.on}"),
        ("reason", entry.reason),
        ("owner", entry.owner),
        ("compensated by", ", ".join(entry.compensating) or "nothing"),
        ("until", f"{entry.expires.isoformat()} ({_days(each.days)})"),
        ("requested by", each.consent.requested.person if each.consent.requested else "nobody"),
    )
    for name, value in lines:
        console.print(f"[bold]{name:>15}[/]  {escape(plain(value))}")


def show_traces(seen: Traces) -> list[dict[str, str | None]]:
    """What files and log say differently of decisions, one entry each."""
    said: list[tuple[str, str | None, str]] = []
    for d in seen.only_files:
        said.append((d.id, d.file, f"{d.person}'s {d.kind} of {d.time:%Y-%m-%d} is only in the files"))
    for e in seen.only_log:
        what = f"{e.stated.person}'s {e.stated.kind} on {e.stated.subject}"
        said.append((e.id, None, f"{what} is only in the log: its file is gone, or does not count"))
    for e in seen.late:
        what = f"{e.stated.person}'s {e.stated.kind}"
        said.append((e.id, None, f"{what} says {e.stated.time}, and the log kept it at {e.time:%Y-%m-%dT%H:%M:%SZ}"))
    return [{"id": id_, "file": file, "sentence": sentence} for id_, file, sentence in said]


def _state(each: Listed) -> str:
    if each.state in ("active", "approved"):
        if 0 <= each.days <= _SOON:
            return f"expires in {counted(each.days, 'day')}"
        return each.state if each.signed else f"{each.state}, only claimed"
    return each.state


def _days(days: int) -> str:
    return f"{counted(days, 'day')} left" if days >= 0 else f"{counted(-days, 'day')} ago"


def _covers(each: Listed) -> str:
    parts = [f"{len(each.design)} of design"] * bool(each.design) + [f"{len(each.proven)} proven"] * bool(each.proven)
    return ", ".join(parts) or "nothing"


def _signed(each: Listed) -> str:
    consent = each.consent
    if not each.signed:
        return f"nobody (said to be approved by {each.entry.approved_by})"
    if consent.withdrawn:
        return f"withdrawn by {consent.withdrawn.person}"
    who = [f"requested by {consent.requested.person}"] if consent.requested else []
    who += [f"approved by {consent.approved.person}"] if consent.approved else []
    return ", ".join(who) or "nobody"

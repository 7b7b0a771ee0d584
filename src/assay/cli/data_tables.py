"""How the results of ``assay data`` are shown to people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from assay.app.data_scan import Looked
from assay.app.data_view import Told
from assay.app.data_where import Whereabouts
from assay.cli.console import err, out, tables
from assay.report.plain import plain
from assay.sensitivity.dpia import Assessment

_EXPLAINED = 20


def show_scan(looked: Iterable[Looked]) -> None:
    """Each finding on a line of its own; how much was read goes to standard error."""
    looked = tuple(looked)
    console = out()
    for one in looked:
        for seen in one.seen:
            found = seen.found
            where = f"{seen.file}:{seen.line}"
            pointer = f" {found.path}" if found.path else f" characters {found.start} to {found.end}"
            sure = f"{found.confidence}, checked" if found.validated else str(found.confidence)
            name = " (the name itself)" if found.within == "name" else ""
            console.print(f"[bold]{escape(plain(where))}[/]", end="")
            console.print(plain(f"{pointer}{name}  "), end="", markup=False)
            console.print(f"[yellow]{found.detector}[/] {found.category} ({sure})  ", end="")
            console.print(plain(found.shape), markup=False)
        if one.unread:
            err().print(f"[yellow]not all of {escape(plain(one.file))} was read[/]: {escape(plain(one.unread))}")
    values, found_in_all = sum(o.values for o in looked), sum(len(o.seen) for o in looked)
    err().print(f"{found_in_all} found in {values} values of {len(looked)} file{'s' * (len(looked) != 1)}")


def show_where(found: Whereabouts) -> None:
    """Tables: fields, stores, flows, operations, and who sees it."""
    console = out()
    console.print(f"[bold]{found.category}[/]  {escape(found.title)}")
    if not found.fields:
        console.print("no declared field is of this category, and none lets conclude it")
        return
    table(
        "Fields",
        ("field", "", "category", "level", "declared at"),
        [(f"{f.data}.{f.name}", f.how, f.category, f.level, str(f.at)) for f in found.fields],
    )
    table(
        "Stored",
        ("system", "data set", "field", "form", "through"),
        [
            (
                k.system,
                k.data,
                k.field,
                k.form if k.state == "there" else "gone, if what is declared works",
                ", ".join(k.via),
            )
            for k in found.kept
        ],
    )
    table(
        "On the way",
        ("flow", "field", "changed", "seen to work"),
        [
            (c.flow, c.field, c.transform, "yes" if c.verified else "" if c.transform == "as it is" else "no")
            for c in found.carried
        ],
    )
    table("Answered by", ("API", "operations"), [(api, ", ".join(names)) for api, names in found.answered.items()])
    table(
        "Seen by",
        ("who", "where", "field", "form", "by", "clearance"),
        [
            (
                s.principal,
                s.place,
                s.field,
                s.form,
                few(s.by),
                (s.clearance or "") + ("" if s.cleared else ", too low"),
            )
            for s in found.seen
        ],
    )


def few(names: tuple[str, ...]) -> str:
    """The first three names, and how many more there are."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def table(title: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """A table as wide as what it holds; none without rows."""
    if not rows:
        return
    shown = Table(*head, title=title, title_justify="left", box=None, header_style="bold", pad_edge=False)
    for row in rows:
        shown.add_row(*(escape(plain(cell)) for cell in row))
    tables().print(shown)


def show_blends(found: tuple[Told, ...], *, in_full: bool) -> None:
    """A table of all; in words those above their clearance, or each one (``in_full``)."""
    console = out()
    if not found:
        console.print("nobody reaches any data by what is declared")
        return
    rows = []
    for told in found:
        b = told.blend
        judged = "above clearance" if b.above else "above, until verified" if b.verified_above else ""
        objects = " + ".join(f"{o.data} ({o.place})" for o in b.objects)
        rows.append(
            (b.principal.name, b.principal.clearance or "–", b.claimed.level, b.verified.level, judged, objects)
        )
    table("What can be put together", ("who", "clearance", "claimed", "verified", "", "of"), rows)
    wanted = [told for told in found if in_full or told.blend.above]
    shown = wanted if in_full else wanted[:_EXPLAINED]
    for told in shown:
        explain(console, told)
    if len(wanted) > len(shown):
        console.print(f"\n{len(wanted) - len(shown)} more are above their clearance; --principal explains each")


def explain(console: Console, told: Told) -> None:
    """How the label of a blend was concluded, and what would make it less."""
    b = told.blend
    console.print(f"\n[bold]{escape(b.principal.name)}[/]: {b.claimed.level}", end="")
    console.print(f" (verified: {b.verified.level})" if b.verified.level != b.claimed.level else "")
    for step in b.steps:
        console.print(f"  [dim]{step.rule:<3}[/] {escape(plain(step.sentence))} → {step.level}")
    for word in b.claimed.unknown:
        console.print(f"  [dim]not known:[/] {escape(plain(word))}")
    for change in told.what_ifs:
        console.print(f"  [green]if[/] {escape(plain(change.sentence))}: {change.label.level}")


def assessed(one: Assessment) -> dict[str, object]:
    """The published shape of an assessment (version 1)."""
    return {
        "data": one.data,
        "required": one.required,
        "file": one.file,
        "criteria": [
            {"number": c.number, "name": c.name, "state": c.state, "how": c.how, "reason": c.reason}
            for c in one.criteria
        ],
    }


def show_dpia(found: tuple[Assessment, ...]) -> None:
    """A table of the nine criteria for each data set."""
    if not found:
        out().print("no data set is about people")
    words = {True: "required", False: "not required", None: "depends on what nobody says"}
    for one in found:
        held = f", kept in {one.file}" if one.file else ", none declared" if one.required else ""
        title = f"{one.data}: {words[one.required]} ({len(one.met)} of 9 met){held}"
        table(
            title,
            ("", "criterion", "state", "how", "why"),
            [(str(c.number), c.name, c.state, c.how, c.reason) for c in one.criteria],
        )

"""The walk as a table that people enjoy reading."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from assay.demo.loop import Proven
from assay.demo.rows import Row, Side
from assay.domain import Outcome
from assay.prove.result import RunResult
from assay.report.proofs import by_objective, failure
from assay.risk.register import Register
from assay.risk.words import Rating


def _side(side: Side | None, style: str) -> Text:
    if side is None:
        return Text("")
    return Text(side.text, style=style if side.expected else "bold white on red")


def table(rows: Iterable[Row]) -> Table:
    """One line per attempt; a topic is named once."""
    shown = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, show_edge=False)
    shown.add_column("control", style="bold", no_wrap=True)
    shown.add_column("attempt", no_wrap=True)
    shown.add_column("the service alone", overflow="fold")
    shown.add_column("through Assay", overflow="fold")
    shown.add_column("decided by", style="dim", overflow="fold")
    topic = ""
    for row in rows:
        if topic and row.topic != topic:
            shown.add_section()
        mark = Text("✔ " if row.holds else "✘ ", style="green" if row.holds else "bold red")
        through = mark + _side(row.through, "green" if row.kind == "attack" else "cyan")
        named = row.topic if row.topic != topic else ""
        shown.add_row(named, row.attempt, _side(row.direct, "red"), through, row.policy)
        topic = row.topic
    return shown


def verdict(console: Console, rows: list[Row], seconds: float) -> None:
    """The last line."""
    failed = [r for r in rows if not r.holds]
    attacks = sum(r.kind == "attack" for r in rows)
    legitimate = len(rows) - attacks
    if failed:
        console.print(f"\n[bold red]{len(failed)} of {len(rows)} did not go as claimed[/]:")
        for row in failed:
            console.print(f"  {row.topic}: {row.attempt}", markup=False)
        return
    console.print(
        f"\n[bold green]all {attacks} attacks were refused or came to nothing, "
        f"all {legitimate} legitimate calls passed[/]  [dim]{seconds:.0f} s[/]"
    )


def show_proven(console: Console, tables: Console, proven: Proven, seconds: float) -> None:
    """The proof on both sides, the objectives, the evidence, and where it all is."""
    console.print("\n[bold]Proven: every control, at the service itself and through Assay[/]\n")
    shown = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, show_edge=False)
    for name in ("control", "the service alone fails", "through Assay fails", "held", "not concluded"):
        shown.add_column(name, justify="left" if name == "control" else "right", no_wrap=True)
    for control in dict.fromkeys(p.verdict.control for p in proven.gateway.proofs):
        alone, through = _counted(proven.direct, control), _counted(proven.gateway, control)
        vague = through[Outcome.INCONCLUSIVE] + through[Outcome.ERROR]
        shown.add_row(
            control,
            _cell(alone[Outcome.FAIL], "red"),
            _cell(through[Outcome.FAIL], "bold white on red"),
            _cell(through[Outcome.PASS], "green"),
            _cell(vague, "yellow"),
        )
    tables.print(shown)
    console.print()
    tables.print(by_objective(proven.dossier.standings))
    register = proven.dossier.judgement.register
    if register is not None:
        console.print()
        tables.print(_risks(register))
    for proof in proven.gateway.proofs:
        if proof.verdict.outcome is Outcome.FAIL and not proof.verdict.excepted_by:
            console.print(failure(proof), soft_wrap=True)
    held, total = proven.effective
    sealed = "[green]verifies[/]" if proven.verification.ok else "[bold red]DOES NOT VERIFY[/]"
    console.print(
        f"\n[bold]{held} of {total} objectives are effective[/]; {len(proven.added)} cases fail at the service and "
        f"hold through Assay; the evidence ({proven.verification.records:,} records) {sealed}  [dim]{seconds:.0f} s[/]"
    )
    console.print(f"  report    {proven.report / 'index.html'}", markup=False)
    console.print(f"  evidence  {proven.evidence}  (check it: assay verify {proven.evidence})", markup=False)


def _risks(register: Register) -> Table:
    """How many risks of which rating: without any control, if all that is claimed worked, and as evidence supports."""
    shown = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, show_edge=False)
    for name in ("risks", "without controls", "claimed", "as evidence supports"):
        shown.add_column(name, justify="left" if name == "risks" else "right", no_wrap=True)
    columns = [
        Counter(getattr(row, reading) for row in register.rows) for reading in ("inherent", "claimed", "evidenced")
    ]
    for rating in reversed(Rating):
        style = {Rating.CRITICAL: "bold red", Rating.HIGH: "red", Rating.MEDIUM: "yellow"}.get(rating, "green")
        shown.add_row(str(rating), *(_cell(counted[rating], style) for counted in columns))
    return shown


def _counted(run: RunResult, control: str) -> Counter[Outcome]:
    return Counter(p.verdict.outcome for p in run.proofs if p.verdict.control == control and not p.verdict.excepted_by)


def _cell(count: int, style: str) -> Text:
    return Text(str(count), style=style) if count else Text("·", style="dim")

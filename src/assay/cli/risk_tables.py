"""How the risk register is shown to people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from assay.app.register import Looked, Money
from assay.app.risk import ANOTHER
from assay.cli.console import err, out, show_findings, tables
from assay.domain.listing import listed
from assay.report.plain import plain
from assay.report.risk_tables import named
from assay.report.risk_why import lines
from assay.risk.formula import rate
from assay.risk.next_ import Kind, Step
from assay.risk.register import Row
from assay.risk.simulation import Loss, Simulated
from assay.risk.stored import Recomputed
from assay.risk.words import Rating, Reading

_STYLES = {
    Rating.CRITICAL: "bold white on red",
    Rating.HIGH: "bold red",
    Rating.MEDIUM: "bold yellow",
    Rating.LOW: "cyan",
    Rating.NOTE: "dim",
}
_STEPS, _DIFFERENCES = 15, 20


def show_register(found: Looked) -> None:
    """A table of every risk, what was found about decisions, and what was left out of evidence."""
    register = found.register
    if not register.rows:
        out().print("no risk stands on anything that is declared")
        return
    wide = tables()
    narrow = wide.width < _WIDE
    shown = Table(box=None, header_style="bold", pad_edge=False)
    for name, right in _NARROW if narrow else _COLUMNS:
        shown.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in register.rows:
        shown.add_row(*(_narrow(row) if narrow else _cells(row)))
    wide.print(shown)
    console = out()
    above = [row for row in register.rows if row.above]
    total = f"{len(register.rows)} risk{'s' * (len(register.rows) != 1)}"
    console.print(
        f"{total}: {named(register.rows)}; {len(above)} above appetite, as of {register.now:%Y-%m-%d %H:%M} UTC"
    )
    if register.notes:
        console.print()
        show_findings(console, register.notes, found.sources(register.notes))
    for ignored in found.ignored:
        counted = "counted" if ignored.reason == ANOTHER else "not counted"
        many = f"{ignored.count:,} result{'s' * (ignored.count != 1)}"
        about = f" ({listed(ignored.subjects, 3)})" if ignored.subjects else ""
        err().print(f"[yellow]{many} {counted}[/]: {escape(plain(ignored.reason + about))}")
    if above:
        first = next(iter(above))
        err().print(f"why: assay risk --why {escape(first.id)}; what to do: assay risk --next")


_WIDE = 150
"""From so many columns on a risk has one line; on narrower terminals it has two."""
_NARROW = (("risk", False), ("inherent", True), ("claimed", True), ("evidenced", True), ("decided", False))
_COLUMNS = (
    ("risk", False),
    ("inherent", True),
    ("claimed", True),
    ("evidenced", True),
    ("gap", True),
    ("appetite", False),
    ("owner", False),
    ("treatment", False),
    ("rises by itself", False),
)


def _cells(row: Row) -> tuple[str, ...]:
    one = row.assessment
    evidenced = _scored(row.evidenced, one.evidenced)
    if row.rating is not row.evidenced or row.residual != one.evidenced:
        evidenced += f" [dim](estimated[/] {_scored(row.rating, row.residual)}[dim])[/]"
    accepted = f"[red]above {row.appetite}[/]" if row.above else f"within {row.appetite}"
    treatment: str = row.decided.treatment or ("[red]none[/]" if row.above else "")
    if row.decided.due:
        due = f"{'until' if treatment == 'accept' else 'by'} {row.decided.due}"
        treatment += f" [red]{due}, overdue[/]" if row.overdue else f" {due}"
    owner = escape(plain(row.owner)) if row.owner_declared or not row.owner else f"[dim]({escape(plain(row.owner))})[/]"
    return (
        escape(plain(row.id)),
        _scored(row.inherent, one.inherent),
        _scored(row.claimed, one.claimed),
        evidenced,
        f"{row.gap:+.1f}" if abs(row.gap) >= 0.05 else "",
        accepted,
        owner,
        treatment.strip(),
        f"{row.rise.to} {'from' if row.rise.earliest else 'on'} {row.rise.at:%Y-%m-%d}" if row.rise else "",
    )


def _narrow(row: Row) -> tuple[str, ...]:
    """The same in two lines."""
    risk, inherent, claimed, evidenced, gap, accepted, owner, treatment, rises = _cells(row)
    threat, _, subject = risk.partition("@")
    rising = f"\n[dim]{rises}[/]" if rises else ""
    return (
        f"{threat}\n[dim]@{subject}[/]",
        inherent,
        f"{claimed}\n[dim]gap[/] {gap}" if gap else claimed,
        f"{evidenced}\n{accepted}",
        f"{owner}\n{treatment}{rising}",
    )


def _scored(rating: Rating, reading: Reading) -> str:
    return f"[{_STYLES[rating]}]{rating}[/] {reading.score:.1f}"


def show_why(row: Row) -> None:
    """The derivation of every number of one risk."""
    console = out()
    for line in lines(row):
        console.print(line, markup=False)


def show_steps(steps: Sequence[Step], *, applied: bool) -> None:
    """What can be done, the most relief for an hour first; ``applied``: what is declared is live."""
    console = out()
    if not steps:
        console.print("no proof, fix or control that is known here would lower any risk")
        return
    console.print("If it succeeds, each step alone; the worst ratings first, then points of the score for an hour.\n")
    for number, step in enumerate(steps[:_STEPS], 1):
        console.print(f"[bold]{number:>2}[/] {escape(plain(step.sentence))}  [dim]{_hours(step.effort)}[/]")
        if step.about:
            console.print(f"   [red]found[/]  {escape(plain(step.about))}")
        for gain in step.gains[:3]:
            console.print(f"   [green]then[/]   {escape(plain(gain.scenario))}: ", end="")
            if gain.drop > 1e-9:
                console.print(f"{_at(gain.before)} → {_at(gain.after)}")
            else:
                console.print(f"{gain.eased:.1f} less on average; another place stays at {_at(gain.after)}")
        if len(step.gains) > 3:
            more = len(step.gains) - 3
            console.print(f"   [dim]and {more} more risk{'s' * (more != 1)}[/]")
        console.print(f"   [blue]run[/]    {step.command}", soft_wrap=True)
    if len(steps) > _STEPS:
        console.print(f"\n{len(steps) - _STEPS} more steps; --format json has all of them")
    if not applied:
        err().print(
            "[yellow]what is declared is not what is live[/]: only after `assay apply` or `assay up` do proofs count"
        )
    if any(step.kind is Kind.ADD for step in steps[:_STEPS]):
        err().print("hours: a fix takes a day, a control that is added two, a run of proofs what its plan says")


def _at(reading: Reading) -> str:
    return _scored(rate(reading), reading)


def _hours(effort: float) -> str:
    return f"{effort * 60:.0f} minutes" if effort < 1 else f"{effort:.0f} hours"


def show_money(found: Money) -> None:
    """What a year may cost: each risk, all together, and how likely more is."""
    residual = found.residual
    console = out()
    shown = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("risk", "a year", f"mean {residual.currency}", "median", "5 %", "95 %"):
        shown.add_column(name, justify="left" if name == "risk" else "right")
    for loss in residual.losses:
        shown.add_row(escape(plain(loss.scenario)), *_amounts(loss))
    shown.add_section()
    for name, simulated in (("as evidenced", residual), ("as claimed", found.claimed), ("inherent", found.inherent)):
        shown.add_row(f"[bold]all together, {name}[/]", *_amounts(simulated.together))
    tables().print(shown)
    told = ", ".join(f"{share:.0%} ≥ {_money(amount)}" for amount, share in _points(residual))
    if told:
        console.print(f"\na year costs at least: {told}")
    console.print(
        f"{residual.draws:,} years drawn, seed {residual.seed}; `a year` is the mean number of incidents."
        " Ranges and frequencies are as declared under `losses`: nothing measures them."
    )


def _amounts(loss: Loss) -> tuple[str, ...]:
    return (f"{loss.likely:.2f}", *(_money(v) for v in (loss.mean, loss.median, loss.low, loss.high)))


def _money(amount: float) -> str:
    return f"{amount:,.0f}"


def _points(simulated: Simulated) -> list[tuple[float, float]]:
    """A few points of the exceedance curve: the highest amount for each share of interest."""
    found: list[tuple[float, float]] = []
    for wanted in (0.5, 0.2, 0.1, 0.05, 0.01):
        reached = [p for p in simulated.exceedance if p[1] >= wanted]
        if reached and reached[-1] not in found:
            found.append(reached[-1])
    return found


def show_recomputed(found: Recomputed, name: str) -> None:
    """Whether a stored register comes out again."""
    console, content = out(), found.content
    console.print(
        plain(
            f"{name}: {len(content.risks)} risks of {content.organisation}, stored at {content.at:%Y-%m-%d %H:%M} UTC"
        ),
        markup=False,
    )
    for difference in found.differences[:_DIFFERENCES]:
        console.print(f"[red]differs[/] {escape(plain(difference.where))}: ", end="")
        console.print(plain(f"stored {difference.stored}, computed {difference.computed}"), markup=False)
    if len(found.differences) > _DIFFERENCES:
        console.print(f"and {len(found.differences) - _DIFFERENCES} more")
    if found.altered:
        console.print("[bold red]altered[/]: the file is not as it was stored; its digest is another")
    if found.agrees:
        console.print(
            f"[green]agrees[/]: all {found.numbers} numbers come out again from the inputs stored beside them"
        )

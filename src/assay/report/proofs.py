"""What was proven, for people at a terminal: findings with how to repeat them, then one line a control."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rich.markup import escape
from rich.table import Table

from assay.assurance.objectives import Standing, Status
from assay.domain import Outcome, Severity
from assay.prove.plan import Plan
from assay.prove.result import Proof
from assay.report.dossier import age
from assay.report.plain import plain

COLOURS = {
    Status.EFFECTIVE: "bold green",
    Status.APPLIED: "cyan",
    Status.DESIGNED: "cyan",
    Status.STALE: "yellow",
    Status.EXCEPTED: "yellow",
    Status.FAILED: "bold red",
    Status.DEVIATION: "bold red",
}
_SEVERITY = {Severity.CRITICAL: "bold red", Severity.HIGH: "bold red", Severity.MEDIUM: "yellow"}


def failure(proof: Proof) -> str:
    """A failure in a few lines: what, why, who let it through, how to see it again. Rich markup."""
    verdict = proof.verdict
    colour = _SEVERITY.get(verdict.severity, "dim")
    excepted = f" [yellow](accepted: {verdict.excepted_by})[/]" if verdict.excepted_by else ""
    lines = [
        f"[{colour}]{verdict.severity}[/] {escape(plain(verdict.sentence))}{excepted}",
        f"  [dim]case[/] {escape(proof.case)}",
        f"  [dim]at[/]   {escape(str(verdict.location))}",
    ]
    if proof.let_through_by:
        lines.append(f"  [dim]let through by[/] {escape(proof.let_through_by)}")
    if verdict.reason:
        lines.append(f"  [dim]why[/]  {escape(plain(verdict.reason))}")
    if verdict.fix:
        lines.append(f"  [green]fix[/]  {escape(plain(verdict.fix.sentence))}")
    if proof.reproduce:
        lines.append(f"  [dim]again[/] {escape(plain(proof.reproduce))}")
    return "\n".join(lines) + "\n"


def by_control(proofs: Iterable[Proof], order: Sequence[str]) -> Table:
    """One line a control: how many proofs held, failed, were not concluded."""
    counted: dict[str, Counter[str]] = {control: Counter() for control in order}
    for proof in proofs:
        counted.setdefault(proof.verdict.control, Counter())[str(proof.verdict.outcome)] += 1
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("control", "held", "failed", "not concluded", "not applicable", "skipped"):
        table.add_column(name, justify="left" if name == "control" else "right")
    for control, found in counted.items():
        if found:
            vague = found[Outcome.INCONCLUSIVE] + found[Outcome.ERROR]
            table.add_row(
                control,
                _number(found[Outcome.PASS], "green"),
                _number(found[Outcome.FAIL], "bold red"),
                _number(vague, "yellow"),
                _number(found[Outcome.NOT_APPLICABLE], "dim"),
                _number(found[Outcome.SKIPPED], "dim"),
            )
    return table


def by_objective(standings: Iterable[Standing]) -> Table:
    """One line an objective: its status and why."""
    table = Table("objective", "status", "why", "oldest evidence", box=None, header_style="bold", pad_edge=False)
    for standing in standings:
        colour = COLOURS.get(standing.status, "dim")
        table.add_row(
            escape(standing.id), f"[{colour}]{standing.status}[/]", escape(standing.reason), age(standing.evidence_age)
        )
    return table


def planned(plan: Plan) -> str:
    """What a run is going to do, in one sentence and what it cannot do."""
    told = f"{len(plan.cases)} cases, about {plan.requests} requests, {plan.writes} of them writes, "
    told += f"about {plan.seconds:.0f} s"
    return "\n".join([told, *plan.exceeds])


def _number(count: int, colour: str) -> str:
    return f"[{colour}]{count}[/]" if count else "[dim]·[/]"

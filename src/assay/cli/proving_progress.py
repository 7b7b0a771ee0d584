"""A progress bar for a run: cases done, what was found, what it is waiting for. Silent where there is no terminal."""

from __future__ import annotations

from collections import Counter
from types import TracebackType
from typing import Any

from assay.cli.console import err
from assay.domain import Outcome
from assay.prove.events import CaseFinished, Event, FamilyStarted, Planned, Stopped, Waiting


class Progress:
    """Takes the events of a run and shows them."""

    def __init__(self, title: str, *, quiet: bool) -> None:
        self._title, self._quiet = title, quiet
        self._console = err()
        self._bar: Any = None
        self._task: Any = None
        self._found: Counter[str] = Counter()
        self._doing = ""

    def __enter__(self) -> Progress:
        if self._console.is_terminal:
            from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as Bar

            self._bar = Bar(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.fields[said]}"),
                console=self._console,
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task(self._title, total=None, said="")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def take(self, event: Event) -> None:
        """One more event."""
        if isinstance(event, Planned):
            plan = event.plan
            if not self._quiet:
                self._console.print(
                    f"{len(plan.cases)} cases, about {plan.requests} requests ({plan.writes} writes), "
                    f"about {plan.seconds:.0f} s"
                )
            self._update(total=len(plan.cases))
        elif isinstance(event, FamilyStarted):
            self._doing = event.family.name.lower().replace("_", " ")
            self._update()
        elif isinstance(event, CaseFinished):
            self._found[str(event.proof.verdict.outcome)] += 1
            self._update(advance=1)
        elif isinstance(event, Waiting) and event.seconds >= 2:
            self._doing = f"waiting {event.seconds:.0f} s: {event.why}"
            self._update()
        elif isinstance(event, Stopped):
            self._console.print(f"[yellow]stopping[/] {event.reason}")

    def _update(self, *, total: int | None = None, advance: int = 0) -> None:
        if self._bar is None:
            return
        failed, vague = self._found[Outcome.FAIL], self._found[Outcome.INCONCLUSIVE] + self._found[Outcome.ERROR]
        said = f"[green]{self._found[Outcome.PASS]} held[/]"
        said += f" [bold red]{failed} failed[/]" if failed else ""
        said += f" [yellow]{vague} not concluded[/]" if vague else ""
        changes = {"total": total} if total is not None else {}
        self._bar.update(self._task, advance=advance, said=f"{said} [dim]{self._doing}[/]", **changes)

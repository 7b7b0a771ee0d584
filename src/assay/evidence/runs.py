"""Step 7 of the verification, for one run."""

from __future__ import annotations

from assay.evidence import scan
from assay.evidence.diagnose import Problem
from assay.evidence.record import Record
from assay.evidence.subject import Subject


def count_run(s: Subject, run: str, starts: list[tuple[int, Record]], ends: list[tuple[int, Record]]) -> None:
    """Whether a run has one beginning, one end, and between them what its end counts."""
    where, part = f"run {run}", s.runs.get(run, scan.RunPart())
    if not starts:
        s.found.add(7, Problem.GAP, where, "There are records of this run, but not its beginning.", index=part.first)
    if len(starts) > 1 or len(ends) > 1:
        s.found.add(7, Problem.COUNTER_MISMATCH, where, "This run begins or ends more than once.")
    if not ends:
        s.found.add(
            7, Problem.GAP, where, "This run has no end: it goes on, or was killed.", notice=not s.found.failed(5)
        )
        return
    index, end = ends[-1]
    begin = starts[0][0] if starts else -1
    if part.records and (part.first < begin or part.last > index):
        s.found.add(
            7, Problem.GAP, where, "Records of this run lie outside of its beginning and end.", index=part.first
        )
    if end.details.get("records") != part.records or end.details.get("outcomes") != part.outcomes:
        said = end.details.get("records")
        s.found.add(
            7,
            Problem.COUNTER_MISMATCH,
            where,
            f"Its end counts {said} records {_counted(end.details.get('outcomes'))}; "
            f"the log has {part.records:,} {_counted(part.outcomes)}.",
            index=index,
        )
    if end.details.get("state") != "complete":
        s.found.add(7, Problem.GAP, where, "This run was interrupted.", index=index, notice=True)


def _counted(outcomes: object) -> str:
    pairs = sorted(outcomes.items()) if isinstance(outcomes, dict) else []
    return f"({', '.join(f'{name}: {count}' for name, count in pairs)})"

"""The prover on the zoo: what it finds with flaws on, and what it reports where there are none.

``python -m tests.zoo.proofs`` prints the table of detection; ``--flaw ID`` looks at single flaws.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.zoo.flaws import Flaw, catalogue, find, of_service

from assay.app.aiming import at_project
from assay.app.project import open_project
from assay.app.proving import Choice, cases_of, proven
from assay.domain import Outcome
from assay.prove.bounds import Limits
from assay.prove.case import Case
from assay.prove.result import Proof, RunResult

ROOT = Path(__file__).parents[2]
LIMITS = Limits(requests=20_000, per_second=2_000, seconds=240.0, wait=20.0)
BY_TIME = frozenset({"enumeration-timing", "growth"})
"""Flaws that only time shows: on a busy machine they may be left open, which is no detection, and no failure."""
Chosen = Callable[[Case], bool]

HONEST = {
    "transport_encryption/plaintext-answered": "a bare service speaks HTTP: the gateway in front brings TLS",
}
"""Failures that are true of a safe twin too, with the reason."""

UNDETECTED: dict[str, str] = {}
"""Flaws that the prover does not see today, with the reason: there are none."""


@dataclass(frozen=True, slots=True)
class Detection:
    """What the prover said about one flaw.

    Attributes:
        by: the proofs that show it, those of its most fitting row first; empty: it was not detected.
        asked: every proof that could have shown it.
    """

    flaw: Flaw
    by: tuple[Proof, ...]
    asked: tuple[Proof, ...]

    @property
    def exact(self) -> bool:
        """Whether the flaw itself was seen, and not only one of the effects that it has besides."""
        return any(self.flaw.rows[0] in proof.test.rows for proof in self.by)

    @property
    def requests(self) -> int:
        """What looking for it took."""
        return sum(len(proof.exchanges) for proof in self.asked)

    @property
    def seconds(self) -> float:
        """What looking for it took; proofs that ran at the same time are added up."""
        return sum(proof.seconds for proof in self.asked)


@contextmanager
def serving(service: str, flaws: Collection[str] = ()) -> Iterator[tuple[str, Path]]:
    """A service of the zoo in a process of its own: its address, and the folder with its declaration.

    Raises:
        RuntimeError: it did not start; with what it said.
    """
    with tempfile.TemporaryDirectory(prefix="zoo-proof-") as made:
        folder = Path(made) / "declared"
        command = [sys.executable, "-m", "tests.zoo", service, "--flaws", ",".join(flaws), "--declare", str(folder)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line.startswith("listening "):
                process.kill()
                raise RuntimeError(f"the {service} did not start: {process.communicate()[1]}")
            yield line.split()[1], folder
        finally:
            if process.poll() is None:
                process.terminate()
            try:
                process.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()


def attack(
    service: str, flaws: Collection[str] = (), *, chosen: Chosen | None = None, limits: Limits = LIMITS
) -> RunResult:
    """Proves a service directly, with these flaws on; ``chosen`` picks among the planned cases (default: all)."""
    with serving(service, flaws) as (_, folder):
        aim = at_project(open_project(folder), via="direct", environ={})
        choice = Choice()
        if chosen is not None:
            choice = Choice(cases=[case.id for case in cases_of(aim, choice) if chosen(case)])
        return asyncio.run(proven(aim, choice, limits))


def looked_for(flaw: Flaw) -> Detection:
    """One flaw alone."""
    return detections([flaw], attack(flaw.service, [flaw.id], chosen=concerning([flaw])))[0]


def concerning(flaws: Sequence[Flaw]) -> Chosen:
    """The cases that may show one of the flaws."""
    return lambda case: any(concerns(flaw, case.test.control, case.operation, case.test.rows) for flaw in flaws)


def concerns(flaw: Flaw, control: str, operation: str, rows: Collection[str]) -> bool:
    """Whether a finding would show the flaw: of its control, on its operation, about one of its rows."""
    return control == flaw.control and flaw.explains(operation, rows)


def detections(flaws: Sequence[Flaw], result: RunResult) -> list[Detection]:
    """What a run with these flaws on says about each of them."""
    found = []
    for flaw in flaws:
        asked = tuple(p for p in result.proofs if concerns(flaw, p.test.control, p.operation, p.test.rows))
        by = [p for p in asked if p.verdict.outcome is Outcome.FAIL]
        by.sort(key=lambda p, first=flaw.rows[0]: first not in p.test.rows)
        found.append(Detection(flaw, tuple(by), asked))
    return found


def alarms(result: RunResult, flaws: Sequence[Flaw] = ()) -> list[str]:
    """Failures that neither a flaw nor the nature of a bare service explains: false alarms."""
    return [
        f"{proof.case}: {proof.verdict.sentence}"
        for proof in result.proofs
        if proof.verdict.outcome in (Outcome.FAIL, Outcome.ERROR)
        and f"{proof.test.control}/{proof.test.id}" not in HONEST
        and not any(flaw.explains(proof.operation, proof.test.rows) for flaw in flaws)
    ]


def groups(service: str) -> tuple[tuple[Flaw, ...], ...]:
    """The flaws of a service in groups within which no finding can be taken for that of another flaw."""
    made: list[list[Flaw]] = []
    for flaw in of_service(service):
        for group in made:
            if not any(_confusable(flaw, other) for other in group):
                group.append(flaw)
                break
        else:
            made.append([flaw])
    return tuple(tuple(group) for group in made)


def _confusable(one: Flaw, other: Flaw) -> bool:
    if one.id in other.hides or other.id in one.hides:
        return True
    if one.control != other.control or not set(one.rows) & set(other.rows):
        return False
    return not (one.operation and other.operation) or bool({one.operation, *one.also} & {other.operation, *other.also})


def table(found: Sequence[Detection]) -> str:
    """Detections as aligned text, a flaw a line, and how many there are."""
    head = ("flaw", "service", "rows", "needs", "detected by", "requests", "seconds")
    rows = [head]
    for each in found:
        by = each.by[0].case if each.by else "- " + "; ".join(sorted({p.verdict.sentence for p in each.asked}))[:90]
        flaw = each.flaw
        rows.append(
            (flaw.id, flaw.service, ",".join(flaw.rows), flaw.needs, by, str(each.requests), f"{each.seconds:.1f}")
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    detected, exact = sum(bool(each.by) for each in found), sum(each.exact for each in found)
    told = f"{detected} of {len(found)} flaws detected, {exact} of them as what they are"
    return "\n".join([*lines, told, ""])


def main() -> int:
    """Prints the table; 1 if something was detected or missed that should not have been."""
    parser = argparse.ArgumentParser(prog="python -m tests.zoo.proofs", description="The prover on the zoo.")
    parser.add_argument("--service", action="append", help="only this service")
    parser.add_argument("--flaw", action="append", help="only this flaw, alone")
    options = parser.parse_args()
    found: list[Detection] = []
    wrong: list[str] = []
    if options.flaw:
        found = [looked_for(find(flaw)) for flaw in options.flaw]
    else:
        for service in dict.fromkeys(flaw.service for flaw in catalogue()):
            if options.service and service not in options.service:
                continue
            wrong += alarms(attack(service))
            for group in groups(service):
                result = attack(service, [flaw.id for flaw in group], chosen=concerning(group))
                found += detections(group, result)
                wrong += alarms(result, group)
    sys.stdout.write(table(found))
    sys.stdout.writelines(f"false alarm: {alarm}\n" for alarm in wrong)
    unexpected = [each.flaw.id for each in found if bool(each.by) == (each.flaw.id in UNDETECTED)]
    sys.stdout.writelines(f"not as expected: {flaw}\n" for flaw in unexpected)
    return 1 if wrong or unexpected else 0


if __name__ == "__main__":
    sys.exit(main())

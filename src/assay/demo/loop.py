"""The rest of the loop: prove the bare service and the gateway, verify the evidence, write the report."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.app.addresses import now
from assay.app.aiming import at_project
from assay.app.judgement import judged_dossier
from assay.app.keeping import evidence_directory, open_ledger
from assay.app.proving import Choice, kept, proven
from assay.assurance.objectives import Status
from assay.demo.stage import Stage
from assay.domain import IncompleteError, Outcome
from assay.evidence.findings import Verification
from assay.evidence.verify import verify
from assay.prove.bounds import Limits
from assay.prove.events import CaseFinished, Event
from assay.prove.result import RunResult
from assay.prove.surface import Via
from assay.report.dossier import Dossier
from assay.report.html import pages
from assay.report.results import contribution
from assay.report.risk_tables import as_json as register_json
from assay.report.summary import summarise

BOUNDS = Limits(requests=6000, per_second=600, seconds=180.0, wait=20.0)
"""Each side takes half a minute; a busy machine gets more, so that its slowness leaves nothing out. `assay prove` shows
the whole window of a limit."""


@dataclass(frozen=True, slots=True)
class Proven:
    """What the loop came to."""

    direct: RunResult
    gateway: RunResult
    verification: Verification
    dossier: Dossier
    report: Path
    evidence: Path

    @property
    def holds(self) -> bool:
        """The gateway holds whatever was concluded, something was, the bare service does not, and evidence verifies."""
        failed = [p for p in self.gateway.proofs if p.verdict.outcome is Outcome.FAIL and not p.verdict.excepted_by]
        concluded = any(p.verdict.outcome is Outcome.PASS for p in self.gateway.proofs)
        return concluded and not failed and bool(self.added) and self.verification.ok

    @property
    def added(self) -> list[dict[str, str]]:
        """What the gateway adds to the bare service."""
        return contribution(self.gateway, self.direct)

    @property
    def effective(self) -> tuple[int, int]:
        """How many objectives are effective, of how many."""
        standings = self.dossier.standings
        return sum(s.status is Status.EFFECTIVE for s in standings), len(standings)

    def as_json(self) -> dict[str, Any]:
        """The published shape (version 1)."""
        register = self.dossier.judgement.register
        return {
            "direct": _counts(self.direct),
            "gateway": _counts(self.gateway),
            "added": self.added,
            "objectives": [s.as_json() for s in self.dossier.standings],
            "risks": register_json(register)["risks"] if register else [],
            "verified": self.verification.ok,
            "records": self.verification.records,
            "report": str(self.report),
            "evidence": str(self.evidence),
        }


async def prove_both(stage: Stage, output: Path, *, say: Callable[[str], None]) -> Proven:
    """Proves at the service and through the gateway, keeps and verifies the evidence, and writes it all to ``output``.

    Raises:
        AssayError: it could not be run, kept or written.
    """
    direct = await _side(stage, "direct", say)
    gateway = await _side(stage, "gateway", say)
    say("verifying the evidence")
    return await asyncio.to_thread(_written, stage, direct, gateway, output)


async def _side(stage: Stage, via: Via, say: Callable[[str], None]) -> RunResult:
    aim = at_project(stage.project, via=via, environ=stage.environ)
    done = 0

    def told(event: Event) -> None:
        nonlocal done
        if isinstance(event, CaseFinished):
            done += 1
            where = "at the service itself" if via == "direct" else "through the gateway"
            say(f"proving {where}: {done} cases, {event.requests} requests")

    result = await proven(aim, Choice(), BOUNDS, emit=told)
    return await asyncio.to_thread(kept, aim, result)


def _written(stage: Stage, direct: RunResult, gateway: RunResult, output: Path) -> Proven:
    directory = evidence_directory(stage.project)
    verification = verify(directory, now=now())
    made = judged_dossier(stage.project, now=now())
    try:
        for name, text in pages(made).items():
            output.mkdir(parents=True, exist_ok=True)
            (output / name).write_text(text, encoding="utf-8")
        evidence = output / "evidence"
        shutil.rmtree(evidence, ignore_errors=True)
    except OSError as error:
        raise IncompleteError(f"`{output}` cannot be written: {error.strerror}", fix="choose another place") from error
    with open_ledger(stage.project) as ledger:
        ledger.export(evidence)
    return Proven(direct, gateway, verification, made, output, evidence)


def _counts(run: RunResult) -> dict[str, Any]:
    return {
        "outcomes": summarise(p.verdict for p in run.proofs).outcomes,
        "requests": run.requests,
        "seconds": (run.finished - run.started).total_seconds(),
    }

"""Removes what a run made. What cannot be removed is told, and loses nothing of what was found out."""

from __future__ import annotations

import asyncio

from assay.domain import Location, Severity
from assay.prove.bench import Bench
from assay.prove.case import Case, Judged, NotReached, Test
from assay.prove.lab import EngineLab


async def tidy(bench: Bench) -> tuple[str, ...]:
    """Removes what the run made so far, within a time of its own. Returns what had to stay."""
    settings = bench.settings
    test = Test("engine", "clean-up", "What a run made is removed", Severity.NOTE, "", "")
    case = Case(test=test, subject="assay", at=Location("assay.yaml"), api="", run=_nothing)
    lab = EngineLab(bench, case, cleaning=True)
    try:
        async with asyncio.timeout(settings.limits.clean_up_seconds):
            return await settings.objects.clean_up(lab.send_for_cleaning)
    except TimeoutError:
        return ("cleaning up took too long: objects that this run made are left",)
    except Exception as error:  # noqa: BLE001 - what was found out must not be lost to a failure to tidy up
        return (f"not everything that this run made was removed: {error}",)


async def clean_up(bench: Bench) -> tuple[str, ...]:
    """Removes what is left of what the run made, and its credentials."""
    left = await tidy(bench)
    for cast in (bench.settings.cast, *(n.cast for n in bench.neighbours)):
        try:
            await cast.close()
        except Exception as error:  # noqa: BLE001 - as above
            left += (f"not every credential of this run was revoked: {error}",)
    return left


async def _nothing(lab: object) -> Judged:
    raise NotReached("there is nothing to test")

"""Runs the gateway of a project inside a test, and issues keys for it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from assay.app.addresses import keys_file
from assay.app.project import Project
from assay.app.stack import Prepared, prepare_project, settings
from assay.gateway.apply import Result, apply
from assay.gateway.supervisor.events import Event, PartExited
from assay.gateway.supervisor.run import run
from assay.identity import api_keys


@asynccontextmanager
async def gateway(project: Project) -> AsyncIterator[Prepared]:
    """The gateway of a project while it runs, with everything beside it."""
    prepared = await asyncio.to_thread(prepare_project, project)
    stop, ready = asyncio.Event(), asyncio.Event()

    def started(_: Result) -> None:
        ready.set()

    def told(event: Event) -> None:
        if isinstance(event, PartExited):
            sys.stderr.write(f"{event.sentence}\n")

    serving = asyncio.create_task(run(settings(prepared, emit=told, ready=started), stop))
    waiting = asyncio.create_task(ready.wait())
    try:
        await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()
        yield prepared
    finally:
        stop.set()
        waiting.cancel()
        await serving


async def applied(project: Project) -> None:
    """Makes another declaration live in the state directory of a gateway that runs."""
    prepared = await asyncio.to_thread(prepare_project, project)
    runtime = await asyncio.to_thread(prepared.facts.gather)
    result = await apply(prepared.gateway, prepared.policy, runtime, by="somebody", production=())
    assert result.confirmed, result.verdict.sentence


def issued(project: Project, consumer: str) -> str:
    """A new API key of a consumer."""
    now = datetime.now(UTC)

    def change(store: api_keys.KeyStore) -> tuple[api_keys.KeyStore, str]:
        new, secret = store.issue(consumer, timedelta(days=1), now, note="test", created_by="test")
        return new, secret.reveal()

    return api_keys.edit(keys_file(project.state), change)

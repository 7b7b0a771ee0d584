"""One running example for each module, and one event loop that it lives on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from tests.mutation.flipping import Bench, bench
from tests.mutation.switches import Switch

Check = Callable[[Switch], None]


@pytest.fixture(scope="module")
def check(request: pytest.FixtureRequest) -> Iterator[Check]:
    """Turns a control off and holds its verdicts to it. The module's ``CONTROLS`` are proven before.

    What a module's ``EXAMPLE`` does is different in the example, whether a control is on or off.
    """
    controls: tuple[str, ...] = request.module.CONTROLS
    with asyncio.Runner() as runner:
        held = AsyncExitStack()

        async def opened() -> Bench:
            return await held.enter_async_context(bench(*controls, change=getattr(request.module, "EXAMPLE", None)))

        def run(work: Coroutine[Any, Any, None]) -> None:
            runner.run(work)

        found = runner.run(opened())
        try:
            yield lambda switch: run(found.check(switch))
        finally:
            runner.run(held.aclose())

"""A positive control is sent once for those who ask at the same time, and again when it says nothing any more."""

from __future__ import annotations

import asyncio

import pytest

from assay.prove.case import NotReached, Seen
from assay.prove.successes import LASTS, Successes


def seen(status: int) -> Seen:
    return Seen(1, status, {}, b"", 0.0, "c")


def test_those_who_ask_together_go_by_one_answer() -> None:
    async def scene() -> list[bool]:
        known, asked = Successes(lambda: 0.0), []

        async def ask() -> Seen:
            asked.append(1)
            await asyncio.sleep(0.01)
            return seen(200)

        found = await asyncio.gather(*(known.get("read", ask) for _ in range(5)))
        assert len(asked) == 1
        return [others for _, others in found]

    assert asyncio.run(scene()) == [False, True, True, True, True]


def test_an_old_success_a_failure_and_a_new_family_are_asked_for_again() -> None:
    async def scene() -> None:
        now, statuses = [0.0], [500, 200, 200, 200]
        known = Successes(lambda: now[0])

        async def ask() -> Seen:
            return seen(statuses.pop(0))

        assert (await known.get("read", ask))[0].status == 500
        assert await known.get("read", ask) == (seen(200), False)
        assert await known.get("read", ask) == (seen(200), True)
        now[0] = LASTS + 1
        assert (await known.get("read", ask))[1] is False
        known.clear()
        assert (await known.get("read", ask))[1] is False
        assert statuses == []

    asyncio.run(scene())


def test_one_that_does_not_get_there_leaves_the_next_to_try() -> None:
    async def scene() -> None:
        known = Successes(lambda: 0.0)

        async def fail() -> Seen:
            raise NotReached("no answer")

        async def ask() -> Seen:
            return seen(200)

        with pytest.raises(NotReached):
            await known.get("read", fail)
        assert (await known.get("read", ask))[1] is False

    asyncio.run(scene())

"""What looks like a flaw in the safe twins and is none: tools that report these are wrong."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from tests.zoo.exploits_shop import order_of
from tests.zoo.visiting import Visit, holds, visiting


def in_twin(name: str, what: Callable[[Visit], Awaitable[None]]) -> None:
    """Visits the safe twin of a service."""

    async def whole() -> None:
        async with visiting(name) as zoo:
            await what(zoo)

    asyncio.run(whole())


def test_a_list_of_somebody_elses_is_answered_with_200_and_empty() -> None:
    async def trap(zoo: Visit) -> None:
        mine = await zoo.call("GET", "/customers/u-1/addresses", "alice")
        hers = await zoo.call("GET", "/customers/u-1/addresses", "bob")
        assert len(mine.json()["items"]) == 2
        assert (hers.status_code, hers.json()) == (200, {"items": []})

    in_twin("shop", trap)


def test_a_204_to_somebody_elses_id_changes_the_callers_own_only() -> None:
    async def trap(zoo: Visit) -> None:
        answer = await zoo.call("PATCH", "/customers/u-1/preferences", "bob", json={"newsletter": "never"})
        assert answer.status_code == 204
        assert holds(await zoo.call("GET", "/customers/u-1/preferences", "alice"), "weekly")
        assert holds(await zoo.call("GET", "/customers/u-1/preferences", "bob"), "never")

    in_twin("shop", trap)


def test_pages_that_do_not_exist_are_answered_with_200_to_browsers() -> None:
    async def shop(zoo: Visit) -> None:
        for path in ("/admin", "/debug/vars", "/no-such-page"):
            page = await zoo.call("GET", path, headers={"accept": "text/html"})
            assert (page.status_code, page.headers["content-type"].partition(";")[0]) == (200, "text/html")
            assert (await zoo.call("GET", path)).status_code == 404

    async def files(zoo: Visit) -> None:
        for path in ("/.env", "/.git/config", "/actuator/env", "/zfqxw"):
            page = await zoo.call("GET", path)
            assert page.status_code == 200
            assert "could not find" in page.text
            assert (await zoo.call("POST", path)).status_code == 404

    in_twin("shop", shop)
    in_twin("files", files)


def test_a_search_says_what_was_searched_for() -> None:
    async def shop(zoo: Visit) -> None:
        for payload in ("<script>alert(1)</script>", "' OR '1'='1", "{{7*7}}", "$(id)"):
            answer = await zoo.call("GET", "/products/search", params={"q": payload})
            assert answer.json() == {"query": payload, "items": []}
            assert answer.headers["content-type"] == "application/json"
            assert answer.headers["x-content-type-options"] == "nosniff"

    async def clinic(zoo: Visit) -> None:
        answer = await zoo.call("GET", "/documents/search", "nora", params={"q": "' OR '1'='1"})
        assert answer.json() == {"query": "' OR '1'='1", "items": []}

    in_twin("shop", shop)
    in_twin("clinic", clinic)


def test_an_answer_is_slow_whatever_is_asked() -> None:
    async def trap(zoo: Visit) -> None:
        await zoo.token("amir")
        for region in ("all", "x' OR SLEEP(5)--"):
            began = time.perf_counter()
            assert (await zoo.call("GET", "/stock-report", "amir", params={"region": region})).is_success
            assert time.perf_counter() - began > 0.29

    in_twin("shop", trap)


def test_an_answer_holds_the_input_and_49_and_evaluates_nothing() -> None:
    async def trap(zoo: Visit) -> None:
        for payload in ("{{7*7}}", "${7*7}", "SW1"):
            answer = await zoo.call("GET", "/delivery-estimate", params={"postcode": payload})
            assert (answer.json()["postcode"], answer.json()["hours"]) == (payload, 49)

    in_twin("shop", trap)


def test_a_calculator_calculates_formulas_and_nothing_else() -> None:
    async def trap(zoo: Visit) -> None:
        assert (await zoo.call("POST", "/formulas", "frida", json={"formula": "7*7"})).json() == {"result": 49.0}
        for formula in ("{{7*7}}", "$((7*7))", "name", "__import__('os')", "'7'*7"):
            assert (await zoo.call("POST", "/formulas", "frida", json={"formula": formula})).status_code == 400
        for formula in ("1/0", "9**9**9", "((((", "1e9"[:1] + "." * 40):
            assert (await zoo.call("POST", "/formulas", "frida", json={"formula": formula})).status_code == 422

    in_twin("files", trap)


def test_an_answer_depends_on_the_length_of_its_input_alone() -> None:
    async def trap(zoo: Visit) -> None:
        lengths = []
        for address in ("x' OR '1'='1", "x' OR '1'='22", "x" * 13):
            answer = await zoo.call("POST", "/addresses/check", "alice", json={"address": address})
            lengths.append(answer.json()["address_length"])
        assert lengths == [12, 13, 13]

    in_twin("shop", trap)


def test_some_objects_are_for_everybody() -> None:
    async def shop(zoo: Visit) -> None:
        assert [(await zoo.call("GET", "/products/p-1", who)).status_code for who in ("", "alice", "bob")] == [200] * 3

    async def files(zoo: Visit) -> None:
        for who in ("frida", "felix"):
            assert (await zoo.call("GET", "/files/f-1", who)).json()["public"] is True
        assert (await zoo.call("DELETE", "/files/f-1", "frida")).status_code == 404
        assert (await zoo.call("PATCH", "/files/f-1", "frida", json={"name": "mine.png"})).status_code == 404

    in_twin("shop", shop)
    in_twin("files", files)


def test_credentials_are_optional_where_the_contract_says_so() -> None:
    async def trap(zoo: Visit) -> None:
        assert holds(await zoo.call("GET", "/recommendations"), "stranger")
        assert holds(await zoo.call("GET", "/recommendations", "alice"), "alice")
        assert (await zoo.call("GET", "/recommendations", token="garbage")).status_code == 401

    in_twin("shop", trap)


def test_answers_differ_in_ids_and_times_alone() -> None:
    async def trap(zoo: Visit) -> None:
        path, query = "/delivery-estimate", {"postcode": "SW1"}
        first = await zoo.call("GET", path, params=query)
        zoo.clock.now += 1
        second = await zoo.call("GET", path, params=query)
        assert first.headers["x-request-id"] != second.headers["x-request-id"]
        assert first.json()["at"] != second.json()["at"]

    in_twin("shop", trap)


def test_a_batch_leaves_out_what_is_not_the_callers() -> None:
    async def trap(zoo: Visit) -> None:
        hers, his = await order_of(zoo, "alice"), await order_of(zoo, "bob")
        answer = await zoo.call("POST", "/orders/batch", "bob", json={"ids": [hers, his]})
        assert [order["id"] for order in answer.json()["items"]] == [his]

    in_twin("shop", trap)

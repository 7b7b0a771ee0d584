"""The engine's parts by themselves: log, listener, plan, places, sources, redaction, command lines."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import shlex
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from engine_world import case, played, reply
from hypothesis import given
from hypothesis import strategies as st

from assay.domain import Outcome, UsageError
from assay.gateway.decision import Decision
from assay.prove import reproduce
from assay.prove.accesslog import AccessLog
from assay.prove.bounds import Limits
from assay.prove.case import Call, Canary, Family, Judged, Lab, NotReached, Offer, Seen, held
from assay.prove.concluding import correlation, culprit, nonce, verdict
from assay.prove.listener import Listener
from assay.prove.patience import redirected, retry_after
from assay.prove.plan import select, summarise
from assay.prove.redaction import Redaction
from assay.prove.reproduce import curl, quoted, s_client, secret, shown
from assay.prove.result import Exchange
from assay.prove.scope import Origin
from assay.prove.slots import Slot, Slots
from assay.prove.sources import Sources


async def fine(lab: Lab) -> Judged:
    return held("fine")


# The log ---------------------------------------------------------------------------------------------------------


def line(number: int, **more: Any) -> str:
    return json.dumps({"request_id": f"r{number}", **more}) + "\n"


def test_lines_are_found_by_request_id_while_the_log_grows(tmp_path: Path) -> None:
    path = tmp_path / "access.jsonl"
    path.write_text(line(0, path="/before"))

    async def go() -> None:
        log = AccessLog(path)
        log.start()

        async def write() -> None:
            with path.open("a") as out:
                out.write(line(1) + line(2)[:9])
                out.flush()
                await asyncio.sleep(0.1)
                out.write(line(2)[9:] + "not json\n[1]\n" + line(3, text='a "b"'))

        found = await asyncio.gather(*(log.line(f"r{n}", within=20.0) for n in (1, 2, 3)), write())
        assert [f["request_id"] for f in found[:3] if f] == ["r1", "r2", "r3"]
        assert await log.line("r0", within=0.1) is None  # written before the run
        assert await log.holds('a "b"') and not await log.holds("/before")
        await log.close()

    asyncio.run(go())


def test_a_line_is_waited_for_though_the_machine_pauses(tmp_path: Path) -> None:
    path = tmp_path / "access.jsonl"
    path.write_text("")

    async def go() -> None:
        log = AccessLog(path)
        log.start()
        waiting = asyncio.create_task(log.line("r1", within=1.0))
        await asyncio.sleep(0)
        time.sleep(1.5)  # noqa: ASYNC251 - nobody does anything meanwhile
        await asyncio.sleep(0.05)
        path.write_text(line(1))
        assert await waiting
        await log.close()

    asyncio.run(go())


def test_a_log_that_is_replaced_or_absent_is_no_trouble(tmp_path: Path) -> None:
    path = tmp_path / "access.jsonl"

    async def go() -> None:
        log = AccessLog(path)
        log.start()
        assert await log.line("r1", within=0.1) is None
        path.write_text(line(1) * 50)
        assert await log.line("r1", within=20.0)
        path.rename(tmp_path / "access.1.jsonl")
        path.write_text(line(2))
        assert await log.line("r2", within=20.0)
        await log.close()

    asyncio.run(go())


# The listener ----------------------------------------------------------------------------------------------------


async def fetch(url: str) -> bytes:
    host, _, path = url.removeprefix("http://").partition("/")
    reader, writer = await asyncio.open_connection(*host.split(":"))
    writer.write(f"GET /{path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
    found = await reader.read()
    writer.close()
    await writer.wait_closed()
    return found


def test_a_listener_hears_its_own_urls_and_no_others() -> None:
    async def go() -> None:
        listener = Listener()
        one, two = await listener.url(), await listener.url(redirect_to="http://127.0.0.1:1/secret")
        page = await listener.url(body=b'{"keys": []}', content_type="application/json")
        assert not await listener.heard(one, within=0.05)
        assert b"302" in await fetch(two.url) and b"location: http://127.0.0.1:1/secret" in await fetch(two.url)
        assert (await fetch(page.url)).endswith(b'{"keys": []}')
        assert b"404" in await fetch(one.url.replace(one.nonce, "other"))
        assert await listener.heard(two, within=0) and not await listener.heard(one, within=0)
        await fetch(one.url + "/evil.dtd?x=1")
        assert await listener.heard(one, within=0.5)
        assert not await listener.heard(Canary("http://127.0.0.1:1/x", "x"), within=0)
        await listener.close()

    asyncio.run(go())


def test_a_listener_ends_although_somebody_hangs_on_it() -> None:
    async def go() -> None:
        listener = Listener()
        canary = await listener.url()
        host, _, _ = canary.url.removeprefix("http://").partition("/")
        _, writer = await asyncio.open_connection(*host.split(":"))
        writer.write(b"GET /")
        await asyncio.sleep(0.05)
        async with asyncio.timeout(10):
            await listener.close()
        writer.transport.abort()

    asyncio.run(go())


# The plan --------------------------------------------------------------------------------------------------------


def test_a_plan_counts_and_says_what_the_bounds_will_not_allow() -> None:
    cases = [
        case(fine, "a", requests=10, writes=2),
        case(fine, "b", family=Family.EXHAUSTION, requests=100, seconds=61),
        case(fine, "c", family=Family.EXHAUSTION, requests=100, seconds=61, identity="other"),
    ]
    plan = summarise(cases, Limits())
    assert (plan.requests, plan.writes) == (210, 2)
    assert plan.by_family == {Family.READ: 1, Family.EXHAUSTION: 2} and plan.by_control == {"authorisation": 3}
    assert 61 <= plan.seconds < 70 and not plan.exceeds
    tight = summarise(cases, Limits(requests=100, seconds=30))
    assert len(tight.exceeds) == 2 and tight.seconds == 30
    assert tight.as_json()["cases"] == 3


def test_selectors_choose_cases_and_misspelt_ones_name_what_was_meant() -> None:
    cases = [case(fine, "a"), case(fine, "b", identity="other")]
    assert select(cases, identities=["other"]) == (cases[1],)
    assert select(cases, controls=["authorisation"], operations=["shop.getThing"], ids=[cases[0].id]) == (cases[0],)
    for wrong, meant in (
        ({"controls": ["authorization"]}, "authorisation"),
        ({"operations": ["shop.getThings"]}, "shop.getThing"),
        ({"identities": ["othr"]}, "other"),
        ({"ids": [cases[0].id + "x"]}, cases[0].id),
    ):
        with pytest.raises(UsageError) as caught:
            select(cases, **wrong)
        assert f"`{meant}`" in caught.value.fix


# Places ----------------------------------------------------------------------------------------------------------


def test_who_comes_back_from_a_wait_goes_before_who_has_not_begun() -> None:
    async def go() -> list[str]:
        slots, order = Slots(1), []

        async def work(name: str, *, waits: bool) -> None:
            slot = Slot(slots)
            await slot.take()
            order.append(f"{name} begins")
            if waits:
                slot.leave()
                await asyncio.sleep(0.01)
                await slot.take()
                order.append(f"{name} goes on")
            else:
                await asyncio.sleep(0.03)
            slot.leave()

        await asyncio.gather(work("a", waits=True), *(work(name, waits=False) for name in "bcd"))
        return order

    assert asyncio.run(go()) == ["a begins", "b begins", "a goes on", "c begins", "d begins"]


def test_a_place_is_not_lost_when_somebody_who_waits_for_it_gives_up() -> None:
    async def go() -> None:
        slots = Slots(1)
        first = Slot(slots)
        await first.take()
        tasks = [asyncio.create_task(Slot(slots).take()) for _ in range(2)]
        await asyncio.sleep(0)
        first.leave()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        async with asyncio.timeout(1):
            await Slot(slots).take()

    asyncio.run(go())


# Sources ---------------------------------------------------------------------------------------------------------


@given(st.text(max_size=20))
def test_a_caller_always_calls_from_the_same_address(caller: str) -> None:
    sources = Sources(lambda _: (), spread=True)
    address = sources.choose("shop", caller)
    assert address == Sources(lambda _: (), spread=True).choose("shop", caller)
    assert address is not None and ipaddress.ip_address(address).is_loopback


def test_callers_stay_inside_the_networks_that_are_declared() -> None:
    allowed = [ipaddress.ip_network("127.0.0.8/30")]
    sources = Sources(lambda api: allowed if api == "shop" else (), spread=True)
    assert {sources.choose("shop", f"c{n}") for n in range(50)} <= {f"127.0.0.{n}" for n in range(8, 12)}
    inside = sources.choose("other", "caller", ["10.0.0.0/8", "127.5.0.0/16"])
    assert inside is not None and inside.startswith("127.5.0.")
    with pytest.raises(NotReached, match=r"10\.0\.0\.0/8"):
        sources.choose("other", "caller", ["10.0.0.0/8"])
    assert Sources(lambda _: (), spread=False).choose("shop", "x") is None


# Patience --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("7", 7), ("0", 0.1), ("", 1), ("soon", 1), ("Thu, 01 Jan 1970 00:01:40 GMT", 40), ("-5", 1), ("9" * 40, 1)],
)
def test_retry_after_is_seconds_or_a_date(said: str, seconds: float) -> None:
    assert retry_after({"retry-after": said}, 60.0) == seconds


@given(st.text(max_size=40))
def test_no_location_leads_to_another_origin(place: str) -> None:
    here = Origin("http", "127.0.0.1", 8000)
    seen = Seen(1, 302, {"location": place}, b"", 0.0, "")
    onward = redirected(Call(method="POST", target="/a/b", body=b"x"), seen, here)
    assert onward is None or (onward.target.startswith("/") and onward.method == "GET" and onward.body is None)


@pytest.mark.parametrize(
    ("place", "target"),
    [
        ("c", "/a/c"),
        ("/x?y=1", "/x?y=1"),
        ("http://127.0.0.1:8000/z", "/z"),
        ("http://127.0.0.1:8000@evil.example/", None),
        ("//evil.example/", None),
        ("https://127.0.0.1:8000/", None),
        ("http://[", None),
    ],
)
def test_redirects_stay_at_home(place: str, target: str | None) -> None:
    seen = Seen(1, 307, {"location": place}, b"", 0.0, "")
    onward = redirected(Call(method="GET", target="/a/b"), seen, Origin("http", "127.0.0.1", 8000))
    assert (onward.target if onward else None) == target


# Conclusions -----------------------------------------------------------------------------------------------------


def an_exchange(status: int) -> Exchange:
    return Exchange(1, "http", "", "user", datetime.now(UTC), 0.1, status=status)


FAILED, PASSED = Judged(Outcome.FAIL, "Anybody reads it.", 1), Judged(Outcome.PASS, "It is closed.", 1)


@pytest.mark.parametrize(
    ("judged", "status", "decision", "direct", "refused", "let_through"),
    [
        (PASSED, 403, Decision("refused", "authorisation/x"), False, "authorisation/x", None),
        (PASSED, 404, Decision("allowed", "shop/0"), False, "upstream", None),
        (PASSED, 200, Decision("allowed", "shop/0"), False, None, None),
        (PASSED, 503, Decision("failed", "upstream_reset"), False, None, None),
        (FAILED, 200, Decision("allowed", "shop/0"), False, None, "shop/0"),
        (FAILED, 200, Decision("allowed", "shop/0", ("input_validation/sql",)), False, None,
         "input_validation/sql (only observes)"),
        (FAILED, 200, Decision("allowed", ""), False, None, None),
        (PASSED, 403, None, True, "upstream", None),
        (PASSED, 403, None, False, None, None),
        (FAILED, 200, None, True, None, None),
    ],
)  # fmt: skip
def test_who_decided_is_named_only_where_it_is_known(
    judged: Judged, status: int, decision: Decision | None, direct: bool, refused: str | None, let_through: str | None
) -> None:
    found = culprit(judged, an_exchange(status), decision, direct=direct)
    assert (found.refused_by, found.let_through_by) == (refused, let_through)


def test_a_policy_that_only_observes_is_named_in_the_sentence() -> None:
    found = culprit(FAILED, an_exchange(200), Decision("allowed", "shop/0", ("rate_limiting/limit",)), direct=False)
    said = verdict(case(fine), FAILED, found).sentence
    assert said == "Anybody reads it: `rate_limiting/limit` would have refused it, but only observes"


@given(st.text(max_size=30), st.text(max_size=30), st.integers(min_value=1, max_value=9))
def test_markers_are_the_same_for_the_same_words_and_well_formed(run: str, name: str, attempt: int) -> None:
    marker = nonce(run, name, attempt)
    assert len(marker) == 16 and marker.isalnum() and marker[0].isalpha() and marker == nonce(run, name, attempt)
    assert marker != nonce(run, name, attempt + 1)
    found = correlation(run, name, attempt, 1)
    assert found[14] == "4" and found[19] in "89ab" and len(found) == 36
    assert found != correlation(run, name, attempt, 2)


# Keeping ---------------------------------------------------------------------------------------------------------


def test_secrets_are_taken_out_in_every_spelling_and_bodies_are_cut() -> None:
    known = {"sw0rdfish!"}
    redaction = Redaction(lambda: frozenset(known))
    assert "sw0rdfish" not in redaction.text("a=sw0rdfish!&b=sw0rdfish%21")
    known.add("another-secret")
    assert redaction.text("another-secret") == "[redacted]"
    assert redaction.header("Set-Cookie", "sid=1") == "[redacted]" and redaction.header("x", "y") == "y"
    assert len(redaction.body(b"x" * 10_000)) == 4097
    filler = b"sw0rdfish!" * 6553
    assert "sw0rd" not in redaction.body(filler + b"12345sw0rdfish!" + b"y" * 100)
    assert redaction.body(None) == "" and redaction.body(b"\xff") == "\ufffd"


@given(
    st.text(alphabet=st.characters(exclude_characters="\x00", codec="utf-8", exclude_categories=["Cs"]), max_size=30)
)
def test_a_command_line_hands_over_exactly_the_words(text: str) -> None:
    assert shlex.split(quoted(text)) == [text]


@pytest.mark.parametrize("text", ["$(id)", "`id`", 'a"b', "a'b", "\\", "!x", "a\nb", "${HOME}", "é"])
def test_only_the_secret_is_expanded_by_a_shell(text: str) -> None:
    word = quoted(f"{text}{secret('TOKEN_A')}{text}")
    done = subprocess.run(
        ["/bin/sh", "-c", f"printf %s {word}"], env={"TOKEN_A": "s3cret"}, capture_output=True, check=True
    )
    assert done.stdout.decode() == f"{text}s3cret{text}"
    assert shown(f"Bearer {secret('TOKEN_A')}") == "Bearer $TOKEN_A"


def test_a_curl_command_line_sends_the_same_request() -> None:
    """Asked of the real curl, where there is one."""

    async def go() -> None:
        async with played(lambda _: reply(200, b"{}")) as site:
            headers = [("authorization", f"Bearer {secret('TOKEN_A')}"), ("x-empty", ""), ("x-odd", "a'b\"c $x")]
            url = f"{site.url}/a/../b//c/%2e%2e/[1]?q={{x}}&r=$(id)"
            command = curl("PUT", url, headers, "{'a': \"b\"}", source="127.0.0.9")
            process = await asyncio.create_subprocess_exec("/bin/sh", "-c", command, env={"TOKEN_A": "t0k"}, stdout=-3)
            if await process.wait() == 127:
                return
            (asked,) = site.asked
            assert asked.line == b"PUT /a/../b//c/%2e%2e/[1]?q={x}&r=$(id) HTTP/1.1"
            assert asked.header("authorization") == "Bearer t0k" and asked.header("x-odd") == "a'b\"c $x"
            assert asked.body == b"{'a': \"b\"}" and asked.peer == "127.0.0.9"

    asyncio.run(go())


def test_handshakes_and_raw_bytes_have_command_lines_too() -> None:
    there = Origin("https", "127.0.0.1", 8443)
    old = s_client(there, Offer(minimum="1.1", maximum="1.1", certificate="back-office"))
    assert (
        old.startswith("openssl s_client -connect 127.0.0.1:8443 -tls1_1") and '-cert "$CERTIFICATE_BACK_OFFICE"' in old
    )
    text = "GET /%41\\ HTTP/1.1\r\n\r\n"
    line = reproduce.raw(there, text, tls=False)
    printed = subprocess.run(["/bin/sh", "-c", line.partition(" | ")[0]], capture_output=True, check=True).stdout
    assert printed == text.encode() and line.endswith("| nc 127.0.0.1 8443")

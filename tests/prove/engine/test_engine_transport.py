"""What goes over the wire is what was asked for, byte for byte, and only to where was declared."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import h11
import pytest
from engine_world import Asked, Play, Played, played, reply
from hypothesis import given
from hypothesis import strategies as st

from assay.domain import UsageError
from assay.identity.pki import ensure_server_certificate, issue_client_certificate
from assay.prove.case import NotReached, Offer
from assay.prove.handshake import exchange_raw, shake
from assay.prove.scope import Origin, Scope, origin_of
from assay.prove.seams import ClientCertificate
from assay.prove.transport import Transport
from assay.prove.wire import Answer, Message, Reader, inflated


def sending(play: Play, use: Callable[[Transport, Played], Awaitable[Any]], **more: Any) -> Any:
    """Runs ``use`` with a transport that may reach what ``play`` plays."""

    async def go() -> Any:
        async with played(play, ssl=more.pop("ssl", None)) as site:
            scope = Scope(frozenset({origin_of(site.url)}))
            authority = more.pop("authority", None)
            transport = Transport(scope, authority=authority, seconds=1.0, body_bytes=more.pop("bound", 1000))
            try:
                return await use(transport, site)
            finally:
                transport.close()

    return asyncio.run(go())


def message(site: Played, target: str = "/", method: str = "GET", **more: Any) -> Message:
    return Message(origin=origin_of(site.url), method=method, target=target, **more)


TARGETS = [
    "/a/%2e%2e/b",
    "//x",
    "/a;b",
    "/a/../b",
    "/./a",
    "/a%2Fb%00",
    "/A?q=%zz&&a=1#x",
    "/a\\b",
    "*",
    "/ünï",
    "http://elsewhere.example/x",
    "/x?filter={%22a%22:1}",
]


def test_targets_go_out_byte_for_byte() -> None:
    async def use(transport: Transport, site: Played) -> list[bytes]:
        for target in TARGETS:
            assert (await transport.send(message(site, target))).status == 200
        return [asked.line for asked in site.asked]

    assert sending(lambda _: reply(), use) == [f"GET {t} HTTP/1.1".encode() for t in TARGETS]


def test_headers_keep_their_case_order_and_repetition() -> None:
    headers = (("X-B", "1"), ("x-a", "2"), ("X-B", "3"), ("Content-Length", "2"), ("Empty", ""), ("x-u", "ü"))

    async def use(transport: Transport, site: Played) -> bytes:
        await transport.send(message(site, method="POST", headers=headers, body=b"{}"))
        return site.asked[0].head

    lines = sending(lambda _: reply(), use).decode().split("\r\n")
    assert lines[2:8] == ["X-B: 1", "x-a: 2", "X-B: 3", "Content-Length: 2", "Empty: ", "x-u: ü"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"target": "/a b"},
        {"target": "/a\r\nx: y"},
        {"target": ""},
        {"target": "/things/{id}"},
        {"method": "G T"},
        {"headers": (("x", "a\r\nb: c"),)},
        {"headers": (("x y", "a"),)},
    ],
)
def test_what_would_be_more_than_one_request_is_never_sent(wrong: dict[str, Any]) -> None:
    async def use(transport: Transport, site: Played) -> int:
        with pytest.raises(UsageError):
            await transport.send(message(site, **wrong))
        return len(site.asked)

    assert sending(lambda _: reply(), use) == 0


def test_connections_are_kept_per_source_and_certificate() -> None:
    async def use(transport: Transport, site: Played) -> list[tuple[int, str]]:
        for source in ("127.0.0.2", "127.0.0.3", "127.0.0.2"):
            await transport.send(message(site, source=source))
        return [(asked.connection, asked.peer) for asked in site.asked]

    assert sending(lambda _: reply(), use) == [(1, "127.0.0.2"), (2, "127.0.0.3"), (1, "127.0.0.2")]


def test_a_kept_connection_that_was_closed_meanwhile_is_not_an_answer() -> None:
    async def use(transport: Transport, site: Played) -> list[int]:
        found = [(await transport.send(message(site))).status for _ in range(3)]
        return [*found, len(site.asked)]

    served: set[int] = set()

    def once(asked: Asked) -> bytes | None:
        # Hangs up on the second request of each connection.
        if asked.connection in served:
            return None
        served.add(asked.connection)
        return reply()

    assert sending(once, use) == [200, 200, 200, 5]


def test_a_write_is_never_sent_twice() -> None:
    async def use(transport: Transport, site: Played) -> tuple[int, str]:
        await transport.send(message(site))
        answer = await transport.send(message(site, method="POST", body=b"1"))
        return len(site.asked), answer.error

    answers = iter([reply(), None])
    assert sending(lambda _: next(answers), use) == (2, "the connection was closed without an answer")


def test_a_large_answer_is_cut_and_a_compressed_one_never_unfolds_beyond_the_bound() -> None:
    async def use(transport: Transport, site: Played) -> list[Answer]:
        return [await transport.send(message(site, target)) for target in ("/large", "/bomb", "/small")]

    def play(asked: Asked) -> bytes:
        if asked.target == "/large":
            return reply(200, b"x" * 100_000)
        if asked.target == "/bomb":
            return reply(200, gzip.compress(b"x" * 500_000)[:900], ("content-encoding", "gzip"))
        return reply(200, gzip.compress(b"hello"), ("content-encoding", "gzip"))

    large, bomb, small = sending(play, use)
    assert (len(large.body), large.truncated) == (1000, True)
    assert (len(bomb.body), bomb.truncated) == (1000, True)
    assert (small.body, small.truncated, small.error) == (b"hello", False, "")


def test_an_answer_that_breaks_off_keeps_its_status_and_says_so() -> None:
    async def use(transport: Transport, site: Played) -> Answer:
        return await transport.send(message(site))

    async def breaks(_: Asked) -> bytes:
        return b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"

    answer = sending(breaks, use)
    assert (answer.status, answer.body, answer.truncated) == (200, b"half", True)
    assert "too long" in answer.error


def test_an_old_answer_without_a_length_ends_with_the_connection() -> None:
    async def use(transport: Transport, site: Played) -> Answer:
        return await transport.send(message(site))

    assert sending(lambda _: b"HTTP/1.0 204 No Content\r\n\r\n", use).status == 204


def test_calls_together_arrive_at_the_same_moment_on_connections_of_their_own() -> None:
    arrived: list[float] = []
    everybody: list[asyncio.Event] = []

    async def play(asked: Asked) -> bytes:
        arrived.append(asyncio.get_running_loop().time())
        if len(arrived) == 1:
            everybody.append(asyncio.Event())
        if len(arrived) == 20:
            everybody[-1].set()
        async with asyncio.timeout(10):  # nobody is answered before all have asked
            await everybody[-1].wait()
        return reply()

    async def use(transport: Transport, site: Played) -> tuple[list[int], int]:
        answers = await transport.together([message(site) for _ in range(20)])
        return [a.status for a in answers], len({a.connection for a in site.asked})

    apart: list[float] = []
    for _ in range(3):
        arrived.clear()
        assert sending(play, use) == ([200] * 20, 20)
        apart.append(max(arrived) - min(arrived))
        if apart[-1] < 0.15:
            break
    assert min(apart) < 0.15, "not at the same moment, three times: it is not the machine that was busy"


@given(
    st.sampled_from(["http", "https"]),
    st.from_regex(r"[a-z0-9.-]{1,20}", fullmatch=True),
    st.integers(min_value=1, max_value=65535),
)
def test_nothing_but_what_was_declared_is_ever_in_scope(scheme: str, host: str, port: int) -> None:
    declared = frozenset({Origin("https", "127.0.0.1", 8443), Origin("http", "api.test", 80)})
    origin = Origin(scheme, host, port)
    if (host, port) in {(o.host, o.port) for o in declared}:
        Scope(declared).check(origin)
    else:
        with pytest.raises(UsageError):
            Scope(declared).check(origin)


@given(st.text())
def test_any_text_is_an_origin_or_a_usage_error(text: str) -> None:
    try:
        origin = origin_of(text)
    except UsageError:
        return
    assert origin.scheme in ("http", "https") and origin.host == origin.host.lower() and 0 < origin.port < 65536


@pytest.mark.parametrize(
    "url", ["http://a@127.0.0.1:1/", "http://127.0.0.1:0", "ftp://x", "http://", "//x", "http://x y", "http://x\\@y"]
)
def test_tricky_urls_are_no_targets(url: str) -> None:
    with pytest.raises(UsageError):
        origin_of(url)


def test_out_of_scope_means_that_no_connection_is_opened() -> None:
    async def use(transport: Transport, site: Played) -> int:
        other = Transport(Scope(frozenset()), authority=None, seconds=1, body_bytes=10)
        with pytest.raises(UsageError):
            await other.send(message(site))
        with pytest.raises(UsageError):
            await other.together([message(site)])
        return len(site.asked)

    assert sending(lambda _: reply(), use) == 0


@given(st.binary(max_size=300))
def test_whatever_bytes_come_back_are_read_or_refused(data: bytes) -> None:
    reader = Reader(Message(origin=Origin("http", "x", 80), method="GET", target="/"), bound=50)
    try:
        reader.feed(data)
        if not reader.done:
            reader.feed(b"")
    except h11.RemoteProtocolError:
        return
    assert len(reader.answer(seconds=0).body) <= 50


@given(st.binary(max_size=200), st.sampled_from(["gzip", "deflate", "br", ""]), st.integers(min_value=1, max_value=64))
def test_no_body_unfolds_beyond_its_bound(body: bytes, encoding: str, bound: int) -> None:
    found, _ = inflated(body, encoding, bound)
    assert found == body or len(found) <= bound


# TLS -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    ensure_server_certificate(tmp_path / "pki", names=["127.0.0.1", "localhost"])
    return tmp_path / "pki"


def server(pki: Path, *, client: bool = False) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(str(pki / "server.crt"), str(pki / "server.key"))
    if client:
        context.load_verify_locations(str(pki / "ca.crt"))
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def shaking(pki: Path, *offers: tuple[Offer, ClientCertificate | None], client: bool = False) -> list[Any]:
    async def use(transport: Transport, site: Played) -> list[Any]:
        origin = origin_of(site.url)
        return [
            await shake(origin, offer, certificate=certificate, authority=pki / "ca.crt", seconds=2.0)
            for offer, certificate in offers
        ]

    found: list[Any] = sending(lambda _: reply(), use, ssl=server(pki, client=client))
    return found


def test_old_versions_are_refused_and_new_ones_say_what_they_are(pki: Path) -> None:
    old, new, two = shaking(
        pki,
        (Offer(minimum="1.0", maximum="1.1", verify=False), None),
        (Offer(), None),
        (Offer(maximum="1.2", suites="ECDHE-ECDSA-AES128-GCM-SHA256"), None),
    )
    assert old.error and not old.version
    assert (new.version, new.error) == ("1.3", "") and new.certificate.startswith(b"\x30")
    assert (two.version, two.suite) == ("1.2", "ECDHE-ECDSA-AES128-GCM-SHA256")


def test_a_client_certificate_that_is_refused_late_is_seen_to_be_refused(pki: Path) -> None:
    pair = issue_client_certificate(pki, "back-office.internal")
    mine = ClientCertificate(pair.certificate, pair.key)
    for maximum in ("1.2", "1.3"):
        without, good = shaking(pki, (Offer(maximum=maximum), None), (Offer(maximum=maximum), mine), client=True)
        assert without.error, maximum
        assert good.error == "" and good.version == maximum


def test_a_certificate_nobody_vouches_for_is_an_error_of_the_handshake(pki: Path, tmp_path: Path) -> None:
    ensure_server_certificate(tmp_path / "other", names=["127.0.0.1"])

    async def use(transport: Transport, site: Played) -> tuple[Any, Answer]:
        shaken = await shake(
            origin_of(site.url), Offer(), certificate=None, authority=tmp_path / "other" / "ca.crt", seconds=2.0
        )
        return shaken, await transport.send(message(site))

    shaken, answer = sending(lambda _: reply(), use, ssl=server(pki), authority=tmp_path / "other" / "ca.crt")
    assert "certificate was not accepted" in shaken.error
    assert answer.status == 0 and "certificate was not accepted" in answer.error


def test_an_offer_that_this_machine_cannot_make_is_not_a_refusal(pki: Path) -> None:
    with pytest.raises(NotReached):
        shaking(pki, (Offer(suites="NO-SUCH-SUITE"), None))
    with pytest.raises(NotReached):
        shaking(pki, (Offer(minimum="0.9"), None))


def test_raw_bytes_to_a_tls_port_and_raw_bytes_in_general(pki: Path) -> None:
    async def use(transport: Transport, site: Played) -> list[Any]:
        origin, plain = origin_of(site.url), b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
        return [
            await exchange_raw(origin, plain, context=None, seconds=1.0, bound=1000),
            await exchange_raw(origin, plain, context=transport.context(None), seconds=1.0, bound=1000),
            await exchange_raw(origin, plain, context=transport.context(None), seconds=1.0, bound=10),
        ]

    plain, tls, short = sending(lambda _: reply(200, b"hi"), use, ssl=server(pki), authority=pki / "ca.crt")
    assert not plain.data.startswith(b"HTTP/")
    assert tls.data.endswith(b"hi") and not tls.closed and tls.seconds < 1.6
    assert short.data == tls.data[:10]


def test_an_address_that_is_not_here_is_said() -> None:
    async def use(transport: Transport, site: Played) -> None:
        with pytest.raises(UsageError, match=r"192\.0\.2\.1"):
            await transport.send(message(site, source="192.0.2.1"))

        with pytest.raises(UsageError, match=r"192\.0\.2\.1"):
            await transport.together([message(site), message(site, source="192.0.2.1"), message(site)])

    sending(lambda _: reply(), use)


def test_callers_from_many_addresses_do_not_use_up_the_connections_of_a_small_server() -> None:
    async def use(transport: Transport, site: Played) -> int:
        for number in range(2, 60):
            answer = await transport.send(message(site, source=f"127.0.0.{number}"))
            assert answer.status == 200
        return sum(len(lines) for lines in transport._idle.values())

    assert 0 < sending(lambda _: reply(), use) <= 16

"""What the inspector takes for a request, and what it refuses to take for one."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.gateway.inspector import http1
from assay.gateway.inspector.http1 import Malformed, Reader, Request, response

WHOLE = (
    b"POST /inspect/a?b=c HTTP/1.1\r\nHost: i\r\nx-twice: 1\r\nX-Twice:  two \t\r\nx-raw: \xff\xfe\r\n"
    b"content-length: 5\r\n\r\nhello"
)
CHUNKED = b"POST /inspect HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n"
SHORT = b"GET /status HTTP/1.1\r\nhost: i\r\nconnection: close\r\n\r\n"


def _read(pieces: Iterable[bytes]) -> list[Request]:
    reader, found = Reader(), []
    for piece in pieces:
        reader.feed(piece)
        while (request := reader.next()) is not None:
            found.append(request)
    return found


def test_a_request_arrives_as_it_was_sent() -> None:
    [found] = _read([WHOLE])
    assert (found.method, found.target, found.body, found.keep) == ("POST", b"/inspect/a?b=c", b"hello", True)
    assert found.headers == [
        (b"host", b"i"),
        (b"x-twice", b"1"),
        (b"x-twice", b"two"),
        (b"x-raw", b"\xff\xfe"),
        (b"content-length", b"5"),
    ]


def test_a_body_in_chunks_is_put_together() -> None:
    [found] = _read([CHUNKED])
    assert found.body == b"abc0123456789"


@given(st.lists(st.integers(0, len(WHOLE + CHUNKED + SHORT)), max_size=12))
def test_where_the_bytes_are_cut_makes_no_difference(cuts: list[int]) -> None:
    data = WHOLE + CHUNKED + SHORT
    edges = [0, *sorted(cuts), len(data)]
    found = _read(data[a:b] for a, b in pairwise(edges))
    assert found == _read([data])
    assert [r.body for r in found] == [b"hello", b"abc0123456789", b""]
    assert [r.keep for r in found] == [True, True, False]


def test_every_byte_alone_makes_the_same_requests() -> None:
    data = CHUNKED + WHOLE
    assert _read(bytes([b]) for b in data) == _read([data])


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET / HTTP/2\r\n\r\n",
        b"GET /\r\n\r\n",
        b" GET / HTTP/1.1\r\n\r\n",
        b"GET\t/ HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1 \r\n\r\n",
        b"GET /a b HTTP/1.1\r\n\r\n",
        b"GET /a\tb HTTP/1.1\r\n\r\n",
        b"G{T / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\n: empty\r\n\r\n",
        b"GET / HTTP/1.1\r\nname : space\r\n\r\n",
        b"GET / HTTP/1.1\r\na: 1\r\n folded\r\n\r\n",
        b"GET / HTTP/1.1\r\na: 1\nb: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\na: 1\rb: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\na: 1\0\r\n\r\n",
        b"GET / HTTP/1.1\ra: 1\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\na",
        b"POST / HTTP/1.1\r\ncontent-length: 1, 1\r\n\r\na",
        b"POST / HTTP/1.1\r\ncontent-length: +1\r\n\r\na",
        b"POST / HTTP/1.1\r\ncontent-length: 1_0\r\n\r\na",
        b"POST / HTTP/1.1\r\ncontent-length:\r\n\r\na",
        b"POST / HTTP/1.1\r\ncontent-length: 0x1\r\n\r\na",
        b"POST / HTTP/1.1\r\ncontent-length: 999999999\r\n\r\na",
        b"POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\na",
        b"POST / HTTP/1.1\r\ntransfer-encoding: gzip, chunked\r\n\r\na",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n\r\n\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\ntrailer: x\r\n\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3;x=y\nabc\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n10000000000000000\r\na",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nconnection: upgrade\r\nupgrade: other\r\ncontent-length: 3\r\n\r\nabc",
        b"CONNECT i:1 HTTP/1.1\r\n\r\n",
        b"GET /\xc3\xbc HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\na: \x01\r\n\r\n",
    ],
)
def test_what_two_readers_could_split_differently_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        _read([data])


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (b"\r\n\r\nPOST /a HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc\r\n", b"abc"),
        (b"POST  /a  HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc", b"abc"),
        (b"POST /a HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\n\r\n", b"abc"),
        (b"POST /a HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0000000003\r\nabc\r\n0\r\n\r\n", b"abc"),
    ],
    ids=["empty lines around a request", "more spaces", "a chunk's extension", "leading zeros"],
)
def test_what_a_server_may_pass_over_changes_nothing_wherever_it_is_cut(data: bytes, body: bytes) -> None:
    """RFC 9112 sections 2.2, 3, 7.1.1: all of it is the writer's own framing, which is Envoy's, never a client's."""
    for cut in range(len(data) + 1):
        [found] = _read([data[:cut], data[cut:]])
        assert (found.method, found.target, found.body) == ("POST", b"/a", body)


def test_what_came_whole_before_nonsense_is_still_a_request() -> None:
    reader = Reader()
    reader.feed(WHOLE + b"\0\0")
    assert reader.next() is not None
    for _ in range(2):
        with pytest.raises(Malformed):
            reader.next()
        reader.feed(WHOLE)


@pytest.mark.parametrize("size", [1, 1000])
def test_a_body_that_never_ends_is_refused(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(http1, "MAX_BODY_BYTES", 10_000)
    reader = Reader()
    reader.feed(b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nffffffff\r\n")
    for _ in range(10_000 // size):
        reader.feed(b"x" * size)
    assert reader.next() is None
    reader.feed(b"x")
    with pytest.raises(Malformed):
        reader.next()


def test_requests_that_nobody_takes_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http1, "_MAX_WAITING_BYTES", 10_000)
    reader = Reader()
    with pytest.raises(Malformed):
        for _ in range(10_000):
            reader.feed(WHOLE)


@pytest.mark.parametrize("first", [b"", WHOLE])
def test_a_head_that_never_ends_is_refused_however_it_is_cut(first: bytes) -> None:
    reader = Reader()
    reader.feed(first + b"GET / HTTP/1.1\r\na: ")
    if first:
        assert reader.next() is not None
    for _ in range(20):
        reader.feed(b"x" * 65_536)
    with pytest.raises(Malformed):
        reader.next()


@pytest.mark.parametrize("cut", range(1, len(CHUNKED)))
def test_an_unfinished_request_is_none(cut: int) -> None:
    assert _read([CHUNKED[:cut]]) == []


def test_an_endless_head_is_refused() -> None:
    reader = Reader()
    reader.feed(b"GET / HTTP/1.1\r\na: " + b"x" * http1.MAX_HEAD_BYTES)
    with pytest.raises(Malformed):
        reader.next()


_PIECES = st.sampled_from(
    [
        *(b"GET ", b"/", b" HTTP/1.1", b"\r\n", b"\r\n\r\n", b"\n", b"a: b", b"content-length: 3", b"abc", b"0", b":"),
        b"\0",
        *(
            b"transfer-encoding: chunked",
            b"3\r\nabc\r\n",
            b"0\r\n\r\n",
            b"content-length: 0",
            b" ",
            b"\xff",
            b"5;",
            b"\0",
        ),
    ]
)


@given(st.lists(st.one_of(_PIECES, st.binary(max_size=5)), max_size=12))
def test_nothing_but_a_diagnosis_comes_of_nonsense(pieces: list[bytes]) -> None:
    try:
        found = _read([b"".join(pieces)])
    except Malformed:
        return
    assert all(r.target and b"\n" not in r.target for r in found)
    assert all(b"\n" not in v and b"\r" not in v for r in found for _, v in r.headers)


def test_an_answer_says_how_long_it_is() -> None:
    assert response(503, [(b"a", b"b")], b"xy", keep=False) == (
        b"HTTP/1.1 503 Service Unavailable\r\na: b\r\ncontent-length: 2\r\nconnection: close\r\n\r\nxy"
    )


@pytest.mark.parametrize("value", [b"a\r\nx: y", b"a\n", b"a\r", b"\0"])
def test_a_header_of_an_answer_cannot_begin_another(value: bytes) -> None:
    with pytest.raises(Malformed):
        response(200, [(b"x-assay-roles", value)], b"")

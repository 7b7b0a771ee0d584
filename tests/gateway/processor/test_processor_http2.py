"""HTTP/2 as Envoy speaks it: what is taken, what waits for a window, and what ends the connection."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.gateway.processor.http2 import MAX_FRAME, MAX_STREAMS, PREFACE, ProtocolError, Received, Session

DATA, HEADERS, RESET, SETTINGS, PING, AWAY, WINDOW, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, ACK, END_HEADERS, PADDED = 1, 1, 4, 8
Frame = tuple[int, int, int, bytes]


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def _frames(data: bytes) -> list[Frame]:
    found = []
    while data:
        size = int.from_bytes(data[:3], "big")
        found.append((data[3], data[4], int.from_bytes(data[5:9], "big"), data[9 : 9 + size]))
        data = data[9 + size :]
    return found


def _begun(*settings: tuple[int, int]) -> Session:
    session = Session()
    pairs = b"".join(struct.pack(">HI", *pair) for pair in settings)
    assert list(session.receive(PREFACE + _frame(SETTINGS, 0, 0, pairs))) == []
    kinds = [(kind, flags) for kind, flags, _, _ in _frames(session.outgoing())]
    assert kinds == [(SETTINGS, 0), (WINDOW, 0), (SETTINGS, ACK)]
    return session


def _opened(session: Session, stream: int = 1) -> Session:
    assert list(session.receive(_frame(HEADERS, END_HEADERS, stream, b"any fields"))) == [Received(stream)]
    return session


def _sent(session: Session) -> bytes:
    return b"".join(payload for kind, _, _, payload in _frames(session.outgoing()) if kind == DATA)


def test_an_answer_has_its_fields_once_and_ends_without_trailers() -> None:
    session = _opened(_begun())
    session.send(1, b"first")
    session.send(1, b"second")
    session.finish(1)
    frames = _frames(session.outgoing())
    assert [(kind, flags) for kind, flags, _, _ in frames] == [
        (HEADERS, END_HEADERS),
        (DATA, 0),
        (DATA, 0),
        (DATA, END_STREAM),
    ]
    assert frames[0][3] == b"\x88\x0f\x10\x10application/grpc"
    assert session.outgoing() == b""


STREAM = (
    PREFACE
    + _frame(SETTINGS, 0, 0)
    + _frame(HEADERS, 0, 1, b"part")
    + _frame(CONTINUATION, END_HEADERS, 1, b"rest")
    + _frame(DATA, 0, 1, b"abc")
    + _frame(PING, 0, 0, b"12345678")
    + _frame(DATA, PADDED, 1, b"\x02def\0\0")
    + _frame(0x77, 0, 0, b"unknown")
    + _frame(DATA, END_STREAM, 1, b"")
    + _frame(HEADERS, END_HEADERS, 3, b"")
    + _frame(RESET, 0, 3, b"\0\0\0\0")
)


def _all(pieces: Iterable[bytes]) -> list[Received]:
    session = Session()
    return [received for piece in pieces for received in session.receive(piece)]


@given(st.lists(st.integers(0, len(STREAM)), max_size=10))
def test_where_the_bytes_are_cut_makes_no_difference(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    assert _all(STREAM[a:b] for a, b in pairwise(edges)) == [
        Received(1),
        Received(1, b"abc"),
        Received(1, b"def"),
        Received(1, b"", ended=True),
        Received(3),
        Received(3, gone=True),
    ]


def test_a_ping_comes_back() -> None:
    session = _begun()
    list(session.receive(_frame(PING, 0, 0, b"12345678")))
    assert _frames(session.outgoing()) == [(PING, ACK, 0, b"12345678")]


def test_what_the_windows_do_not_let_through_waits_and_then_arrives_whole() -> None:
    session = _opened(_begun((4, 10)))
    body = bytes(range(200)) * 2
    session.send(1, body)
    session.finish(1)
    got = _sent(session)
    assert got == body[:10]
    list(session.receive(_frame(WINDOW, 0, 1, (100).to_bytes(4, "big"))))
    got += _sent(session)
    assert got == body[:110]
    list(session.receive(_frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 1000))))
    got += _sent(session)
    assert got == body


def test_the_connections_window_holds_for_all_streams_together() -> None:
    session = _opened(_opened(_begun((4, 2**31 - 1))), 3)
    session.send(1, b"a" * 65_000)
    session.send(3, b"b" * 65_000)
    assert len(_sent(session)) == 65_535
    list(session.receive(_frame(WINDOW, 0, 0, (2**20).to_bytes(4, "big"))))
    assert len(_sent(session)) == 130_000 - 65_535


def test_no_frame_is_larger_than_the_other_side_takes() -> None:
    session = _opened(_begun((4, 2**20)))
    session.send(1, b"x" * 40_000)
    assert max(len(payload) for *_, payload in _frames(session.outgoing())) == MAX_FRAME


def test_large_bodies_never_exhaust_the_connection() -> None:
    session = _opened(_begun())
    given_back = 0
    for _ in range(4000):
        list(session.receive(_frame(DATA, 0, 1, b"x" * MAX_FRAME)))
        given_back += sum(
            int.from_bytes(p, "big") for k, _, s, p in _frames(session.outgoing()) if (k, s) == (WINDOW, 0)
        )
    assert 4000 * MAX_FRAME - given_back < 2**25


def test_data_for_a_stream_that_was_reset_are_nothing() -> None:
    session = _opened(_begun())
    session.reset(1)
    assert list(session.receive(_frame(DATA, 0, 1, b"late"))) == []
    session.send(1, b"nobody listens")
    assert [kind for kind, *_ in _frames(session.outgoing())] == [RESET]


def test_more_streams_than_agreed_are_refused_alone() -> None:
    session = _begun()
    for number in range(MAX_STREAMS):
        _opened(session, 2 * number + 1)
    assert list(session.receive(_frame(HEADERS, END_HEADERS, 2 * MAX_STREAMS + 1))) == []
    assert [(k, p) for k, _, _, p in _frames(session.outgoing())] == [(RESET, b"\0\0\0\x07")]


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        PREFACE[:10] + b"x",
        PREFACE + (MAX_FRAME + 1).to_bytes(3, "big") + bytes([DATA, 0, 0, 0, 0, 1]),
        PREFACE + _frame(DATA, 0, 1, b"before its stream"),
        PREFACE + _frame(DATA, 0, 0, b"of no stream"),
        PREFACE + _frame(HEADERS, END_HEADERS, 2),
        PREFACE + _frame(HEADERS, END_HEADERS, 0),
        PREFACE + _frame(HEADERS, END_HEADERS, 3) + _frame(HEADERS, END_HEADERS, 1),
        PREFACE + _frame(HEADERS, 0, 1) + _frame(DATA, 0, 1, b"x"),
        PREFACE + _frame(HEADERS, 0, 1) + _frame(CONTINUATION, END_HEADERS, 3),
        PREFACE + _frame(CONTINUATION, END_HEADERS, 1),
        PREFACE + _frame(HEADERS, END_HEADERS, 1) + _frame(DATA, PADDED, 1, b"\x05abc"),
        PREFACE + _frame(HEADERS, END_HEADERS, 1) + _frame(DATA, PADDED, 1, b""),
        PREFACE + _frame(PING, 0, 0, b"short"),
        PREFACE + _frame(SETTINGS, 0, 0, b"12345"),
        PREFACE + _frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 2**31)),
        PREFACE + _frame(SETTINGS, 0, 0, struct.pack(">HI", 5, 1)),
        PREFACE + _frame(WINDOW, 0, 0, b"123"),
        PREFACE + _frame(WINDOW, 0, 0, (2**31 - 1).to_bytes(4, "big")),
        PREFACE + _frame(5, 0, 1, b"promise"),
    ],
)
def test_what_is_no_http2_ends_the_connection(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        _all([data])


_KIND = st.one_of(st.integers(0, 10), st.integers(0, 255))
_RANDOM = st.builds(_frame, _KIND, st.integers(0, 255), st.integers(0, 9), st.binary(max_size=12))


@given(st.lists(st.one_of(_RANDOM, st.binary(max_size=4)), max_size=12), st.binary(max_size=30))
def test_nothing_but_a_protocol_error_comes_of_nonsense(frames: list[bytes], answer: bytes) -> None:
    session = Session()
    try:
        for received in session.receive(PREFACE + b"".join(frames)):
            session.send(received.stream, answer + b"!")
            if received.ended:
                session.finish(received.stream)
    except ProtocolError:
        pass
    assert all(len(payload) <= 2**24 for *_, payload in _frames(session.outgoing()))


def test_leaving_says_which_streams_are_still_served() -> None:
    session = _opened(_begun(), 5)
    session.away()
    assert _frames(session.outgoing()) == [(AWAY, 0, 0, b"\0\0\0\x05\0\0\0\0")]
    session.send(5, b"still")
    assert _sent(session) == b"still"

"""The processor's HTTP/2 against h2 as its peer: each understands whatever the other may send, in any order and cut."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, PingAckReceived, ResponseReceived, StreamEnded, StreamReset
from h2.settings import SettingCodes
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from assay.gateway.processor.http2 import Session

METHOD = "/envoy.service.ext_proc.v3.ExternalProcessor/Process"
FIELDS = [(":method", "POST"), (":scheme", "http"), (":path", METHOD), (":authority", "p"), ("te", "trailers")]
BODY = st.one_of(st.binary(max_size=40), st.integers(1, 20_000).map(lambda size: b"x" * size))
ANY = st.integers(0, 1 << 30)


class Peers(RuleBasedStateMachine):
    """Bytes lie on the way in both directions until a rule delivers some of them, so that messages can cross."""

    def __init__(self) -> None:
        super().__init__()
        self.session = Session()
        self.client = H2Connection(H2Configuration(client_side=True))
        self.to_session = bytearray()
        self.to_client = bytearray()
        self.asking: list[int] = []  # the client has not ended them
        self.known: list[int] = []  # the session has seen them
        self.finished: set[int] = set()  # the session has seen their end
        self.reset: set[int] = set()  # by either side
        self.asked: dict[int, bytearray] = defaultdict(bytearray)
        self.heard: dict[int, bytearray] = defaultdict(bytearray)
        self.answered: dict[int, bytearray] = defaultdict(bytearray)
        self.arrived: dict[int, bytearray] = defaultdict(bytearray)
        self.fields: dict[int, int] = defaultdict(int)
        self.ended: set[int] = set()
        self.unread: list[tuple[int, int]] = []
        self.pings = 0

    def _flush(self) -> None:
        self.to_session += self.client.data_to_send()
        self.to_client += self.session.outgoing()

    @initialize()
    def begin(self) -> None:
        self.client.initiate_connection()
        self._flush()
        # h2 takes the first acknowledgement for one of whatever settings it has changed since.
        self.deliver_to_session(1.0)
        self.deliver_to_client(1.0)

    @rule(extra=st.sampled_from([0, 1, 500]), weight=st.none() | st.integers(1, 256))
    def open(self, extra: int, weight: int | None) -> None:
        if len(self.asking) >= 20:
            return
        stream = self.client.get_next_available_stream_id()
        more = [(f"x-{number}", "~" * 30) for number in range(extra)]
        # h2 forgets the priority's bytes when it splits a block of fields.
        self.client.send_headers(stream, FIELDS + more, priority_weight=weight if extra < 500 else None)
        self.asking.append(stream)
        self._flush()

    @precondition(lambda self: self.asking)
    @rule(which=ANY, body=BODY, padding=st.none() | st.integers(0, 255))
    def ask(self, which: int, body: bytes, padding: int | None) -> None:
        stream = self.asking[which % len(self.asking)]
        room = min(self.client.local_flow_control_window(stream), self.client.max_outbound_frame_size) - 256
        if room > 0:
            body = body[:room]
            self.client.send_data(stream, body, pad_length=padding)
            self.asked[stream] += body
            self._flush()

    @precondition(lambda self: self.asking)
    @rule(which=ANY, trailers=st.booleans())
    def end(self, which: int, trailers: bool) -> None:
        stream = self.asking.pop(which % len(self.asking))
        if trailers:
            self.client.send_headers(stream, [("x-trailer", "t" * 50)], end_stream=True)
        else:
            self.client.end_stream(stream)
        self._flush()

    @precondition(lambda self: self.asking)
    @rule(which=ANY)
    def give_up(self, which: int) -> None:
        stream = self.asking.pop(which % len(self.asking))
        self.client.reset_stream(stream)
        self.reset.add(stream)
        self._flush()

    @rule(window=st.sampled_from([0, 10, 70_000, 2**31 - 1]), frame=st.sampled_from([16_384, 20_000, 2**24 - 1]))
    def settle(self, window: int, frame: int) -> None:
        self.client.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: window, SettingCodes.MAX_FRAME_SIZE: frame})
        self._flush()

    @rule()
    def ping(self) -> None:
        self.client.ping(b"12345678")
        self.pings += 1
        self._flush()

    @precondition(lambda self: self.unread)
    @rule()
    def read(self) -> None:
        for stream, size in self.unread:
            self.client.acknowledge_received_data(size, stream)
        self.unread.clear()
        self._flush()

    @precondition(lambda self: self.known)
    @rule(which=ANY, body=BODY)
    def answer(self, which: int, body: bytes) -> None:
        stream = self.known[which % len(self.known)]
        self.session.send(stream, body + b".")
        self.answered[stream] += body + b"."
        self._flush()

    @precondition(lambda self: self.known)
    @rule(which=ANY)
    def finish(self, which: int) -> None:
        stream = self.known[which % len(self.known)]
        if stream not in self.finished:  # the processor ends a stream only after its client
            return
        self.known.remove(stream)
        if not self.answered[stream]:
            self.reset.add(stream)
        self.session.finish(stream)
        self._flush()

    @precondition(lambda self: self.known)
    @rule(which=ANY)
    def break_off(self, which: int) -> None:
        stream = self.known.pop(which % len(self.known))
        self.reset.add(stream)
        self.session.reset(stream)
        self._flush()

    @rule(share=st.floats(0, 1))
    def deliver_to_session(self, share: float) -> None:
        size = round(len(self.to_session) * share)
        data = bytes(self.to_session[:size])
        del self.to_session[:size]
        for received in self.session.receive(data):
            stream = received.stream
            if received.gone:
                self.known.remove(stream)
                continue
            if stream not in self.heard:
                self.known.append(stream)
            self.heard[stream] += received.data
            if received.ended:
                self.finished.add(stream)
        self._flush()

    @rule(share=st.floats(0, 1))
    def deliver_to_client(self, share: float) -> None:
        size = round(len(self.to_client) * share)
        data = bytes(self.to_client[:size])
        del self.to_client[:size]
        for piece in _cut(data):
            for event in self.client.receive_data(piece):
                self._take(event)
        self._flush()

    def _take(self, event: Any) -> None:
        if isinstance(event, ResponseReceived):
            assert list(event.headers) == [(b":status", b"200"), (b"content-type", b"application/grpc")]
            self.fields[event.stream_id] += 1
        elif isinstance(event, DataReceived):
            self.arrived[event.stream_id] += event.data
            self.unread.append((event.stream_id, event.flow_controlled_length))
        elif isinstance(event, StreamEnded):
            self.ended.add(event.stream_id)
        elif isinstance(event, StreamReset):
            assert event.stream_id in self.reset
            if event.stream_id in self.asking:
                self.asking.remove(event.stream_id)
        elif isinstance(event, PingAckReceived):
            self.pings -= 1

    @invariant()
    def nothing_is_made_up(self) -> None:
        for stream, data in self.heard.items():
            assert self.asked[stream].startswith(data)
        for stream, data in self.arrived.items():
            assert self.answered[stream].startswith(data)
        assert set(self.fields.values()) <= {1}

    def teardown(self) -> None:
        """Whatever was said arrives in the end, on every stream that was not broken off."""
        if not self.to_session and not self.asked and not self.heard:
            return
        self.client.increment_flow_control_window(2**30)
        self.settle(2**31 - 1, 16_384)
        while self.to_session or self.to_client or self.unread:
            self.deliver_to_session(1.0)
            self.deliver_to_client(1.0)
            self.read()
        assert self.pings == 0
        for stream in (self.asked.keys() | self.heard.keys()) - self.reset:
            assert self.heard[stream] == self.asked[stream]
            assert self.arrived[stream] == self.answered[stream]
            assert (stream in self.ended) == (stream in self.finished and stream not in self.known)
        self.nothing_is_made_up()
        self.session.away()
        self.deliver_to_client(1.0)
        self._flush()
        assert self.client.receive_data(self.session.outgoing()) == []


def _cut(data: bytes) -> Iterator[bytes]:
    """The data, cut behind each acknowledgement of settings.

    h2 looks up the largest frame it takes when it is given data, so it would refuse a frame that follows, in the same
    data, the acknowledgement that allows it.
    """
    ends = {found.end() for found in re.finditer(re.escape(_ACKNOWLEDGED), data)}
    ends |= {size for size in range(1, len(_ACKNOWLEDGED)) if data.startswith(_ACKNOWLEDGED[-size:])}
    for start, end in pairwise((0, *sorted(ends), len(data))):
        yield data[start:end]


_ACKNOWLEDGED = b"\0\0\0\4\1\0\0\0\0"


Peers.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestPeers = Peers.TestCase

"""Messages are read and written from their bytes: held here against the protobuf library as the peer."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from envoy.config.core.v3 import base_pb2
from envoy.service.ext_proc.v3 import external_processor_pb2 as ext_proc
from hypothesis import given
from hypothesis import strategies as st

from assay.gateway.processor import problems
from assay.gateway.processor.exchange import Modes, Step
from assay.gateway.processor.protobuf import MalformedError, field
from assay.gateway.processor.wire import (
    FILTER,
    METADATA,
    ROUTE_NAME,
    asked_of,
    body_of,
    headers_of,
    operation_of,
    response_of,
)

KINDS = ("request_headers", "response_headers", "request_body", "response_body", "request_trailers")
TEXT = st.text(max_size=300)
BYTES = st.one_of(st.binary(max_size=300), st.integers(0, 70_000).map(lambda size: b"x" * size))
READ = st.sampled_from([":path", ":status", "content-type", "content-length", "x-other"])
PAIRS = st.lists(st.tuples(READ, TEXT), max_size=5)


@st.composite
def requests(draw: st.DrawFn) -> Any:
    """What Envoy may send: one content, and what it knows about the request or not."""
    kind = draw(st.sampled_from(KINDS))
    request: Any = ext_proc.ProcessingRequest(observability_mode=draw(st.booleans()))
    content = getattr(request, kind)
    content.SetInParent()
    if kind.endswith("headers"):
        for name, value in draw(PAIRS):
            content.headers.headers.append(base_pb2.HeaderValue(key=name, raw_value=value.encode()))
        content.end_of_stream = draw(st.booleans())
    elif kind.endswith("body"):
        content.body, content.end_of_stream = draw(BYTES), draw(st.booleans())
    for claims in draw(st.lists(st.dictionaries(TEXT, TEXT, max_size=3), max_size=1)):
        request.metadata_context.filter_metadata["space"].update(claims)
    if draw(st.booleans()):
        request.attributes[FILTER].update({ROUTE_NAME: draw(TEXT), "n": 1})
    if draw(st.booleans()):
        request.protocol_config.SetInParent()
    return request


@given(requests())
def test_a_message_is_read_as_the_library_reads_it(request: Any) -> None:
    asked = asked_of(request.SerializeToString())
    kind = request.WhichOneof("request")
    assert asked.kind == kind
    assert base_pb2.Metadata.FromString(asked.metadata) == request.metadata_context
    if kind == "request_headers":
        fields = request.attributes[FILTER].fields if FILTER in request.attributes else {}
        assert operation_of(asked.attributes) == (fields[ROUTE_NAME].string_value if fields else "")
    content = getattr(request, kind)
    if kind.endswith("body"):
        assert body_of(asked.content) == content.body
    elif kind.endswith("headers"):
        expected: dict[str, list[str]] = {}
        for one in content.headers.headers:
            if one.key != "x-other":
                expected.setdefault(one.key, []).append(one.raw_value.decode())
        assert headers_of(asked.content) == ({k: ", ".join(v) for k, v in expected.items()}, content.end_of_stream)


@given(requests(), requests(), st.data())
def test_a_message_that_is_cut_or_says_two_things_is_refused(one: Any, other: Any, data: st.DataObject) -> None:
    whole = one.SerializeToString()
    with pytest.raises(MalformedError):
        asked_of(whole + other.SerializeToString())
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    try:
        found = asked_of(cut)
    except MalformedError:
        return
    assert cut  # it was cut between two fields
    assert ext_proc.ProcessingRequest.FromString(cut).WhichOneof("request") == found.kind


@given(st.binary(max_size=60))
def test_nothing_but_a_domain_error_comes_of_nonsense(data: bytes) -> None:
    for read in (asked_of, body_of, headers_of):
        with contextlib.suppress(MalformedError):
            read(data)


@pytest.mark.parametrize(
    "data", [b"", b"\x12", b"\x12\x05abc", b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\x13"]
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        asked_of(data)


@given(st.integers(1, 15), BYTES)
def test_a_field_that_is_written_is_read_by_the_library(number: int, content: bytes) -> None:
    body: Any = ext_proc.HttpBody.FromString(field(1, content) + field(1, b"the last counts"))
    assert body.body == b"the last counts"
    assert ext_proc.HttpBody.FromString(field(1, content)).body == content
    assert field(number, content)[1:] == field(1, content)[1:]
    assert field(number, content)[0] == number * 8 + 2


COUNTS = st.dictionaries(TEXT, st.integers(0, 1000), max_size=3)
MODES = st.builds(
    Modes, st.sampled_from(["none", "buffered", "partial"]), st.booleans(), st.sampled_from(["none", "buffered"])
)
STEPS = st.builds(
    Step,
    refusal=st.just(None),
    set_headers=st.lists(st.tuples(st.sampled_from([":path", "content-length", "x"]), TEXT), max_size=3).map(tuple),
    remove_headers=st.lists(TEXT, max_size=3).map(tuple),
    body=st.none() | BYTES,
    replace=st.booleans(),
    modes=st.none() | MODES,
    report=st.none() | st.fixed_dictionaries({"decision": TEXT}, optional={"masked": COUNTS}),
)


@given(st.sampled_from(KINDS[:4]), STEPS)
def test_an_answer_says_to_the_library_what_the_step_says(kind: str, step: Step) -> None:
    answer: Any = ext_proc.ProcessingResponse.FromString(response_of(kind, step))
    assert answer.WhichOneof("response") == kind
    common = getattr(answer, kind).response
    assert [(o.header.key, o.header.raw_value.decode()) for o in common.header_mutation.set_headers] == list(
        step.set_headers
    )
    assert all(o.append_action == o.OVERWRITE_IF_EXISTS_OR_ADD for o in common.header_mutation.set_headers)
    assert tuple(common.header_mutation.remove_headers) == step.remove_headers
    assert (common.body_mutation.body if common.HasField("body_mutation") else None) == step.body
    assert (common.status == common.CONTINUE_AND_REPLACE) == step.replace
    assert answer.HasField("mode_override") == (step.modes is not None)
    if step.modes is not None:
        assert (answer.mode_override.response_header_mode == 1) == step.modes.response_headers
        assert (
            answer.mode_override.request_body_mode == {"none": 0, "buffered": 2, "partial": 3}[step.modes.request_body]
        )
    assert (_plain(answer.dynamic_metadata) if answer.HasField("dynamic_metadata") else None) == (
        None if step.report is None else {METADATA: dict(step.report)}
    )


def _plain(struct: Any) -> dict[str, Any]:
    return {
        name: value.string_value
        if value.WhichOneof("kind") == "string_value"
        else value.number_value
        if value.WhichOneof("kind") == "number_value"
        else _plain(value.struct_value)
        for name, value in struct.fields.items()
    }


def test_a_refusal_is_an_answer_to_any_message() -> None:
    step = Step(refusal=problems.RESPONSE_NOT_JSON, report={"decision": "refuse"})
    for kind in ("", *KINDS):
        answer: Any = ext_proc.ProcessingResponse.FromString(response_of(kind, step))
        assert answer.immediate_response.status.code == 502
        assert answer.immediate_response.details == "data_exposure/response-not-json"
        assert _plain(answer.dynamic_metadata) == {METADATA: {"decision": "refuse"}}

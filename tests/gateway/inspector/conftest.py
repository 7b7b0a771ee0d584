from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.gateway import ir
from assay.gateway.inspector.core import inspect
from assay.gateway.inspector.decision import Decision
from assay.gateway.inspector.injection import Engine
from assay.gateway.inspector.operation import Operation, compile_operation
from assay.gateway.inspector.schemas import Library

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent / "envoy")]

from inspector_library import LIBRARY  # noqa: E402 (found through the line above)

Inspect = Callable[..., Decision]


@pytest.fixture(scope="session")
def engine() -> Engine:
    return Engine()


@pytest.fixture
def compiled(engine: Engine) -> Callable[..., Operation]:
    def make(**fields: Any) -> Operation:
        piece = ir.Inspection(
            control="input_validation", source="assay.yaml:1:1", api="crm", operation="create", **fields
        )
        return compile_operation(piece, Library(json.dumps(LIBRARY)), engine, None)

    return make


@pytest.fixture
def parameter() -> Callable[..., ir.ParameterRule]:
    def make(name: str, schema: Any, location: Any = "query", **fields: Any) -> ir.ParameterRule:
        return ir.ParameterRule(name=name, location=location, schema=json.dumps(schema), **fields)

    return make


@pytest.fixture
def customers(compiled: Callable[..., Operation]) -> Operation:
    body = ir.BodyRule(
        media_type="application/json",
        schema='{"$ref":"#/$defs/Customer"}',
        free_text=(("name",), ("notes",), ("tags", "*")),
    )
    return compiled(bodies=(body,), body_required=True)


@pytest.fixture
def send() -> Inspect:
    def ask(
        operation: Operation,
        body: bytes | object = b"",
        *,
        query: bytes = b"",
        headers: dict[str, str | bytes] | None = None,
        lines: tuple[tuple[bytes, bytes], ...] = (),
        media: str | None = "application/json",
        method: str = "POST",
    ) -> Decision:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = [(k.lower().encode(), v if isinstance(v, bytes) else v.encode()) for k, v in (headers or {}).items()]
        if content and media is not None:
            sent.append((b"content-type", media.encode()))
        return inspect(operation, method, "/customers", query, [*sent, *lines], content)

    return ask

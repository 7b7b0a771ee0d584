"""Reads the declarations that the tests of controls work on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from assay.declare.declaration import Declaration
from assay.declare.loader import load

SHOP = """\
openapi: 3.0.3
info: {title: Shop, version: "1"}
servers: [{url: https://shop.example/v1}]
components:
  securitySchemes:
    oauth:
      type: oauth2
      flows: {clientCredentials: {tokenUrl: https://login.example/token, scopes: {read: r, write: w}}}
security: [{oauth: [read]}]
paths:
  /orders:
    get: {operationId: listOrders, responses: {"200": {description: ok}}}
  /orders/{orderId}:
    parameters: [{name: orderId, in: path, required: true, schema: {type: string}}]
    get: {operationId: getOrder, responses: {"200": {description: ok}}}
    delete: {operationId: deleteOrder, responses: {"204": {description: ok}}}
"""
"""A small contract for tests that need one but are not about it."""


@pytest.fixture
def declared(tmp_path: Path) -> Callable[..., Declaration]:
    """Writes a declaration and its contract beside each other, and loads them."""

    def write(text: str, contract: str = SHOP, **files: str) -> Declaration:
        (tmp_path / "shop.yaml").write_text(contract)
        for name, content in files.items():
            (tmp_path / name).write_text(content)
        path = tmp_path / "assay.yaml"
        path.write_text(text)
        return load(path, environ={})

    return write

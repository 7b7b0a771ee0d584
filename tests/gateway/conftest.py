"""A real Envoy on a state directory, started and stopped by the test that asks for it."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from assay.gateway import ir, state
from assay.gateway.apply import Gateway
from assay.gateway.apply.binary import find_envoy
from assay.gateway.assemble import Policy, assemble
from assay.gateway.layout import open_sockets
from assay.gateway.ports import free_ports
from assay.gateway.runtime import Runtime, Sockets

BASE: dict[str, Any] = {"control": "api_gateway", "source": "assay.yaml:3:5"}


class World:
    """A gateway in a directory of its own, on a free port, with policies to apply to it."""

    def __init__(self, directory: Path) -> None:
        self.paths = state.prepare(directory / ".assay", environ={})
        open_sockets(self.paths)
        self.port = free_ports()
        self.gateway = Gateway(paths=self.paths, envoy=find_envoy(), now=lambda: datetime.now(UTC), timeout=30.0)
        self.runtime = Runtime(
            sockets=Sockets(
                admin=str(self.paths.admin_socket),
                inspector=str(self.paths.inspector_socket),
                processor=str(self.paths.processor_socket),
            ),
            access_log=str(self.paths.access_log),
            configuration=str(self.paths.live),
            concurrency=1,
        )

    def policy(self, *operations: str, requests: int = 60, upstream: int = 9, **listener: Any) -> Policy:
        names = operations or ("getThing",)
        where: dict[str, Any] = {"address": "127.0.0.1", "port": self.port, **listener}
        pieces: list[ir.AnyPiece] = [
            ir.Listener(**BASE, **where),
            ir.AccessLog(**BASE),
            ir.Upstream(**BASE, api="shop", host="127.0.0.1", port=upstream),
            ir.Limit(**BASE, api="shop", name="default", per="network", requests=requests, seconds=60),
        ]
        for name in names:
            on = {**BASE, "api": "shop", "operation": name}
            pieces += [
                ir.Route(**on, method="GET", hosts=("*",), public_base="/v1", template=f"/{name}"),
                ir.Authentication(**on, alternatives=((),)),
                ir.AccessRule(**on, name="shop/0"),
            ]
        return assemble(pieces)

    @contextmanager
    def envoy(self) -> Iterator[subprocess.Popen[bytes]]:
        arguments = [str(find_envoy()), "-c", str(self.paths.bootstrap), "--concurrency", "1", "--use-dynamic-base-id"]
        arguments += ["--reject-unknown-dynamic-fields", "--log-level", "warning"]
        with self.gateway.envoy_log.open("ab") as log:
            process = subprocess.Popen(arguments, stdout=log, stderr=log)
        try:
            self._until_admin(process)
            yield process
        finally:
            process.terminate()
            process.wait(60)

    def _until_admin(self, process: subprocess.Popen[bytes]) -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end and process.poll() is None:
            with socket.socket(socket.AF_UNIX) as probe:
                if probe.connect_ex(str(self.paths.admin_socket)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError("Envoy did not come up: " + self.gateway.envoy_log.read_text()[-2000:])


@pytest.fixture
def world(tmp_path: Path) -> World:
    assert sys.platform == "linux"
    return World(tmp_path)

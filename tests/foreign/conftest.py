"""Kinto and httpbin, each behind a gateway drafted from the document that it serves."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.foreign.foreign_apis import PROGRAMS, Protected, protected, service

from assay.gateway.ports import free_ports

KINTO = """\
[server:main]
use = egg:waitress#main
host = 127.0.0.1
port = {port}
[app:main]
use = egg:kinto
kinto.storage_backend = kinto.core.storage.memory
kinto.cache_backend = kinto.core.cache.memory
kinto.permission_backend = kinto.core.permission.memory
kinto.userid_hmac_secret = test
kinto.bucket_create_principals = system.Everyone
"""


@pytest.fixture(scope="module")
def kinto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Protected]:
    directory = tmp_path_factory.mktemp("kinto")
    port = free_ports(2)
    (directory / "kinto.ini").write_text(KINTO.format(port=port))
    contract = f"http://127.0.0.1:{port}/v1/__api__"
    with (
        service([str(PROGRAMS / "kinto"), "start", "--ini", "kinto.ini", "--port", str(port)], directory, contract),
        protected(_project(directory), contract, f"http://127.0.0.1:{port}") as project,
    ):
        yield project


@pytest.fixture(scope="module")
def httpbin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Protected]:
    directory = tmp_path_factory.mktemp("httpbin")
    port = free_ports(2)
    server = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    contract = f"http://127.0.0.1:{port}/spec.json"
    with (
        service([*server, "httpbin:app"], directory, contract),
        protected(_project(directory), contract, f"http://127.0.0.1:{port}", limit=60) as project,
    ):
        yield project


def _project(directory: Path) -> Path:
    project = directory / "project"
    project.mkdir()
    return project

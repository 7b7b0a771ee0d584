"""The example's service as a running process, for the tests of this folder."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest
import yaml

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "customer-data"
GRETA = {
    "name": "Greta d'Hondt",
    "email": "greta@example.test",
    "phone": "+32 2 000 11 22",
    "date_of_birth": "1988-02-29",
    "postcode": "1000",
    "iban": "BE68539007547034",
    "national_id": "88022900176",
    "notes": "Says “thank you” — in 3 languages; 100% satisfied?",
}


class Service:
    """A running service, and how to talk to it."""

    def __init__(self, process: subprocess.Popen[str], client: httpx.Client, data: Path) -> None:
        self.process = process
        self.client = client
        self.data = data

    @property
    def dsn(self) -> str:
        return (self.data / "dsn").read_text().strip()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            return self.process.wait(timeout=60)
        finally:
            self.client.close()


def _command(data: Path, *options: str) -> list[str]:
    return [sys.executable, str(EXAMPLE / "service.py"), "--port", "0", "--data", str(data), *options]


@contextmanager
def _running(data: Path, *options: str) -> Iterator[Service]:
    with subprocess.Popen(
        _command(data, *options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            line = process.stdout.readline().strip()
            assert line.startswith("listening "), process.stderr.read()
            address = line.removeprefix("listening ")
            uds = address.removeprefix("unix:") if address.startswith("unix:") else None
            transport = httpx.HTTPTransport(uds=uds)
            client = httpx.Client(transport=transport, base_url="http://service" if uds else address, timeout=30)
            service = Service(process, client, data)
            try:
                yield service
            finally:
                service.stop()
        finally:
            if process.poll() is None:
                process.kill()


@pytest.fixture(scope="session")
def command() -> Callable[..., list[str]]:
    """``command(data, *options)``: how the service is started on a free port."""
    return _command


@pytest.fixture(scope="session")
def running() -> Callable[..., AbstractContextManager[Service]]:
    """``running(data, *options)``: the service in a process of its own, stopped at the end of the block."""
    return _running


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that another account may pass through: PostgreSQL does not run as root, where tests may."""
    with tempfile.TemporaryDirectory(prefix="cd-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.integration)])
def service(request: pytest.FixtureRequest, folder: Path) -> Iterator[Service]:
    """The service on each store, with its first customers."""
    with _running(folder / request.param, "--store", request.param) as service:
        yield service


@pytest.fixture
def client(service: Service) -> httpx.Client:
    return service.client


@pytest.fixture(scope="session")
def greta() -> dict[str, str]:
    """A customer to create; everything in her is legitimate, and some of it looks otherwise."""
    return dict(GRETA)


@pytest.fixture(scope="session")
def new_customer() -> Callable[..., dict[str, Any]]:
    """``new_customer(client, **properties)``: Greta, created with these properties changed."""

    def create(client: httpx.Client, **properties: object) -> dict[str, Any]:
        response = client.post("/customers", json={**GRETA, **properties})
        assert response.status_code == 201
        customer: dict[str, Any] = response.json()
        return customer

    return create


@pytest.fixture(scope="session")
def contract() -> dict[str, Any]:
    """The example's contract, parsed."""
    document: dict[str, Any] = yaml.safe_load((EXAMPLE / "openapi" / "customer-data.yaml").read_text())
    return document


@pytest.fixture(scope="session")
def schema(contract: dict[str, Any]) -> Callable[[str], jsonschema_rs.Draft202012Validator]:
    """``schema(name)``: the contract's schema of that name, ready to validate."""

    def compiled(name: str) -> jsonschema_rs.Draft202012Validator:
        document = {"$ref": f"#/components/schemas/{name}", "components": contract["components"]}
        return jsonschema_rs.Draft202012Validator(document, validate_formats=True)

    return compiled

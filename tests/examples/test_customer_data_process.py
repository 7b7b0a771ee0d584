"""The example's service keeps its data, starts and stops as a good neighbour does."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import psycopg
import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "customer-data"
NewCustomer = Callable[..., dict[str, Any]]
Running = Callable[..., AbstractContextManager[Any]]
Command = Callable[..., list[str]]


def test_values_are_kept_exactly_as_they_came_so_ciphertext_survives(service: Any, new_customer: NewCustomer) -> None:
    ciphertext = "assay:1:" + "Zm9v+/=" * 600
    email = "det:AAEC/+==%20'\"\\ é 日本"
    customer = new_customer(service.client, iban=ciphertext, national_id=ciphertext, email=email, notes="a\r\n\tb ")
    read = service.client.get(f"/customers/{customer['customerId']}").json()
    assert (read["iban"], read["national_id"], read["email"], read["notes"]) == (
        ciphertext,
        ciphertext,
        email,
        "a\r\n\tb ",
    )
    assert service.client.get("/customers", params={"email": email}).json()["items"] == [read]

    row = _stored(service.dsn, customer["customerId"])
    assert row == (ciphertext, email)


def _stored(dsn: str, customer_id: str) -> tuple[Any, ...] | None:
    """The bytes in the store itself, read around the service."""
    statement = "SELECT iban, email FROM customers WHERE customer_id = "
    row: tuple[Any, ...] | None
    if dsn.startswith("sqlite:///"):
        sqlite = sqlite3.connect(dsn.removeprefix("sqlite:///"))
        try:
            row = sqlite.execute(f"{statement} ?", [customer_id]).fetchone()
        finally:
            sqlite.close()
        return row
    with psycopg.connect(dsn) as postgresql:
        row = postgresql.execute(f"{statement} %s".encode(), [customer_id]).fetchone()
    return row


def test_what_is_written_lies_in_the_sqlite_file(folder: Path, new_customer: NewCustomer, running: Running) -> None:
    with running(folder / "bytes", "--no-seed") as service:
        new_customer(service.client, notes="canary-5f2c")
        assert b"canary-5f2c" in (service.data / "customers.sqlite3").read_bytes()


def test_only_the_owner_reads_the_store(service: Any) -> None:
    others = stat.S_IRWXG | stat.S_IRWXO
    assert not (service.data / "dsn").stat().st_mode & others
    entries = [e for e in service.data.iterdir() if e.name in {"customers.sqlite3", "postgresql"}]
    assert len(entries) == 1
    assert not entries[0].stat().st_mode & others


@pytest.mark.parametrize("store", ["sqlite", pytest.param("postgresql", marks=pytest.mark.integration)])
def test_customers_survive_a_restart_and_an_empty_store_can_stay_empty(
    folder: Path, store: str, new_customer: NewCustomer, running: Running
) -> None:
    data = folder / f"restart-{store}"
    with running(data, "--store", store, "--no-seed") as service:
        assert service.client.get("/customers").json() == {"items": []}
        first = new_customer(service.client)
        assert first["customerId"] == "c-1001"
        assert service.stop(signal.SIGINT) == 0
    with running(data, "--store", store) as service:
        assert service.client.get("/exports/customers").json() == {"items": [first]}
        assert new_customer(service.client)["customerId"] == "c-1002"


@pytest.mark.integration
def test_postgresql_stops_with_the_service_and_recovers_when_that_was_killed(
    folder: Path, new_customer: NewCustomer, running: Running
) -> None:
    data = folder / "pg-stop"
    lock = data / "postgresql" / "postmaster.pid"
    with running(data, "--store", "postgresql") as service:
        assert lock.exists()
        kept = new_customer(service.client)
        service.process.kill()
        service.process.wait()
    with running(data, "--store", "postgresql") as service:
        assert service.client.get(f"/customers/{kept['customerId']}").json() == kept
        assert service.stop() == 0
        assert not lock.exists()


@pytest.mark.integration
def test_folders_above_the_data_are_never_opened_and_root_is_told_why_it_cannot_go_on(
    tmp_path: Path, running: Running, command: Command
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    if os.geteuid() == 0:
        start = command(closed / "data", "--store", "postgresql")
        done = subprocess.run(start, capture_output=True, text=True, timeout=90)
        assert done.returncode == 3
        assert "does not run as root" in done.stderr
        assert "Traceback" not in done.stderr
    else:
        with running(closed / "data", "--store", "postgresql") as service:
            assert service.client.get("/health").status_code == 200
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def test_a_port_in_use_is_said_and_not_shared(folder: Path, service: Any) -> None:
    port = str(service.client.base_url.port)
    done = subprocess.run(
        [sys.executable, str(EXAMPLE / "service.py"), "--port", port, "--data", str(folder / "second")],
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.returncode == 3
    assert f"port {port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_it_listens_on_a_unix_socket(folder: Path, running: Running) -> None:
    socket = folder / "s.sock"
    with running(folder / "uds", "--uds", str(socket)) as service:
        assert service.client.get("/health").json() == {"status": "ok"}
        assert service.stop() == 0
    assert not socket.exists()


def test_standard_output_has_one_line_and_no_noise_after_errors(folder: Path, running: Running) -> None:
    with running(folder / "quiet") as service:
        assert service.client.get("/customers?limit=x").status_code == 500
        service.process.send_signal(signal.SIGTERM)
        rest, errors = service.process.communicate(timeout=60)
        assert service.process.returncode == 0
    assert (rest, errors) == ("", "")

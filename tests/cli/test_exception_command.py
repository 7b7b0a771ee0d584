"""Two people agree to a deviation, and one of them to a looser production, from the first command to the last."""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from tests.evidence.evidence_logs import told

ENDS = date.today() + timedelta(days=20)
ENTRY = (
    "--control", "data_exposure", "--check", "sensitive-data-in-url", "--on",
    "apis.customer-data.operations.listCustomers", "--reason", "agents search by address", "--expires",
    ENDS.isoformat(), "--approver", "ciso", "--compensating", "activity_logging",
)  # fmt: skip


def person(place: Path, name: str) -> str:
    """Makes somebody's key in a file of theirs, and returns how they are declared."""
    key = Ed25519PrivateKey.generate()
    file = place.parent / name
    file.touch(mode=0o600)
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return f"{name}: {{name: {name}, keys: ['{public}']}}"


@pytest.fixture
def staffed(project: Path) -> Path:
    """The example, with people whose keys are at hand and no exception yet."""
    people = "".join(f"  {person(project, name)}\n" for name in ("alice", "ciso"))
    (project / "assay.d" / "people.yaml").write_text(f"people:\n{people}")
    objectives = project / "assay.d" / "objectives.yaml"
    text = objectives.read_text()
    head, _, rest = text.partition("exceptions:\n")
    objectives.write_text(head + "exceptions: []\n" + "".join(x for x in rest.splitlines(True) if x[:1] not in " \n"))
    shutil.rmtree(project / "decisions")
    return project


def states(assay) -> dict[str, str]:
    return {e["id"]: e["state"] for e in assay("exception", "list", "--format", "json").json()["exceptions"]}


def covered(assay) -> bool:
    found = assay("check", "--fail-on", "never", "--format", "json").json()["verdicts"]
    (one,) = [v for v in found if v["check"] == "sensitive-data-in-url" and v["outcome"] == "fail"]
    return one["excepted_by"] is not None


def test_an_exception_from_request_to_withdrawal(assay, staffed: Path) -> None:
    before = (staffed / "assay.d" / "objectives.yaml").read_text()
    said = assay("exception", "request", "by-address", *ENTRY, "--key", "../alice")
    assert said.exit == 0, said.err
    assert "assay exception approve by-address --as ciso" in said.out
    declared = (staffed / "assay.yaml").read_text() + (staffed / "assay.d" / "objectives.yaml").read_text()
    assert "# " in declared and "id: by-address" in declared and before.split("exceptions:")[0] in declared
    assert states(assay) == {"by-address": "requested"}
    assert not covered(assay)

    refused = assay("exception", "approve", "by-address", "--key", "../alice", "--yes")
    assert (refused.exit, "its approver is `ciso`" in refused.err) == (2, True)
    refused = assay("exception", "approve", "by-address", "--as", "ciso", "--key", "../alice", "--yes")
    assert (refused.exit, "is none of `ciso`'s" in refused.err) == (2, True)
    refused = assay("exception", "approve", "by-address", "--key", "../ciso")
    assert (refused.exit, "nobody to ask" in refused.err) == (2, True)
    assert "which is confidential, into the URL" in refused.err
    assert not covered(assay)

    said = assay("exception", "approve", "by-address", "--key", "../ciso", "--yes", "--format", "json")
    assert said.json()["state"] == "approved"
    assert covered(assay)
    again = assay("exception", "request", "by-address", "--key", "../alice")
    assert (again.exit, "it is approved already" in again.err) == (2, True)
    assert len(list((staffed / "decisions").iterdir())) == 2
    listed = assay("exception", "list")
    assert "expires in 20 days" in listed.out
    found = assay("check", "--all", "--fail-on", "never")
    assert "1 finding until" in found.out and "requested by `alice`, approved by `ciso`" in found.out
    assert "ends in 20 days" in found.out

    assert told(staffed / ".assay" / "evidence", now=datetime.now(UTC)).ok
    assert "and 2 decisions of people" in assay("verify", ".assay/evidence").out

    said = assay("exception", "withdraw", "by-address", "--reason", "mended", "--key", "../alice")
    assert said.exit == 0
    assert states(assay) == {"by-address": "withdrawn"}
    assert not covered(assay)
    again = assay("exception", "withdraw", "by-address", "--reason", "mended", "--key", "../ciso")
    assert (again.exit, "withdrawn already: `alice` withdrew it" in again.err) == (2, True)
    assert len(list((staffed / "decisions").iterdir())) == 3

    for file in (staffed / "decisions").glob("*withdrawal*"):
        file.unlink()
    assert "only in the log" in assay("exception", "list").err
    shutil.rmtree(staffed / ".assay")
    assert assay("exception", "list").err.count("only in the files") == 2


@pytest.mark.integration
def test_on_a_terminal_a_finding_is_chosen_and_the_rest_is_asked_for(assay, staffed: Path) -> None:
    answers = ["1", "agents search by address", "activity_logging", "", "", ENDS.isoformat()]
    said = on_a_terminal(["exception", "request", "--key", "../alice"], answers)
    assert "which finding" in said and "approver [ciso]" in said and "owner [alice]" in said
    (one,) = assay("exception", "list", "--format", "json").json()["exceptions"]
    assert (one["state"], one["check"]) == ("requested", "sensitive-data-in-url")
    assert (one["reason"], one["compensating"]) == ("agents search by address", ["activity_logging"])
    refused = on_a_terminal(["exception", "approve", one["id"], "--key", "../ciso"], ["n"])
    assert "nothing was signed" in refused
    assert states(assay)[one["id"]] == "requested"


def on_a_terminal(arguments: list[str], answers: list[str]) -> str:
    """What a command says on a terminal of its own, each question answered in turn."""
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "assay", *arguments]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as process:
        os.close(theirs)
        said, waiting = "", list(answers)
        try:
            while select.select([ours], [], [], 60)[0]:
                said += os.read(ours, 4096).decode(errors="replace")
                if waiting and re.search(r"(\]|reason|route\)): $", said):
                    answer = waiting.pop(0)
                    os.write(ours, f"{answer}\n".encode())
                    said += "\n"
        except OSError:
            pass  # the other end was closed: it has ended
        finally:
            process.kill()
            os.close(ours)
    assert waiting == [], said
    return said


def test_words_that_were_changed_after_signing_cover_nothing(assay, staffed: Path) -> None:
    assay("exception", "request", "by-address", *ENTRY, "--key", "../alice")
    assay("exception", "approve", "by-address", "--key", "../ciso", "--yes")
    assert covered(assay)
    for file in (staffed / "assay.yaml", *(staffed / "assay.d").glob("*.yaml")):
        file.write_text(file.read_text().replace(ENDS.isoformat(), (ENDS + timedelta(days=99)).isoformat()))
    assert states(assay) == {"by-address": "altered since"}
    assert not covered(assay)
    said = assay("check", "--fail-on", "medium")
    assert said.exit == 1
    assert "declaration/approval-missing" in said.out
    assert "assay exception request by-address --as PERSON --key FILE" in said.out


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (("--control", "data_exposur"), "did you mean `data_exposure`"),
        (("--on", "apis.customer-dat"), "leads to nothing"),
        (("--expires", "2020-01-01"), "is past"),
        (("--expires", "tomorrow"), "is no day"),
        (("--approver", "alice"), "whoever requests"),
        (("--approver", "cisco"), "did you mean `ciso`"),
        (("--reason", "short"), "reason"),
        (("--as", "bob"), "there is no person `bob`"),
        (("--check", "sensitive-data-in-ulr"), "did you mean `sensitive-data-in-url`"),
        (("--key", "../nobody"), "does not exist"),
    ],
)
def test_what_cannot_be_requested_leaves_the_declaration_as_it_was(
    assay, staffed: Path, change: tuple[str, str], word: str
) -> None:
    before = {p: p.read_bytes() for p in staffed.rglob("*.yaml")}
    said = assay("exception", "request", "by-address", *ENTRY, "--key", "../alice", *change)
    assert said.exit in (2, 3)
    assert word in said.err
    assert {p: p.read_bytes() for p in staffed.rglob("*.yaml")} == before
    assert not (staffed / "decisions").exists()


def test_nobody_signs_where_no_people_are_declared(assay, staffed: Path) -> None:
    (staffed / "assay.d" / "people.yaml").unlink()
    said = assay("exception", "request", *ENTRY, "--key", "../alice")
    assert said.exit == 2
    assert "declare `people:" in said.err


def test_loosening_production_takes_a_signature_and_each_takes_its_own(assay, staffed: Path) -> None:
    declaration = staffed / "assay.yaml"
    declaration.write_text(declaration.read_text().replace("tier: non-production", "tier: production"))
    strict = declaration.read_text()
    loose = strict.replace("default: 60/minute ", "default: 90/minute ")
    assert assay("apply", "--format", "json").json()["applied"]
    declaration.write_text(loose)
    digest = assay("plan", "--format", "json").json()["digest"]

    assert f"assay approve {digest} --as PERSON --key FILE" in assay("plan").out
    refused = assay("apply", "--approve", digest)
    assert refused.exit == 2
    assert "nobody has signed an approval" in refused.err
    assert assay("approve", "0" * 16, "--key", "../ciso", "--yes").exit == 2
    said = assay("approve", digest, "--key", "../ciso", "--yes", "--reason", "the campaign", "--format", "json")
    assert said.json()["person"] == "ciso"
    assert "as ciso approved" in assay("plan").out
    assert assay("apply", "--format", "json").json()["applied"]["number"] == 2

    declaration.write_text(strict)
    assert assay("apply", "--format", "json").json()["applied"]["number"] == 3
    declaration.write_text(loose)
    assert assay("plan", "--format", "json").json()["digest"] == digest
    assert assay("apply", "--format", "json").exit == 2
    back = assay("apply", "--rollback", "2", "--format", "json")
    assert back.exit == 2

"""A witness signs what continues what it signed before, refuses the rest, and both verifiers believe its key alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from tests.evidence.evidence_logs import LATER, fill, opened, told
from typer.testing import CliRunner, Result

from assay.cli.main import Entry, application
from assay.domain import AssayError
from assay.evidence import cosigned
from assay.evidence.checkpoint import cosign, parse
from assay.evidence.cosigned import Cosigned
from assay.evidence.files import LogFiles
from assay.evidence.verify import verify
from assay.evidence.witness import Refused, Witness, cosign_log, cosign_request, parse_request, request

NAME = "audit.example.com/witness"
APP = application([Entry("witness", "witness", "app", ""), Entry("verify", "verify", "verify", "")])


class Audit:
    """Internal audit: a witness on a machine of its own."""

    def __init__(self, root: Path) -> None:
        root.mkdir(mode=0o700)
        self.memory = root / "memory.json"
        self.witness = Witness.create(root / "witness.key", NAME)

    @property
    def known(self) -> dict[str, bytes]:
        return {NAME: self.witness.public}

    def signs(self, log: Path, **more: str) -> None:
        """By reading the log; keeps the cosignature in it."""
        made = cosign_log(log, self.witness, self.memory, at=LATER, **more)
        cosigned.keep(LogFiles(log).witnessed, Cosigned(NAME, self.witness.public, made))

    def answers(self, log: Path, old: int) -> None:
        """By a request that comes by mail."""
        asked = parse_request(request(log, old).text)
        made = cosign_request(asked, (log / "keys.json").read_bytes(), self.witness, self.memory, at=LATER)
        cosigned.keep(LogFiles(log).witnessed, Cosigned(NAME, self.witness.public, made))


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    return Audit(tmp_path / "audit")


def grow(evidence: Path, verdicts: int = 5) -> None:
    with opened(evidence) as ledger:
        fill(ledger, verdicts)


def copied(evidence: Path, name: str) -> Path:
    """The log with its keys, as an operator may keep it to go back to."""
    for suffix in ("", "-keys"):
        shutil.copytree(evidence.with_name(evidence.name + suffix), evidence.with_name(name + suffix))
    return evidence.with_name(name)


def test_a_log_that_grows_is_signed_again_and_verifies_as_witnessed(evidence: Path, audit: Audit) -> None:
    audit.signs(evidence)
    grow(evidence)
    audit.signs(evidence)
    result = verify(evidence, now=LATER, witnesses=audit.known)
    assert result.ok and result.counts == {}
    assert [(w.name, w.size) for w in result.witnesses] == [(NAME, result.records)]
    assert told(evidence, witnesses=audit.known).ok


def test_by_mail_is_as_good_as_by_reading(evidence: Path, audit: Audit) -> None:
    audit.answers(evidence, 0)
    grow(evidence)
    audit.answers(evidence, 16)
    grow(evidence)
    audit.signs(evidence)
    assert told(evidence, witnesses=audit.known).counts == {}


def test_who_did_not_sign_is_missed_and_who_signed_less_is_said(evidence: Path, audit: Audit) -> None:
    said = told(evidence, witnesses=audit.known)
    assert (said.ok, said.counts) == (False, {"unwitnessed": 1})
    audit.signs(evidence)
    grow(evidence)
    said = told(evidence, witnesses=audit.known)
    assert (said.ok, said.counts) == (True, {"unwitnessed": 1})
    stranger = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    assert told(evidence, witnesses={NAME: stranger}).counts == {"unwitnessed": 1}
    assert told(evidence).counts == {}


def test_a_rollback_is_refused_and_named(evidence: Path, audit: Audit) -> None:
    old = copied(evidence, "old")
    grow(evidence)
    audit.signs(evidence)
    with pytest.raises(Refused, match="rolled back: it ends at record 16, and 23 were cosigned on 2026-03-02"):
        audit.signs(old)
    with pytest.raises(Refused, match="rolled back"):
        audit.answers(old, 16)
    assert json.loads(audit.memory.read_text())["logs"]["example.com/evidence"]["refused"].splitlines()[1] == "16"
    audit.signs(evidence)  # the refusal changed nothing about what it remembers


@pytest.mark.parametrize("longer", [5, 9])
def test_a_fork_is_refused_and_named(evidence: Path, audit: Audit, longer: int) -> None:
    other = copied(evidence, "other")
    grow(evidence)
    audit.signs(evidence)
    grow(other, longer)
    with pytest.raises(Refused, match="forked: its first 23 records are not those"):
        audit.signs(other)
    with pytest.raises(Refused, match="forked"):
        audit.answers(other, 23)
    assert not (other / "witnessed.json").exists()


def test_a_log_that_forks_after_it_was_witnessed_is_found_without_any_key(evidence: Path, audit: Audit) -> None:
    other = copied(evidence, "other")
    grow(evidence)
    audit.signs(evidence)
    grow(other, 9)
    shutil.copyfile(evidence / "witnessed.json", other / "witnessed.json")
    assert told(other).counts == {"rolled-back": 1}
    old = copied(other, "third")
    shutil.rmtree(old)
    said = told(other, witnesses=audit.known)
    assert (said.ok, said.problems) == (False, {"rolled-back"})


def test_a_log_that_ends_before_what_was_witnessed_is_found(evidence: Path, audit: Audit) -> None:
    old = copied(evidence, "old")
    grow(evidence)
    audit.signs(evidence)
    shutil.copyfile(evidence / "witnessed.json", old / "witnessed.json")
    assert told(old).counts == {"rolled-back": 1}


def test_records_that_are_not_what_was_signed_are_not_cosigned(evidence: Path, audit: Audit) -> None:
    path = evidence / "records.jsonl"
    path.write_bytes(path.read_bytes().replace(b"Case 3 was", b"Case 4 was", 1))
    with pytest.raises(Refused, match="not those that its checkpoint was signed for"):
        audit.signs(evidence)
    assert not audit.memory.exists()


def test_another_log_by_the_same_name_is_refused(evidence: Path, audit: Audit, tmp_path: Path) -> None:
    audit.signs(evidence)
    with opened(tmp_path / "another") as ledger:
        fill(ledger, 40)
    with pytest.raises(Refused, match="begins with another key than the log that this witness knows"):
        audit.signs(tmp_path / "another")
    with pytest.raises(Refused, match="not with the one you gave"):
        audit.signs(evidence, fingerprint="0" * 64)


def test_a_request_from_the_wrong_place_says_the_right_one(evidence: Path, audit: Audit) -> None:
    audit.signs(evidence)
    grow(evidence)
    with pytest.raises(Refused, match="cosigned 16 of this log last") as refused:
        audit.answers(evidence, 7)
    assert "--old 16" in refused.value.fix
    with pytest.raises(AssayError, match="has 23 records, not 99"):
        request(evidence, 99)


def test_a_checkpoint_that_the_log_did_not_sign_is_refused(evidence: Path, audit: Audit) -> None:
    head = parse((evidence / "checkpoint").read_text())
    forged = cosign(head, head.origin, Ed25519PrivateKey.generate(), at=1)
    text = f"{head.body}\n{forged.text.splitlines()[-1]}\n"
    with pytest.raises(Refused, match="signed by no key that this log had"):
        cosign_request(
            parse_request(text), (evidence / "keys.json").read_bytes(), audit.witness, audit.memory, at=LATER
        )


def test_a_damaged_memory_signs_nothing(evidence: Path, audit: Audit) -> None:
    audit.signs(evidence)
    audit.memory.write_text("{}")
    with pytest.raises(AssayError, match=r"memory .* is damaged"):
        audit.signs(evidence)


def test_an_exported_folder_carries_the_cosignature(evidence: Path, audit: Audit, tmp_path: Path) -> None:
    audit.signs(evidence)
    with opened(evidence) as ledger:
        ledger.export(tmp_path / "folder")
    assert told(tmp_path / "folder", witnesses=audit.known).counts == {}
    assert f"— {NAME} " in (tmp_path / "folder" / "checkpoint").read_text()
    proof = next((tmp_path / "folder" / "proofs").iterdir()).read_text()
    assert f"— {NAME} " in proof
    command = [sys.executable, str(tmp_path / "folder" / "verify.py"), str(tmp_path / "folder"), "--witness"]
    done = subprocess.run([*command, audit.witness.verifier], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert f"witnessed: yes, by {NAME} at second" in done.stdout


def test_an_exported_folder_s_list_of_files_is_signed(evidence: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    with opened(evidence) as ledger:
        ledger.export(folder)
    assert told(folder).counts == {}
    manifest = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(manifest.replace('"README.txt"', '"OTHERS.txt"'))
    (folder / "README.txt").rename(folder / "OTHERS.txt")
    assert told(folder).counts == {"bad-signature": 1}
    (folder / "manifest.json").unlink()
    assert told(folder).counts == {"missing": 1}
    (folder / "manifest.json").write_text(manifest)
    (folder / "OTHERS.txt").rename(folder / "README.txt")
    (folder / "manifest.sig").unlink()
    said = told(folder)
    assert (said.ok, said.counts) == (True, {"unsealed": 1})
    (folder / "manifest.sig").write_text("{}")
    assert told(folder).counts == {"modified": 1}


@given(st.integers(0, 10_000), st.integers(0, 255), st.sampled_from(["witnessed.json", "manifest.sig"]))
def test_any_changed_byte_gives_both_verifiers_the_same_words(
    witnessed: Path, place: int, byte: int, name: str
) -> None:
    content = (witnessed / name).read_bytes()
    changed = bytearray(content)
    changed[place % len(changed)] = byte
    (witnessed / name).write_bytes(changed)
    try:
        told(witnessed)
    finally:
        (witnessed / name).write_bytes(content)


@pytest.fixture(scope="module")
def witnessed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("witnessed")
    with opened(root / "evidence") as ledger:
        fill(ledger, 2)
        Audit(root / "audit").signs(root / "evidence")
        ledger.export(root / "folder")
    return root / "folder"


@given(st.text() | st.from_regex(r"old [0-9]{0,20}\n([A-Za-z0-9+/=]{0,50}\n){0,4}\nx\n1\n.*", fullmatch=True))
def test_any_text_is_a_request_or_a_domain_error(text: str) -> None:
    try:
        assert parse_request(text).old >= 0
    except AssayError as error:
        assert error.sentence


@given(st.binary(max_size=200))
def test_any_bytes_are_a_list_of_cosignatures_or_a_domain_error(data: bytes) -> None:
    try:
        cosigned.decode(data)
    except AssayError as error:
        assert error.sentence


def call(*arguments: object) -> Result:
    return CliRunner().invoke(APP, [str(a) for a in arguments])


def test_commands_for_both_sides(evidence: Path, tmp_path: Path) -> None:
    side = tmp_path / "side"
    side.mkdir(mode=0o700)
    made = call("witness", "init", "--name", NAME, "--key", side / "w.key")
    verifier = made.stdout.strip().splitlines()[-1]
    mine = ("--key", side / "w.key", "--state", side / "memory.json")
    asked = call("witness", "request", "--log", evidence, "-o", side / "request.txt")
    assert asked.exit_code == 0, asked.output
    shutil.copyfile(evidence / "keys.json", side / "keys.json")
    signed = call("witness", "sign", "--checkpoint", side / "request.txt", *mine, "-o", side / "signed.txt")
    assert "cosigned 16 records" in signed.output
    assert call("verify", evidence, "--witness", verifier).exit_code == 1
    assert call("witness", "add", side / "signed.txt", "--witness", verifier, "--log", evidence).exit_code == 0
    assert call("verify", evidence, "--witness", verifier).exit_code == 0
    shown = json.loads(call("witness", "sign", "--log", evidence, *mine, "--format", "json").stdout)
    assert (shown["version"], shown["size"], shown["verifier"]) == (1, 16, verifier)
    assert shown["checkpoint"] == parse(shown["checkpoint"]).text
    old = copied(evidence, "old")
    grow(evidence)
    assert call("witness", "sign", "--log", evidence, *mine).exit_code == 0
    refused = call("witness", "sign", "--log", old, *mine).exception
    assert isinstance(refused, Refused)
    assert refused.exit == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["sign", "--key", "{tmp}/none", "--state", "{tmp}/s"],
        ["sign", "--key", "{tmp}/none", "--state", "{tmp}/s", "--log", "{evidence}"],
        ["init", "--name", "a b", "--key", "{tmp}/k"],
        ["init", "--name", NAME, "--key", "{evidence}/checkpoint"],
        ["request", "--log", "{tmp}"],
        ["add", "{evidence}/checkpoint", "--witness", "x", "--log", "{evidence}"],
    ],
)
def test_wrong_use_has_a_fix(evidence: Path, tmp_path: Path, arguments: list[str]) -> None:
    error = call("witness", *(a.format(tmp=tmp_path, evidence=evidence) for a in arguments)).exception
    assert isinstance(error, AssayError), error
    assert error.fix


def test_the_time_of_a_cosignature_may_be_any_number(evidence: Path, audit: Audit) -> None:
    head = cosign(parse((evidence / "checkpoint").read_text()), NAME, audit.witness.key, at=2**63)
    (evidence / "checkpoint").write_text(head.text)
    result = verify(evidence, now=LATER + timedelta(days=1), witnesses=audit.known)
    assert result.ok
    assert f"second {2**63}" in result.steps[-1].sentence

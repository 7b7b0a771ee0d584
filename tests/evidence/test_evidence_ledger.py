"""Records go in with what they need to be judged, come out as they were, and leave in a folder for auditors."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from tests.evidence.evidence_logs import LATER, ORIGIN, START, fill, opened, told, verdict

from assay.domain import AssayError, IncompleteError, Outcome, Secret, UsageError
from assay.evidence import envelope, proof
from assay.evidence.blobs import Blob
from assay.evidence.canonical import is_canonical
from assay.evidence.ledger import Ledger
from assay.evidence.reading import Subject
from assay.evidence.record import Kind, Method, Record, decode, encode, ulid
from assay.evidence.redact import Scrubber

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def test_a_verdict_comes_back_with_everything_it_was_given(tmp_path: Path) -> None:
    given = verdict(
        3,
        Outcome.FAIL,
        details={"seen": {"status": 200, "ratio": 0.5}, "expected": ["403", None, True]},
        population=40,
        sample=4,
        expires=LATER,
    )
    with opened(tmp_path / "evidence", collector="assay 9.9") as ledger:
        run = ledger.begin(subject="apis.shop", declaration="d" * 64, configuration="c" * 16)
        evidence = ledger.record(given, [Blob("exchange", "application/http", b"GET /")])
        ledger.end()
        found = ledger.read(tmp_path / "evidence").get(evidence)
        assert found is not None
        assert ledger.read(tmp_path / "evidence").attachment(found, "exchange", ledger.keys) == b"GET /"
    assert found.time is not None
    assert START <= found.time < START + timedelta(seconds=5)
    assert (found.id, found.run, found.seq, found.origin, found.collector) == (evidence, run, 2, ORIGIN, "assay 9.9")
    assert (found.declaration, found.configuration) == ("d" * 64, "c" * 16)
    stamped = {"id", "run", "seq", "origin", "collector", "time", "declaration", "configuration", "blobs"}
    for name in set(Record.__struct_fields__) - stamped:
        assert getattr(found, name) == getattr(given, name), name


def test_every_entry_is_an_in_toto_statement_in_a_dsse_envelope(evidence: Path) -> None:
    keys = {k["keyid"]: base64.b64decode(k["public"]) for k in json.loads((evidence / "keys.json").read_text())["keys"]}
    assert len(keys) == 2
    for line in (evidence / "records.jsonl").read_bytes().splitlines():
        assert is_canonical(line)
        shown = json.loads(envelope.parse(line).envelope)
        assert shown["payloadType"] == "application/vnd.in-toto+json"
        payload, (signature,) = base64.b64decode(shown["payload"]), shown["signatures"]
        kind = shown["payloadType"].encode()
        pae = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
        Ed25519PublicKey.from_public_bytes(keys[signature["keyid"]]).verify(base64.b64decode(signature["sig"]), pae)
        statement = json.loads(payload)
        assert statement["_type"] == "https://in-toto.io/Statement/v1"
        assert statement["predicateType"] == "urn:assay:evidence:v1"
        assert len(statement["subject"][0]["digest"]["sha256"]) == 64


def test_the_pre_authentication_encoding_is_that_of_the_specification() -> None:
    # protocol.md of DSSE gives this with payloadType http://example.com/HelloWorld; the shape is what counts.
    assert envelope.pae(b"hello world") == b"DSSEv1 28 application/vnd.in-toto+json 11 hello world"


@given(
    st.builds(
        Record,
        kind=st.just(Kind.VERDICT),
        subject=TEXT.filter(bool),
        control=TEXT.filter(bool),
        check=TEXT.filter(bool),
        method=st.none() | st.sampled_from(Method),
        outcome=st.sampled_from(Outcome),
        sentence=TEXT,
        population=st.none() | st.integers(0, 10**9),
        details=st.dictionaries(TEXT, st.none() | st.booleans() | TEXT | st.integers(-(2**53) + 1, 2**53 - 1)),
        expires=st.none() | st.datetimes(timezones=st.just(UTC)),
        id=st.just("0" * 26),
        seq=st.integers(0, 10**9),
        time=st.datetimes(timezones=st.just(UTC)),
        origin=st.just(ORIGIN),
    )
)
def test_any_record_reads_back(record: Record) -> None:
    payload = encode(record)
    assert is_canonical(payload)
    assert decode(payload) == record


@given(st.binary() | st.recursive(st.none() | TEXT, lambda x: st.dictionaries(TEXT, x)).map(msgspec.json.encode))
def test_any_bytes_are_a_record_or_a_domain_error(data: bytes) -> None:
    for read in (decode, envelope.parse):
        with pytest.raises(IncompleteError):
            read(data)


@pytest.mark.parametrize(
    "record",
    [
        Record(kind=Kind.VERDICT, subject="apis.shop"),
        verdict(1, declaration="short"),
        verdict(1, configuration="not hex!"),
        verdict(1, expires=datetime(2026, 1, 1)),
        verdict(1, details={"x": float("nan")}),
        verdict(1, details={"x": 2**60}),
        verdict(1, details={"x": b"bytes"}),
        verdict(1, details={"x": "y" * 2_000_000}),
        verdict(1, run="another"),
    ],
    ids=repr,
)
def test_what_cannot_be_evidence_is_refused_and_the_log_goes_on(tmp_path: Path, record: Record) -> None:
    with opened(tmp_path / "evidence") as ledger:
        ledger.begin(subject="apis.shop")
        with pytest.raises(AssayError) as raised:
            ledger.record(record)
        assert raised.value.sentence
        ledger.record(verdict(2))
        ledger.end()
    assert told(tmp_path / "evidence").counts == {}


def test_evidence_outside_of_a_run_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path / "evidence") as ledger:
        with pytest.raises(UsageError):
            ledger.record(verdict(1))
        with pytest.raises(UsageError):
            ledger.end()
        with pytest.raises(UsageError):
            ledger.shred("nothing", reason="")
        run = ledger.begin(subject="apis.shop")
        with pytest.raises(UsageError, match="ended"):
            ledger.shred(run, reason="")


def test_an_applied_configuration_is_recorded_without_a_run(tmp_path: Path) -> None:
    with opened(tmp_path / "evidence") as ledger:
        ledger.record(
            Record(kind=Kind.CONFIGURATION, subject="gateway", declaration="d" * 64, configuration="0123456789abcdef")
        )
    (found,) = Ledger.read(tmp_path / "evidence").records(kind=Kind.CONFIGURATION)
    assert found.configuration == "0123456789abcdef"
    assert told(tmp_path / "evidence").counts == {}


def test_a_run_left_open_is_ended_as_interrupted(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), opened(tmp_path / "evidence") as ledger:
        ledger.begin(subject="apis.shop")
        ledger.record(verdict(1))
        raise RuntimeError
    *_, end = Ledger.read(tmp_path / "evidence").records(kind=Kind.RUN)
    assert end.details == {"outcomes": {"pass": 1}, "phase": "end", "records": 1, "state": "interrupted"}
    said = told(tmp_path / "evidence")
    assert said.ok
    assert said.problems == {"gap"}


def test_runs_may_overlap(tmp_path: Path) -> None:
    with opened(tmp_path / "evidence") as ledger:
        first, second = ledger.begin(subject="apis.a"), ledger.begin(subject="apis.b")
        ledger.record(msgspec.structs.replace(verdict(1), run=first))
        ledger.record(verdict(2))
        ledger.end(first)
        ledger.record(verdict(3))
        ledger.end()
    read = Ledger.read(tmp_path / "evidence")
    assert [len(list(read.records(run=run, kind=Kind.VERDICT))) for run in (first, second)] == [1, 2]
    assert [r.run for r in read.runs()] == [first, second]
    assert told(tmp_path / "evidence").counts == {}


def test_the_latest_verdict_of_each_check_on_each_subject_as_each_identity(tmp_path: Path) -> None:
    with opened(tmp_path / "evidence") as ledger:
        ledger.begin(subject="apis.shop")
        ledger.record(verdict(1, Outcome.FAIL))
        ledger.record(verdict(2, Outcome.PASS))
        last = ledger.record(verdict(1, Outcome.PASS))
        ledger.end()
    latest = Ledger.read(tmp_path / "evidence").latest()
    assert len(latest) == 2
    found = latest[Subject("authorisation", "object-read-by-another-owner", "apis.shop.operations.op1", "alice")]
    assert (found.id, found.outcome) == (last, Outcome.PASS)
    chosen = list(Ledger.read(tmp_path / "evidence").records(subject="apis.shop.operations.op1"))
    assert [r.outcome for r in chosen] == [Outcome.FAIL, Outcome.PASS]


def test_a_damaged_line_is_a_domain_error_that_names_it(evidence: Path) -> None:
    lines = (evidence / "records.jsonl").read_bytes().splitlines()
    lines[2] = lines[2].replace(b'"pass"', b'"puss"')
    (evidence / "records.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    with pytest.raises(IncompleteError, match="Entry 2") as raised:
        list(Ledger.read(evidence).records())
    assert raised.value.location is not None
    assert raised.value.location.line == 3


def test_attachments_are_redacted_again_before_they_are_kept(tmp_path: Path) -> None:
    redactor = Scrubber([Secret("hunter2hunter2")])
    with opened(tmp_path / "evidence", redactor=redactor) as ledger:
        ledger.begin(subject="apis.shop")
        evidence = ledger.record(verdict(1), [Blob("exchange", "text/plain", b"key=hunter2hunter2")])
        ledger.seal()
        found = ledger.read(tmp_path / "evidence").get(evidence)
        assert found is not None
        assert ledger.read(tmp_path / "evidence").attachment(found, "exchange", ledger.keys) == b"key=[redacted]"


def test_nothing_of_an_attachment_is_readable_in_the_log_and_nothing_at_all_once_it_is_shredded(
    tmp_path: Path,
) -> None:
    content = b"GET /customers/4711 HTTP/1.1"
    with opened(tmp_path / "evidence") as ledger:
        run = ledger.begin(subject="apis.shop")
        evidence = ledger.record(verdict(1), [Blob("exchange", "text/plain", content)])
        ledger.end()
        for path in (tmp_path / "evidence").rglob("*"):
            assert path.is_dir() or content not in path.read_bytes()
        ledger.shred(run, reason="asked to")
        read = ledger.read(tmp_path / "evidence")
        found = read.get(evidence)
        assert found is not None
        assert read.attachment(found, "exchange", ledger.keys) is None
    assert not list((tmp_path / "evidence-keys" / "runs").iterdir())


def test_identifiers_sort_by_time() -> None:
    early, late = ulid(START, b"\xff" * 10), ulid(LATER, b"\0" * 10)
    assert early < late
    assert len(early) == 26
    assert ulid(datetime(1970, 1, 1, tzinfo=UTC), bytes(10)) == "0" * 26


# The auditors' folder -------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(evidence: Path, tmp_path: Path) -> Path:
    with opened(evidence) as ledger:
        said = ledger.export(tmp_path / "folder")
        assert (said.records, said.proofs) == (ledger.size, ledger.size)
        assert said.attachments == 6
    return tmp_path / "folder"


def test_a_folder_verifies_by_its_own_program_without_assay(folder: Path, evidence: Path) -> None:
    shutil.rmtree(evidence.with_name("evidence-keys"))
    kept = folder.with_name("kept")
    shutil.copyfile(folder / "checkpoint", kept)
    done = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            "-c",
            "import runpy, sys; sys.path += [sys.argv.pop(1)]; "
            "sys.argv = ['verify.py', *sys.argv[1:]]; runpy.run_path(sys.argv[1] + '/verify.py', run_name='__main__')",
            str(Path(msgspec.__file__).parents[1]),
            str(folder),
            "--since",
            str(kept),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "✓  5. tree: 16 of 16 records" in done.stdout
    assert told(folder, since=kept.read_text()).ok
    assert "assay" not in {
        line.split()[1].split(".")[0]
        for line in (folder / "verify.py").read_text().splitlines()
        if line.startswith(("import ", "from "))
    }


def program(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(folder / "verify.py"), *arguments], capture_output=True, text=True, check=False
    )


def test_the_program_tells_misuse_from_tampering(folder: Path) -> None:
    assert program(folder, str(folder), "--json").returncode == 0
    assert program(folder, str(folder / "opened")).returncode == 2
    assert program(folder, str(folder), "--since", str(folder / "keys.json")).returncode == 2
    assert program(folder, str(folder), "--witness", "nobody").returncode == 2
    (folder / "verify.py").write_text((folder / "verify.py").read_text() + "\n")
    done = program(folder, str(folder), "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["findings"][0]["where"] == "verify.py"
    assert told(folder).counts == {"modified": 1}


def test_one_record_alone_verifies_and_a_changed_one_does_not(folder: Path) -> None:
    path = sorted((folder / "proofs").iterdir())[0]
    done = program(folder, str(path))
    assert done.returncode == 0, done.stdout
    assert "✓ record 2" in done.stdout
    assert proof.verify_file(path).ok
    text = path.read_text()
    line = base64.b64decode(text.split("\n")[1][6:])
    forged = base64.b64encode(line.replace(b"refused", b"allowed")).decode()
    for changed, named in (
        (text.replace(text.split("\n")[1][6:], forged), {"modified", "bad-signature"}),
        (text.replace("index 2\n", "index 3\n"), {"modified", "reordered"}),
        (text.replace("\n16\n", "\n18\n"), {"bad-signature", "modified"}),
        ("nothing", {"modified"}),
    ):
        path.write_text(changed)
        assert {f.problem for f in proof.verify_file(path).findings} == named
        done = program(folder, str(path))
        assert done.returncode == 1
        assert {line.split()[1].rstrip(":") for line in done.stdout.splitlines()} == named


def test_attachments_in_clear_fit_what_records_are_committed_to(folder: Path) -> None:
    openings = json.loads((folder / "opened.json").read_text())
    assert {(folder / "opened" / name).read_bytes() for name in openings} == {b"GET /%d" % n for n in (0, 2, 4)}
    next((folder / "opened").iterdir()).write_bytes(b"GET /9")
    for name in ("manifest.json", "manifest.sig"):
        (folder / name).unlink()
    assert told(folder).counts == {"modified": 1}
    (folder / "opened.json").write_text("[]")
    assert told(folder).counts == {"modified": 1}


def test_a_folder_of_one_run_has_all_records_but_opens_that_run_only(evidence: Path, tmp_path: Path) -> None:
    with opened(evidence) as ledger:
        run = ledger.read(evidence).runs()[0].run
        said = ledger.export(tmp_path / "folder", runs=[run])
        assert (said.records, said.proofs, said.attachments) == (16, 7, 3)
        with pytest.raises(UsageError, match="not empty"):
            ledger.export(tmp_path / "folder")
    assert told(tmp_path / "folder").ok


def test_a_folder_holds_no_private_key(folder: Path, evidence: Path) -> None:
    keys = [p.read_bytes() for p in evidence.with_name("evidence-keys").rglob("*.key")]
    assert len(keys) == 3
    for path in folder.rglob("*"):
        if path.is_file():
            assert not any(key in path.read_bytes() for key in keys)


def test_filling_twice_gives_different_salts(tmp_path: Path) -> None:
    with opened(tmp_path / "evidence") as ledger:
        fill(ledger, 1)
        fill(ledger, 1)
    refs = [r.blobs[0].commitment for r in Ledger.read(tmp_path / "evidence").records(kind=Kind.VERDICT)]
    assert len(set(refs)) == 2

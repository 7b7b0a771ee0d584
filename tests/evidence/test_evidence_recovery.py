"""A crash at any moment costs at most what was not sealed, and it is said what that was."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.evidence.evidence_logs import LATER, START, fill, opened, ticking, told, verdict

from assay.domain import AssayError, IncompleteError, UsageError
from assay.evidence.blobs import Blob
from assay.evidence.checkpoint import Checkpoint, sign
from assay.evidence.ledger import Ledger
from assay.evidence.log import Log, LogBusy, Recovered
from assay.evidence.record import Kind

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
HELPER = """
import sys
from pathlib import Path
from tests.evidence.evidence_logs import fill, opened, verdict
"""


def signer(size: int, root: bytes) -> Checkpoint:
    return sign("example.com/log", size, root, KEY)


def whole(line: bytes, index: int) -> bool:
    return line == b"entry %d" % index


def test_a_log_cut_at_any_byte_after_its_last_seal_keeps_every_whole_entry(tmp_path: Path) -> None:
    log = Log(tmp_path / "log", accept=whole)
    log.append_many(b"entry %d" % n for n in range(3))
    log.seal(signer)
    log.append_many(b"entry %d" % n for n in range(3, 7))
    log.close()
    data = (tmp_path / "log" / "records.jsonl").read_bytes()
    sealed = len(b"entry 0\n") * 3
    for end in range(sealed, len(data) + 1):
        copy = tmp_path / f"cut{end}"
        shutil.copytree(tmp_path / "log", copy)
        os.truncate(copy / "records.jsonl", end)
        again = Log(copy, accept=whole)
        kept, torn = divmod(end - sealed, 8)
        assert again.size == 3 + kept
        assert again.recovered == (Recovered(kept, int(torn > 0), torn, 3) if end > sealed else None)
        again.append(b"entry %d" % again.size)
        again.seal(signer)
        again.close()
        assert (copy / "records.jsonl").read_bytes() == data[: sealed + kept * 8] + b"entry %d\n" % (3 + kept)
        Log(copy, accept=whole).close()


def test_a_hole_in_the_middle_costs_what_stands_behind_it(tmp_path: Path) -> None:
    log = Log(tmp_path / "log", accept=whole)
    log.append(b"entry 0")
    log.seal(signer)
    log.append_many(b"entry %d" % n for n in range(1, 9))
    log.close()
    path = tmp_path / "log" / "records.jsonl"
    data = bytearray(path.read_bytes())
    data[20:30] = bytes(10)  # a page that never reached the disk
    path.write_bytes(data)
    again = Log(tmp_path / "log", accept=whole)
    assert again.size == 2
    assert again.recovered is not None
    assert again.recovered.entries_kept == 1
    assert again.recovered.bytes_lost == len(data) - 16
    assert again.recovered.last_sealed == 1
    assert "1 entries were whole and are kept" in again.recovered.sentence()
    again.close()


def test_a_seal_cut_at_any_byte_falls_back_to_the_one_before(tmp_path: Path) -> None:
    log = Log(tmp_path / "log", accept=whole)
    log.append(b"entry 0")
    log.seal(signer)
    first = (tmp_path / "log" / "seals.jsonl").stat().st_size
    log.append(b"entry 1")
    log.seal(signer)
    log.close()
    end = (tmp_path / "log" / "seals.jsonl").stat().st_size
    for cut in range(first, end):
        copy = tmp_path / f"cut{cut}"
        shutil.copytree(tmp_path / "log", copy)
        os.truncate(copy / "seals.jsonl", cut)
        again = Log(copy, accept=whole)
        assert again.size == 2
        assert again.sealed is not None
        assert again.sealed.size == 1
        assert (copy / "checkpoint").read_text() == again.sealed.text
        if cut % 50 == 0:
            assert again.seal(signer).size == 2
        again.close()
        shutil.rmtree(copy)


def test_sealed_entries_that_are_gone_are_no_crash_and_nothing_is_signed_on_them(tmp_path: Path) -> None:
    log = Log(tmp_path / "log", accept=whole)
    log.append_many(b"entry %d" % n for n in range(3))
    log.seal(signer)
    log.close()
    os.truncate(tmp_path / "log" / "records.jsonl", 20)
    with pytest.raises(IncompleteError, match="sealed evidence is gone") as raised:
        Log(tmp_path / "log", accept=whole)
    assert "assay verify" in raised.value.fix


def test_a_second_writer_is_told_who_writes(tmp_path: Path) -> None:
    with opened(tmp_path / "evidence"):
        with pytest.raises(LogBusy, match=f"Process {os.getpid()} writes"):
            opened(tmp_path / "evidence")
        assert told(tmp_path / "evidence").ok
    assert Ledger.name(tmp_path / "evidence") == "example.com/evidence"
    assert Ledger.name(tmp_path / "nothing") == ""
    opened(tmp_path / "evidence").close()


def _child(code: str, *arguments: str, limit: int | None = None) -> subprocess.Popen[bytes]:
    def limited() -> None:
        if limit is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.Popen(
        [sys.executable, "-c", HELPER + code, *arguments],
        cwd=Path(__file__).parents[2],
        # Python would cut compiled modules off at the limit, without a word, for everybody who imports them later.
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=limited,
    )


FULL = """
from assay.domain import AssayError
ledger = opened(Path(sys.argv[1]), seal_every=7)
ledger.begin(subject="apis.shop")
try:
    for number in range(100_000):
        ledger.record(verdict(number))
    print("never full")
except AssayError as error:
    print(error.sentence, "|", error.fix)
try:
    ledger.record(verdict(0))
    print("went on")
except AssayError as error:
    print(error.sentence)
ledger.close()
"""


@pytest.mark.integration
@pytest.mark.parametrize("limit", [20_000, 50_001, 123_457])
def test_a_full_disk_leaves_the_log_at_its_last_seal(tmp_path: Path, limit: int) -> None:
    out, err = _child(FULL, str(tmp_path / "evidence"), limit=limit).communicate(timeout=120)
    assert err == b""
    first, second = out.decode().splitlines()
    assert "cannot be written" in first
    assert "free some space" in first
    assert "closed" in second
    with opened(tmp_path / "evidence") as ledger:
        assert ledger.size > 10
    said = told(tmp_path / "evidence")
    assert said.ok
    assert said.problems == {"gap"}  # the run that was interrupted, on record


KILLED = """
ledger = opened(Path(sys.argv[1]), seal_every=5)
print("open", flush=True)
ledger.begin(subject="apis.shop")
number = 0
while True:
    ledger.record(verdict(number))
    number += 1
"""


@pytest.mark.integration
@pytest.mark.parametrize("after", [0.0, 0.02, 0.1, 0.3])
def test_a_killed_writer_leaves_a_log_that_goes_on(tmp_path: Path, after: float) -> None:
    child = _child(KILLED, str(tmp_path / "evidence"))
    assert child.stdout is not None
    assert child.stdout.readline() == b"open\n"
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(after)
    child.kill()
    child.communicate()
    with opened(tmp_path / "evidence") as ledger:
        fill(ledger)
    said = told(tmp_path / "evidence")
    assert said.ok
    assert said.problems <= {"gap"}


def snapshots(directory: Path, target: Path, at: str) -> Path:
    copy = target / at
    shutil.copytree(directory.parent, copy)
    return copy / directory.name


def test_a_ledger_cut_at_any_byte_verifies_after_it_was_opened_again(tmp_path: Path) -> None:
    directory = tmp_path / "live" / "evidence"
    ledger = opened(directory)
    ledger.begin(subject="apis.shop")
    sealed = (directory / "records.jsonl").stat().st_size
    for number in range(2):
        ledger.record(verdict(number), [Blob("exchange", "text/plain", b"x" * number)])
    ledger._log._write()
    end = (directory / "records.jsonl").stat().st_size
    for cut in [*range(sealed, end, 173), end]:
        copy = snapshots(directory, tmp_path, f"cut{cut}")
        os.truncate(copy / "records.jsonl", cut)
        with opened(copy) as again:
            assert (again.recovered is None) == (cut == sealed)
            fill(again, 2)
        said = told(copy)
        assert said.ok
        assert said.problems == {"gap"}
        shutil.rmtree(copy.parent)
    ledger.close()


def test_an_entry_whose_attachment_never_reached_the_disk_is_not_kept(tmp_path: Path) -> None:
    directory = tmp_path / "live" / "evidence"
    ledger = opened(directory)
    ledger.begin(subject="apis.shop")
    ledger.record(verdict(1))
    ledger.record(verdict(2), [Blob("exchange", "text/plain", b"content")])
    ledger._log._write()
    copy = snapshots(directory, tmp_path, "torn")
    (blobs,) = (copy / "blobs").iterdir()
    os.truncate(blobs, blobs.stat().st_size - 1)
    with opened(copy) as again:
        assert again.recovered is not None
        assert (again.recovered.entries_kept, again.recovered.entries_lost) == (1, 1)
    assert told(copy).ok
    ledger.close()


@pytest.mark.parametrize("moment", ["key made", "key introduced", "key published"])
def test_a_change_of_keys_cut_short_is_finished_or_undone(
    tmp_path: Path, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "evidence"
    ledger = opened(directory)
    fill(ledger, 1)

    class Crash(Exception):
        pass

    def crash(*arguments: object, **more: object) -> None:
        raise Crash

    target = {
        "key made": (ledger, "_append"),
        "key introduced": (ledger._signing, "take"),
        "key published": (ledger.keys, "erase"),
    }[moment]
    monkeypatch.setattr(target[0], target[1], crash)
    with pytest.raises(Crash):
        ledger.rotate()
    monkeypatch.undo()
    ledger._blobs.close()
    ledger._log.close()
    between = told(directory)
    assert between.ok
    assert between.problems <= {"unknown-key"}  # a notice: the list of keys is one behind
    with opened(directory) as again:
        fill(again, 1)
        assert len(again.epochs) == (1 if moment == "key made" else 2)
        assert again.keys.numbers() == (len(again.epochs),)
    assert told(directory).counts == {}


@pytest.mark.parametrize("moment", ["recorded", "erased"])
def test_shredding_cut_short_is_finished(tmp_path: Path, moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = tmp_path / "evidence"
    ledger = opened(directory)
    run = fill(ledger, 2)

    class Crash(Exception):
        pass

    def crash(*arguments: object, **more: object) -> None:
        raise Crash

    monkeypatch.setattr(*{"recorded": (ledger, "_append", crash), "erased": (ledger.keys, "erase_run", crash)}[moment])
    with pytest.raises(Crash):
        ledger.shred(run, reason="asked to")
    monkeypatch.undo()
    ledger._log.close()
    with opened(directory) as again:
        assert again.keys.run_key(run) is None
        erasures = list(again.read(directory).records(kind=Kind.ERASURE))
        assert len(erasures) == 1
    said = told(directory)
    assert said.ok
    assert said.problems == {"shredded"}


def test_a_first_opening_cut_short_starts_again(tmp_path: Path) -> None:
    directory = tmp_path / "evidence"
    with opened(directory):
        pass
    for name in ("checkpoint", "seals.jsonl", "keys.json"):
        (directory / name).unlink()
    (tmp_path / "evidence-keys" / "head").unlink()
    with opened(directory) as again:
        fill(again, 1)
    assert told(directory).counts == {}


def test_a_log_that_was_rolled_back_is_not_continued(tmp_path: Path) -> None:
    directory = tmp_path / "evidence"
    with opened(directory) as ledger:
        fill(ledger, 1)
        shutil.copytree(directory, tmp_path / "snapshot")
        fill(ledger, 1)
    shutil.rmtree(directory)
    (tmp_path / "snapshot").rename(directory)
    with pytest.raises(IncompleteError, match="rolled back"):
        opened(directory)
    shutil.rmtree(directory)
    with pytest.raises(IncompleteError, match="rolled back: it is empty"):
        opened(directory)


def test_a_log_without_its_key_and_one_of_another_name_are_refused(tmp_path: Path) -> None:
    directory = tmp_path / "evidence"
    with opened(directory) as ledger:
        fill(ledger, 1)
    with pytest.raises(UsageError, match=r"that of `example.com/evidence`"):
        opened(directory, origin="example.com/another")
    (tmp_path / "evidence-keys" / "epoch-1.key").unlink()
    with pytest.raises(IncompleteError, match="is not in"):
        opened(directory)


def test_keys_are_private_and_old_ones_change_by_themselves(tmp_path: Path) -> None:
    directory = tmp_path / "evidence"
    with opened(directory) as ledger:
        fill(ledger, 1)
    late = START.replace(year=START.year + 1)
    with opened(directory, clock=lambda: late) as ledger:
        assert len(ledger.epochs) == 2
    keys = tmp_path / "evidence-keys"
    assert keys.stat().st_mode & 0o777 == 0o700
    assert {p.stat().st_mode & 0o777 for p in keys.rglob("*") if p.is_file()} == {0o600}
    assert told(directory, now=LATER).ok


def test_a_time_without_a_zone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssayError, match="time zone"):
        Ledger.open(tmp_path / "evidence", clock=lambda: LATER.replace(tzinfo=None), origin="example.com/x")
    opened(tmp_path / "evidence", clock=ticking()).close()

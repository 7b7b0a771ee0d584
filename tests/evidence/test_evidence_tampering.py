"""Whoever changes evidence without the key is found, and what was done is named, by both verifiers alike."""

from __future__ import annotations

import base64
import json
import random
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.evidence.evidence_logs import LATER, ORIGIN, PROGRAM, fill, opened, told, verdict

from assay.domain import IncompleteError
from assay.evidence import envelope, keys
from assay.evidence.blobs import Blob
from assay.evidence.checkpoint import COSIGNATURE, cosign, decode_key, encode_key, parse, sign
from assay.evidence.findings import NOTICES
from assay.evidence.log import Seal
from assay.evidence.reading import Reading
from assay.evidence.record import Kind, Record, decode, encode
from assay.evidence.tree import CompactRange, leaf_hash
from assay.evidence.verify import verify

ATTACKER = Ed25519PrivateKey.from_private_bytes(b"a" * 32)
Lines = list[bytes]


def read(evidence: Path) -> Lines:
    return (evidence / "records.jsonl").read_bytes().splitlines()


def write(evidence: Path, lines: Lines) -> None:
    (evidence / "records.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))


def rehash(evidence: Path, key: Ed25519PrivateKey = ATTACKER) -> None:
    """Makes tree, seals and checkpoint fit the records again, signed with another key: all that an attacker can do."""
    tree, size = CompactRange(), 0
    for line in read(evidence):
        tree.append(leaf_hash(line))
        size += len(line) + 1
    head = sign(ORIGIN, tree.size, tree.root(), key)
    seal = Seal(size, head.text, [node.hex() for node in tree.nodes])
    (evidence / "seals.jsonl").write_bytes(msgspec.json.encode(seal) + b"\n")
    (evidence / "checkpoint").write_bytes(head.text.encode())


def test_untouched_evidence_is_fine_and_says_what_was_not_checked(evidence: Path) -> None:
    result = verify(evidence, now=LATER)
    assert result.ok
    assert result.counts == {}
    assert [s.number for s in result.steps] == list(range(1, 12))
    assert [s.number for s in result.steps if s.state == "not checked"] == [6, 11]
    assert result.checked["signatures"] == (result.records, result.records)
    assert told(evidence).ok


def test_evidence_that_grows_while_somebody_reads_is_fine(evidence: Path) -> None:
    with opened(evidence) as ledger:
        ledger.begin(subject="apis.shop", population=3)
        for number in range(3):
            ledger.record(verdict(number))
        ledger._log._write()
        said = told(evidence)
        assert said.ok
        assert said.problems == {"unsealed", "gap"}


# What an attacker may do to the lines; what must be named. `where` is between the first and the last record of a run.


def alter(lines: Lines, where: int) -> Lines:
    return [*lines[:where], lines[where].replace(b"refused", b"ACCEPTED"), *lines[where + 1 :]]


def flip(lines: Lines, where: int) -> Lines:
    line = bytearray(lines[where])
    line[len(line) // 2] ^= 1
    return [*lines[:where], bytes(line), *lines[where + 1 :]]


def forge(lines: Lines, where: int) -> Lines:
    """A record with another outcome, signed by the attacker's own key."""
    try:
        record = decode(envelope.parse(lines[where]).payload)
    except IncompleteError:
        record = stamped(where)
    changed = encode(msgspec.structs.replace(record, sentence="Everything was refused."))
    public = ATTACKER.public_key().public_bytes_raw()
    return [*lines[:where], envelope.seal(changed, ATTACKER, keys.key_id(public)).line, *lines[where + 1 :]]


def delete(lines: Lines, where: int) -> Lines:
    return [*lines[:where], *lines[where + 1 :]]


def copy(lines: Lines, where: int) -> Lines:
    return [*lines[: where + 2], lines[where], *lines[where + 2 :]]


def insert(lines: Lines, where: int) -> Lines:
    return [*lines[:where], forge(lines, where)[where], *lines[where:]]


def swap(lines: Lines, where: int) -> Lines:
    return [*lines[:where], lines[where + 1], lines[where], *lines[where + 2 :]]


def truncate(lines: Lines, where: int) -> Lines:
    return lines[:where]


ATTACKS: list[tuple[Callable[[Lines, int], Lines], set[str]]] = [
    (alter, {"modified"}),
    (flip, {"modified"}),
    (forge, {"modified", "unknown-key"}),
    (delete, {"missing", "counter-mismatch"}),
    (copy, {"inserted", "counter-mismatch"}),
    (insert, {"inserted", "unknown-key", "counter-mismatch"}),
    (swap, {"reordered"}),
    (truncate, {"truncated", "gap"}),
]


@pytest.mark.parametrize("where", [2, 3, 4, 11, 12])
@pytest.mark.parametrize(("attack", "named"), ATTACKS, ids=lambda a: getattr(a, "__name__", ""))
def test_what_was_done_to_records_is_named(
    evidence: Path, attack: Callable[[Lines, int], Lines], named: set[str], where: int
) -> None:
    write(evidence, attack(read(evidence), where))
    said = told(evidence)
    assert not said.ok
    assert said.problems == named


@pytest.mark.parametrize("where", [2, 4, 12])
@pytest.mark.parametrize(("attack", "named"), ATTACKS[:7], ids=lambda a: getattr(a, "__name__", ""))
def test_it_is_named_also_when_the_attacker_hashed_everything_again(
    evidence: Path, attack: Callable[[Lines, int], Lines], named: set[str], where: int
) -> None:
    write(evidence, attack(read(evidence), where))
    rehash(evidence)
    said = told(evidence)
    assert not said.ok
    assert said.problems >= named
    assert "unknown-key" in said.problems  # the checkpoint's


def test_the_place_and_the_id_are_said(evidence: Path) -> None:
    write(evidence, delete(read(evidence), 4))
    (missing,) = [f for f in verify(evidence, now=LATER).findings if f.problem == "missing"]
    assert (missing.index, missing.step) == (4, 5)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), rehashed=st.booleans())
def test_any_mixture_of_attacks_is_found(
    original: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, rehashed: bool
) -> None:
    evidence = tmp_path_factory.mktemp("mixture") / "evidence"
    shutil.copytree(original, evidence)
    before = read(evidence)
    lines = before
    for attack, _ in data.draw(st.lists(st.sampled_from(ATTACKS[:7]), min_size=1, max_size=4)):
        lines = attack(lines, data.draw(st.integers(1, len(lines) - 2)))
    write(evidence, lines)
    if rehashed:
        rehash(evidence)
    said = told(evidence)
    assert said.ok == (lines == before and not rehashed)
    shutil.rmtree(evidence.parent)


FILES = ["records.jsonl", "seals.jsonl", "checkpoint", "keys.json"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_changed_byte_is_found(
    original: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    evidence = tmp_path_factory.mktemp("byte") / "evidence"
    shutil.copytree(original, evidence)
    path = evidence / data.draw(st.sampled_from([*FILES, "blobs"]))
    path = data.draw(st.sampled_from(sorted(path.iterdir()))) if path.is_dir() else path
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    result = verify(evidence, now=LATER)
    # White space between the members of keys.json is nobody's statement.
    blank = path.name == "keys.json" and says(path) == says(original / "keys.json")
    assert result.ok == blank
    shutil.rmtree(evidence.parent)


def says(path: Path) -> object:
    try:
        return json.loads(path.read_text())
    except ValueError:
        return path


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_bytes_at_all_are_judged_and_never_break_the_verifiers(
    original: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    evidence = tmp_path_factory.mktemp("noise") / "evidence"
    shutil.copytree(original, evidence)
    path = evidence / data.draw(st.sampled_from(FILES))
    content = path.read_bytes()
    cut = data.draw(st.integers(0, len(content)))
    noise = data.draw(
        st.binary(max_size=300) | st.sampled_from([b"\n", b"[" * 100_000, b"{}", b"\0" * 4096, b"\xff\n"])
    )
    keep = content[cut:] if data.draw(st.booleans()) else b""
    path.write_bytes(content[:cut] + noise + keep)
    result = verify(evidence, now=LATER)
    assert result.as_json()
    program = PROGRAM.Verifier(evidence, LATER)
    assert program.verify(None, "", {}) == result.ok
    changed = path.read_bytes() != content
    if changed and path.name in ("records.jsonl", "checkpoint"):
        assert not result.ok or {f.problem for f in result.findings} <= NOTICES
    shutil.rmtree(evidence.parent)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_gone_is_missing(evidence: Path, name: str) -> None:
    (evidence / name).unlink()
    said = told(evidence)
    assert not said.ok
    assert "missing" in said.problems


# Keys -----------------------------------------------------------------------------------------------------------------


def own_log(directory: Path) -> Path:
    """A log of the attacker's own, under the same name."""
    with opened(directory / "other") as ledger:
        fill(ledger)
    return directory / "other"


def test_swapped_public_keys_are_found(evidence: Path, tmp_path: Path) -> None:
    shutil.copyfile(own_log(tmp_path) / "keys.json", evidence / "keys.json")
    said = told(evidence)
    assert not said.ok
    assert said.problems == {"unknown-key"}


def test_swapped_keys_in_the_log_as_well_are_found(evidence: Path, tmp_path: Path) -> None:
    other = own_log(tmp_path)
    shutil.copyfile(other / "keys.json", evidence / "keys.json")
    write(evidence, [read(other)[0], *read(evidence)[1:]])
    said = told(evidence)
    assert not said.ok
    assert "unknown-key" in said.problems


def test_a_log_signed_all_over_again_is_found_by_who_knows_the_key_or_kept_a_checkpoint(
    evidence: Path, tmp_path: Path
) -> None:
    kept = (evidence / "checkpoint").read_text()
    key = verify(evidence, now=LATER).fingerprint
    other = own_log(tmp_path)
    assert told(other).ok  # nobody could tell from this alone
    assert told(other, key=key).problems == {"unknown-key"}
    assert told(other, since=kept).problems == {"unknown-key"}
    assert told(evidence, since=kept, key=key[:16]).ok
    assert not told(evidence, key=key[:8]).ok  # too short to pin anything


def test_an_erased_key_that_turns_up_again_signs_nothing(original: Path, tmp_path: Path) -> None:
    with opened(tmp_path / "evidence") as ledger:
        fill(ledger, 2)
        stolen = (ledger.keys.path / "epoch-1.key").read_bytes()
        ledger.rotate()
        assert not (ledger.keys.path / "epoch-1.key").exists()
        fill(ledger, 2)
    old = Ed25519PrivateKey.from_private_bytes(stolen)
    lines = read(tmp_path / "evidence")
    payload = envelope.parse(lines[-2]).payload.replace(b"refused", b"allowed")
    lines[-2] = envelope.seal(payload, old, keys.key_id(old.public_key().public_bytes_raw())).line
    write(tmp_path / "evidence", lines)
    assert told(tmp_path / "evidence").problems == {"modified"}
    rehash(tmp_path / "evidence", old)
    said = told(tmp_path / "evidence")
    assert said.problems >= {"bad-signature", "modified"}


def test_a_record_signed_wrongly_under_a_good_tree_is_a_bad_signature(tmp_path: Path) -> None:
    with opened(tmp_path / "evidence") as ledger:
        ledger.begin(subject="apis.shop")
        ledger.record(verdict(1))
        entry = envelope.parse(ledger._signing.line(encode(stamped(ledger.size))))
        ledger._log.append(envelope.Entry(entry.keyid, bytes(64), entry.payload).line)
        ledger.seal()
        del ledger._runs[ledger._current]
    said = told(tmp_path / "evidence")
    assert not said.ok
    assert "bad-signature" in said.problems


def stamped(seq: int) -> Record:
    return msgspec.structs.replace(verdict(9), id="0" * 26, seq=seq, time=LATER, origin=ORIGIN)


# Rollback -------------------------------------------------------------------------------------------------------------


def test_a_rollback_of_everything_is_named_to_who_kept_a_checkpoint(tmp_path: Path) -> None:
    with opened(tmp_path / "evidence") as ledger:
        fill(ledger)
        ledger.seal()
        shutil.copytree(tmp_path / "evidence", tmp_path / "snapshot")
        fill(ledger)
    kept = (tmp_path / "evidence" / "checkpoint").read_text()
    shutil.rmtree(tmp_path / "evidence")
    (tmp_path / "snapshot").rename(tmp_path / "evidence")
    assert told(tmp_path / "evidence").ok  # a snapshot is in itself whole
    said = told(tmp_path / "evidence", since=kept)
    assert said.problems == {"rolled-back"}
    assert not said.ok


def test_a_history_written_twice_by_the_key_holder_is_named_to_who_kept_a_checkpoint(tmp_path: Path) -> None:
    with opened(tmp_path / "evidence") as ledger:
        shutil.copytree(tmp_path / "evidence", tmp_path / "fork")
        fill(ledger)
    kept = (tmp_path / "evidence" / "checkpoint").read_text()
    shutil.copytree(tmp_path / "evidence-keys", tmp_path / "fork-keys")
    (tmp_path / "fork-keys" / "head").unlink()
    with opened(tmp_path / "fork") as ledger:
        fill(ledger, 9)
    assert told(tmp_path / "fork").ok
    assert told(tmp_path / "fork", since=kept).problems == {"rolled-back"}


def test_only_the_checkpoint_taken_back_is_named(evidence: Path) -> None:
    seals = [msgspec.json.decode(line, type=Seal) for line in (evidence / "seals.jsonl").read_bytes().splitlines()]
    (evidence / "checkpoint").write_text(seals[0].checkpoint)
    said = told(evidence)
    assert said.problems == {"rolled-back"}
    assert not said.ok


def test_an_honest_continuation_is_consistent(evidence: Path) -> None:
    kept = (evidence / "checkpoint").read_text()
    with opened(evidence) as ledger:
        fill(ledger)
    assert told(evidence, since=kept).ok


# Runs, attachments, expiry, witnesses ---------------------------------------------------------------------------------


def test_a_run_that_counts_wrongly_is_a_counter_mismatch(tmp_path: Path) -> None:
    with opened(tmp_path / "evidence") as ledger:
        run = ledger.begin(subject="apis.shop")
        ledger.record(verdict(1))
        ledger._runs[run].records += 1
        ledger.end()
    said = told(tmp_path / "evidence")
    assert said.problems == {"counter-mismatch"}
    assert not said.ok


def test_many_notices_do_not_hide_a_failure_of_the_same_kind(tmp_path: Path) -> None:
    with opened(tmp_path / "evidence") as ledger:
        for _ in range(101):
            ledger._end(ledger.begin(subject="apis.shop"), {"state": "interrupted"})
        ledger.begin(subject="apis.shop")
        ledger.record(verdict(1))
        ledger.end()
        ledger._append(msgspec.structs.replace(verdict(2), run="Z" * 26))
    said = told(tmp_path / "evidence")
    assert said.counts["gap"] > 101
    assert not said.ok


def test_attachments_changed_or_gone_are_named_by_record(evidence: Path) -> None:
    first, second = sorted((evidence / "blobs").iterdir())
    content = bytearray(first.read_bytes())
    content[20] ^= 1
    first.write_bytes(content)
    second.unlink()
    said = told(evidence)
    assert said.counts == {"modified": 1, "missing": 3}


def test_what_sums_up_a_run_is_verified_like_any_attachment(tmp_path: Path) -> None:
    with opened(tmp_path / "evidence") as ledger:
        ledger.begin(subject="apis.shop")
        ledger.end(blobs=[Blob("result", "application/json", b"{}")])
    result = verify(tmp_path / "evidence", now=LATER)
    assert (result.ok, result.checked["attachments"]) == (True, (1, 1))
    (path,) = (tmp_path / "evidence" / "blobs").iterdir()
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert told(tmp_path / "evidence").counts == {"modified": 1}


def test_shredding_is_on_record_and_no_tampering_but_deleting_is(tmp_path: Path) -> None:
    with opened(tmp_path / "evidence") as ledger:
        run = fill(ledger)
        kept = (tmp_path / "evidence" / "checkpoint").read_text()
        ledger.shred(run, reason="asked to by the data subject")
    said = told(tmp_path / "evidence", since=kept)
    assert said.ok
    assert said.problems == {"shredded"}
    (next((tmp_path / "evidence" / "blobs").iterdir())).unlink()
    assert told(tmp_path / "evidence").problems == {"shredded"}


def test_expiry_is_a_matter_of_the_clock(tmp_path: Path) -> None:
    with opened(tmp_path / "evidence") as ledger:
        ledger.begin(subject="apis.shop")
        ledger.record(verdict(1, expires=LATER))
        ledger.end()
    assert told(tmp_path / "evidence", now=LATER - timedelta(seconds=1)).problems == set()
    late = told(tmp_path / "evidence", now=LATER + timedelta(seconds=1))
    assert late.problems == {"expired"}
    assert late.ok


def test_a_witness_is_believed_by_its_key_alone(evidence: Path) -> None:
    witness = Ed25519PrivateKey.generate()
    public = witness.public_key().public_bytes_raw()
    head = cosign(parse((evidence / "checkpoint").read_text()), "witness.example", witness, at=1_772_000_000)
    (evidence / "checkpoint").write_text(head.text)
    name, _, key = decode_key(encode_key("witness.example", public, COSIGNATURE))
    result = verify(evidence, now=LATER, witnesses={name: key})
    assert result.ok
    assert result.witnesses == (("witness.example", 1_772_000_000, 16),)
    assert result.steps[-1].sentence.startswith("witnessed: yes, by witness.example at 2026-02-")
    assert told(evidence, witnesses={name: key}).ok
    unknown = verify(evidence, now=LATER)
    assert unknown.ok
    assert "witnessed: no" in unknown.steps[-1].sentence
    line = base64.b64encode(head.signatures[-1].key_hash + bytes(72)).decode()
    (evidence / "checkpoint").write_text(head.text.rsplit("— ", 1)[0] + f"— witness.example {line}\n")
    assert told(evidence, witnesses={name: key}).problems == {"bad-signature"}


def test_the_last_run_is_compared_with_what_is_in_place(evidence: Path) -> None:
    same = verify(evidence, now=LATER, declaration="d" * 64, configuration="c" * 16)
    assert same.counts == {}
    other = verify(evidence, now=LATER, declaration="e" * 64)
    assert other.ok
    assert other.counts == {"outdated": 1}


def test_a_random_walk_of_bytes_gives_both_verifiers_the_same_words(original: Path, tmp_path: Path) -> None:
    shuffle = random.Random(7)  # noqa: S311
    for number in range(120):
        evidence = tmp_path / f"{number}"
        shutil.copytree(original, evidence)
        path = evidence / shuffle.choice(FILES)
        content = bytearray(path.read_bytes())
        for _ in range(shuffle.choice([1, 1, 1, 5, 40])):
            content[shuffle.randrange(len(content))] = shuffle.randrange(256)
        path.write_bytes(content)
        told(evidence)
        shutil.rmtree(evidence)


def test_every_kind_is_recorded(evidence: Path) -> None:
    assert {r.kind for r in Reading(evidence).records()} == {Kind.VERDICT, Kind.RUN, Kind.KEY}

"""How evidence is verified: a numbered procedure, here in one place.

``standalone/verify.py`` is a second implementation of the same steps for people who do not have this package; tests
hold both to the same findings.

 1. Format: every file is there and can be read; a manifest, if there is one, fits.
 2. Keys: each epoch's key is introduced by the one before; the first is the one that was pinned.
 3. Signatures: checkpoints, and records (all, or a stated sample) are signed by the key of their epoch.
 4. Canonical form: records (as many as in 3) are canonical JSON and name the log, subject and place they have.
 5. Tree: the hash over all records is the one that the checkpoint was signed for; so is every earlier one. If not,
    every record's signature is verified from where the tree goes wrong, to name what happened.
 6. Consistency: the log continues the checkpoint that the verifier kept from an earlier time.
 7. Runs: each has one beginning and one end, and as many records between as its end says.
 8. Attachments: the stored bytes are those that records commit to, or were shredded on record.
 9. Freshness: which verdicts have expired.
10. Digests: the records of a run speak of the declaration and the configuration that the run was begun for.
11. Witnesses: who else signed the checkpoint.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import BrokenExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import msgspec

from assay.domain import AssayError, IncompleteError, Location, UsageError
from assay.evidence import keys as keyring
from assay.evidence import scan
from assay.evidence.blobs import BlobState, examine
from assay.evidence.checkpoint import Checkpoint, parse, signed_by, witnessed_by
from assay.evidence.diagnose import Problem, Seen, diagnose
from assay.evidence.files import LogFiles
from assay.evidence.findings import Verification
from assay.evidence.keys import Epoch, KeyDirectory
from assay.evidence.opened import opened_in_clear
from assay.evidence.record import Kind, Record
from assay.evidence.runs import count_run
from assay.evidence.subject import Subject, Tick, note, quiet, read_heads, read_manifest, read_records, read_seals

ALL_UP_TO = 10_000
"""Logs of so many records have every signature and attachment verified; longer ones a sample, unless ``full``."""
SAMPLE = 1_000


def verify(
    directory: Path,
    *,
    now: datetime,
    since: str | None = None,
    fingerprint: str = "",
    witnesses: Mapping[str, bytes] | None = None,
    keys: KeyDirectory | None = None,
    declaration: str = "",
    configuration: str = "",
    full: bool = False,
    tick: Tick = quiet,
) -> Verification:
    """Verifies the evidence in ``directory``, a live log or an exported folder. Needs no private key, no network.

    Args:
        now: the time, for what has expired. since: the text of a checkpoint kept from earlier.
        fingerprint: SHA-256 of the log's first key, got another way; a beginning of 16 digits or more is enough.
        witnesses: public keys of witnesses by name. keys: the private directory, to look inside attachments.
        declaration, configuration: digests of what is in place now, to say whether the last run speaks of it.
        full: verify every signature and attachment, however long that takes.

    Raises:
        UsageError: there is no evidence here, or ``since`` is no checkpoint.
        IncompleteError: the disk refuses to be read.
    """
    subject = Subject(LogFiles(directory), now.astimezone(UTC), full, tick)
    subject.kept = _kept(since)
    try:
        if not subject.files.records.exists() and not subject.files.checkpoint.exists():
            raise UsageError(
                f"There is no evidence in `{directory}`.",
                fix="name a directory with `records.jsonl` and `checkpoint` in it",
                location=Location(str(directory)),
            )
        _format(subject)  # 1
        _keys(subject, fingerprint)  # 2
        _signatures(subject)  # 3 and 4
        _tree(subject)  # 5
        _consistency(subject)  # 6
        _runs(subject)  # 7
        _attachments(subject, keys)  # 8
        _freshness(subject)  # 9
        _digests(subject, declaration, configuration)  # 10
        cosigned = _witnesses(subject, witnesses or {})  # 11
    except (OSError, BrokenExecutor) as error:
        raise IncompleteError(
            f"The evidence in `{directory}` cannot be read: {getattr(error, 'strerror', None) or error}.",
            fix="make it readable; nothing is claimed about it",
            location=Location(str(directory)),
        ) from error
    found = subject.found
    sampled = subject.lines > ALL_UP_TO and not full
    return Verification(
        ok=not found.failed(),
        directory=str(directory),
        at=subject.now,
        mode="tree in full, signatures sampled" if sampled else "full",
        steps=tuple(found.steps),
        findings=tuple(sorted(found.listed, key=lambda f: f.step)),
        counts=found.counts,
        records=subject.lines,
        checkpoint=subject.head,
        fingerprint=keyring.fingerprint(subject.epochs[0].public) if subject.epochs else "",
        witnesses=cosigned,
        checked=subject.checked,
    )


# 1. Format ------------------------------------------------------------------------------------------------------------


def _format(s: Subject) -> None:
    files, found = s.files, s.found
    for path in (files.records, files.seals, files.checkpoint, files.keys):
        if not path.is_file():
            found.add(1, Problem.MISSING, path.name, f"The file `{path.name}` is gone.")
    noted, seals = read_heads(files)
    if noted is not None:
        s.noted = note(noted)
        if s.noted is None:
            found.add(1, Problem.MODIFIED, "checkpoint", "The file `checkpoint` is no checkpoint.")
    if seals is not None:
        read_seals(s, seals)
    manifest = read_manifest(s)
    if files.records.is_file():
        read_records(s)
    s.close(1, f"{s.lines:,} records, {len(s.seals):,} checkpoints{manifest}")


# 2. Keys and epochs ---------------------------------------------------------------------------------------------------


def _keys(s: Subject, pinned: str) -> None:
    listed = s.files.keys.read_bytes() if s.files.keys.is_file() else b""
    published = keyring.published(listed)
    logged = keyring.chain(line for _, record, line in s.special if record.kind is Kind.KEY)
    head = s.noted or (s.seals[-1][2] if s.seals else None)
    candidates = [c for c in (logged, published) if c]
    signing = [c for c in candidates if head and _signs(c, head)]
    s.epochs = (signing or candidates or [()])[0]
    if not candidates:
        s.found.add(
            2, Problem.UNKNOWN_KEY, "keys.json", "No key of this log introduces itself: nothing can be trusted."
        )
    elif not listed:
        pass  # named in step 1
    elif not published:
        s.found.add(2, Problem.MODIFIED, "keys.json", "The list of keys is damaged; the log's own entries were used.")
    elif logged and published[0].public != logged[0].public:
        s.found.add(2, Problem.UNKNOWN_KEY, "keys.json", "The listed keys are not those that the log begins with.")
    elif published == logged[: len(published)] != logged and _says(listed, published):
        # So a crash leaves it, until the log is opened again; what the log introduces is vouched for by itself.
        sentence = "The list lacks the last keys that the log introduces: a change of keys was interrupted."
        s.found.add(2, Problem.UNKNOWN_KEY, "keys.json", sentence, notice=True)
    elif [e.public for e in published] != [e.public for e in max(logged, published, key=len)]:
        s.found.add(2, Problem.UNKNOWN_KEY, "keys.json", "The log introduces keys that the list lacks, or others.")
    elif not _says(listed, published):
        s.found.add(2, Problem.MODIFIED, "keys.json", "The list says more or other than the entries it rests on.")
    else:
        s.epochs = max(s.epochs, published, key=len)
    first = keyring.fingerprint(s.epochs[0].public) if s.epochs else ""
    if pinned and (len(pinned) < 16 or not first.startswith(pinned.lower())):
        s.found.add(2, Problem.UNKNOWN_KEY, "keys.json", "The log begins with another key than the one you gave.")
    how = "as you gave it" if pinned else "not compared: give it with --key to be sure whose log this is"
    s.close(2, f"{len(s.epochs):,} epochs; the first key is {first[:16] or 'unknown'} ({how})")


def _says(listed: bytes, epochs: tuple[Epoch, ...]) -> bool:
    """Whether a list of keys says this and no more."""
    expected = keyring.publish(epochs, origin=keyring.origin(epochs[0]))
    return bool(msgspec.json.decode(listed) == msgspec.json.decode(expected))


def _signs(epochs: tuple[Epoch, ...], checkpoint: Checkpoint) -> bool:
    try:
        return bool(signed_by(checkpoint, {e.keyid: e.public for e in epochs}))
    except AssayError:
        return False


# 3. Signatures and 4. canonical form ----------------------------------------------------------------------------------


def _signatures(s: Subject) -> None:
    _checkpoint_signatures(s)
    lines, whole = s.lines, s.full or s.lines <= ALL_UP_TO
    stride = 1 if whole else lines // SAMPLE
    # What no trusted checkpoint covers is verified without exception, and judged in step 5.
    chosen = (range(stride // 2, s.covered, stride), range(s.covered, lines))
    origin = next((r.origin for _, r, _ in s.special if r.kind is Kind.KEY), s.head.origin if s.head else "")
    work = partial(scan.look_deeply, s.files.records, s.epochs, origin, chosen)
    much = (s.parts[-1].end if s.parts else 0) if whole or s.covered + ALL_UP_TO < lines else 0
    checked = 0
    for deep in scan.in_parts(s.parts, much, work, lambda done: s.tick("signatures", done, len(s.parts))):
        checked += deep.checked
        _judge(s, deep)
    s.checked["signatures"] = s.checked["canonical form"] = (checked, lines)
    how = "" if whole else " (a sample; --full takes all)"
    s.close(3, f"{len(s.trusted):,} of {len(s.seals):,} checkpoints and {checked:,} of {lines:,} records verified{how}")
    s.close(4, f"{checked:,} of {lines:,} records compared{how}")


def _judge(s: Subject, deep: scan.Deep) -> None:
    for index, keyid in deep.unknown:
        s.entry(3, Problem.UNKNOWN_KEY, index, f"It is signed by {keyid}, which is no key of this log.")
    for index, why in deep.bad:
        if index < s.covered:
            s.entry(3, Problem.BAD_SIGNATURE, index, f"Its signature is no good: {why}.")
    for index, why in deep.forms:
        if index < s.covered:
            s.entry(4, Problem.MODIFIED, index, f"It is signed, and malformed: {why}.")
    for index, seq in deep.good:
        if index < s.covered and index != seq:
            s.entry(4, Problem.REORDERED, index, f"It is signed as record {seq:,}.")
    signed = {index: seq for index, seq in deep.good if index >= s.covered}
    others = [i for found in (deep.bad, deep.unknown, deep.forms) for i, _ in found if i >= s.covered]
    claimed = dict(s.odd)
    s.uncovered += [Seen(i, seq, True) for i, seq in signed.items()]
    s.uncovered += [Seen(i, claimed.get(i, i), False) for i in others if i not in signed]


def _checkpoint_signatures(s: Subject) -> None:
    for number, seal, checkpoint in s.seals:
        if _trusted(s, checkpoint, f"seals.jsonl:{number}"):
            s.trusted.append((number, seal, checkpoint))
    heads = [c for _, _, c in s.trusted]
    if s.noted and _trusted(s, s.noted, "checkpoint"):
        heads.append(s.noted)
    s.head = max(heads, key=lambda c: c.size, default=None)
    fitting = (c.size for c in heads if s.roots.get(c.size, (b"", 0))[0] == c.root)
    s.covered = max(fitting, default=0)


def _trusted(s: Subject, checkpoint: Checkpoint, where: str) -> bool:
    """Whether a checkpoint is signed by the key of its epoch. The last of an epoch may still have the old key's."""
    origins = {record.origin for _, record, _ in s.special if record.kind is Kind.KEY}
    able = [
        e
        for n, e in enumerate(s.epochs)
        if e.start <= checkpoint.size and (n + 1 == len(s.epochs) or checkpoint.size <= s.epochs[n + 1].start)
    ]
    try:
        if signed_by(checkpoint, {e.keyid: e.public for e in able}):
            if not origins or checkpoint.origin in origins:
                return True
            s.found.add(3, Problem.BAD_SIGNATURE, where, f"The checkpoint is that of the log `{checkpoint.origin}`.")
        elif signed_by(checkpoint, {e.keyid: e.public for e in s.epochs}):
            s.found.add(3, Problem.BAD_SIGNATURE, where, "The checkpoint is signed by the key of another epoch.")
        else:
            s.found.add(3, Problem.UNKNOWN_KEY, where, "The checkpoint is signed by no key of this log.")
    except AssayError as error:
        s.found.add(3, Problem.BAD_SIGNATURE, where, f"{error.sentence[:1].upper()}{error.sentence[1:]}.")
    return False


# 5. Tree --------------------------------------------------------------------------------------------------------------


def _tree(s: Subject) -> None:
    head, lines = s.head, s.lines
    s.uncovered.sort()
    traces = diagnose(s.uncovered, s.covered, head.size if head else None)
    for trace in traces:
        at = trace.position if trace.position >= 0 else trace.seq
        s.entry(5, trace.problem, at, trace.sentence())
    for number, seal, checkpoint in s.trusted:
        root, offset = s.roots.get(checkpoint.size, (b"", 0))
        if root == checkpoint.root and offset != seal.bytes:
            s.found.add(5, Problem.MODIFIED, f"seals.jsonl:{number}", "It says another number of bytes than it covers.")
        elif root != checkpoint.root and not traces:
            # Everything is signed and in place, and yet not what was signed for: only the key's holder can do that.
            s.found.add(
                5,
                Problem.MODIFIED,
                f"seals.jsonl:{number}",
                f"The first {checkpoint.size:,} records are not those that this checkpoint was signed for.",
            )
    if head is None:
        s.found.add(5, Problem.MISSING, "checkpoint", "No checkpoint can be trusted: nothing says what the log was.")
    elif s.covered < head.size and not traces and not s.found.failed(5):
        s.found.add(5, Problem.MODIFIED, "checkpoint", "The records are not those that it was signed for.")
    _order_of_heads(s)
    if s.torn:
        sentence = f"{s.torn:,} bytes after the last whole record are torn; no checkpoint covers them."
        s.found.add(5, Problem.UNSEALED, "records.jsonl", sentence)
    if head and lines > head.size and s.covered == head.size and not traces:
        sentence = f"{lines - head.size:,} records are newer than the last checkpoint: signed, and not sealed yet."
        s.found.add(5, Problem.UNSEALED, "records.jsonl", sentence, index=head.size)
    s.checked["tree"] = (min(lines, s.covered), lines)
    s.close(5, f"{s.covered:,} of {lines:,} records are under the checkpoint of {head.size if head else 0:,}")


def _order_of_heads(s: Subject) -> None:
    sizes = sorted({c.size for _, _, c in s.trusted})
    if s.noted and s.head and sizes and s.noted.size < sizes[-1]:
        # A crash inside of a seal leaves it exactly one behind, until the log is opened again.
        sentence = f"It is of {s.noted.size:,} records, though {sizes[-1]:,} were sealed."
        late = len(sizes) > 1 and s.noted.size == sizes[-2]
        s.found.add(5, Problem.ROLLED_BACK, "checkpoint", sentence, notice=late)
    elif s.noted and s.noted is s.head and s.files.seals.is_file() and (not sizes or sizes[-1] < s.noted.size):
        s.found.add(5, Problem.MISSING, "seals.jsonl", "It lacks the last checkpoint.")


# 6. Consistency -------------------------------------------------------------------------------------------------------


def _consistency(s: Subject) -> None:
    kept = s.kept
    if kept is None:
        sentence = "no earlier checkpoint to compare with (--since): a log that was rolled back as a whole looks fine"
        return s.close(6, sentence, checked=False)
    before = len(s.found.listed)
    root = s.roots.get(kept.size, (b"", 0))[0]
    if not _signs(s.epochs, kept):
        s.found.add(6, Problem.UNKNOWN_KEY, "--since", "The checkpoint you kept is signed by no key of this log.")
    elif s.head is None or kept.size > s.head.size:
        end = s.head.size if s.head else 0
        s.found.add(6, Problem.ROLLED_BACK, "checkpoint", f"You saw {kept.size:,} records; the log ends at {end:,}.")
    elif root != kept.root and (kept.size <= s.covered or _signed_otherwise(s, kept)):
        s.found.add(6, Problem.ROLLED_BACK, "checkpoint", f"The first {kept.size:,} records are not those you saw.")
    elif root != kept.root:
        sentence = f"the checkpoint of {kept.size:,} cannot be compared with records that are not what was signed"
        return s.close(6, sentence, checked=False)
    fits = "continues" if len(s.found.listed) == before else "does not continue"
    return s.close(6, f"the log {fits} the checkpoint of {kept.size:,} that you kept")


def _signed_otherwise(s: Subject, kept: Checkpoint) -> bool:
    return any(c.size == kept.size and c.root != kept.root for _, _, c in s.trusted)


# 7. Runs --------------------------------------------------------------------------------------------------------------


def _runs(s: Subject) -> None:
    starts: dict[str, list[tuple[int, Record]]] = {}
    ends: dict[str, list[tuple[int, Record]]] = {}
    for index, record, _ in s.special:
        if record.kind is Kind.RUN:
            (starts if record.details.get("phase") == "start" else ends).setdefault(record.run, []).append(
                (index, record)
            )
    every = {**dict.fromkeys(starts), **dict.fromkeys(s.runs), **dict.fromkeys(ends)}
    for run in every:
        count_run(s, run, starts.get(run, []), ends.get(run, []))
    population = sum(r.population or 0 for found in starts.values() for _, r in found)
    s.close(7, f"{len(every):,} runs over a stated population of {population:,}, each counted against its end")


# 8. Attachments -------------------------------------------------------------------------------------------------------


def _attachments(s: Subject, keys: KeyDirectory | None) -> None:
    erased = {str(r.details.get("run")) for _, r, _ in s.special if r.kind is Kind.ERASURE}
    whole = s.full or len(s.blobs) <= ALL_UP_TO
    chosen = s.blobs if whole else s.blobs[:: len(s.blobs) // SAMPLE]
    counts = dict.fromkeys(BlobState, 0)
    shredded: dict[str, int] = {}
    run_keys: dict[str, bytes | None] = {}
    for number, (index, run, evidence, ref) in enumerate(chosen):
        state = BlobState.MISSING
        if run.isalnum() and run.isascii() and len(run) <= 64:
            if run not in run_keys:
                run_keys[run] = keys.run_key(run) if keys and run not in erased else None
            state = examine(s.files.blobs, run, ref, run_keys[run])
        if run in erased and state is not BlobState.MODIFIED:
            shredded[run] = shredded.get(run, 0) + 1
        elif state in (BlobState.MISSING, BlobState.MODIFIED):
            problem = Problem.MISSING if state is BlobState.MISSING else Problem.MODIFIED
            sentence = "is gone." if state is BlobState.MISSING else "is not what the record is committed to."
            s.found.add(
                8, problem, f"record {index}", f"Its attachment `{ref.name}` {sentence}", index=index, id=evidence
            )
        else:
            counts[state] += 1
        s.tick("attachments", number + 1, len(chosen))
    for run, count in shredded.items():
        s.found.add(8, Problem.SHREDDED, f"run {run}", f"Its {count:,} attachments were shredded on record.")
    opened, wrong = opened_in_clear(s)
    s.checked["attachments"] = (len(chosen), len(s.blobs))
    how = "" if whole else " (a sample; --full takes all)"
    gone = sum(shredded.values())
    s.close(
        8,
        f"{len(chosen):,} of {len(s.blobs):,} verified{how}: {counts[BlobState.OPENED]:,} opened here, "
        f"{counts[BlobState.SEALED]:,} left encrypted, {gone:,} shredded; {opened - wrong:,} in clear fit",
    )


# 9. Freshness ---------------------------------------------------------------------------------------------------------


def _freshness(s: Subject) -> None:
    if s.expired:
        index, evidence = s.first_expired
        sentence = f"{s.expired:,} records have expired, this one first: they say nothing about today."
        s.found.add(9, Problem.EXPIRED, f"record {index}", sentence, index=index, id=evidence)
    s.close(9, f"{s.expired:,} of {s.lines:,} records have expired by {s.now:%Y-%m-%d %H:%M} UTC")


# 10. Declaration and configuration ------------------------------------------------------------------------------------


def _digests(s: Subject, declaration: str, configuration: str) -> None:
    last: Record | None = None
    for index, record, _ in s.special:
        if record.kind is Kind.RUN and record.details.get("phase") == "start":
            last = record
            begun = (record.declaration, record.configuration)
            part = s.runs.get(record.run)
            other = next((i for pair, i in part.digests.items() if pair != begun), None) if part else None
            if other is not None:
                sentence = f"It speaks of another declaration or configuration than its run, begun in record {index:,}."
                s.found.add(10, Problem.OUTDATED, f"record {other}", sentence, index=other)
    now = {"declaration": declaration, "configuration": configuration}
    for name, digest in now.items():
        if digest and last and getattr(last, name) and getattr(last, name) != digest:
            sentence = f"The last run speaks of another {name} than the one in place."
            s.found.add(10, Problem.OUTDATED, f"run {last.run}", sentence)
    compared = [name for name, digest in now.items() if digest and last and getattr(last, name)]
    against = f"; the last run was compared with the {' and the '.join(compared)} in place" if compared else ""
    s.close(10, f"the records of each run name one declaration and configuration{against}")


# 11. Witnesses --------------------------------------------------------------------------------------------------------


def _witnesses(s: Subject, known: Mapping[str, bytes]) -> tuple[tuple[str, int], ...]:
    head = s.noted if s.noted and s.head and s.noted.body == s.head.body else s.head
    others = sorted({g.name for g in head.signatures if g.name != head.origin}) if head else []
    cosigned: tuple[tuple[str, int], ...] = ()
    try:
        cosigned = witnessed_by(head, known) if head else ()
    except AssayError as error:
        s.found.add(11, Problem.BAD_SIGNATURE, "checkpoint", f"{error.sentence[:1].upper()}{error.sentence[1:]}.")
    if cosigned:
        said = ", ".join(f"by {name} at {_moment(at)}" for name, at in cosigned)
        s.close(11, f"witnessed: yes, {said}")
    elif others:
        s.close(11, f"witnessed: no; {', '.join(others)} signed with keys that were not given", checked=False)
    else:
        s.close(11, "witnessed: no; whoever holds the key could have rewritten everything", checked=False)
    return cosigned


def _moment(at: int) -> str:
    try:
        return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"
    except (OverflowError, OSError, ValueError):
        return f"second {at}"


def _kept(since: str | None) -> Checkpoint | None:
    try:
        return None if since is None else parse(since)
    except AssayError as error:
        raise UsageError(
            f"What you kept cannot be compared with: {error.sentence}.",
            fix="give --since a copy of the file `checkpoint` from an earlier time",
        ) from error

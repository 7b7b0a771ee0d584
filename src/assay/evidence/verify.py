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
11. Witnesses: who else signed the checkpoint, or an earlier one; and whether what they saw is this history.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import BrokenExecutor
from datetime import UTC, datetime
from pathlib import Path

from assay.domain import AssayError, IncompleteError, Location, UsageError
from assay.evidence import keys as keyring
from assay.evidence.checkpoint import Checkpoint, parse
from assay.evidence.diagnose import Problem
from assay.evidence.files import LogFiles
from assay.evidence.findings import Verification
from assay.evidence.keys import KeyDirectory
from assay.evidence.record import Kind, Record
from assay.evidence.steps.authenticity import keys as keys_and_epochs
from assay.evidence.steps.authenticity import signatures
from assay.evidence.steps.content import attachments, runs
from assay.evidence.steps.history import consistency, tree
from assay.evidence.steps.history import witnesses as attested
from assay.evidence.subject import (
    ALL_UP_TO,
    Subject,
    Tick,
    note,
    quiet,
    read_cosigned,
    read_heads,
    read_manifest,
    read_records,
    read_seals,
)


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
        witnesses: public keys of witnesses by name; each of them must have cosigned.
        keys: the private directory, to look inside attachments.
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
        keys_and_epochs(subject, fingerprint)  # 2
        signatures(subject)  # 3 and 4
        tree(subject)  # 5
        consistency(subject)  # 6
        runs(subject)  # 7
        attachments(subject, keys)  # 8
        _freshness(subject)  # 9
        _digests(subject, declaration, configuration)  # 10
        cosigned = attested(subject, witnesses or {})  # 11
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
    read_cosigned(s)
    manifest = read_manifest(s)
    if files.records.is_file():
        read_records(s)
    s.close(1, f"{s.lines:,} records, {len(s.seals):,} checkpoints{manifest}")


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


def _kept(since: str | None) -> Checkpoint | None:
    try:
        return None if since is None else parse(since)
    except AssayError as error:
        raise UsageError(
            f"What you kept cannot be compared with: {error.sentence}.",
            fix="give --since a copy of the file `checkpoint` from an earlier time",
        ) from error

"""Steps 7 and 8: whether runs are counted as they ended, and attachments are what records are committed to."""

from __future__ import annotations

from assay.evidence.blobs import BlobState, examine
from assay.evidence.diagnose import Problem
from assay.evidence.keys import KeyDirectory
from assay.evidence.opened import opened_in_clear
from assay.evidence.record import Kind, Record
from assay.evidence.runs import count_run
from assay.evidence.subject import ALL_UP_TO, SAMPLE, Subject

# 7. Runs --------------------------------------------------------------------------------------------------------------


def runs(s: Subject) -> None:
    """Step 7."""
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


def attachments(s: Subject, keys: KeyDirectory | None) -> None:
    """Step 8. ``keys``: the private directory, if what is encrypted is to be opened."""
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

"""Steps 5, 6 and 11: whether this is the history that was signed, that was seen before, and that witnesses saw."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from assay.domain import AssayError
from assay.evidence.checkpoint import Checkpoint, witnessed_by
from assay.evidence.diagnose import Problem, diagnose
from assay.evidence.steps.authenticity import signs
from assay.evidence.subject import Subject

# 5. Tree --------------------------------------------------------------------------------------------------------------


def tree(s: Subject) -> None:
    """Step 5."""
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


def consistency(s: Subject) -> None:
    """Step 6."""
    kept = s.kept
    if kept is None:
        sentence = "no earlier checkpoint to compare with (--since): a log that was rolled back as a whole looks fine"
        return s.close(6, sentence, checked=False)
    before = len(s.found.listed)
    root = s.roots.get(kept.size, (b"", 0))[0]
    if not signs(s.epochs, kept):
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


# 11. Witnesses --------------------------------------------------------------------------------------------------------


def witnesses(s: Subject, known: Mapping[str, bytes]) -> tuple[tuple[str, int], ...]:
    """Step 11; who cosigned, and when. ``known``: public keys of witnesses by name."""
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

"""Steps 5, 6 and 11: whether this is the history that was signed, that was seen before, and that witnesses saw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from assay.domain import AssayError
from assay.evidence.checkpoint import Checkpoint, witnessed_by
from assay.evidence.cosigned import Attested
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


def witnesses(s: Subject, known: Mapping[str, bytes]) -> tuple[Attested, ...]:
    """Step 11; who cosigned what. ``known``: public keys of witnesses by name, each of whom must have cosigned."""
    head = s.noted if s.noted and s.head and s.noted.body == s.head.body else s.head
    seen = [c for c in (head, *_as_seen(s)) if c]
    others = sorted({g.name for c in seen for g in c.signatures if g.name != c.origin and g.name not in known})
    best: dict[str, Attested] = {}
    for checkpoint in seen:
        try:
            for name, at in witnessed_by(checkpoint, known):
                made = Attested(name, at, checkpoint.size)
                best[name] = max(best.get(name, made), made, key=lambda a: (a.size, a.at))
        except AssayError as error:
            sentence = f"{error.sentence[:1].upper()}{error.sentence[1:]}."
            s.found.add(11, Problem.BAD_SIGNATURE, "checkpoint" if checkpoint is head else "witnessed.json", sentence)
    size = s.head.size if s.head else 0
    for name in sorted(known):
        if name not in best and not s.found.failed(11):
            s.found.add(11, Problem.UNWITNESSED, "checkpoint", f"Witness {name} cosigned no checkpoint of this log.")
        elif name in best and best[name].size < size:
            sentence = f"The last {size - best[name].size:,} records are newer than what witness {name} cosigned."
            s.found.add(11, Problem.UNWITNESSED, "checkpoint", sentence, notice=True)
    cosigned = tuple(best[name] for name in sorted(best))
    if cosigned:
        said = ", ".join(f"by {a.name} at {a.when} up to record {a.size:,} of {size:,}" for a in cosigned)
        s.close(11, f"witnessed: yes, {said}")
    elif others:
        s.close(11, f"witnessed: no; {', '.join(others)} signed with keys that were not given", checked=False)
    else:
        s.close(11, "witnessed: no; whoever holds the key could have rewritten everything", checked=False)
    return cosigned


def _as_seen(s: Subject) -> Iterator[Checkpoint]:
    """The checkpoints that witnesses saw and that are part of this history. One that is not is a fork."""
    for checkpoint in dict.fromkeys(c.checkpoint for c in s.cosigned):
        root = s.roots.get(checkpoint.size, (b"", 0))[0]
        if not signs(s.epochs, checkpoint):
            sentence = "A checkpoint in it is signed by no key of this log."
            s.found.add(11, Problem.UNKNOWN_KEY, "witnessed.json", sentence)
        elif s.head is None or checkpoint.size > s.head.size:
            end = s.head.size if s.head else 0
            sentence = f"Witnesses saw {checkpoint.size:,} records; the log ends at {end:,}."
            s.found.add(11, Problem.ROLLED_BACK, "checkpoint", sentence)
        elif root == checkpoint.root:
            yield checkpoint
        elif checkpoint.size <= s.covered or _signed_otherwise(s, checkpoint):
            sentence = f"The first {checkpoint.size:,} records are not those that witnesses saw."
            s.found.add(11, Problem.ROLLED_BACK, "checkpoint", sentence)

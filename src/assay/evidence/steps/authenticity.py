"""Steps 2 to 4: whose keys these are, what they signed, and whether it is in the one form that it can have."""

from __future__ import annotations

from functools import partial

import msgspec

from assay.domain import AssayError
from assay.evidence import envelope, scan
from assay.evidence import keys as keyring
from assay.evidence.checkpoint import Checkpoint, signed_by, verifies
from assay.evidence.decided import opened
from assay.evidence.diagnose import Problem, Seen
from assay.evidence.keys import Epoch
from assay.evidence.record import Kind
from assay.evidence.subject import ALL_UP_TO, SAMPLE, Subject

# 2. Keys and epochs ---------------------------------------------------------------------------------------------------


def keys(s: Subject, pinned: str) -> None:
    """Step 2. ``pinned``: what the verifier knows of the first key's fingerprint."""
    listed = s.files.keys.read_bytes() if s.files.keys.is_file() else b""
    published = keyring.published(listed)
    logged = keyring.chain(line for _, record, line in s.special if record.kind is Kind.KEY)
    head = s.noted or (s.seals[-1][2] if s.seals else None)
    candidates = [c for c in (logged, published) if c]
    signing = [c for c in candidates if head and signs(c, head)]
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


def signs(epochs: tuple[Epoch, ...], checkpoint: Checkpoint) -> bool:
    """Whether a key of any epoch signed a checkpoint."""
    try:
        return bool(signed_by(checkpoint, {e.keyid: e.public for e in epochs}))
    except AssayError:
        return False


# 3. Signatures and 4. canonical form ----------------------------------------------------------------------------------


def signatures(s: Subject) -> None:
    """Steps 3 and 4."""
    _checkpoint_signatures(s)
    _manifest_signature(s)
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
    decided = _decisions(s)
    s.checked["signatures"] = s.checked["canonical form"] = (checked, lines)
    how = "" if whole else " (a sample; --full takes all)"
    people = f", and {decided:,} decisions of people" if decided else ""
    done = f"{len(s.trusted):,} of {len(s.seals):,} checkpoints and {checked:,} of {lines:,} records verified{how}"
    s.close(3, done + people)
    s.close(4, f"{checked:,} of {lines:,} records compared{how}")


def _decisions(s: Subject) -> int:
    """Every decision in the log is one statement, signed by the key that lies beside it. How many there are."""
    decided = [(index, record) for index, record, _ in s.special if record.kind is Kind.DECISION and index < s.covered]
    for index, record in decided:
        try:
            opened(record)
        except AssayError as error:
            s.entry(3, Problem.BAD_SIGNATURE, index, f"{error.sentence[:1].upper()}{error.sentence[1:]}.")
    return len(decided)


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


def _manifest_signature(s: Subject) -> None:
    """An exported folder's list of files is signed by a key of the log, as it stands."""
    if s.manifest is None:
        return
    path = s.files.root / "manifest.sig"
    if not path.is_file():
        sentence = "Nobody signed the list of files: it finds accidents, and no attackers."
        s.found.add(3, Problem.UNSEALED, "manifest.json", sentence)
        return
    try:
        keyid, signature = envelope.detached(path.read_bytes())
    except AssayError:
        s.found.add(3, Problem.MODIFIED, "manifest.sig", "The signature of the manifest cannot be read.")
        return
    public = {e.keyid: e.public for e in s.epochs}.get(keyid)
    if public is None:
        s.found.add(3, Problem.UNKNOWN_KEY, "manifest.json", "The manifest is signed by no key of this log.")
    elif not verifies(public, signature, envelope.pae(s.manifest, envelope.MANIFEST_TYPE)):
        s.found.add(3, Problem.BAD_SIGNATURE, "manifest.json", "The manifest is not the one that was signed.")


def _trusted(s: Subject, checkpoint: Checkpoint, where: str) -> bool:
    """Whether a checkpoint is signed by the key of its epoch. The last of an epoch may still have the old key's."""
    origins = {record.origin for _, record, _ in s.special if record.kind is Kind.KEY}
    able = keyring.able(s.epochs, checkpoint.size)
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

"""Step 8 of the verification, for attachments that an exported folder has in clear."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from assay.evidence.diagnose import Problem
from assay.evidence.subject import Subject


class _Opening(msgspec.Struct):
    of: str
    salt: str


def opened_in_clear(s: Subject) -> tuple[int, int]:
    """How many attachments an exported folder has in clear, and how many of them are wrong.

    SHA-256 of salt and content is what the record is committed to.
    """
    path = s.files.root / "opened.json"
    if not path.is_file():
        return 0, 0
    try:
        listed = msgspec.json.decode(path.read_bytes().decode(), type=dict[str, _Opening])
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        s.found.add(8, Problem.MODIFIED, "opened.json", "The list of salts cannot be read.")
        return 0, 0
    committed = {ref.commitment: evidence for _, _, evidence, ref in s.blobs}
    wrong = 0
    for commitment, opening in sorted(listed.items()):
        file = s.files.root / "opened" / commitment
        where, missing = f"opened/{commitment[:64]}", False
        good = committed.get(commitment) == opening.of
        if good:
            missing = not file.is_file()
            good = not missing and _commits(opening.salt, file) == commitment
        if not good:
            wrong += 1
            problem = Problem.MISSING if missing else Problem.MODIFIED
            s.found.add(
                8, problem, where, "An attachment in clear is not what a record is committed to.", id=opening.of
            )
    return len(listed), wrong


def _commits(salt: str, file: Path) -> str:
    try:
        return hashlib.sha256(bytes.fromhex(salt) + file.read_bytes()).hexdigest()
    except ValueError:
        return ""

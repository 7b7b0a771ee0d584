"""Where the parts of a log are on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class LogFiles:
    """The files of a log::

    records.jsonl   one signed statement a line: the entries of the tree
    seals.jsonl     every checkpoint that was signed, oldest first, with how many bytes of records it covers
    checkpoint      the last of them, as a file that can be kept elsewhere
    keys.json       the public keys, each with the entry that introduces it
    witnessed.json  what witnesses cosigned last, where there are any
    blobs/          encrypted attachments, one file for each run
    lock            held while somebody writes
    """

    root: Path

    @property
    def records(self) -> Path:
        """The entries."""
        return self.root / "records.jsonl"

    @property
    def seals(self) -> Path:
        """All checkpoints."""
        return self.root / "seals.jsonl"

    @property
    def checkpoint(self) -> Path:
        """The last checkpoint."""
        return self.root / "checkpoint"

    @property
    def keys(self) -> Path:
        """The public keys."""
        return self.root / "keys.json"

    @property
    def witnessed(self) -> Path:
        """What witnesses cosigned last."""
        return self.root / "witnessed.json"

    @property
    def blobs(self) -> Path:
        """Attachments."""
        return self.root / "blobs"

    @property
    def lock(self) -> Path:
        """Who writes."""
        return self.root / "lock"

    @property
    def private(self) -> Path:
        """Where the private keys are unless somebody says otherwise: beside the log, never in it."""
        return self.root.with_name(f"{self.root.name}-keys")

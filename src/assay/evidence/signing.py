"""Which key signs for a log, and whether the log is still the one that it signed for."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from assay.domain import AssayError, IncompleteError, Location, UsageError
from assay.evidence import envelope, keys
from assay.evidence.blobs import BlobState, examine
from assay.evidence.checkpoint import Checkpoint, parse, sign, verifies
from assay.evidence.files import LogFiles
from assay.evidence.keys import Epoch, KeyDirectory
from assay.evidence.reading import Reading
from assay.evidence.record import Record, decode
from assay.identity.files import present, read_public, write_private

_LONGEST_LIST = 64 << 20


class Signing:
    """The keys of a log: today's private one, and the public ones of all epochs."""

    def __init__(self, files: LogFiles, directory: KeyDirectory, origin: str) -> None:
        self.files = files
        self.directory = directory
        self.origin = origin
        self.epochs: tuple[Epoch, ...] = ()
        self._key: Ed25519PrivateKey | None = None
        if present(files.keys):
            self.epochs = keys.published(read_public(files.keys, limit=_LONGEST_LIST, what="list of keys"))

    def line(self, payload: bytes) -> bytes:
        """The payload signed, as an entry of the log."""
        key = self._held()
        return envelope.seal(payload, key, keys.key_id(key.public_key().public_bytes_raw())).line

    def detached(self, payload: bytes) -> bytes:
        """The signature of an exported folder's manifest, as the file beside it."""
        key = self._held()
        return envelope.detach(payload, key, keys.key_id(key.public_key().public_bytes_raw()))

    def checkpoint(self, size: int, root: bytes) -> Checkpoint:
        """A signed checkpoint."""
        return sign(self.origin, size, root, self._held())

    def remember(self, checkpoint: Checkpoint) -> None:
        """Keeps the last checkpoint apart from the log, so that a log that was rolled back is noticed."""
        write_private(self.directory.head, checkpoint.text.encode())

    def accepts(self, line: bytes, index: int) -> bool:
        """Whether a line that no checkpoint covers is whole: place, signature, and attachments on disk."""
        try:
            entry = envelope.parse(line)
            record = decode(entry.payload)
            epochs = self.epochs or keys.chain([line])
            public = {e.keyid: e.public for e in epochs}.get(entry.keyid)
            good = (
                public is not None
                and record.seq == index
                and record.origin == self.origin
                and verifies(public, entry.signature, envelope.pae(entry.payload))
            )
            states = (examine(self.files.blobs, record.run, ref, None) for ref in record.blobs if good)
            return good and all(state is BlobState.SEALED for state in states)
        except AssayError:
            return False

    def begin(self) -> Record:
        """Makes the first key; what is returned must become the first entry, and be sealed."""
        if present(self.directory.head):
            self._gone("it is empty")
        for number in self.directory.numbers():
            self.directory.erase(number)
        self._key = self.directory.create(1)
        return keys.key_record(1, self._key.public_key().public_bytes_raw(), origin=self.origin)

    def resume(self, sealed: Checkpoint | None) -> None:
        """Finds the key that signs from here on, and finishes a change of keys that a crash left half done.

        Raises:
            UsageError: the log is another one's.
            IncompleteError: the log is shorter than what was signed last, or the key is not here. To sign anyway would
                make two histories.
        """
        self._not_rolled_back(sealed)
        held = self.directory.numbers()
        if not self.epochs or held != (self.epochs[-1].number,):
            self.epochs = self._introduced()
        if not self.epochs or self.epochs[-1].number not in held:
            raise IncompleteError(
                f"The key that signs for `{self.files.root}` is not in `{self.directory.path}`.",
                fix="bring the key directory back from a backup; or begin another log in a new directory",
                location=Location(str(self.directory.path)),
            )
        current = self.epochs[-1]
        self._key = self.directory.load(current.number)
        if keys.key_id(self._key.public_key().public_bytes_raw()) != current.keyid:
            raise IncompleteError(
                f"The key in `{self.directory.path}` is not the one of this log.",
                fix="bring the key directory back from a backup",
                location=Location(str(self.directory.path)),
            )
        self.publish()
        for number in held:
            if number != current.number:
                self.directory.erase(number)

    def next(self) -> tuple[Record, Ed25519PrivateKey]:
        """Makes the key of the next epoch. The record that introduces it is still to be signed by the old one."""
        number = self.epochs[-1].number + 1
        key = self.directory.create(number)
        return keys.key_record(number, key.public_key().public_bytes_raw(), origin=self.origin), key

    def take(self, key: Ed25519PrivateKey) -> None:
        """Signs with the next key from here on, and erases the one before."""
        before = self.epochs[-1].number
        self.epochs = self._introduced()
        if self.epochs[-1].public != key.public_key().public_bytes_raw():
            raise IncompleteError("the new key was not introduced", fix="run `assay verify`")
        self._key = key
        self.publish()
        self.directory.erase(before)

    def publish(self) -> None:
        """Writes ``keys.json`` if it does not say this already."""
        self.epochs = self.epochs or self._introduced()
        data = keys.publish(self.epochs, origin=self.origin)
        if not present(self.files.keys) or read_public(self.files.keys, limit=_LONGEST_LIST) != data:
            write_private(self.files.keys, data)

    def _held(self) -> Ed25519PrivateKey:
        if self._key is None:
            raise IncompleteError("no key signs for this log yet")
        return self._key

    def _introduced(self) -> tuple[Epoch, ...]:
        """The epochs, from the log itself."""
        marker = b'"kind":"key"'
        return keys.chain(line for _, line in Reading(self.files.root).lines() if marker in line)

    def _not_rolled_back(self, sealed: Checkpoint | None) -> None:
        head = None
        if present(self.directory.head):
            head = parse(read_public(self.directory.head, what="last checkpoint").decode("utf-8", "replace"))
        if sealed is None:
            # The very first seal was interrupted, unless something was sealed before.
            if head:
                self._gone("it has no checkpoint")
        elif sealed.origin != self.origin:
            raise UsageError(
                f"The log in `{self.files.root}` is that of `{sealed.origin}`, not of `{self.origin}`.",
                fix="open it under its own name, or begin another in a new directory",
                location=Location(str(self.files.root)),
            )
        elif head and (head.size > sealed.size or (head.size == sealed.size and head.root != sealed.root)):
            self._gone(f"it ends at record {sealed.size:,}, and {head.size:,} were signed")

    def _gone(self, what: str) -> None:
        raise IncompleteError(
            f"The evidence log in `{self.files.root}` was rolled back: {what}.",
            fix="bring it back from a backup; or begin another, with another directory for its keys",
            location=Location(str(self.files.root)),
        )

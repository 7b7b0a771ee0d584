"""A bundle compiled with its keys: everything that can fail about policy fails here, before a request is served."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from assay.domain import IncompleteError
from assay.gateway import ir
from assay.gateway.keysets import Keyset
from assay.gateway.processor.bundle import MASKING_KEYSET, Bundle, keyset_names
from assay.gateway.processor.bundle import Operation as OperationSpec
from assay.gateway.processor.callers import Directory, Identity
from assay.gateway.processor.encryption import FieldCipher, Plaintext, compile_ciphers
from assay.gateway.processor.masking import Known, Mask, check_fields, compile_masks
from assay.gateway.processor.paths import Paths

_VIEWS = 256
"""Kinds of callers remembered per operation: sets of roles × clearances that really occur are few."""


@dataclass(frozen=True, slots=True)
class View:
    """What one kind of caller sees of an operation's responses.

    ``known`` is set under a closed policy. ``enforced`` is false while masking only observes. ``reads`` says whether
    the response body is needed at all.
    """

    masks: Paths[Mask] | None
    known: Known | None
    enforced: bool
    reads: bool


class Operation:
    """One operation's policy, compiled.

    ``encrypt`` and ``lookups`` are enforced, ``would_encrypt`` only counted. ``decrypt`` covers both: values that are
    ciphertexts in the store are of no use to anybody undecrypted, whatever the mode is now.
    """

    def __init__(self, spec: OperationSpec, errors: Iterable[ir.ErrorMasking], keysets: Mapping[str, Keyset]) -> None:
        enforced = [p for p in spec.encryption if p.mode == ir.Mode.ENFORCE]
        observed = [p for p in spec.encryption if p.mode != ir.Mode.ENFORCE]

        def ciphers(pieces: list[ir.FieldEncryption], side: str) -> Paths[FieldCipher] | None:
            return compile_ciphers(spec.api, ((f, keysets[p.keyset]) for p in pieces for f in getattr(p, side)))

        self.encrypt = ciphers(enforced, "request")
        self.would_encrypt = ciphers(observed, "request")
        self.decrypt = ciphers([*enforced, *observed], "response")
        self.decrypt_enforced = any(p.response for p in enforced)
        self.lookups = {
            parameter: FieldCipher(name, f"{spec.api}/{name}", keysets[piece.keyset], deterministic=True)
            for piece in enforced
            for parameter, name in piece.query
        }
        generic = [e for e in errors if e.api == spec.api]
        self.generic_errors = frozenset(s for e in generic if e.mode == ir.Mode.ENFORCE for s in e.statuses)
        self.would_be_generic = frozenset(s for e in generic if e.mode != ir.Mode.ENFORCE for s in e.statuses)
        self._masking = spec.masking
        self._keyset = keysets.get(MASKING_KEYSET)
        self._known: Known | None = None
        self._views: dict[Identity, View] = {}
        if spec.masking is not None:
            check_fields(spec.masking)

    def view(self, identity: Identity) -> View:
        """What a caller with these roles and this clearance sees."""
        view = self._views.get(identity)
        if view is None:
            if len(self._views) >= _VIEWS:
                self._views.clear()
            view = self._views[identity] = self._compile(identity)
        return view

    def _compile(self, identity: Identity) -> View:
        masking = self._masking
        if masking is not None and masking.closed and self._known is None:
            self._known = Known.of(masking.known)  # on first use: a contract has thousands of operations, few busy
        masks = None if masking is None else compile_masks(masking, identity.roles, identity.clearance, self._keyset)
        return View(
            masks=masks,
            known=self._known,
            enforced=masking is None or masking.mode == ir.Mode.ENFORCE,
            reads=masks is not None or self._known is not None or self.decrypt is not None,
        )


@dataclass(frozen=True, slots=True)
class Engine:
    """A whole bundle, compiled."""

    digest: str
    operations: Mapping[str, Operation]
    directory: Directory
    plaintext: Plaintext
    body_bytes: int


def compile_engine(bundle: Bundle, keysets: Mapping[str, Keyset]) -> Engine:
    """Compile ``bundle``.

    Raises:
        IncompleteError: a keyset it needs is not among ``keysets``.
        assay.gateway.processor.forms.UnknownForm: it names a masking form that does not exist.
    """
    missing = sorted(keyset_names(bundle) - keysets.keys())
    if missing:
        raise IncompleteError(f"The keyset `{missing[0]}` is missing.", fix="create it, or restore it from a backup")
    return Engine(
        digest=bundle.digest,
        operations={name: Operation(spec, bundle.errors, keysets) for name, spec in bundle.operations.items()},
        directory=Directory(bundle.callers, ((i.issuer, i.url, i.claims) for i in bundle.issuers)),
        plaintext=bundle.plaintext,
        body_bytes=bundle.body_bytes,
    )

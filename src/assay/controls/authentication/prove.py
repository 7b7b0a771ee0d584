"""Proof of authentication: what nobody may get in with is tried on the running system."""

from __future__ import annotations

from collections.abc import Iterator

from assay.controls.authentication.proofs.absent import absent, partial
from assay.controls.authentication.proofs.certificates import certificates
from assay.controls.authentication.proofs.guessing import guessing
from assay.controls.authentication.proofs.handed import handed
from assay.controls.authentication.proofs.messages import messages
from assay.controls.authentication.proofs.sessions import sessions
from assay.controls.authentication.proofs.tokens import tokens
from assay.prove.case import Case
from assay.prove.surface import Surface


def prove(surface: Surface) -> Iterator[Case]:
    """No and rubbish credentials on every operation; forged ones on one operation of each security requirement.

    Sessions, passwords and signed messages are tried where the contract shows operations about them.
    """
    yield from absent(surface)
    yield from partial(surface)
    yield from tokens(surface)
    yield from handed(surface)
    yield from certificates(surface)
    yield from sessions(surface)
    yield from messages(surface)
    yield from guessing(surface)

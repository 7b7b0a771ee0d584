"""Asking the same question in two ways: in which order, and what counts as the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from assay.controls._lib.attempts import Met, Ready, attempt
from assay.controls._lib.inputs import Place, changed
from assay.controls._lib.telling import Round, Signature, signature
from assay.controls.input_validation.proofs.usual import Usual
from assay.prove.case import Lab


def order(rounds: Sequence[Round]) -> tuple[bool, bool]:
    """Which of true and false the next round asks first: what changes by the way must not look like an answer."""
    return (False, True) if len(rounds) % 2 else (True, False)


async def said(
    lab: Lab, able: Ready, place: Place, value: Any, purpose: str, usual: Usual, met: list[Met]
) -> Signature | None:
    """What an attempt is answered, without its own echo; None when the gateway refused it."""
    one = await attempt(lab, able.call(lab, changed(able.draft, place, value), purpose))
    met.append(one)
    if one.policy:
        return None
    return signature(one.seen, value if isinstance(value, str) else "", await usual.volatile())

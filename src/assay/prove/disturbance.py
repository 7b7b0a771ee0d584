"""What a case concluded while the target itself was away proves nothing: a refusal by nobody is no refusal."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

from assay.domain import Outcome
from assay.gateway.decision import OWN_ERROR, Decision
from assay.prove.case import Judged
from assay.prove.courier import Sent
from assay.prove.scope import Origin
from assay.prove.transport import explain

_REFUSED = explain(ConnectionRefusedError())
_SECONDS = 2.0
_BUSY = frozenset({502, 503, 504})
"""What a gateway says when whoever is behind it does not answer in time, or a service that has too much to do (RFC 9110
sections 15.6.3 to 15.6.5)."""
_MISSING = "-unavailable"
"""Ends the policies by which the gateway refuses everything, because a part of it does not answer."""
_CONCLUDED = frozenset({Outcome.PASS, Outcome.FAIL})


async def away(target: Origin, sent: Sequence[Sent]) -> bool:
    """Whether nobody listened at the target when something sent there got no answer.

    A server that is killed ends its connections as one does that will not have a request. So where there was no answer
    it is looked whether somebody takes connections still.
    """
    errors = [s.answer.error for s in sent if s.origin == target and s.answer.error and not s.answer.status]
    return bool(errors) and (_REFUSED in errors or not await _listens(target))


def unheard(sent: Sequence[Sent]) -> bool:
    """Whether something got no answer, or one that only says that nobody could answer: later somebody may."""
    return any(
        s.kind == "http" and (s.answer.status in _BUSY or (s.answer.error and not s.answer.status)) for s in sent
    )


async def _listens(target: Origin) -> bool:
    try:
        async with asyncio.timeout(_SECONDS):
            _, writer = await asyncio.open_connection(target.host, target.port)
    except ConnectionRefusedError:
        return False
    except OSError:
        return True  # busy, perhaps; that is for the case to judge
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True


def missing(decisions: Iterable[Decision]) -> str:
    """The policy by which the gateway refused a call for want of one of its own parts; empty: none did."""
    return next((d.policy for d in decisions if d.policy.endswith(_MISSING) or d.policy == OWN_ERROR), "")


def disturbed(judged: Judged, why: str) -> Judged:
    """The judgement, open where it was not: what was seen may have another reason."""
    if judged.outcome not in _CONCLUDED:
        return judged
    sentence = f"{judged.sentence.rstrip('.')}; but {why}, so it proves nothing"
    return replace(judged, outcome=Outcome.INCONCLUSIVE, sentence=sentence, severity=None)

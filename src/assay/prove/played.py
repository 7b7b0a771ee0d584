"""What a case has the run's own service answer behind the live policy, and what a caller gets of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from assay.gateway.decision import Decision
    from assay.prove.case import Seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What the run's own service answers when the live policy is put in front of it.

    Attributes:
        headers: sent as they are, in this order; length and end of connection are added.
        how: ``whole``; ``hang``: never; ``reset``: the connection is reset instead; ``cut``: it ends within the body;
            ``slow``: the body drips, a byte at a time.
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("content-type", "application/json"),)
    body: bytes = b"{}"
    how: Literal["whole", "hang", "reset", "cut", "slow"] = "whole"


@dataclass(frozen=True, slots=True)
class Behind:
    """What a caller got of a played answer.

    Attributes:
        asked: how often the request came to the run's own service; 0: the gateway answered by itself.
        timeout: seconds after which the gateway gives up on the service, by the policy.
        decision: the gateway's log line about it, read; None: there was none in time.
        facts: which configuration was mirrored, and in what it differs from the live one.
    """

    seen: Seen
    asked: int
    timeout: float
    decision: Decision | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

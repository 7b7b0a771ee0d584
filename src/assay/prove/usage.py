"""How much of a consumer's limit the run itself has used, by what it sent: other cases call as the same consumer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

_UNCOUNTED = frozenset({0, 429})
"""Statuses of calls that take nothing out of a bucket: it was never reached, or was empty."""


@dataclass(frozen=True, slots=True)
class _Sent:
    at: float
    passed: bool


class Usage:
    """Calls by consumer, with their times.

    Args:
        time: seconds of a clock that does not jump.
    """

    def __init__(self, time: Callable[[], float]) -> None:
        self._time = time
        self._sent: dict[str, list[_Sent]] = {}

    def note(self, consumer: str, status: int) -> None:
        """One more call, just answered. Only what the service answered has passed for certain."""
        if status not in _UNCOUNTED:
            self._sent.setdefault(consumer, []).append(_Sent(self._time(), 200 <= status < 300))

    def used(self, consumer: str, requests: int, seconds: int) -> tuple[float, float]:
        """The fewest and the most calls missing from a bucket of ``requests`` that fills evenly in ``seconds``.

        A call that somebody refused may have been refused before it was counted, or after.
        """
        known, now = self._sent.get(consumer, ()), self._time()
        least = most = 0.0
        before = known[0].at if known else now
        for sent in known:
            back = (sent.at - before) * requests / seconds
            least, most = max(0.0, least - back), max(0.0, most - back)
            least, most = min(requests, least + sent.passed), min(requests, most + 1)
            before = sent.at
        back = (now - before) * requests / seconds
        return max(0.0, least - back), max(0.0, most - back)

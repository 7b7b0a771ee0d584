"""What a detector is: a pattern that takes linear time, a test, and how sure it is with which words around."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from assay.domain import Confidence
from assay.scanning.context import Context, before, wordset

Hit = tuple[int, int, str, str, Confidence, bool]
"""Start, end, detector, category, confidence, validated."""
Detect = Callable[[str, Context], Iterator[Hit]]
"""Finds in a text with its context. Takes time linear in the text, and raises nothing."""

LOW: Final = Confidence.LOW
MEDIUM: Final = Confidence.MEDIUM
HIGH: Final = Confidence.HIGH


_ANY_NUMBER: Final = wordset(
    """
    nationalid nationalidentificationnumber nationalidnumber socialsecurity socialsecuritynumber personalnumber
    personalid taxid taxnumber citizenid identitynumber idnumber idcard
    """
)
"""Names of such numbers that do not say which; firms have some of them, too."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """A number or code with a form of its own.

    Attributes:
        pattern: finds candidates; a group ``dressed`` that took part says that it was written as people write it.
        accepts: the rule, on the candidate without separators, in upper case.
        said: words that name it.
        plain, dressed: how sure without such words.
        checked: whether the rule includes check digits.
        digits: how many digits it has at least.
    """

    name: str
    category: str
    pattern: re.Pattern[str]
    accepts: Callable[[str], bool]
    said: frozenset[str]
    plain: Confidence = LOW
    dressed: Confidence = MEDIUM
    checked: bool = True
    digits: int = 0

    def __call__(self, text: str, around: Context) -> Iterator[Hit]:
        """See :data:`Detect`."""
        for match in self.pattern.finditer(text):
            if not self.accepts(compact(match[0])):
                continue
            context = before(text, match.start(), around)
            yield (*match.span(), self.name, self.category, self._sure(match, context), self.checked)

    def _sure(self, match: re.Match[str], context: Context) -> Confidence:
        if context.tells(self.said):
            return HIGH
        if context.tells(_ANY_NUMBER):
            return MEDIUM
        sure = self.dressed if match.groupdict().get("dressed") is not None else self.plain
        return lowered(sure) if context.not_personal else sure


def compact(text: str) -> str:
    """A candidate without what people write between its parts."""
    return "".join(c for c in text if c.isalnum()).upper()


def lowered(confidence: Confidence) -> Confidence:
    """One grade less sure."""
    return MEDIUM if confidence is HIGH else LOW


def number(body: str, flags: Literal["", "i"] = "") -> re.Pattern[str]:
    """A pattern for a number that stands by itself: not a part of a longer word, number, code or hash."""
    return re.compile(rf"(?a{flags})(?<![\w.+-])(?:{body})(?![\w-]|[.,]\d)")

"""The conversation of the survey, without a terminal: where it stands, and what a reply means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from assay.maturity.words import TOP, Answer, Question

HELP = (
    f"0–{TOP} answers (a reason may follow: `3 since May`) · n REASON: does not apply · Enter skips · b: back · q: quit"
)


NOTE = 500
"""Characters of a reason, at most."""


class Act(StrEnum):
    """What a reply asks for."""

    ANSWER = "answer"
    SKIP = "skip"
    BACK = "back"
    QUIT = "quit"
    HELP = "help"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply, understood. ``level`` None: the question does not apply. ``said``: what is wrong with it."""

    act: Act
    level: int | None = None
    note: str = ""
    said: str = ""


def understood(text: str) -> Reply:
    """What somebody typed."""
    word, _, rest = text.strip().partition(" ")
    word, note = word.lower(), " ".join(rest.split())
    if len(note) > NOTE:
        return Reply(Act.UNKNOWN, said=f"a reason has at most {NOTE} characters")
    if word in ("", "s", "skip"):
        return Reply(Act.SKIP)
    if word in ("b", "back"):
        return Reply(Act.BACK)
    if word in ("q", "quit"):
        return Reply(Act.QUIT)
    if word in ("?", "h", "help"):
        return Reply(Act.HELP)
    if word in ("n", "n/a"):
        if not note:
            return Reply(Act.UNKNOWN, said="say why it does not apply: `n we have no third parties`")
        return Reply(Act.ANSWER, None, note)
    if word.isascii() and word.isdigit() and len(word) == 1 and int(word) <= TOP:
        return Reply(Act.ANSWER, int(word), note)
    return Reply(Act.UNKNOWN, said=f"that is none of: {HELP}")


@dataclass(frozen=True, slots=True)
class Asking:
    """Where the conversation stands: ``at`` counts the question that is asked next. Going on leaves out ``done``."""

    questions: tuple[Question, ...]
    at: int = 0
    ended: bool = False
    done: frozenset[str] = frozenset()

    @property
    def over(self) -> bool:
        """Whether there is nothing left to ask."""
        return self.ended or self.at >= len(self.questions)

    def after(self, reply: Reply) -> Asking:
        """Where it stands after a reply."""
        if reply.act in (Act.ANSWER, Act.SKIP):
            return replace(self, at=_from(self.questions, self.at + 1, self.done))
        if reply.act is Act.BACK:
            return replace(self, at=max(0, self.at - 1))
        return replace(self, ended=True) if reply.act is Act.QUIT else self


def begin(questions: Sequence[Question], answered: Mapping[str, Answer], *, again: bool = False) -> Asking:
    """All questions, begun at the first that nobody has answered; ``again``: at the first of all."""
    done = frozenset[str]() if again else frozenset(answered)
    return Asking(tuple(questions), _from(questions, 0, done), done=done)


def _from(questions: Sequence[Question], at: int, done: frozenset[str]) -> int:
    """The first question from here on that is still to be asked."""
    return next((i for i in range(at, len(questions)) if questions[i].id not in done), len(questions))

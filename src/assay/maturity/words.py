"""The words of a maturity survey, as values. Nothing is computed here.

A level is 0 (nothing) to 4; the anchors of a question say what each of 1 to 4 takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

TOP = 4


class By(StrEnum):
    """Who answers a question."""

    MEASURED = "measured"
    PART = "part"
    HAND = "hand"


class Source(StrEnum):
    """Where the level of a question comes from."""

    MEASURED = "measured"
    PART = "part measured"
    ANSWERED = "answered"
    NOTHING = "nothing"
    NOT_APPLICABLE = "not applicable"


class Unit(StrEnum):
    """What the numbers of a question's anchors count."""

    SHARE = "share"
    RATIO = "ratio"
    COUNT = "count"
    AGE = "age"
    DAYS = "days"
    RUNG = "rung"


@dataclass(frozen=True, slots=True)
class Anchor:
    """What one level takes.

    Attributes:
        text: as it stands in the survey.
        threshold: the number to reach (or, where less is better, not to exceed), in the question's unit: shares are
            0 to 1, ages are seconds. None: any measurement reaches it.
        also: what is asked beside the number; empty: nothing.
    """

    level: int
    text: str
    threshold: float | None
    also: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    Attributes:
        dimension: its number, 1 to 7.
        gate: its level caps the level of its dimension.
        objectives: ids of the catalogue that its metric measures.
        falling: less is better.
        anchors: of levels 1 to 4.
    """

    id: str
    dimension: int
    text: str
    weight: int
    gate: bool
    by: By
    metric: str
    objectives: tuple[str, ...]
    unit: Unit
    falling: bool
    anchors: tuple[Anchor, ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """The questions, in their order. ``version`` changes whenever one of them, or how one is measured, does."""

    version: str
    dimensions: Mapping[int, str]
    questions: tuple[Question, ...]

    def question(self, id: str) -> Question | None:
        """The question of this id; None: there is none."""
        return next((q for q in self.questions if q.id == id), None)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person said. ``level`` None: the question does not apply here, for the reason in ``note``."""

    level: int | None
    by: str
    on: date
    note: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What measuring a question found.

    Attributes:
        value: in the question's unit; None: it could not be measured, and ``sentence`` says why.
        population: how many things there were to look at; ``sample``: how many of them could be judged.
        good: how many of them are as they should be; None: they are not counted that way.
        what: the things, in the plural (``fields``, ``accounts``).
        proven: whether the running system was tested, rather than the declaration read.
        contradicted: whether a proof failed that the declaration says must hold.
        at: when the oldest evidence that it rests on was made; None: it was read from the declaration just now.
        topped: whether what the anchor of level 4 asks beside the number is there; None: it asks nothing.
        top_sentence: how that was decided.
        todo: what keeps it from being better, by route or id.
        age: seconds after which its evidence is old; None: it does not grow old, or its age is the answer.
        awaits: whether proofs could say more, and none was concluded.
    """

    value: float | None
    sentence: str
    population: int = 0
    sample: int = 0
    good: int | None = None
    what: str = ""
    proven: bool = False
    contradicted: bool = False
    at: datetime | None = None
    topped: bool | None = None
    top_sentence: str = ""
    todo: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    age: float | None = None
    awaits: bool = False


@dataclass(frozen=True, slots=True)
class Graded:
    """A question with its level, and how it came about.

    Attributes:
        level: what counts, 0 to 4; None: the question does not apply.
        perceived: what a person answered; None: nobody did.
        measured: what was measured, with stale evidence taken off; None: it was not.
        fresh: what was measured before that.
        most: the highest level that this version can give by measuring.
        worth: how much of the question's weight is measured, 0, ½ or 1.
        steps: the derivation, one sentence a step.
    """

    question: Question
    level: int | None
    source: Source
    perceived: int | None
    measured: int | None
    found: Found
    fresh: int | None = None
    most: int = TOP
    worth: float = 0.0
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DimensionScore:
    """One dimension. Levels are means of 0 to 4; None: none of its questions applies, or nobody answered any.

    Attributes:
        level: what counts, with gates applied. ``mean``: before that.
        capped_by: the gate questions that hold it down.
        perceived: by the answers of people alone. ``measured``: of what was measured, alone.
        assurance: share of its weight that is measured.
        gap: perceived − measured, over the questions that have both.
    """

    number: int
    name: str
    level: float | None
    mean: float | None
    capped_by: tuple[str, ...]
    perceived: float | None
    measured: float | None
    assurance: float
    gap: float | None
    derivation: str


@dataclass(frozen=True, slots=True)
class Score:
    """The whole. ``floor`` is the overall level if everything that is not measured were 0."""

    dimensions: tuple[DimensionScore, ...]
    overall: float
    floor: float
    perceived: float | None
    assurance: float
    gap: float | None
    derivation: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """Something that would raise the score: what it takes, and by how much the overall level rises.

    ``level`` is the next one of the question; None: several questions rise at once.
    """

    questions: tuple[str, ...]
    level: int | None
    sentence: str
    gain: float
    command: str = ""
    guide: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """A survey's result at a moment."""

    survey: Survey
    organisation: str
    now: datetime
    declaration: str
    graded: tuple[Graded, ...]
    score: Score
    steps: tuple[Step, ...] = field(default=())
    inputs: str = ""

"""Does processing need a data protection impact assessment? The nine criteria of WP248 rev.01 (GDPR Art. 35).

Six are computed from the declaration, three can only be given; what is given wins over what is computed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from assay.declare.declaration import Declaration
from assay.declare.model import Data, Model, Processing
from assay.sensitivity import kinds
from assay.sensitivity.attributes import people
from assay.sensitivity.closure import Closure, closure
from assay.sensitivity.label import Label
from assay.sensitivity.levels import is_special, level_of, rank, within
from assay.sensitivity.personal import is_personal, special_categories
from assay.sensitivity.rules import TRAJECTORY

State = Literal["met", "not met", "unknown"]
ENOUGH = 2
"""From two criteria on, an assessment is required in most cases (WP248 rev.01, III.B.a)."""
LARGE = {"special": 5_000, "restricted": 10_000, "other": 50_000}
"""No law says how many people are a large scale. These are the numbers of the Estonian authority's guidance: for
special categories, for data that can be misused (payment, identity), and for all other."""
_VULNERABLE = ("child", "patient", "employee", "student", "pupil", "asylum", "elderly", "minor", "applicant")
_PROFILING = ("profil", "scor", "credit_check", "credit-check", "targeted", "personaliz", "personalis", "rating")


@dataclass(frozen=True, slots=True)
class Criterion:
    """One of the nine criteria, for one data set.

    Attributes:
        number: in the order of WP248.
        how: whether the state was computed, or given under ``processing``.
        reason: why it is so, in words.
        path: where it can be given.
    """

    number: int
    name: str
    state: State
    how: Literal["computed", "given"]
    reason: str
    path: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Assessment:
    """Whether one data set's processing needs an impact assessment.

    Attributes:
        required: True from two criteria on; None when it depends on criteria that nobody has given.
    """

    data: str
    criteria: tuple[Criterion, ...]
    file: str | None
    sha256: str | None

    @property
    def met(self) -> tuple[Criterion, ...]:
        """The criteria that are met."""
        return tuple(c for c in self.criteria if c.state == "met")

    @property
    def required(self) -> bool | None:
        """Whether an assessment is required."""
        met = len(self.met)
        if met >= ENOUGH:
            return True
        unknown = sum(c.state == "unknown" for c in self.criteria)
        return None if met and met + unknown >= ENOUGH else False


def dpia(declaration: Declaration, closed: Closure | None = None) -> tuple[Assessment, ...]:
    """The nine criteria for every data set about people, in the order of the declaration."""
    closed = closed or closure(declaration)
    model = declaration.model
    labels: dict[str, list[Label]] = {}
    for (_, data), found in closed.stored.items():
        labels.setdefault(data, []).append(found.claimed)
    sources, uses = _sources(model), _uses(model)
    return tuple(
        _assessment(
            model,
            name,
            data,
            _Joined(labels.get(name, ())),
            sources.get(name, frozenset()),
            uses.get(name, frozenset()),
        )
        for name, data in model.data.items()
        if is_personal(model, name)
    )


class _Joined:
    """What labels say about people, all joined: the two things that are asked of the join, without making it."""

    def __init__(self, labels: Iterable[Label]) -> None:
        category: dict[str, str] = {}
        said: dict[str, frozenset[str]] = {}
        for label in labels:
            for attribute, piece in label.pieces.items():
                if piece.category > category.get(attribute, ""):
                    category[attribute] = piece.category
                if piece.sensitive:
                    said[attribute] = said.get(attribute, piece.sensitive) | piece.sensitive
        self.sensitive = frozenset(said)
        self.categories = frozenset(category.values()).union(*said.values())


def _sources(model: Model) -> dict[str, frozenset[str]]:
    """For each data set, those that flows or joins bring into it."""
    found: dict[str, set[str]] = {}
    for flow in model.flows.values():
        if flow.into:
            found.setdefault(flow.into, set()).update(d for d in flow.data if d != flow.into)
    for name, data in model.data.items():
        if data.join:
            found.setdefault(name, set()).update(data.join.of)
    return {name: frozenset(parts) for name, parts in found.items()}


def _uses(model: Model) -> dict[str, frozenset[str]]:
    """For each data set, the purposes of flows that move it or fill it."""
    found: dict[str, set[str]] = {}
    for flow in model.flows.values():
        for name in (*flow.data, flow.into) if flow.purpose else ():
            if name:
                found.setdefault(name, set()).add(str(flow.purpose))
    return {name: frozenset(purposes) for name, purposes in found.items()}


def _assessment(
    model: Model, name: str, data: Data, joined: _Joined, sources: frozenset[str], purposes: frozenset[str]
) -> Assessment:
    given = data.processing or Processing()
    path: tuple[str | int, ...] = ("data", name, "processing")
    computed = (
        ("evaluation or scoring", given.evaluation, _evaluation(data, purposes), "evaluation"),
        ("automated decisions with legal effect", given.automated_decisions, None, "automated_decisions"),
        ("systematic monitoring", given.monitoring, _monitoring(data), "monitoring"),
        ("sensitive or highly personal data", None, _sensitive(data, joined), ""),
        ("large scale", None, _large(model, name, data), ""),
        ("data sets matched or combined", None, _combined(sources), ""),
        ("vulnerable people", given.vulnerable, _vulnerable(data), "vulnerable"),
        ("innovative use", given.innovative, None, "innovative"),
        ("a right or service may be denied", given.prevents_right, None, "prevents_right"),
    )
    criteria = tuple(
        _criterion(number, title, said, found, (*path, word) if word else ("data", name, "count"), word)
        for number, (title, said, found, word) in enumerate(computed, 1)
    )
    file = data.dpia
    return Assessment(name, criteria, file.file if file else None, file.sha256 if file else None)


_Found = tuple[State, str] | None


def _criterion(
    number: int, title: str, said: bool | None, found: _Found, path: tuple[str | int, ...], word: str
) -> Criterion:
    if said is not None:
        return Criterion(number, title, "met" if said else "not met", "given", f"`{word}: {str(said).lower()}`", path)
    if found is None:
        return Criterion(number, title, "unknown", "given", f"nobody says `{word}`", path)
    return Criterion(number, title, found[0], "computed", found[1], path)


def _evaluation(data: Data, purposes: frozenset[str]) -> _Found:
    concluded = sorted({f.infers for f in data.fields.values() if f.infers})
    if concluded:
        return "met", f"{', '.join(concluded)} is concluded about people"
    profiling = sorted(p for p in {*data.purpose, *purposes} if any(word in p.casefold() for word in _PROFILING))
    return ("met", f"the purpose is {', '.join(profiling)}") if profiling else None


def _monitoring(data: Data) -> _Found:
    places = [key for key, f in data.fields.items() if f.category and kinds.is_place(f.category)]
    if places and data.points is not None and data.points >= TRAJECTORY:
        return "met", f"{data.points} places of each person are kept ({', '.join(places)})"
    return None


def _sensitive(data: Data, joined: _Joined) -> _Found:
    special = special_categories(data) or tuple(sorted(c for c in joined.categories if is_special(c)))
    if special:
        return "met", f"special categories: {', '.join(special)}"
    personal = [
        key
        for key, f in data.fields.items()
        if rank(level_of(f)) >= rank("restricted") and f.category and within(f.category, "user")
    ]
    if personal or joined.sensitive:
        names = personal or sorted(joined.sensitive)
        return "met", f"highly personal data: {', '.join(names[:4])}"
    return "not met", "no field is of a special category, or restricted"


def _large(model: Model, name: str, data: Data) -> _Found:
    number = people(model, name)
    if number is None:
        return "unknown", "nobody says how many people it is about (`count`)"
    levels = {level_of(f) for f in data.fields.values()}
    kind = "special" if special_categories(data) else "restricted" if "restricted" in levels else "other"
    state: State = "met" if number >= LARGE[kind] else "not met"
    return state, f"{number:,} people; a large scale begins at {LARGE[kind]:,} here"


def _combined(sources: Iterable[str]) -> _Found:
    names = sorted(sources)
    if len(names) >= 2:
        return "met", f"{', '.join(names)} come together in it"
    return "not met", "it is made of no two other data sets"


def _vulnerable(data: Data) -> _Found:
    if any(f.category and within(f.category, "user.childrens") for f in data.fields.values()):
        return "met", "it holds data of children"
    subjects = (data.subjects or "").casefold()
    if any(word in subjects for word in _VULNERABLE):
        return "met", f"{data.subjects} cannot freely object"
    return ("not met", f"it is about {data.subjects}") if subjects else None

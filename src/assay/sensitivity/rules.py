"""The rules by which a label is concluded: J0 and E1 to E8, each a small function. (E9 is in ``purposes``.)

Every rule is monotone: with more attributes, more telling ones, or fewer people, it concludes nothing less.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from assay.declare.model import LEVELS
from assay.sensitivity.levels import is_special, rank, within
from assay.sensitivity.pieces import Piece, Pieces
from assay.sensitivity.steps import Compiled, Concluded, Rulebook, Step, named

LINKABLE = 11
"""From this many people who share the same quasi-identifiers on, nobody is linkable."""
TRAJECTORY = 4
"""So many places with their time single out nearly everybody (de Montjoye et al., 2013)."""
_CONFIDENTIAL, _RESTRICTED, _SPECIAL = rank("confidential"), rank("restricted"), rank("special")


Sentence = Callable[[], str]
"""Words are made only for those who ask: most labels are only compared."""


@dataclass(slots=True)
class _Course:
    """The conclusion so far; with its steps if they are wanted."""

    pieces: Pieces
    telling: bool
    rank: int = 0
    steps: list[Step] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def step(self, rule: str, sentence: Sentence, parts: list[Piece], least: int = 0) -> None:
        self.rank = max(self.rank, least)
        if self.telling:
            self.steps.append(Step(rule, sentence(), LEVELS[self.rank], tuple(sorted(p.attribute for p in parts))))


def conclude(pieces: Pieces, book: Rulebook) -> Concluded:
    """What the rules make of attributes that stand together. Independent of their order."""
    return _run(_Course(pieces, telling=False), book)


def explain(pieces: Pieces, book: Rulebook) -> tuple[Step, ...]:
    """How :func:`conclude` comes to what it concludes, step by step; by the same rules, run once more."""
    course = _Course(pieces, telling=True)
    _run(course, book)
    return tuple(course.steps)


def _run(course: _Course, book: Rulebook) -> Concluded:
    highest_attribute(course)
    inference(course)
    trajectory = places(course)
    k, telling, linking = combinations(course)
    identifying = trajectory | telling
    identified_and_sensitive(course, identifying, linking)
    secrets(course)
    owner_rules(course, book)
    return Concluded(course.rank, k, identifying, tuple(course.unknown))


def highest_attribute(course: _Course) -> None:
    """J0: a whole is at least as sensitive as its most sensitive part."""
    pieces = list(course.pieces.values())
    highest = max((p.level for p in pieces), default=0)
    parts = [p for p in pieces if p.level == highest]
    if not pieces:
        course.step("J0", lambda: "nothing is in it", [])
        return

    def sentence() -> str:
        through = sorted({flow for p in parts for flow in p.via})
        came = f", through {', '.join(through[:4])}" if through else ""
        return f"{named(parts)} {'is' if len(parts) == 1 else 'are'} {LEVELS[highest]}{came}"

    course.step("J0", sentence, parts, highest)


def inference(course: _Course) -> None:
    """E5: what can be concluded is as good as said; what people write freely is unknown until it is scanned."""
    for piece in _sorted(p for p in course.pieces.values() if p.inferred):
        course.step("E5", partial(_concludes, piece), [piece])
    free = [p for p in course.pieces.values() if p.free_text]
    if free:
        course.step("E5", lambda: f"nobody knows what is written in {named(free)}", free, _CONFIDENTIAL)
        course.unknown.append(f"what is written in {named(free)}")


def places(course: _Course) -> frozenset[str]:
    """E4: precise places or addresses with their time identify, if there are enough of one person."""
    found = [p for p in course.pieces.values() if p.place]
    enough = [p for p in found if p.points is not None and p.points >= TRAJECTORY]
    if enough:
        most = max(p.points or 0 for p in enough)
        course.step("E4", lambda: f"{most} places of one person identify: {named(enough)}", enough)
    uncounted = [p for p in found if p.points is None]
    if uncounted:
        course.unknown.append(f"how many places of one person are kept ({named(uncounted)})")
    return frozenset(p.attribute for p in enough)


def combinations(course: _Course) -> tuple[float | None, frozenset[str], frozenset[str]]:
    """E2: how many people share the same quasi-identifiers, k = N / 2^bits, where that is fewest.

    An attribute that is known of few people narrows down among those few only: k is looked for among each number of
    people that occurs, with the attributes that are known of no more people than that.

    Returns:
        The smallest k, None when it is not known; the attributes that identify (k < 1) and those that link (k < 11).
    """
    quasi = [p for p in course.pieces.values() if p.bits > 0]
    unmeasured = [p for p in course.pieces.values() if p.unmeasured]
    if unmeasured:
        course.unknown.append(f"how far {named(unmeasured)} narrows down who somebody is (`bits`)")
    if any(p.population is None for p in quasi):
        course.unknown.append("how many people it is about (`count`, or `organisation.subjects`)")
    fewest: tuple[float, list[Piece]] | None = None
    telling: set[str] = set()
    linking: set[str] = set()
    for population in sorted({p.population for p in quasi if p.population is not None}):
        among = [p for p in quasi if p.population is not None and p.population <= population]
        k = population / 2.0 ** sum(sorted(p.bits for p in among))
        telling.update(p.attribute for p in among if k < 1)
        linking.update(p.attribute for p in among if k < LINKABLE)
        if fewest is None or k < fewest[0]:
            fewest = k, among
    if fewest is None:
        return None, frozenset(), frozenset()
    k, among = fewest
    course.step("E2", partial(_combines, k, among), among)
    return k, frozenset(telling), frozenset(linking)


def identified_and_sensitive(course: _Course, identifying: frozenset[str], linking: frozenset[str]) -> None:
    """E1: something sensitive about somebody who is known is restricted; special where the law says so."""
    sensitive = [p for p in course.pieces.values() if p.sensitive]
    if not sensitive:
        return
    special = [p for p in sensitive if any(is_special(category) for category in p.sensitive)]
    known = [p for p in course.pieces.values() if p.direct or p.attribute in identifying]
    least = _SPECIAL if special else _RESTRICTED
    told = special or sensitive
    if known:
        law = " (GDPR Art. 9, 10)" if special else ""
        course.step(
            "E1", lambda: f"{named(known)} says who, {named(told)} says {_said(told)}{law}", known + told, least
        )
    elif linking:
        linked = [p for p in course.pieces.values() if p.attribute in linking]
        course.step(
            "E1",
            lambda: f"{named(told)} says {_said(told)} about somebody who is linkable: one level less",
            linked + told,
            least - 1,
        )


def secrets(course: _Course) -> None:
    """E7: credentials and keys make everything that holds them special."""
    found = [p for p in course.pieces.values() if p.secret]
    if found:
        course.step("E7", lambda: f"{named(found)} opens something; only a new one makes it worthless", found, _SPECIAL)


def owner_rules(course: _Course, book: Rulebook) -> None:
    """E8: what an owner says about data that comes together."""
    if not book.compilations:
        return
    present: set[str] = set()
    for piece in course.pieces.values():
        present.update(data for data, _ in piece.fields)
        present.update(f"{data}.{name}" for data, name in piece.fields)
    categories = {c for p in course.pieces.values() for c in (p.category, *p.sensitive) if c}
    for rule in book.compilations:
        if all(part in present or any(within(category, part) for category in categories) for part in rule.when):
            course.step("E8", partial(_compiles, rule), [], rule.becomes)


def _concludes(piece: Piece) -> str:
    return f"{piece.name} lets conclude {', '.join(sorted(piece.inferred))}"


def _combines(k: float, among: list[Piece]) -> str:
    bits, people = sum(sorted(p.bits for p in among)), max(p.population or 0 for p in among)
    so = (
        f"identifies: {alone(k):.0%} are alone with theirs" if k < 1 else "linkable" if k < LINKABLE else "not linkable"
    )
    return f"{named(among)}: {bits:.1f} bits of {people:,} people leave k = {in_words(k)}, {so}"


def _said(pieces: list[Piece]) -> str:
    return ", ".join(sorted({category for p in pieces for category in p.sensitive}))


def _compiles(rule: Compiled) -> str:
    return f"compilation `{rule.id}`: {' and '.join(rule.when)} together give away {rule.association}"


def alone(k: float) -> float:
    """The share of people who are alone with their values, if k people share them on average and values are spread
    evenly: e^-k (Poisson)."""
    return math.exp(-k)


def in_words(k: float) -> str:
    """k with as many digits as matter."""
    return f"{k:,.0f}" if k >= 20 else f"{k:.2f}" if k >= 0.1 else f"{k:.2g}"


def _sorted(pieces: Iterator[Piece]) -> list[Piece]:
    return sorted(pieces, key=_attribute)


def _attribute(piece: Piece) -> str:
    return piece.attribute

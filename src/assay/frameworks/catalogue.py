"""The catalogue of measurable objectives: what must hold, how it is counted, and what decides it.

Two files make it: a table with the wording and the identifiers of frameworks, and one with the profile, the target and
the tests of each objective. Both come with the package; neither is trusted to be well formed.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from assay.assurance.objectives import Deciding
from assay.declare.contract.yaml_values import YamlFailure
from assay.declare.model import Objective, Scope, Target
from assay.declare.packaged import plain_yaml
from assay.declare.quantities import parse_duration
from assay.domain import Category, UsageError, did_you_mean
from assay.frameworks.offered import Offered

PROFILES = ("basic", "advanced")
"""Rising: whatever is in one is in the next."""

_FILE, _PROFILES_FILE = "api_control_objectives.csv", "objective_profiles.yaml"
_COLUMNS = {
    "domain": "domain",
    "statement": "objective (own wording, measurable)",
    "metric": "metric",
    "wanted": "default target",
    "design": "test of design (ToD)",
    "operation": "test of operating effectiveness (ToE)",
}
_DEFAULT_AGE = 7 * 86400
_WORDS = {"profile", "category", "counts", "target", "evidence_age", "tests", "must_show", "unserved"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One objective of the catalogue.

    Attributes:
        domain: its chapter, such as ``authorisation``.
        metric, wanted, design, operation: how it is measured, in words: the fraction, its target, and when it holds by
            design and in operation.
        profile: the first profile it belongs to.
        counts: what the population is made of.
        target: the share of it that must hold, per cent.
        evidence_age: seconds that evidence for it counts.
        tests: by control, the tests that decide it; empty: every test of every control that serves it.
        must_show: the controls of which a proof must be concluded; None: each that has one among ``tests``.
        unserved: why no control decides it yet; empty when one does.
        row: the whole row of the table, identifiers of frameworks included.
    """

    id: str
    domain: str
    statement: str
    metric: str
    wanted: str
    design: str
    operation: str
    profile: str
    category: Category
    counts: str
    target: float
    evidence_age: int
    tests: Mapping[str, frozenset[str]] = field(default_factory=dict)
    must_show: tuple[str, ...] | None = None
    unserved: str = ""
    row: Mapping[str, str] = field(default_factory=dict)

    def controls(self, offers: Mapping[str, Offered]) -> tuple[str, ...]:
        """The controls that decide it: those that say they serve it and have a test that speaks about it."""
        serving = (o.control for o in offers.values() if self.id in o.objectives)
        return tuple(c for c in serving if not self.tests or c in self.tests)

    def deciding(self, offers: Mapping[str, Offered]) -> Deciding:
        """Which tests decide it, and which controls must have been shown in operation."""
        chosen = self.controls(offers)
        shown = self.must_show
        if shown is None:
            shown = tuple(c for c in chosen if offers[c].proofs & self.tests.get(c, offers[c].proofs))
        return Deciding(self.tests, shown)

    def objective(self, offers: Mapping[str, Offered]) -> Objective:
        """In the words of a declaration, over everything that is declared. Without controls where none decides it."""
        target = Target.model_construct(coverage=_per_cent(self.target), evidence_age=self.evidence_age)
        return Objective.model_construct(
            category=self.category,
            statement=self.statement,
            scope=Scope(),
            controls=self.controls(offers),
            target=target,
        )


def _per_cent(share: float) -> str:
    return f"{share:g}%"


@cache
def catalogue() -> tuple[Entry, ...]:
    """The catalogue that comes with the package, in its order."""
    data = resources.files("assay.data")
    return parse((data / _FILE).read_text(encoding="utf-8"), (data / _PROFILES_FILE).read_text(encoding="utf-8"))


def entry(name: str) -> Entry:
    """One objective, in any case of letters.

    Raises:
        UsageError: the catalogue has none of this id; the fix names the closest.
    """
    for found in catalogue():
        if found.id.casefold() == name.casefold():
            return found
    known = [found.id for found in catalogue()]
    raise UsageError(
        f"the catalogue has no objective `{name}`", fix=did_you_mean(name.upper(), known, what="objective")
    )


def in_profile(profile: str | None) -> tuple[Entry, ...]:
    """The objectives of a profile and of those below it; none without a profile.

    Raises:
        UsageError: there is no such profile.
    """
    if profile is None:
        return ()
    if profile not in PROFILES:
        raise UsageError(f"there is no profile `{profile}`", fix=did_you_mean(profile, PROFILES, what="profile"))
    within = PROFILES[: PROFILES.index(profile) + 1]
    return tuple(e for e in catalogue() if e.profile in within)


def parse(table: str, profiles: str) -> tuple[Entry, ...]:
    """Both files of a catalogue, as text.

    Raises:
        UsageError: a column or an id is missing, an id is there twice, a value is none of those allowed, or the files
            name different objectives; or the second is no YAML.
    """
    rows = _rows(table)
    try:
        about = plain_yaml(profiles)
    except YamlFailure as error:
        raise UsageError(f"{_PROFILES_FILE}: {error}", fix=error.fix) from error
    if not isinstance(about, dict):
        raise UsageError(f"{_PROFILES_FILE} is no mapping", fix="write a mapping from objectives to their words")
    strange = {str(k) for k in about} ^ rows.keys()
    if strange:
        named = ", ".join(sorted(strange))
        raise UsageError(
            f"only one of {_FILE} and {_PROFILES_FILE} has {named}", fix="name the same objectives in both"
        )
    return tuple(_entry(row, _Words(name, about[name])) for name, row in rows.items())


def _rows(table: str) -> dict[str, dict[str, str]]:
    try:
        read = list(csv.DictReader(io.StringIO(table), strict=True))
    except csv.Error as error:
        raise UsageError(f"{_FILE} is no table: {error}", fix="write comma-separated values") from error
    rows: dict[str, dict[str, str]] = {}
    for number, row in enumerate(read, 2):
        if None in row or None in row.values() or not {"id", *_COLUMNS.values()} <= row.keys():
            raise UsageError(f"row {number} of {_FILE} has another number of columns than it needs", fix="complete it")
        if not row["id"] or row["id"] in rows:
            raise UsageError(
                f"row {number} of {_FILE} has no id of its own", fix="give each objective an id of its own"
            )
        rows[row["id"]] = dict(row)
    return rows


def _entry(row: Mapping[str, str], words: _Words) -> Entry:
    must_show = words.names("must_show") if "must_show" in words.given else None
    return Entry(
        id=row["id"],
        **{name: row[column] for name, column in _COLUMNS.items()},
        profile=words.one_of("profile", PROFILES),
        category=Category(words.one_of("category", [str(c) for c in Category])),
        counts=words.text("counts"),
        target=words.share("target", 100.0),
        evidence_age=parse_duration(words.text("evidence_age")) if "evidence_age" in words.given else _DEFAULT_AGE,
        tests=words.tests(),
        must_show=must_show,
        unserved=words.text("unserved") if "unserved" in words.given else "",
        row=row,
    )


class _Words:
    """The words about one objective; each is read as what it must be."""

    def __init__(self, name: str, given: Any) -> None:
        self.name = name
        self.given: dict[Any, Any] = given if isinstance(given, dict) else {}
        unknown = [str(k) for k in self.given if k not in _WORDS]
        if unknown or not self.given:
            self._refuse(f"has no word `{unknown[0]}`" if unknown else "is no mapping", ", ".join(sorted(_WORDS)))

    def _refuse(self, sentence: str, fix: str) -> None:
        raise UsageError(f"{_PROFILES_FILE}: {self.name} {sentence}", fix=f"use {fix}")

    def text(self, word: str) -> str:
        value = self.given.get(word)
        if not isinstance(value, str) or not value.strip():
            self._refuse(f"needs a text for `{word}`", "a text")
        return str(value)

    def one_of(self, word: str, known: Iterable[str]) -> str:
        value, known = self.given.get(word), tuple(known)
        if value not in known:
            self._refuse(f"has `{word}: {value}`", f"one of {', '.join(known)}")
        return str(value)

    def share(self, word: str, default: float) -> float:
        value = self.given.get(word, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 100:
            self._refuse(f"has `{word}: {value}`", "a share above 0 and at most 100")
        return float(value)

    def names(self, word: str, value: Any = None) -> tuple[str, ...]:
        value = self.given.get(word) if value is None else value
        if not isinstance(value, list) or not all(isinstance(v, str) and v for v in value):
            self._refuse(f"needs a list of names for `{word}`", "a list of names")
        return tuple(value)

    def tests(self) -> dict[str, frozenset[str]]:
        value = self.given.get("tests", {})
        if not isinstance(value, dict) or not all(isinstance(k, str) for k in value):
            self._refuse("needs a mapping from controls to tests", "a mapping")
        return {control: frozenset(self.names(f"tests.{control}", listed or ())) for control, listed in value.items()}


def gaps(entries: Iterable[Entry], offers: Mapping[str, Offered]) -> list[str]:
    """What the catalogue names and no control has: for tests, so that a renamed proof does not go unnoticed."""
    found: list[str] = []
    for each in entries:
        for control, tests in each.tests.items():
            offer = offers.get(control)
            if offer is None or each.id not in offer.objectives:
                found.append(f"{control} does not say that it serves {each.id}")
                continue
            found += [f"{each.id}: {control} has no {t}" for t in sorted(tests - offer.checks - offer.proofs)]
        found += [f"{each.id}: {c} must show, but decides nothing" for c in each.must_show or () if c not in each.tests]
        if not each.controls(offers) and not each.unserved:
            found.append(f"nothing decides {each.id}, and nobody says why")
    return found

"""Registers as they are stored: every number with the inputs it comes from, to be computed again later."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

import msgspec

from assay.domain import IncompleteError, Location, UsageError
from assay.risk import formula, replay
from assay.risk.estimates import Judged
from assay.risk.register import Register, Row
from assay.risk.words import Effect, Factor, Factors, Origin, PlaceRisk, Rating, Reading

SHAPE = 1
LARGEST = 256 * 1024 * 1024
"""Bytes of a stored register that are still read."""
_NEAR = 1e-9
_GROUPS = ("agent", "vulnerability", "technical", "business")

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Count = Annotated[int, msgspec.Meta(ge=0, le=100_000_000)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is stored says exactly this."""


class StoredFactor(_Strict, frozen=True):
    """A factor, as it counted."""

    name: str
    value: Annotated[float, msgspec.Meta(ge=0, le=9)]
    origin: Origin
    because: str


class StoredReading(_Strict, frozen=True):
    """Likelihood and impact as shares, the score from 0 to 100, and the rating."""

    likelihood: Share
    impact: Share
    score: float
    rating: Rating


class StoredEffect(_Strict, frozen=True):
    """What a control was worth. ``disproven``: what was tried does not count here."""

    control: str
    kind: str
    domain: str
    capability: Share
    failures: Count
    tried: Count
    reliability: Share
    measured: Moment | None
    evidence_age: Annotated[float, msgspec.Meta(ge=0, le=1e12)]
    disproven: bool
    because: str
    evidence: tuple[str, ...]
    bound: float
    freshness: float
    assurance: float
    effectiveness: float


class StoredGroup(_Strict, frozen=True):
    """Places with one risk. ``effects`` are positions in the list of the risk's effects."""

    places: tuple[str, ...]
    exploited: tuple[str, ...]
    accepted: tuple[str, ...]
    effects: tuple[Count, ...]
    claimed: StoredReading
    evidenced: StoredReading


class StoredEstimate(_Strict, frozen=True):
    """An estimate beside the computed value."""

    name: str
    computed: float
    estimated: float
    counts: bool
    because: str
    approved_by: str
    expires: date | None


class StoredRisk(_Strict, frozen=True):
    """One risk with everything that its numbers were computed from.

    Groups share effects: what guards many places alike, with the ids of all its evidence, is written once.
    """

    id: str
    threat: str
    subject: str
    factors: dict[str, tuple[StoredFactor, ...]]
    inherent: StoredReading
    claimed: StoredReading
    evidenced: StoredReading
    residual: StoredReading
    estimates: tuple[StoredEstimate, ...]
    effects: tuple[StoredEffect, ...]
    groups: tuple[StoredGroup, ...]
    owner: str
    treatment: str | None
    due: date | None
    appetite: Rating


class Content(_Strict, frozen=True):
    """A register at one moment. ``declaration`` is the digest of the declaration it was computed from."""

    version: int
    formula: int
    tool: str
    organisation: str
    declaration: str
    at: Moment
    risks: tuple[StoredRisk, ...]


class Stored(_Strict, frozen=True):
    """The file. ``digest`` is the SHA-256 of the content as it is written; it tells accidents, it is no signature."""

    register: Content
    digest: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A number that does not come out as it was stored."""

    where: str
    stored: str
    computed: str


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What computing a stored register again gave."""

    content: Content
    numbers: int
    altered: bool
    differences: tuple[Difference, ...]

    @property
    def agrees(self) -> bool:
        """Whether the file is as it was written, and every number comes out again."""
        return not self.altered and not self.differences


def save(register: Register, *, tool: str, organisation: str, declaration: str) -> str:
    """The register as a JSON document; the same bytes for the same register."""
    content = Content(
        SHAPE,
        formula.VERSION,
        tool,
        organisation,
        declaration,
        register.now,
        tuple(_risk(row) for row in register.rows),
    )
    # As it will be read: a whole number that was given for a share is a share.
    content = msgspec.json.decode(msgspec.json.encode(content), type=Content)
    whole = Stored(content, _digest(content))
    return msgspec.json.format(msgspec.json.encode(whole), indent=1).decode() + "\n"


def recompute(text: bytes, name: str) -> Recomputed:
    """Computes every number of a stored register from the inputs beside it.

    Args:
        name: of the file, for messages.

    Raises:
        UsageError: this is no stored register.
        IncompleteError: it was made by another version of the formula, or of the file.
    """
    where = Location(name)
    if len(text) > LARGEST:
        raise UsageError(f"{name} is larger than {LARGEST // 1024**2} MiB", fix="name a register", location=where)
    try:
        head = msgspec.json.decode(text, type=_Head)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{name} is no stored register", fix="store one with `assay risk --save FILE`", location=where
        ) from error
    for what, version, known in (
        ("", head.register.version, SHAPE),
        (" formula", head.register.formula, formula.VERSION),
    ):
        if version != known:
            raise IncompleteError(
                f"{name} was made by version {version} of the{what or ' file'}; this Assay computes version {known}",
                fix=f"use the version that wrote it ({head.register.tool[:80] or 'not named'})",
                location=where,
            )
    try:
        whole = msgspec.json.decode(text, type=Stored)
        content = whole.register
        found = tuple(_all_differences(content.risks, content.at))
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, ArithmeticError) as error:
        raise UsageError(
            f"{name} holds what no register holds: {_short(error)}",
            fix="restore the file as it was stored",
            location=where,
        ) from error
    numbers = sum(_count(risk) for risk in content.risks)
    return Recomputed(content, numbers, whole.digest != _digest(content), found)


class _HeadContent(msgspec.Struct):
    version: int
    formula: int
    tool: str = ""


class _Head(msgspec.Struct):
    register: _HeadContent


def _digest(content: Content) -> str:
    return hashlib.sha256(msgspec.json.encode(content)).hexdigest()


def _short(error: Exception) -> str:
    said = str(error)
    return said if len(said) <= 160 else said[:159] + "…"


def _risk(row: Row) -> StoredRisk:
    one = row.assessment
    factors = one.scenario.factors
    effects: dict[int, Effect] = {id(e): e for g in one.groups for e in g.effects}
    positions = {key: position for position, key in enumerate(effects)}
    return StoredRisk(
        id=row.id,
        threat=one.scenario.threat.id,
        subject=one.scenario.subject,
        factors={
            group: tuple(StoredFactor(f.name, f.value, f.origin, f.because) for f in getattr(factors, group))
            for group in _GROUPS
        },
        inherent=_reading(one.inherent),
        claimed=_reading(one.claimed),
        evidenced=_reading(one.evidenced),
        residual=_reading(row.residual),
        estimates=tuple(_estimate(j) for j in row.estimates),
        effects=tuple(_effect(e) for e in effects.values()),
        groups=tuple(_group(g, tuple(positions[id(e)] for e in g.effects)) for g in one.groups),
        owner=row.owner,
        treatment=row.decided.treatment,
        due=row.decided.due,
        appetite=row.appetite,
    )


def _reading(one: Reading) -> StoredReading:
    return StoredReading(one.likelihood, one.impact, one.score, formula.rate(one))


def _estimate(one: Judged) -> StoredEstimate:
    return StoredEstimate(one.name, one.computed, one.estimated, one.counts, one.because, one.approved_by, one.expires)


def _group(group: PlaceRisk, effects: tuple[int, ...]) -> StoredGroup:
    return StoredGroup(
        group.places,
        group.exploited,
        group.accepted,
        effects,
        _reading(group.claimed),
        _reading(group.evidenced),
    )


def _effect(e: Effect) -> StoredEffect:
    return StoredEffect(
        control=e.control,
        kind=e.kind,
        domain=e.domain,
        capability=e.capability,
        failures=e.failures,
        tried=e.tried,
        reliability=e.reliability,
        measured=e.measured,
        evidence_age=e.evidence_age,
        disproven=replay.disproven(e),
        because=e.because,
        evidence=e.evidence,
        bound=e.bound,
        freshness=e.freshness,
        assurance=e.assurance,
        effectiveness=e.effectiveness,
    )


def _again(e: StoredEffect, at: datetime) -> Effect:
    """The effect from its stored inputs alone: nothing of what was computed then is looked at."""
    inputs = Effect(
        control=e.control,
        kind=e.kind,
        domain=e.domain,
        capability=e.capability,
        failures=min(e.failures, e.tried),
        tried=e.tried,
        bound=0.0,
        reliability=e.reliability,
        freshness=0.0,
        assurance=0.0,
        effectiveness=0.0,
        because=e.because,
        measured=e.measured,
        evidence=e.evidence,
        evidence_age=e.evidence_age,
    )
    return replay.computed(inputs, at, counts=not e.disproven)


def _all_differences(risks: Iterable[StoredRisk], at: datetime) -> Iterator[Difference]:
    for risk in risks:
        yield from _differences(risk, at)


def _differences(risk: StoredRisk, at: datetime) -> Iterator[Difference]:
    inherent = formula.inherent(_factors(risk.factors))
    yield from _compared(f"{risk.id}: inherent", risk.inherent, inherent)
    known = [_again(stored, at) for stored in risk.effects]
    for position, (stored, effect) in enumerate(zip(risk.effects, known, strict=True)):
        where = f"{risk.id}: {stored.control} ({position})"
        for word in ("bound", "freshness", "assurance", "effectiveness"):
            yield from _number(f"{where}: {word}", getattr(stored, word), getattr(effect, word))
        if stored.failures > stored.tried:
            yield Difference(f"{where}: failures", str(stored.failures), f"≤ {stored.tried}")
    evidenced, claimed = [], []
    for group in risk.groups:
        where = f"{risk.id}: {group.places[0] if group.places else 'a group without places'}"
        if any(position >= len(known) for position in group.effects):
            raise msgspec.ValidationError(f"an effect that is not there - at {where}")
        effects = [known[position] for position in group.effects]
        evidenced.append(formula.reading(inherent, effects, exploited=bool(group.exploited)))
        claimed.append(formula.reading(inherent, map(replay.claimed, effects)))
        yield from _compared(f"{where}: evidenced", group.evidenced, evidenced[-1])
        yield from _compared(f"{where}: claimed", group.claimed, claimed[-1])
    yield from _compared(f"{risk.id}: claimed", risk.claimed, replay.worst(claimed, inherent))
    worst = replay.worst(evidenced, inherent)
    yield from _compared(f"{risk.id}: evidenced", risk.evidenced, worst)
    over = {e.name: e.estimated / 9 for e in risk.estimates if e.counts and e.name in ("likelihood", "impact")}
    residual = Reading(over.get("likelihood", worst.likelihood), over.get("impact", worst.impact))
    yield from _compared(f"{risk.id}: residual", risk.residual, residual)


def _factors(stored: Mapping[str, tuple[StoredFactor, ...]]) -> Factors:
    groups = {}
    for group in _GROUPS:
        if not stored.get(group):
            raise msgspec.ValidationError(f"no factors under `{group}`")
        groups[group] = tuple(Factor(f.name, f.value, f.origin, f.because) for f in stored[group])
    return Factors(**groups)


def _compared(where: str, stored: StoredReading, computed: Reading) -> Iterator[Difference]:
    yield from _number(f"{where} likelihood", stored.likelihood, computed.likelihood)
    yield from _number(f"{where} impact", stored.impact, computed.impact)
    yield from _number(f"{where} score", stored.score, computed.score)
    rating = formula.rate(computed)
    if rating is not stored.rating:
        yield Difference(f"{where} rating", stored.rating, rating)


def _number(where: str, stored: float, computed: float) -> Iterator[Difference]:
    if not abs(stored - computed) <= _NEAR * max(1.0, abs(computed)):
        yield Difference(where, f"{stored:.6g}", f"{computed:.6g}")


def _count(risk: StoredRisk) -> int:
    return 4 * 4 + 4 * len(risk.effects) + 2 * 4 * len(risk.groups)

"""What was looked at: tests of design (EXAMINE), proofs on the running system (TEST), and what people said (INTERVIEW).

Every proof is an observation of its own, and so is every finding of design. What a test of
design found in order is one observation for all places: there can be hundreds of thousands, and each says the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import PurePath

from assay.assurance.objectives import ALL, Standing, decides
from assay.domain import Outcome, Severity, Verdict
from assay.prove.result import Proof
from assay.report.oscal import frame
from assay.report.oscal.material import Interview, Material
from assay.report.oscal.objectives import standings_of
from assay.report.oscal.words import Json, bullets, full, line, moment, named, prop, props, prose, raw

_LOOKED = frozenset({Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.ERROR})
_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Seen:
    """An observation, and the verdicts behind it: one, many that held alike, or none where a person said it."""

    uuid: str
    json: Json
    verdicts: tuple[Verdict, ...] = ()
    proof: Proof | None = None

    @property
    def verdict(self) -> Verdict | None:
        """The first of its verdicts; all of them are of one test."""
        return self.verdicts[0] if self.verdicts else None

    @property
    def held(self) -> bool:
        """Whether everything was as it should be."""
        return self.verdict is not None and self.verdict.outcome is Outcome.PASS

    @property
    def is_weakness(self) -> bool:
        """Whether it found something that is not as it should be, accepted or not. A note is none."""
        found = self.verdict
        if found is None or found.severity is Severity.NOTE:
            return False
        return found.outcome is Outcome.FAIL


@dataclass(frozen=True)
class Observations:
    """All observations of a report."""

    material: Material
    _apis: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_apis", frame.apis(self.material))

    @cached_property
    def all(self) -> tuple[Seen, ...]:
        """Design first, then operation, then people; each in the order of the dossier."""
        return (*self._design(), *self._proofs(), *(self._interview(i) for i in self.material.interviews))

    @cached_property
    def _by_control(self) -> Mapping[str, tuple[Seen, ...]]:
        found: dict[str, list[Seen]] = {}
        for seen in self.all:
            if seen.verdict:
                found.setdefault(seen.verdict.control, []).append(seen)
        return {control: tuple(of) for control, of in found.items()}

    @cached_property
    def by_evidence(self) -> Mapping[str, tuple[Seen, ...]]:
        """By the id of the record that holds them."""
        found: dict[str, list[Seen]] = {}
        for seen in self.all:
            for record in seen.proof.evidence if seen.proof else ():
                found.setdefault(record, []).append(seen)
        return {record: tuple(of) for record, of in found.items()}

    def of_standing(self, standing: Standing) -> list[Seen]:
        """Those that the status of an objective rests on."""
        objective, deciding = standing.objective, self.material.deciding.get(standing.id, ALL)
        return [
            seen
            for control in dict.fromkeys(objective.controls)
            for seen in self._by_control.get(control, ())
            if any(decides(objective, deciding, v) for v in seen.verdicts)
        ]

    def _design(self) -> Iterable[Seen]:
        held: dict[tuple[str, str], list[Verdict]] = {}
        for verdict in self.material.dossier.design:
            if verdict.outcome is Outcome.PASS:
                held.setdefault((verdict.control, verdict.check), []).append(verdict)
            elif verdict.outcome in _LOOKED:
                yield self._examined(verdict)
        for (control, check), verdicts in held.items():
            yield self._summed(control, check, verdicts)

    def _examined(self, verdict: Verdict) -> Seen:
        name = named("observation", "design", verdict.control, verdict.check, verdict.subject, verdict.sentence)
        made = full(
            uuid=name,
            title=line(f"{verdict.control}/{verdict.check}: {verdict.outcome}"),
            description=prose(verdict.sentence, verdict.reason),
            props=self._facts(verdict),
            methods=["EXAMINE"],
            types=["finding" if verdict.outcome is Outcome.FAIL else "control-objective"],
            origins=[frame.origin()],
            subjects=[frame.subject(verdict.subject, self._apis)],
            collected=moment(self.material.dossier.now),
        )
        return Seen(name, made, (verdict,))

    @cached_property
    def _stated(self) -> Mapping[str, Mapping[str, str]]:
        return {c.id: c.tests for c in self.material.dossier.controls}

    def _summed(self, control: str, check: str, verdicts: list[Verdict]) -> Seen:
        name = named("observation", "design", control, check, "held")
        stated = self._stated.get(control, {}).get(check)
        subjects = list(dict.fromkeys(v.subject for v in verdicts))
        more = len(subjects) - _SHOWN
        made = full(
            uuid=name,
            title=line(f"{control}/{check}: pass"),
            description=raw(
                line(stated) if stated else "",
                f"It held at {'this place' if len(subjects) == 1 else f'these {len(subjects)} places'}:",
                bullets(subjects[:_SHOWN]),
                f"{more} more." if more > 0 else "",
            ),
            props=[
                prop("control", control),
                prop("check", check),
                prop("outcome", Outcome.PASS),
                prop("places", len(subjects)),
            ],
            methods=["EXAMINE"],
            types=["control-objective"],
            origins=[frame.origin()],
            collected=moment(self.material.dossier.now),
        )
        return Seen(name, made, tuple(verdicts))

    def _proofs(self) -> Iterable[Seen]:
        return (self._tested(p) for p in self.material.dossier.proofs if p.verdict.outcome in _LOOKED)

    def _tested(self, proof: Proof) -> Seen:
        verdict = proof.verdict
        name = named("observation", "proof", proof.case, moment(proof.started), *proof.evidence)
        told = {
            "case": proof.case,
            "identity": proof.identity,
            "refused-by": proof.refused_by,
            "let-through-by": proof.let_through_by,
            "repeated": proof.repeated,
        }
        made = full(
            uuid=name,
            title=line(f"{verdict.control}/{verdict.check} as {proof.identity}: {verdict.outcome}"),
            description=prose(verdict.sentence, verdict.reason),
            props=[*self._facts(verdict), *props(told)],
            methods=["TEST"],
            types=["finding" if verdict.outcome is Outcome.FAIL else "control-objective"],
            origins=[frame.origin()],
            subjects=[frame.subject(verdict.subject, self._apis)],
            relevant_evidence=[self._record(e) for e in proof.evidence],
            collected=moment(proof.started),
            expires=self._expiry(proof),
            remarks=prose(f"Sent again by: `{_quoted(proof.reproduce)}`") if proof.reproduce else "",
        )
        return Seen(name, made, (verdict,), proof)

    def _record(self, id_: str) -> Json:
        pack = self.material.pack
        file = f"proofs/{id_}.tlog-proof" if pack and id_ in pack.single else "records.jsonl"
        return full(
            href=f"{pack.folder}/{file}" if pack else "",
            description=prose("The signed record in the log of evidence."),
            props=[prop("record", id_)],
        )

    @cached_property
    def _ages(self) -> Mapping[str, float]:
        """Seconds for which evidence of a control counts: the shortest that any objective allows."""
        found: dict[str, float] = {}
        for standing in standings_of(self.material):
            allowed = float(standing.objective.target.evidence_age)
            for control in standing.objective.controls:
                found[control] = min(allowed, found.get(control, allowed))
        return found

    def _expiry(self, proof: Proof) -> str:
        allowed = self._ages.get(proof.verdict.control)
        if allowed is None:
            return ""
        try:
            return moment(proof.started + timedelta(seconds=allowed))
        except OverflowError:
            return ""

    def _facts(self, verdict: Verdict) -> list[Json]:
        place = verdict.location
        return props(
            {
                "control": verdict.control,
                "check": verdict.check,
                "subject": verdict.subject,
                "outcome": verdict.outcome,
                "severity": verdict.severity if verdict.outcome is not Outcome.PASS else "",
                "accepted-by": verdict.excepted_by,
                "declared-at": f"{_below(self.material.root, place.file)}:{place.line}",
            }
        )

    def _interview(self, said: Interview) -> Seen:
        name = named("observation", "interview", said.id, said.who, moment(said.at))
        made = full(
            uuid=name,
            title=line(said.question),
            description=prose(said.answer),
            props=[prop("question", said.id), prop("asked", said.who)],
            methods=["INTERVIEW"],
            types=["discovery"],
            origins=[frame.origin()],
            collected=moment(said.at),
        )
        return Seen(name, made)


def collected(seen: Iterable[Seen], otherwise: datetime) -> datetime:
    """When the oldest proof among them was made."""
    return min((s.proof.started for s in seen if s.proof), default=otherwise)


def _quoted(command: str) -> str:
    return command.replace("`", "'")


def _below(root: str, file: str) -> str:
    inside = file.removeprefix(f"{root}/") if root else file
    return PurePath(inside).name if PurePath(inside).is_absolute() else inside

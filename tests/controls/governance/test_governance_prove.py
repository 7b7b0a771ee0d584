"""Files, versions, records and an application that is tried: what each proof makes of what it sees."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from tests.controls.proving.shop import HEAD, named, surface_in
from tests.prove.scripted import ScriptedLab, judge

from assay.controls.governance.prove import prove
from assay.controls.registry import control
from assay.prove.case import NotReached
from assay.prove.governed import Applied, Attempt, Files, Governed, Running
from assay.prove.surface import Surface

LIVE = Applied(2, live=True, recorded=True, eyes="two", people=("ann", "bob"), source="commit 0a1b2c3d4e5f")
FIRST = Applied(1, live=False, recorded=True)
LOOSE = replace(LIVE, loosens="the limit is higher", approvers=("bob",))


@dataclass
class Played:
    """A gateway whose state is as a test says."""

    was: dict[str, Any] = field(default_factory=dict)

    async def files(self) -> Files:
        return self._said("files", Files(2, (), 9))

    async def running(self) -> Running:
        return self._said("running", Running(2, True, (), 7))

    async def versions(self) -> tuple[Applied, ...]:
        return self._said("versions", (LIVE, FIRST))

    async def attempt(self) -> Attempt:
        return self._said("attempt", Attempt("a rule only watches", "p", ("no", "no"), False))

    def _said(self, what: str, usual: Any) -> Any:
        said = self.was.get(what, usual)
        if isinstance(said, str):
            raise NotReached(said)
        return said


@dataclass
class GovernedLab(ScriptedLab):
    state: Governed = field(default_factory=Played)

    def governed(self) -> Governed:
        return self.state


def surface(folder: Path, *, people: bool = False, reviews: str = "required", **more: Any) -> Surface:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBRB7jRV59zcuRx3Mr6aXlkpKj17hOAHcMPwU52DPiNn"
    head = (
        HEAD
        + f"governance: {{reviews: {reviews}}}\n"
        + (f'people: {{ann: {{name: Ann, keys: ["{key}"]}}}}\n' if people else "")
    )
    return surface_in(folder, head=head, **{"via": "gateway", "fronted": True, **more})


def judged(folder: Path, check: str, *, people: bool = False, **was: Any) -> tuple[str, str]:
    found = surface(folder, people=people)
    (case,) = named(list(prove(found)), check)
    said = judge(case, GovernedLab(found, lambda asked: None, state=Played(was)))  # type: ignore[arg-type,return-value]
    return str(said.outcome), said.sentence


def test_the_state_as_it_should_be_passes_everywhere(tmp_path: Path) -> None:
    checks = control("governance").about.proofs
    assert {check: judged(tmp_path, check)[0] for check in checks} == dict.fromkeys(checks, "pass")


def test_each_proof_is_about_the_gateway_and_sends_nothing(tmp_path: Path) -> None:
    cases = list(prove(surface(tmp_path)))
    assert {c.subject for c in cases} == {"gateway"} and {c.requests for c in cases} == {0}


def test_only_what_makes_sense_is_planned(tmp_path: Path) -> None:
    assert {c.test.id for c in prove(surface(tmp_path, reviews="optional"))} == {
        "applied-files-changed",
        "other-configuration-running",
        "version-without-record",
        "loosened-without-approval",
        "loosening-not-refused",
    }
    assert list(prove(surface(tmp_path, via="direct"))) == []
    assert list(prove(surface(tmp_path, fronted=False))) == []


ALTERED = ("`gateway/live/rds.json` is not what was applied", *(f"file {n}" for n in range(6)))


@pytest.mark.parametrize(
    ("check", "was", "outcome", "words"),
    [
        ("applied-files-changed", {"files": Files(2, ALTERED, 9)}, "fail", "rds.json` is not what was applied"),
        ("applied-files-changed", {"files": Files(2, ALTERED, 9)}, "fail", "and 3 more"),
        ("applied-files-changed", {"files": Files(2, (), 9, 3)}, "pass", "3 large older versions left out"),
        ("applied-files-changed", {"files": "nothing was ever applied"}, "inconclusive", "nothing was ever applied"),
        ("other-configuration-running", {"running": Running(2, False, ("lds.json: x",))}, "fail", "lds.json: x"),
        ("other-configuration-running", {"running": Running(2, False)}, "fail", "version 2"),
        ("other-configuration-running", {"running": "Envoy does not answer"}, "inconclusive", "Envoy"),
        ("version-without-record", {"versions": (replace(LIVE, problems=("no record",)),)}, "fail", "no record"),
        ("version-without-record", {"versions": (LIVE, replace(FIRST, recorded=None))}, "inconclusive", "version `1`"),
        ("version-without-record", {"versions": (LIVE,)}, "pass", "the only version"),
        ("loosened-without-approval", {"versions": (replace(LOOSE, approvers=()), FIRST)}, "fail", "limit is higher"),
        ("loosened-without-approval", {"versions": (LOOSE, FIRST)}, "pass", "on record: `2`"),
        ("loosened-without-approval", {"versions": (LIVE, replace(FIRST, compared=False))}, "pass", "`1` loosened"),
        ("loosened-without-approval", {"versions": (replace(LIVE, compared=False),)}, "inconclusive", "is gone or"),
        ("loosening-not-refused", {"attempt": Attempt("x", "p", (None, "no"), True)}, "fail", "without an approval"),
        ("loosening-not-refused", {"attempt": Attempt("x", "p", ("no", None), True)}, "fail", "of another plan"),
        ("loosening-not-refused", {"attempt": Attempt("x", "p", ("no", "no"), True)}, "fail", "has changed what"),
        ("loosening-not-refused", {"attempt": "no production"}, "inconclusive", "no production"),
        ("version-without-review", {"versions": (replace(LIVE, eyes="claimed"),)}, "inconclusive", "no two signatures"),
        ("version-without-review", {"versions": (replace(LIVE, eyes="one", people=("ann",)),)}, "fail", "but `ann`"),
        ("version-without-review", {"versions": (replace(LIVE, eyes="unknown"),)}, "inconclusive", "nothing shows"),
        ("version-without-review", {"versions": (FIRST,)}, "inconclusive", "which version is live"),
    ],
)  # fmt: skip
def test_what_is_seen_decides(tmp_path: Path, check: str, was: dict[str, Any], outcome: str, words: str) -> None:
    found = judged(tmp_path, check, **was)
    assert found[0] == outcome and words in found[1], found


@pytest.mark.parametrize(("signed", "outcome"), [(True, "pass"), (False, "inconclusive")])
def test_where_people_are_declared_a_typed_approval_shows_little(tmp_path: Path, signed: bool, outcome: str) -> None:
    said = judged(tmp_path, "loosened-without-approval", people=True, versions=(replace(LOOSE, signed=signed), FIRST))
    assert said[0] == outcome

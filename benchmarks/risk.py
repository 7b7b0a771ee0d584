"""How fast risk is computed: 500 scenarios over 10,000 operations and 200,000 verdicts, anew and after another run.

`python -m benchmarks.risk` prints the figures. Aims: 5 s anew, 0.5 s after a run that changed 200 verdicts. Everything
was proven within the last day, so that only what the run changed has to be computed again: of a tenth of the APIs, and
of all of them. Beside it, what it costs when so much time has passed that every number changes.
"""

from __future__ import annotations

import random
import sys
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from assay.app.risk import remedies
from assay.assurance.facts import Measured
from assay.domain import Outcome, Severity
from assay.risk.assess import Board, board, place_of, refreshed
from assay.risk.factors import Setting, factors
from assay.risk.facts import Live, extended, gather
from assay.risk.threats import threats
from assay.risk.words import Remedy, Scenario

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LIVE = Live(NOW, "live")
STRUCK = (
    "injection",
    "broken-authentication",
    "broken-object-authorisation",
    "broken-property-authorisation",
    "data-exposure",
)
APIS, OPERATIONS, VERDICTS, CHANGED = 100, 100, 20, 200
DIGESTS = 4
"""In how many ways each control is enforced on the operations of an API."""
AIM, AIM_AFTER = 5.0, 0.5


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds of processor for each of what was done, and how much of it there was.

    ``after``: a run that changed verdicts about a tenth of the APIs; ``spread``: about all of them.
    """

    scenarios: int
    operations: int
    verdicts: int
    anew: float
    changed: int
    after: float
    spread: float
    aged: float

    @property
    def reached(self) -> bool:
        """Whether the aims are."""
        return self.anew < AIM and max(self.after, self.spread) < AIM_AFTER


def _subject(api: int, operation: int) -> str:
    return f"apis.api-{api}.operations.op-{operation}"


def scenarios(against: tuple[Remedy, ...], draw: random.Random) -> tuple[Scenario, ...]:
    """Five threats on each API, at each of its operations."""
    found = []
    for id in STRUCK:
        known = threats()[id]
        controls = sorted({r.control for r in against if r.threat == id})
        for api in range(APIS):
            also = (f"apis.api-{api}", "gateway")
            places = [
                place_of(_subject(api, op), [(c, f"{api}-{draw.randrange(DIGESTS)}") for c in controls], also)
                for op in range(OPERATIONS)
            ]
            given = factors(Setting(exposure="public", level=draw.randrange(5), personal=True), known.factors)
            found.append(Scenario(f"{id}@apis.api-{api}", known.threat, f"apis.api-{api}", tuple(places), given))
    return tuple(found)


def facts(against: tuple[Remedy, ...], draw: random.Random) -> list[Measured]:
    """Twenty verdicts about each operation, of proofs that speak about the threats; one in a thousand failed."""
    proofs = sorted({(r.control, p) for r in against if r.threat in STRUCK for p in r.proofs})
    made = []
    for api in range(APIS):
        for op in range(OPERATIONS):
            for control, proof in draw.sample(proofs, VERDICTS):
                made.append(_fact(control, proof, api, op, draw.random() < 0.001, draw.random() * 0.8))
    return made


def _fact(control: str, proof: str, api: int, op: int, failed: bool, days: float) -> Measured:
    return Measured(
        key=f"{control}/{proof}/api-{api}.op-{op}",
        control=control,
        check=proof,
        subject=_subject(api, op),
        identity="caller",
        outcome=Outcome.FAIL if failed else Outcome.PASS,
        severity=Severity.HIGH,
        sentence="as measured",
        at=NOW - timedelta(days=days),
        configuration="live",
        evidence=(f"{api}-{op}-{proof}",),
    )


def measure(seed: int = 1) -> Spent:
    """Computes it anew, after another run a minute later, and once more for a month later."""
    draw = random.Random(seed)  # noqa: S311 - reproducible on purpose
    against = remedies()
    where, known = scenarios(against, draw), facts(against, draw)
    tenth = [f for f in known if int(f.subject.split(".")[1].removeprefix("api-")) < APIS // 10]

    began = time.process_time()
    made = board(where, against, gather(known, LIVE, _root))
    anew = time.process_time() - began
    after = _another_run(made, draw.sample(tenth, CHANGED))
    spread = _another_run(made, draw.sample(known, CHANGED))

    began = time.process_time()
    evidence, changed = extended(made.evidence, (), replace(LIVE, now=NOW + timedelta(days=30)))
    _ = refreshed(made, evidence, changed).assessments
    aged = time.process_time() - began
    return Spent(len(where), APIS * OPERATIONS, len(known), anew, CHANGED, after, spread, aged)


def _another_run(made: Board, some: list[Measured]) -> float:
    """Seconds to bring the board up to date with other outcomes of some verdicts, a minute later."""
    new = [replace(f, at=NOW, outcome=Outcome.PASS) for f in some]
    began = time.process_time()
    evidence, changed = extended(made.evidence, new, replace(LIVE, now=NOW + timedelta(minutes=1)))
    _ = refreshed(made, evidence, changed).assessments
    return time.process_time() - began


def _root(subject: str) -> str:
    return subject


def lines(spent: Spent) -> list[str]:
    """The figures in words."""
    return [
        f"{spent.scenarios:,} scenarios over {spent.operations:,} operations and {spent.verdicts:,} verdicts"
        f" (seconds of processor): anew {spent.anew:.2f} (aim: {AIM:g}),",
        f"after a run that changed {spent.changed} verdicts about a tenth of the APIs {spent.after:.2f},"
        f" about all of them {spent.spread:.2f} (aim: {AIM_AFTER:g}),",
        f"a month later {spent.aged:.2f}.",
    ]


if __name__ == "__main__":
    found = measure()
    sys.stdout.write("\n".join(lines(found)) + "\n")
    sys.exit(0 if found.reached else 1)

"""What a run found: exchanges, proofs, coverage. Plain values; evidence, reports and the console are made from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from assay.domain import Severity, Verdict
from assay.prove.case import Test


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came back, already redacted.

    Attributes:
        number: within the case, from 1, in the order of sending.
        kind: an HTTP exchange, raw bytes, or a TLS handshake (the last two use ``request_body`` / ``response_body``
            for what was sent and seen).
        url: absolute.
        outcome, policy: what the gateway's log says; empty where there is no log.
        reproduce: a command line that sends the same again, with secrets as shell variables; empty: there is none.
    """

    number: int
    kind: Literal["http", "raw", "handshake"]
    purpose: str
    who: str
    started: datetime
    seconds: float
    correlation: str = ""
    method: str = ""
    url: str = ""
    request_headers: tuple[tuple[str, str], ...] = ()
    request_body: str = ""
    status: int = 0
    response_headers: tuple[tuple[str, str], ...] = ()
    response_body: str = ""
    error: str = ""
    outcome: str = ""
    policy: str = ""
    reproduce: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A verdict that was measured on the running system.

    Attributes:
        case: id of the case; what ``--replay`` takes.
        refused_by: the gateway's policy that refused, ``upstream`` when the service did, None when nobody did or
            nobody knows.
        let_through_by: for a failure, the policy that allowed the call, or ``POLICY (only observes)``.
        evidence: ids of the records that hold it.
        reproduce: a command line for the decisive exchange.
        repeated: how often the case was run before this was concluded.
    """

    case: str
    test: Test
    verdict: Verdict
    api: str = ""
    operation: str = ""
    identity: str = "anonymous"
    via: Literal["gateway", "direct"] = "gateway"
    refused_by: str | None = None
    let_through_by: str | None = None
    evidence: tuple[str, ...] = ()
    reproduce: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    exchanges: tuple[Exchange, ...] = ()
    started: datetime
    seconds: float = 0.0
    repeated: int = 1

    @property
    def requests(self) -> int:
        """How many exchanges there were; of very many alike, not all are kept."""
        sent = self.facts.get("exchanges")
        return sent if isinstance(sent, int) else len(self.exchanges)

    def as_json(self) -> dict[str, Any]:
        """The published shape (version 1): a verdict as in ``check``, and how it was measured."""
        return self.verdict.as_json() | {
            "case": self.case,
            "operation": f"{self.api}.{self.operation}" if self.operation else None,
            "identity": self.identity,
            "via": self.via,
            "refused_by": self.refused_by,
            "let_through_by": self.let_through_by,
            "evidence": list(self.evidence),
            "reproduce": self.reproduce,
            "facts": dict(self.facts),
            "rows": list(self.test.rows),
            "requests": self.requests,
            "seconds": round(self.seconds, 3),
            "started": self.started.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class Unreached:
    """What a run could not test, and what it would need to."""

    control: str
    subject: str
    identity: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unchosen:
    """A case that was planned, and that a run was told to leave out: what it is about is not shown by the others."""

    case: str
    control: str
    check: str
    subject: str
    identity: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was reached of one control on one operation by one identity: outcome by number of cases."""

    control: str
    subject: str
    identity: str
    outcomes: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """A whole run."""

    id: str
    seed: int
    started: datetime
    finished: datetime
    target: str
    via: Literal["gateway", "direct"]
    declaration_digest: str
    configuration_digest: str
    planned: int
    requests: int
    writes: int
    proofs: tuple[Proof, ...]
    unreached: tuple[Unreached, ...] = ()
    stopped: str = ""
    authorised: bool = False
    left: tuple[str, ...] = ()
    """What the run made and could not take away again, with the reason."""
    unchosen: tuple[Unchosen, ...] = ()
    """What a run of a part left out; runs that were kept before this was noted do not say."""

    @property
    def coverage(self) -> tuple[Coverage, ...]:
        """Outcomes by control, operation and identity."""
        found: dict[tuple[str, str, str], dict[str, int]] = {}
        for proof in self.proofs:
            cell = found.setdefault((proof.verdict.control, proof.verdict.subject, proof.identity), {})
            cell[str(proof.verdict.outcome)] = cell.get(str(proof.verdict.outcome), 0) + 1
        return tuple(Coverage(*key, outcomes) for key, outcomes in found.items())

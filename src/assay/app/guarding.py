"""Which controls are claimed where, and what enforces them there: from the compiled policy and the tests of design.

What is claimed is what the declaration makes the gateway do (pieces that enforce), or what a test of design found to
hold; where one of the tests of design about a threat fails, the control is not claimed against that threat.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

import msgspec

from assay.domain import Outcome, Severity, Verdict
from assay.gateway import ir
from assay.gateway.assemble import Policy
from assay.risk.threats import threats
from assay.risk.words import Remedy

_ENCODER = msgspec.json.Encoder(order="sorted")
_NAMES: Mapping[str, Any] = {
    "source": "",
    "api": "",
    "operation": "",
    "name": "",
    "template": "",
    "pattern": "",
    "method": "",
    "order": 0,
}
"""What names a piece, or where it applies, and changes nothing that it does."""


class Guarding:
    """By threat and place: the controls that are claimed there, each with the digest of what enforces it.

    Args:
        policy: what the declaration compiles to; None: nothing is enforced by a gateway.
        design: verdicts of the tests of design.
    """

    def __init__(self, policy: Policy | None, design: Iterable[Verdict], remedies: Iterable[Remedy]) -> None:
        self._remedies: dict[str, list[Remedy]] = defaultdict(list)
        for remedy in remedies:
            self._remedies[remedy.threat].append(remedy)
        self._design = _by_subject(design)
        self._around: dict[tuple[str, str, tuple[str, ...]], frozenset[Outcome]] = {}
        self._digests = _Digests(policy) if policy is not None else None

    def __call__(self, threat: str, subject: str, also: tuple[str, ...]) -> Sequence[tuple[str, str]]:
        """The claims at a place; see :data:`assay.risk.scenarios.Guards`."""
        found = []
        for remedy in self._remedies.get(threat, ()):
            outcomes = self._outcomes(remedy, subject, also)
            if Outcome.FAIL in outcomes:
                continue
            owned = threats()[threat].where == "objects"
            digest = self._digests.at(remedy.control, subject, owned=owned) if self._digests is not None else None
            if digest is not None:
                found.append((remedy.control, digest))
            elif Outcome.PASS in outcomes and not self._enforced_nearby(remedy.control, subject):
                found.append((remedy.control, ""))
        return found

    def _enforced_nearby(self, control: str, subject: str) -> bool:
        """Whether the gateway is what enforces a control on an API: where it does not, no test of design makes up."""
        return self._digests is not None and self._digests.concerns(control, subject)

    def _outcomes(self, remedy: Remedy, subject: str, also: tuple[str, ...]) -> Set[Outcome]:
        """What the tests of design about the threat found at a place, or around it."""
        key = remedy.control, remedy.threat, also
        if key not in self._around:
            self._around[key] = frozenset().union(*(self._found(remedy, about) for about in also))
        return self._found(remedy, subject) | self._around[key]

    def _found(self, remedy: Remedy, subject: str) -> Set[Outcome]:
        verdicts = self._design.get(subject)
        if not verdicts:
            return frozenset()
        return frozenset().union(*(verdicts.get((remedy.control, check), frozenset()) for check in remedy.checks))


def _by_subject(design: Iterable[Verdict]) -> Mapping[str, Mapping[tuple[str, str], set[Outcome]]]:
    """Verdicts by what they are about; a note is worth knowing and takes no claim away.

    Findings that an exception accepts count: an exception lowers no risk.
    """
    found: dict[str, dict[tuple[str, str], set[Outcome]]] = defaultdict(dict)
    for verdict in design:
        if verdict.outcome is Outcome.FAIL and verdict.severity is Severity.NOTE:
            continue
        for subject in _subjects(verdict.subject):
            found[subject].setdefault((verdict.control, verdict.check), set()).add(verdict.outcome)
    return found


def _subjects(subject: str) -> tuple[str, ...]:
    """A subject, and what it is a part of (``flows.X`` of ``flows.X.transforms.email``)."""
    parts = subject.split(".")
    whole = ".".join(parts[:2])
    if parts[0] in ("apis",) and len(parts) > 3 and parts[2] == "operations":
        return (subject, ".".join(parts[:4])) if len(parts) > 4 else (subject,)
    return (subject, whole) if len(parts) > 2 else (subject,)


class _Digests:
    """What enforces each control at each operation, each API, and the gateway as a whole."""

    def __init__(self, policy: Policy) -> None:
        self._whole: dict[str, list[ir.AnyPiece]] = defaultdict(list)
        self._apis: dict[tuple[str, str], list[ir.AnyPiece]] = defaultdict(list)
        self._operations: dict[tuple[str, str, str], list[ir.AnyPiece]] = defaultdict(list)
        self._by_api: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
        self._methods = {(r.route.api, r.route.operation): r.route.method for r in policy.operations}
        self._known: dict[tuple[str, str, bool], str | None] = {}
        self._encoded: dict[int, bytes] = {}
        self._kept = policy.pieces
        for piece in policy.pieces:
            api, operation = getattr(piece, "api", ""), getattr(piece, "operation", "")
            if api and operation:
                self._operations[piece.control, api, operation].append(piece)
                self._by_api[piece.control, api][operation] = None
            elif api:
                self._apis[piece.control, api].append(piece)
            else:
                self._whole[piece.control].append(piece)

    def at(self, control: str, subject: str, *, owned: bool = False) -> str | None:
        """The digest of what enforces a control at a subject; None: nothing does, or it only observes.

        ``owned``: of what stands between a caller and the objects of others (see :func:`_of_owners`).
        """
        key = control, subject, owned
        if key not in self._known:
            pieces = self._pieces(control, subject)
            enforced = bool(pieces) and all(p.mode is ir.Mode.ENFORCE for p in pieces)
            if _names(subject)[1] and any(_lets_anybody(p) for p in pieces):
                enforced = False
            self._known[key] = self._digest(_of_owners(pieces) if owned else pieces) if enforced else None
        return self._known[key]

    def concerns(self, control: str, subject: str) -> bool:
        """Whether any piece of a control is about the API of a subject."""
        api, _ = _names(subject)
        return bool(api) and bool(self._by_api.get((control, api)) or self._apis.get((control, api)))

    def _pieces(self, control: str, subject: str) -> list[ir.AnyPiece]:
        """Those that apply to an operation or an API. A control with pieces of operations applies to those alone."""
        api, operation = _names(subject)
        if not api:
            return []
        if operation:
            own = self._operations.get((control, api, operation), [])
            if not own and self._by_api.get((control, api)):
                return []
            method = self._methods.get((api, operation), "")
            around = [p for p in self._apis.get((control, api), []) if _covers(p, operation, method)]
        else:
            own = [p for name in self._by_api.get((control, api), ()) for p in self._operations[control, api, name]]
            around = self._apis.get((control, api), [])
        whole = self._whole.get(control, [])
        return [*own, *around, *whole]

    def _digest(self, pieces: Iterable[ir.AnyPiece]) -> str:
        encoded = sorted(self._bytes(p) for p in pieces)
        return hashlib.sha256(b"\n".join(encoded)).hexdigest()

    def _bytes(self, piece: ir.AnyPiece) -> bytes:
        if id(piece) not in self._encoded:
            names = {name: nothing for name, nothing in _NAMES.items() if hasattr(piece, name)}
            self._encoded[id(piece)] = _ENCODER.encode(msgspec.structs.replace(piece, **names))
        return self._encoded[id(piece)]


def _lets_anybody(piece: ir.AnyPiece) -> bool:
    """Whether a piece of an operation asks nothing of a caller, and so keeps nobody away."""
    if isinstance(piece, ir.Authentication):
        return any(not alternative for alternative in piece.alternatives)
    return isinstance(piece, ir.AccessRule) and not piece.roles and not piece.owns


def _of_owners(pieces: Iterable[ir.AnyPiece]) -> list[ir.AnyPiece]:
    """Without the access rules that nobody can use whom an ownership rule binds.

    Any rule that matches lets a call through, so what keeps a caller from others' objects is the ownership rule, and
    every rule that shares a role with it or asks for none. Rules of other roles make no difference to that caller.
    """
    kept = list(pieces)
    bound = {role for p in kept if isinstance(p, ir.AccessRule) and p.owns for role in p.roles}
    if not bound:
        return kept
    return [p for p in kept if not isinstance(p, ir.AccessRule) or p.owns or not p.roles or bound & set(p.roles)]


def _names(subject: str) -> tuple[str, str]:
    """The API and the operation of a subject; empty where it is none."""
    parts = subject.split(".operations.", 1)
    if not parts[0].startswith("apis."):
        return "", ""
    return parts[0][5:], parts[1] if len(parts) > 1 else ""


def _covers(piece: ir.AnyPiece, operation: str, method: str) -> bool:
    """Whether a piece of an API applies to one of its operations."""
    if isinstance(piece, ir.Limit):
        return (not piece.operations or operation in piece.operations) and (
            not piece.methods or method in piece.methods
        )
    return True

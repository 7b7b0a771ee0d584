"""Answers hold what the contract names, and never what opens an account."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from assay.controls._lib.attempts import good, name_of, ready, tester
from assay.controls.data_exposure.proofs.planned import case
from assay.controls.data_exposure.responses import is_success
from assay.declare.media import may_be_json
from assay.declare.shapes import ANY, Path, known
from assay.domain import Severity
from assay.prove.case import Case, Judged, Lab, Run, broken, held, unclear
from assay.prove.surface import Surface, Target

_SECRET_NAME = re.compile(
    r"passw(?:or)?d|pass_?hash|secret|private_?key|api_?key|session_?key|otp|pin_?code|ssn|social_?security|card_?number|cvv",
    re.IGNORECASE,
)
_SECRET_TEXT = re.compile(
    r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{50,}|\$argon2(?:id|i|d)\$|\$(?:5|6|y|scrypt)\$[^\s]{20,}|(?:pbkdf2|scrypt)[:$_][^\s]{20,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)


def plan(surface: Surface, targets: tuple[Target, ...]) -> Iterator[Case]:
    """One case for every reading operation whose successful answer is described in JSON."""
    for target in targets:
        if target.operation.method.upper() == "GET" and _schemas(target):
            run = _run(surface, target)
            yield case(target, "undeclared-property-sent", run, name_of(tester(surface, target)), requests=1)


def _schemas(target: Target) -> list[Any]:
    answers = [r for r in target.operation.responses if is_success(target.operation, r) and may_be_json(r.media_type)]
    return [r.schema for r in answers if r.schema is not None]


def _run(surface: Surface, target: Target) -> Run:
    persona = tester(surface, target)

    async def run(lab: Lab) -> Judged:
        seen = await good(lab, await ready(lab, target, persona))
        found = dict(paths(seen.json()))
        hashed = [p for p, v in found.items() if isinstance(v, str) and _SECRET_TEXT.search(v)]
        if hashed:
            words = f"`{'.'.join(hashed[0])}` holds a password's hash or a private key"
            return broken(words, seen, severity=Severity.HIGH, properties=[".".join(p) for p in hashed])
        named: set[Path] = set()
        for schema in _schemas(target):
            places = known(surface.contract(target), schema, "response")
            if places is None:
                return held("the contract lets the answer hold anything; no secret was in it", seen)
            named.update(places)
        extra = [p for p in found if p and not any(_fits(p, n) for n in named)]
        outer = [p for p in extra if not any(len(o) < len(p) and p[: len(o)] == o for o in extra)]
        if not found:
            return unclear("the answer was no JSON", seen)
        if outer:
            words = ", ".join(f"`{'.'.join(p)}`" for p in outer[:5])
            secret = any(_SECRET_NAME.search(p[-1]) for p in extra)
            severity = Severity.HIGH if secret else None
            sentence = f"the answer holds {words}, which the contract does not name"
            return broken(sentence, seen, severity=severity, properties=[".".join(p) for p in outer])
        return held(f"all {len(found)} properties of the answer are named by the contract", seen)

    return run


def paths(value: Any) -> Iterator[tuple[Path, Any]]:
    """Every path in a JSON value, each once (items of lists as ``*``), with a value that stands there."""
    found: dict[Path, Any] = {}
    waiting: list[tuple[Path, Any]] = [((), value)]
    while waiting and len(found) < 5_000:
        path, one = waiting.pop()
        if path and path[-1] != ANY:
            found.setdefault(path, one)
        if isinstance(one, dict):
            waiting.extend(((*path, str(k)), v) for k, v in one.items())
        elif isinstance(one, list):
            waiting.extend(((*path, ANY), v) for v in one[:200])
    return iter(found.items())


def _fits(path: Path, named: Path) -> bool:
    return len(path) == len(named) and all(n in (ANY, p) for p, n in zip(path, named, strict=True))

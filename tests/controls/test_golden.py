"""Golden pairs: what each control says about a declaration and what it asks of the gateway, word for word.

``tests/controls/CONTROL/CASE.in.yaml`` is a declaration (its contract lies beside it); ``CASE.out.yaml`` holds the
verdicts and the pieces. Set ``ASSAY_UPDATE_GOLDEN=1`` to write the outputs anew, then read the difference.
"""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from ruamel.yaml import YAML

from assay.controls.base import Context, Site
from assay.controls.registry import FACES, control
from assay.declare.loader import load
from assay.domain import Verdict

HERE = Path(__file__).parent
TODAY = date(2026, 7, 1)
SITE = Site(
    certificate="site/server.crt",
    private_key="site/server.key",
    client_ca="site/ca.crt",
    development_issuer="http://127.0.0.1:9400",
)
CASES = sorted(p.relative_to(HERE) for p in HERE.glob("*/*.in.yaml"))


def _verdict(verdict: Verdict) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "check": verdict.check,
        "subject": verdict.subject,
        "outcome": str(verdict.outcome),
        "severity": f"{verdict.severity}/{verdict.confidence}",
        "at": str(verdict.location),
        "sentence": verdict.sentence,
    }
    if verdict.outcome == "pass":
        del shown["severity"]
    if verdict.fix:
        shown["fix"] = verdict.fix.sentence
        if verdict.fix.edits:
            shown["edits"] = [
                {"at": [*e.path], "remove": True} if e.remove else {"at": [*e.path], "value": e.value}
                for e in verdict.fix.edits
            ]
            shown["safe"] = verdict.fix.safe
    if verdict.related:
        shown["related"] = [str(r) for r in verdict.related]
    return shown


def _outcome(case: Path) -> dict[str, Any]:
    face = control(case.parent.name)
    declaration = load(HERE / case, environ={})
    context = Context(declaration, TODAY, frozenset(f.id for f in FACES))
    verdicts = [_verdict(v) for v in (face.design(context) if face.design else ())]
    pieces = [msgspec.to_builtins(p) for p in (face.enforce(declaration, SITE) if face.enforce else ())]
    shown: dict[str, Any] = msgspec.json.decode(
        msgspec.json.encode({"verdicts": verdicts, "pieces": pieces})
        .replace(str((HERE / case).parent.absolute()).encode(), b"ROOT")
        .replace(str(HERE / case.parent).encode(), b"ROOT")
    )
    return shown


@pytest.mark.parametrize("case", CASES, ids=lambda p: str(p).removesuffix(".in.yaml"))
def test_what_a_user_is_told_and_what_the_gateway_gets_is_pinned(case: Path) -> None:
    found = _outcome(case)
    golden = HERE / str(case).replace(".in.yaml", ".out.yaml")
    yaml = YAML()
    yaml.width = 110
    if os.environ.get("ASSAY_UPDATE_GOLDEN") == "1":
        with golden.open("w", encoding="utf-8") as stream:
            yaml.dump(found, stream)
    assert found == YAML(typ="safe").load(golden.read_text(encoding="utf-8"))


def test_every_control_has_a_golden_pair() -> None:
    assert {case.parent.name for case in CASES} == {f.id for f in FACES}

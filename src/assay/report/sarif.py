"""Findings as SARIF 2.1.0, located at the declaration, with fingerprints that survive moved lines."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from assay import __version__
from assay.domain import Severity, Verdict
from assay.prove.result import Proof

_LEVEL = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.NOTE: "note",
}
_SCORE = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.0",
    Severity.LOW: "3.0",
    Severity.NOTE: "0.0",
}


def _fingerprint(verdict: Verdict, case: str = "") -> str:
    """Names the finding by what it is about (a measured one by its case), not by where its line happens to be."""
    named = (case,) if case else (verdict.control, verdict.check, verdict.subject)
    return hashlib.sha256("\0".join(named).encode()).hexdigest()


def _uri(file: str) -> str:
    """A file as a URI reference (RFC 3986): relative to where the command ran, as its name is."""
    return ("file://" if file.startswith("/") else "") + quote(file)


def _measured(proof: Proof) -> dict[str, Any]:
    """A finding of the running system, located at the declaration, with how to see it again."""
    result = _result(proof.verdict)
    result["partialFingerprints"] = {"assay/v1": _fingerprint(proof.verdict, proof.case)}
    how = {
        "case": proof.case,
        "identity": proof.identity,
        "via": proof.via,
        "evidence": list(proof.evidence),
        "reproduce": proof.reproduce,
        "letThroughBy": proof.let_through_by,
    }
    result["properties"] |= {name: value for name, value in how.items() if value}
    return result


def _result(verdict: Verdict) -> dict[str, Any]:
    place = verdict.location
    result: dict[str, Any] = {
        "ruleId": f"{verdict.control}/{verdict.check}",
        "level": _LEVEL[verdict.severity],
        "message": {"text": verdict.sentence + (f" Fix: {verdict.fix.sentence}" if verdict.fix else "")},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(place.file)},
                    "region": {"startLine": place.line, "startColumn": place.column},
                },
                "logicalLocations": [{"fullyQualifiedName": verdict.subject}],
            }
        ],
        "partialFingerprints": {"assay/v1": _fingerprint(verdict)},
        "properties": {"confidence": str(verdict.confidence), "outcome": str(verdict.outcome)},
    }
    if verdict.excepted_by:
        result["suppressions"] = [{"kind": "external", "justification": verdict.excepted_by}]
    return result


def render(verdicts: Iterable[Verdict], proofs: Iterable[Proof] = ()) -> str:
    """One run with its rules; accepted findings stay in it, suppressed. ``proofs`` were measured on the system."""
    designed = [v for v in verdicts if v.is_finding or v.excepted_by]
    measured = [p for p in proofs if p.verdict.is_finding or p.verdict.excepted_by]
    shown = [*designed, *(p.verdict for p in measured)]
    rules = {
        f"{v.control}/{v.check}": {
            "id": f"{v.control}/{v.check}",
            "shortDescription": {"text": v.check.replace("-", " ")},
            "fullDescription": {"text": v.reason or v.check},
            "help": {"text": f"assay explain {v.control}/{v.check}"},
            "properties": {"security-severity": _SCORE[v.severity]},
        }
        for v in shown
    }
    driver = {"name": "Assay", "version": __version__, "rules": [rules[k] for k in sorted(rules)]}
    # Without it, readers count columns in UTF-16 code units (SARIF 2.1.0 § 3.14.17).
    columns = "unicodeCodePoints"
    results = [_result(v) for v in designed] + [_measured(p) for p in measured]
    run = {"tool": {"driver": driver}, "columnKind": columns, "results": results}
    sarif = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(sarif, indent=2, ensure_ascii=False)

"""Findings as Assay keeps them: one JSON file, with everything that may be kept and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from assay.domain import Location, Severity
from assay.importing.findings.finding import ImportedFinding, Mark, Request, cleaned, request_of, shown_url
from assay.importing.findings.text import listed, mapping, said

KIND = "assay-findings"
VERSION = 1
_HEX = re.compile(r"[0-9a-f]{64}")


def render(findings: Iterable[ImportedFinding], *, file: str, sha256: str) -> str:
    """The file's text. ``file`` and ``sha256`` are those of the report it was made from."""
    document = {
        "version": VERSION,
        "kind": KIND,
        "source": {"file": file, "sha256": sha256},
        "findings": [_written(f) for f in findings],
    }
    return json.dumps(document, indent=1, ensure_ascii=True) + "\n"


def _written(finding: ImportedFinding) -> dict[str, Any]:
    request, place = finding.request, finding.place
    found: dict[str, Any] = {
        "key": finding.key,
        "tool": finding.tool,
        "id": finding.id,
        "title": finding.title,
        "severity": str(finding.severity),
        "method": finding.method,
        "url": finding.url,
        "parameter": finding.parameter,
        "evidence": finding.evidence,
        "place": {"file": place.file, "line": place.line, "column": place.column} if place else None,
        "request": None,
        "marks": [{"kind": m.kind, "length": m.length, "sha256": m.sha256} for m in finding.marks],
    }
    if request is not None:
        found["request"] = {
            "target": request.target,
            "headers": [list(pair) for pair in request.headers],
            "body": request.body,
            "content_type": request.content_type,
            "authenticated": request.authenticated,
            "redacted": request.redacted,
        }
    return found


def findings(document: Mapping[str, Any], source: str) -> Iterator[ImportedFinding]:
    """Reads back what :func:`render` wrote. Believes no more of it than of a foreign file."""
    severities = {s.value: s for s in Severity}
    for item in map(mapping, listed(document.get("findings"))):
        place = mapping(item.get("place"))
        yield ImportedFinding(
            source=source,
            tool=cleaned(item.get("tool"), 60) or "unknown",
            id=cleaned(item.get("id"), 120) or "unnamed",
            title=cleaned(item.get("title")) or "a finding without words",
            severity=severities.get(said(item.get("severity")), Severity.MEDIUM),
            method=cleaned(item.get("method"), 20).upper(),
            url=shown_url(said(item.get("url"))),
            parameter=cleaned(item.get("parameter"), 120),
            evidence=found if _HEX.fullmatch(found := said(item.get("evidence"))) else "",
            place=Location(cleaned(place.get("file"), 500), *(_count(place.get(k)) for k in ("line", "column")))
            if place
            else None,
            request=_request(item.get("request")),
            marks=tuple(_marks(item.get("marks"))),
        )


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**9 else 1


def _request(value: object) -> Request | None:
    if not isinstance(value, dict) or not said(value.get("target")):
        return None
    pairs = [p for p in listed(value.get("headers")) if isinstance(p, list) and len(p) == 2]
    headers = [(said(n), said(v)) for n, v in pairs]
    found = request_of(said(value["target"]), headers, said(value.get("body")), said(value.get("content_type")) or None)
    return Request(
        found.target,
        found.headers,
        found.body,
        found.content_type,
        found.authenticated or value.get("authenticated") is True,
        found.redacted or value.get("redacted") is True,
    )


def _marks(value: object) -> Iterator[Mark]:
    for item in map(mapping, listed(value)):
        kind, digest = item.get("kind"), said(item.get("sha256"))
        if kind in ("text", "value") and _HEX.fullmatch(digest):
            yield Mark(kind, min(_count(item.get("length")), 512), digest)

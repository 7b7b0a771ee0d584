"""Results of Nuclei: a JSON object on each line, or all of them in one list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from assay.domain import Severity
from assay.importing.findings.finding import ImportedFinding, cleaned, digest_of, marks_of, request_of, shown_url
from assay.importing.findings.text import http_message, listed, mapping, said

_SEVERITIES = {"info": Severity.NOTE, **{s.value: s for s in (Severity.LOW, Severity.MEDIUM, Severity.HIGH)}}
_SEVERITIES["critical"] = Severity.CRITICAL


def findings(results: Iterable[Any], source: str) -> Iterator[ImportedFinding]:
    """Every result that matched. Older versions write `templateID` and `matched`."""
    for result in map(mapping, results):
        template = said(result.get("template-id")) or said(result.get("templateID"))
        if not template or result.get("matcher-status") is False:
            continue
        info = mapping(result.get("info"))
        message, answer = (http_message(said(result.get(k))) for k in ("request", "response"))
        url = said(result.get("matched-at")) or said(result.get("matched")) or said(result.get("host"))
        target = message.first[1] if len(message.first) > 1 else ""
        matcher = said(result.get("matcher-name"))
        yield ImportedFinding(
            source=source,
            tool="Nuclei",
            id=cleaned(f"{template}:{matcher}" if matcher else template, 120),
            title=cleaned(info.get("name")) or cleaned(template),
            severity=_SEVERITIES.get(said(info.get("severity")).lower(), Severity.MEDIUM),
            method=cleaned(message.first[0] if message.first else "", 20).upper(),
            url=shown_url(url),
            parameter=cleaned(result.get("fuzzing_parameter"), 120),
            evidence=digest_of(said(result.get("response")), *map(said, listed(result.get("extracted-results")))),
            request=request_of(target, message.headers, message.body) if target else None,
            marks=marks_of(map(said, listed(result.get("extracted-results"))), answer.body),
        )

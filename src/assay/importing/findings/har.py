"""HTTP Archives (HAR 1.2) in which a tester wrote a comment beside the exchanges that show something."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from assay.domain import Severity
from assay.importing.findings.finding import ImportedFinding, cleaned, digest_of, marks_of, request_of, shown_url
from assay.importing.findings.text import from_base64, listed, mapping, said


def findings(document: Mapping[str, Any], source: str) -> Iterator[ImportedFinding]:
    """The exchanges with a comment; it is the title. `_severity` and `_parameter` may stand beside it.

    An archive that Assay wrote holds proofs, which are no findings of somebody else.
    """
    log = mapping(document.get("log"))
    tool = cleaned(mapping(log.get("creator")).get("name"), 60) or "HAR"
    known = {s.value: s for s in Severity}
    for entry in map(mapping, listed(log.get("entries"))):
        title = cleaned(entry.get("comment"))
        if not title or "_case" in entry:
            continue
        asked, answered = mapping(entry.get("request")), mapping(entry.get("response"))
        headers = [(said(h.get("name")), said(h.get("value"))) for h in map(mapping, listed(asked.get("headers")))]
        if listed(asked.get("cookies")):
            headers.append(("cookie", ""))
        posted, content = mapping(asked.get("postData")), mapping(answered.get("content"))
        body = said(content.get("text"))
        answer = from_base64(body) if content.get("encoding") == "base64" else body
        url = said(asked.get("url"))
        yield ImportedFinding(
            source=source,
            tool=tool,
            id=cleaned(entry.get("_id"), 120) or title[:60],
            title=title,
            severity=known.get(said(entry.get("_severity")).lower(), Severity.MEDIUM),
            method=cleaned(asked.get("method"), 20).upper(),
            url=shown_url(url),
            parameter=cleaned(entry.get("_parameter"), 120),
            evidence=digest_of(answer),
            request=request_of(url, headers, said(posted.get("text")), said(posted.get("mimeType")) or None),
            marks=marks_of((), answer),
        )


def silent(document: Mapping[str, Any]) -> int:
    """How many exchanges have no comment, and so are no findings."""
    entries = [mapping(e) for e in listed(mapping(document.get("log")).get("entries"))]
    return sum(not cleaned(e.get("comment")) and "_case" not in e for e in entries)

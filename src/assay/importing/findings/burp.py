"""Issues that Burp Suite exports as XML."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assay.domain import Severity
from assay.importing.findings.finding import ImportedFinding, cleaned, digest_of, marks_of, request_of, shown_url
from assay.importing.findings.text import Element, from_base64, http_message

_SEVERITIES = {
    "high": Severity.HIGH,
    "medium": Severity.MEDIUM,
    "low": Severity.LOW,
    "information": Severity.NOTE,
}
_PARAMETER = re.compile(r"\[(?:the )?([^\[\]]+?) (?:parameter|header|cookie|JSON parameter)\]|\[([^\[\]]+)\]$")


def findings(root: Element, source: str) -> Iterator[ImportedFinding]:
    """Every issue that nobody marked as a false positive."""
    for issue in root.all("issue"):
        severity = issue.says("severity").lower()
        if severity == "false positive":
            continue
        pair = issue.child("requestresponse")
        message = http_message(_part(pair, "request"))
        answer = http_message(_part(pair, "response"))
        method, target = (*message.first[:2], "", "")[:2]
        url = issue.says("host").rstrip("/") + (issue.says("path") or target)
        location = _PARAMETER.search(issue.says("location"))
        sent = pair.child("request") if pair else None
        yield ImportedFinding(
            source=source,
            tool="Burp Suite",
            id=cleaned(issue.says("type"), 60) or "unnamed",
            title=cleaned(issue.says("name")) or "a finding without words",
            severity=_SEVERITIES.get(severity, Severity.MEDIUM),
            method=cleaned(method or (sent.attributes.get("method", "") if sent else ""), 20).upper(),
            url=shown_url(url),
            parameter=cleaned(location[1] or location[2], 120) if location else "",
            evidence=digest_of(_part(pair, "response"), issue.says("issueDetail")),
            request=request_of(target, message.headers, message.body) if target else None,
            marks=marks_of((), answer.body),
        )


def _part(pair: Element | None, name: str) -> str:
    """The request or response of an issue; base64 where it says so."""
    found = pair.child(name) if pair else None
    if found is None:
        return ""
    return from_base64(found.text) if found.attributes.get("base64") == "true" else found.text

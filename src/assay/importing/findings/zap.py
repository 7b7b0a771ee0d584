"""Reports of ZAP, JSON and XML, the traditional ones and those with requests and responses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from assay.domain import Severity
from assay.importing.findings.finding import (
    ImportedFinding,
    Request,
    cleaned,
    digest_of,
    marks_of,
    request_of,
    shown_url,
)
from assay.importing.findings.text import Element, http_message, listed, mapping, said

_RISKS = {"0": Severity.NOTE, "1": Severity.LOW, "2": Severity.MEDIUM, "3": Severity.HIGH}
_FALSE_POSITIVE = "0"
"""ZAP's confidence for what somebody marked as a false alarm."""


def from_json(document: Mapping[str, Any], source: str) -> Iterator[ImportedFinding]:
    """The instances of every alert of a JSON report."""
    for site in map(mapping, listed(document.get("site"))):
        for alert in map(mapping, listed(site.get("alerts"))):
            instances = [mapping(i) for i in listed(alert.get("instances"))] or [{"uri": site.get("@name")}]
            for instance in instances:
                yield from _finding(alert, instance, source)


def from_xml(root: Element, source: str) -> Iterator[ImportedFinding]:
    """The same of an XML report."""
    for site in root.all("site"):
        alerts = site.child("alerts")
        for item in alerts.all("alertitem") if alerts else ():
            alert = {c.name: c.text.strip() for c in item.children}
            instances = item.child("instances")
            found = [_plain(i) for i in instances.all("instance")] if instances else []
            for instance in found or [{"uri": alert.get("uri") or site.attributes.get("name", "")}]:
                yield from _finding(alert, instance, source)


def _plain(instance: Element) -> dict[str, str]:
    # XML calls `requestheader` what JSON calls `request-header`.
    renamed = {f"{side}{part}": f"{side}-{part}" for side in ("request", "response") for part in ("header", "body")}
    return {renamed.get(c.name, c.name): c.text for c in instance.children}


def _finding(alert: Mapping[str, Any], instance: Mapping[str, Any], source: str) -> Iterator[ImportedFinding]:
    if said(alert.get("confidence")) == _FALSE_POSITIVE:
        return
    uri, method = said(instance.get("uri")).strip(), cleaned(instance.get("method"), 20).upper()
    evidence, answer = said(instance.get("evidence")), said(instance.get("response-body"))
    risk = said(alert.get("riskcode")).strip()
    yield ImportedFinding(
        source=source,
        tool="ZAP",
        id=cleaned(alert.get("alertRef"), 60) or cleaned(alert.get("pluginid"), 60) or "unnamed",
        title=cleaned(alert.get("name")) or cleaned(alert.get("alert")) or "a finding without words",
        severity=_RISKS.get(risk, Severity.MEDIUM),
        method=method,
        url=shown_url(uri),
        parameter=cleaned(instance.get("param"), 120),
        evidence=digest_of(evidence, answer, said(instance.get("otherinfo"))),
        request=_request(uri, method, instance),
        marks=marks_of([evidence], answer),
    )


def _request(uri: str, method: str, instance: Mapping[str, Any]) -> Request | None:
    """The request as ZAP kept it; without that, a GET is its URL, and of others the body is missing."""
    head = said(instance.get("request-header"))
    if head:
        message = http_message(head)
        target = message.first[1] if len(message.first) > 1 else uri
        return request_of(target, message.headers, said(instance.get("request-body")))
    return request_of(uri) if uri and method in ("GET", "HEAD") else None

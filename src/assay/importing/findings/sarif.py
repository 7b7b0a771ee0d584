"""SARIF 2.1.0 (OASIS): results of any analyser, of code or of a running API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isnan
from typing import Any
from urllib.parse import unquote

from assay.domain import Location, Severity
from assay.importing.findings.finding import (
    ImportedFinding,
    Request,
    cleaned,
    digest_of,
    marks_of,
    request_of,
    shown_url,
)
from assay.importing.findings.text import listed, mapping, said

_LEVELS = {"error": Severity.HIGH, "warning": Severity.MEDIUM, "note": Severity.LOW, "none": Severity.NOTE}
# §3.27.9: only `fail`, and what a person must still look at, are findings.
_KINDS = frozenset({"fail", "review", "open"})


def findings(document: Mapping[str, Any], source: str) -> Iterator[ImportedFinding]:
    """The results that are findings: not suppressed (§3.27.23), not absent from this run (§3.27.24)."""
    for run in map(mapping, listed(document.get("runs"))):
        driver = mapping(mapping(run.get("tool")).get("driver"))
        tool = cleaned(driver.get("name"), 60) or "SARIF"
        rules = [mapping(r) for r in listed(driver.get("rules"))]
        by_id = {said(r.get("id")): r for r in rules}
        for result in map(mapping, listed(run.get("results"))):
            if _counts(result):
                yield _finding(result, run, rules, by_id, tool, source)


def _counts(result: Mapping[str, Any]) -> bool:
    if said(result.get("kind")) not in ("", *_KINDS) or result.get("baselineState") == "absent":
        return False
    suppressions = [mapping(s) for s in listed(result.get("suppressions"))]
    return not any(said(s.get("status")) in ("", "accepted") for s in suppressions)


def _finding(
    result: Mapping[str, Any],
    run: Mapping[str, Any],
    rules: list[dict[str, Any]],
    by_id: Mapping[str, Mapping[str, Any]],
    tool: str,
    source: str,
) -> ImportedFinding:
    index = result.get("ruleIndex")
    named = mapping(result.get("rule"))
    rule_id = said(result.get("ruleId")) or said(named.get("id"))
    rule: Mapping[str, Any] = by_id.get(rule_id, {})
    if not rule and isinstance(index, int) and not isinstance(index, bool) and 0 <= index < len(rules):
        rule = rules[index]
        rule_id = rule_id or said(rule.get("id"))
    message = mapping(result.get("message"))
    short = mapping(rule.get("shortDescription"))
    title = cleaned(short.get("text")) or cleaned(message.get("text")) or cleaned(rule.get("name")) or rule_id
    uri, place = _place(result, run)
    asked, answered = _exchange(result, run, "webRequest"), _exchange(result, run, "webResponse")
    target = said(asked.get("target"))
    request: Request | None = None
    if target:
        headers = [(str(n), said(v)) for n, v in mapping(asked.get("headers")).items()]
        request = request_of(target, headers, said(mapping(asked.get("body")).get("text")))
    answer = said(mapping(answered.get("body")).get("text"))
    return ImportedFinding(
        source=source,
        tool=tool,
        id=cleaned(rule_id, 120) or "unnamed",
        title=title or "a finding without words",
        severity=_severity(result, rule),
        method=cleaned(asked.get("method"), 20).upper(),
        url=shown_url(target or uri),
        evidence=digest_of(said(message.get("text")), answer),
        place=place,
        request=request,
        marks=marks_of((), answer),
    )


def _place(result: Mapping[str, Any], run: Mapping[str, Any]) -> tuple[str, Location | None]:
    """A URL, where tools that test running systems write one; else the file and line."""
    for location in map(mapping, listed(result.get("locations"))):
        physical = mapping(location.get("physicalLocation"))
        artifact = mapping(physical.get("artifactLocation"))
        uri = said(artifact.get("uri"))
        index = artifact.get("index")
        artifacts = listed(run.get("artifacts"))
        if not uri and isinstance(index, int) and not isinstance(index, bool) and 0 <= index < len(artifacts):
            uri = said(mapping(mapping(artifacts[index]).get("location")).get("uri"))
        if uri.startswith(("http://", "https://")):
            return uri, None
        if uri:
            region = mapping(physical.get("region"))
            line, column = (region.get(k) for k in ("startLine", "startColumn"))
            file = cleaned(unquote(uri.removeprefix("file://")), 500)
            return "", Location(file, _positive(line), _positive(column))
    return "", None


def _positive(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**9 else 1


def _exchange(result: Mapping[str, Any], run: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """A web request or response, written out or by index into the run's (§3.27.32, §3.46.2)."""
    written = mapping(result.get(kind))
    index, known = written.get("index"), listed(run.get(f"{kind}s"))
    if isinstance(index, int) and not isinstance(index, bool) and 0 <= index < len(known):
        return {**mapping(known[index]), **{k: v for k, v in written.items() if k != "index"}}
    return written


def _severity(result: Mapping[str, Any], rule: Mapping[str, Any]) -> Severity:
    """By the numeric score that code hosts read (CVSS 3.1 §5), else by level; `warning` where nothing is said."""
    for properties in (mapping(result.get("properties")), mapping(rule.get("properties"))):
        try:
            score = float(said(properties.get("security-severity")))
        except ValueError:
            continue
        if not isnan(score):
            return by_score(score)
    default = mapping(rule.get("defaultConfiguration")).get("level")
    return _LEVELS.get(said(result.get("level")) or said(default), Severity.MEDIUM)


def by_score(score: float) -> Severity:
    """The qualitative rating of a CVSS score."""
    steps = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM), (0.1, Severity.LOW))
    return next((s for least, s in steps if score >= least), Severity.NOTE)

"""Which format a file of findings has, and what is in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from assay.domain import UsageError
from assay.importing.findings import burp, har, kept, nuclei, sarif, zap
from assay.importing.findings.finding import ImportedFinding
from assay.importing.findings.text import decoded, json_lines, json_value, listed, mapping, xml_tree

Format = Literal["assay", "sarif", "zap", "burp", "nuclei", "har"]
FORMATS: tuple[Format, ...] = get_args(Format)
_MOST = 20_000


@dataclass(frozen=True, slots=True)
class Found:
    """What a file holds.

    Attributes:
        findings: each once, the gravest first; the same finding with other payloads counts as one.
        repeated: how many were left out because the same was there before.
        notes: what else a person should know, as sentences.
    """

    format: Format
    findings: tuple[ImportedFinding, ...]
    repeated: int = 0
    notes: tuple[str, ...] = ()


def read_findings(data: bytes, name: str, format: Format | None = None) -> Found:
    """The findings in a file. ``format`` None: told by the content.

    Raises:
        UsageError: it is none of the formats, or not the one that was named, or it is broken; with the place.
    """
    start = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start == b"<":
        return _xml(data, name, format)
    text = decoded(data, name)
    if start not in (b"{", b"["):
        if format == "nuclei" and not text.strip():
            return Found("nuclei", ())
        raise _unknown(name, format)
    if format == "burp":
        raise _unknown(name, format)
    if format == "nuclei" or (format is None and _lines(text)):
        values = _nuclei_values(text, name)
        if not all("template-id" in mapping(v) or "templateID" in mapping(v) for v in values):
            raise _unknown(name, format)
        return _found("nuclei", nuclei.findings(values, name))
    document = json_value(text, name)
    if isinstance(document, list):
        if format not in (None, "nuclei") or not all("template-id" in mapping(v) for v in document):
            raise _unknown(name, format)
        return _found("nuclei", nuclei.findings(document, name))
    kind = _kind(mapping(document))
    if kind is None or format not in (None, kind):
        raise _unknown(name, format)
    if kind == "assay":
        if document.get("version") != kept.VERSION:
            raise UsageError(f"`{name}` has a version that is not known here", fix="import the report again")
        return _found(kind, kept.findings(document, name))
    if kind == "sarif":
        return _found(kind, sarif.findings(document, name))
    if kind == "zap":
        return _found(kind, zap.from_json(document, name))
    if kind == "nuclei":
        return _found(kind, nuclei.findings([document], name))
    silent = har.silent(document)
    note = f"{silent} exchange{'s' * (silent != 1)} without a comment: a comment is what makes an exchange a finding"
    return _found(kind, har.findings(document, name), *([note] if silent else []))


def _lines(text: str) -> bool:
    """Whether the text is more than one JSON value, each on a line of its own."""
    lines = [line for line in text.splitlines() if line.strip()]
    return len(lines) > 1 and all(line.lstrip().startswith("{") and line.rstrip().endswith("}") for line in lines[:50])


def _nuclei_values(text: str, name: str) -> list[object]:
    value = json_value(text, name) if text.lstrip().startswith("[") else json_lines(text, name)
    return listed(value)


def _kind(document: dict[str, object]) -> Format | None:
    if document.get("kind") == kept.KIND:
        return "assay"
    if isinstance(document.get("runs"), list) and str(document.get("version", "")).startswith("2.1"):
        return "sarif"
    if isinstance(document.get("site"), list):
        return "zap"
    if isinstance(mapping(document.get("log")).get("entries"), list):
        return "har"
    return "nuclei" if "template-id" in document or "templateID" in document else None


def _xml(data: bytes, name: str, format: Format | None) -> Found:
    root = xml_tree(data, name)
    if root.name == "OWASPZAPReport" and format in (None, "zap"):
        return _found("zap", zap.from_xml(root, name))
    if root.name == "issues" and format in (None, "burp"):
        return _found("burp", burp.findings(root, name))
    raise _unknown(name, format)


def _unknown(name: str, format: Format | None) -> UsageError:
    if format:
        return UsageError(f"`{name}` is not what {format} writes", fix="name its format, or leave `--format` out")
    known = "SARIF 2.1.0, ZAP (JSON, XML), Burp (XML), Nuclei (JSONL), HAR"
    return UsageError(f"`{name}` is in no format that is known here", fix=f"export one of: {known}")


def _found(format: Format, findings: Iterable[ImportedFinding], *notes: str) -> Found:
    unique: dict[str, ImportedFinding] = {}
    seen = 0
    for finding in findings:
        seen += 1
        if seen > _MOST:
            raise UsageError(f"the file holds more than {_MOST} findings", fix="export fewer at once")
        before = unique.get(finding.key)
        # Of the same finding, the one that can be tried again is worth more.
        if before is None or (finding.severity.rank, _use(finding)) > (before.severity.rank, _use(before)):
            unique[finding.key] = finding
    ordered = sorted(unique.values(), key=lambda f: (-f.severity.rank, f.url, f.id, f.key))
    return Found(format, tuple(ordered), seen - len(unique), notes)


def _use(finding: ImportedFinding) -> int:
    return (finding.request is not None) + bool(finding.marks)

"""Verdicts as JUnit XML, one suite per control, for pipelines that show tests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from xml.etree import ElementTree as ET

from assay.domain import Outcome, Verdict
from assay.prove.result import Proof
from assay.report.plain import plain


def render(verdicts: Iterable[Verdict], proofs: Iterable[Proof] = ()) -> str:
    """Findings are failures; what could not run is skipped, and says so. ``proofs`` were measured on the system."""
    suites: dict[str, list[tuple[Verdict, Proof | None]]] = defaultdict(list)
    for verdict in verdicts:
        suites[verdict.control].append((verdict, None))
    for proof in proofs:
        suites[proof.verdict.control].append((proof.verdict, proof))
    root = ET.Element("testsuites", name="assay")
    for control, found in sorted(suites.items()):
        suite = ET.SubElement(
            root,
            "testsuite",
            name=control,
            tests=str(len(found)),
            failures=str(sum(v.is_finding for v, _ in found)),
            skipped=str(sum(v.outcome in (Outcome.SKIPPED, Outcome.NOT_APPLICABLE) for v, _ in found)),
        )
        for verdict, measured in found:
            name = f"{verdict.subject} as {measured.identity}" if measured else verdict.subject
            case = ET.SubElement(suite, "testcase", classname=f"{control}.{verdict.check}", name=plain(name))
            if measured:
                case.set("time", f"{measured.seconds:.3f}")
            if verdict.is_finding:
                failure = ET.SubElement(case, "failure", message=plain(verdict.sentence), type=str(verdict.severity))
                fix = verdict.fix.sentence if verdict.fix else ""
                again = f"\n{measured.reproduce}" if measured and measured.reproduce else ""
                failure.text = plain(f"{verdict.location}\n{verdict.reason}\n{fix}{again}")
            elif verdict.outcome in (Outcome.SKIPPED, Outcome.NOT_APPLICABLE):
                ET.SubElement(case, "skipped", message=plain(verdict.sentence))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode")

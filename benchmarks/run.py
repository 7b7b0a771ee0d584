"""``make bench``: the gateway beside a bare Envoy and beside nginx with ModSecurity, in one run on loopback.

Every subject is pinned alike: the load and the upstream on one core, what is measured on the other. Subjects take
turns, round after round, and a ratio is formed within each round, so that it holds when the machine's speed drifts.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import scale
from benchmarks.gateway import engines, load, modsecurity, project, subjects
from benchmarks.gateway.processes import Crew, free_port

HERE = Path(__file__).parent
RATES = (200, 1000)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is measured: its name, where it answers, and the request."""

    name: str
    port: int
    call: load.Call


@dataclass(frozen=True, slots=True)
class Aim:
    """A ratio that the project wants to reach."""

    name: str
    over: str
    at_least: float


AIMS = (
    Aim("native read (token)", "bare Envoy, read", 0.85),
    Aim("API-key read", "bare Envoy, read", 0.60),
    Aim("inspected write", "bare Envoy, write", 0.45),
    Aim("inspected write", "nginx + ModSecurity + CRS, write", 8.0),
    Aim("masked read", "bare Envoy, read", 0.25),
)


def throughput(chosen: Sequence[Subject], directory: Path, rounds: int, seconds: int) -> dict[str, list[float]]:
    """Requests per second of each subject, by round. A subject that answers anything but 2xx fails the run."""
    found: dict[str, list[float]] = {s.name: [] for s in chosen}
    for number in range(-1, rounds):  # the first round only warms up
        for subject in chosen:
            result = load.saturate(subject.call, subject.port, directory, seconds=seconds, core=0)
            if result.failed:
                raise RuntimeError(f"{subject.name}: {result.failed} of {result.requests} requests failed")
            if number >= 0:
                found[subject.name].append(result.per_second)
            sys.stderr.write(f"\r{subject.name:40} {result.per_second:9.0f} requests/s  round {number + 1}/{rounds} ")
            sys.stderr.flush()
    sys.stderr.write("\n")
    return found


def latencies(chosen: Sequence[Subject], seconds: float) -> list[tuple[str, int, float, float, int]]:
    """(subject, rate, p50, p99, failed or unsent) at fixed rates, counted from when each request was due."""
    rows = []
    for rate in RATES:
        for subject in chosen:
            seen = load.at_rate(subject.call, subject.port, rate=rate, seconds=seconds, core=0)
            rows.append((subject.name, rate, seen.median, seen.p99, seen.failed + seen.unsent))
    return rows


def ratios(rounds: dict[str, list[float]], name: str, over: str) -> tuple[float, float, float]:
    """Median, least and greatest ratio of two subjects within the same round."""
    pairs = [a / b for a, b in zip(rounds[name], rounds[over], strict=True)]
    return statistics.median(pairs), min(pairs), max(pairs)


def report(
    rounds: dict[str, list[float]],
    late: list[tuple[str, int, float, float, int]],
    costs: Sequence[scale.Cost],
    notes: Sequence[str],
) -> str:
    """The results as a page."""
    lines = [
        "# How fast it is",
        "",
        "Written by `make bench`. One run on loopback: everything is pinned alike, subjects take turns, and a ratio is",
        "formed within each round, so that it holds when the machine's speed drifts. Quote the ratios.",
        "",
        f"Machine: {os.cpu_count()} shared virtual cores, {platform.system()} on {platform.machine()}; "
        f"load made by {load.generator()}.",
        "",
        "## Throughput",
        "",
        "| subject | requests/s, median | least – most |",
        "|---|---:|---|",
    ]
    for name, values in rounds.items():
        lines.append(f"| {name} | {statistics.median(values):,.0f} | {min(values):,.0f} – {max(values):,.0f} |")
    lines += ["", "## Against the aims", "", "| subject | over | ratio, median | least – most | aim | reached |"]
    lines.append("|---|---|---:|---|---:|---|")
    for aim in AIMS:
        if aim.over not in rounds:
            lines.append(f"| {aim.name} | {aim.over} | not measured | | {aim.at_least:g} | unknown |")
            continue
        middle, low, high = ratios(rounds, aim.name, aim.over)
        reached = "yes" if middle >= aim.at_least else "**no**"
        lines.append(
            f"| {aim.name} | {aim.over} | {middle:.2f} | {low:.2f} – {high:.2f} | {aim.at_least:g} | {reached} |"
        )
    lines += ["", "## Latency at fixed rates", "", "| subject | requests/s | p50 ms | p99 ms | failed or late |"]
    lines.append("|---|---:|---:|---:|---:|")
    for name, rate, middle, tail, failed in late:
        shown = tuple("–" if math.isnan(v) else f"{v:.2f}" for v in (middle, tail))
        lines.append(f"| {name} | {rate} | {shown[0]} | {shown[1]} | {failed} |")
    lines += ["", "## Design time", "", "Whole processes, one run each."]
    lines += ["Aims: 1 s for 1,000 operations, 8 s for 10,000.", ""]
    lines += [
        "| command | operations | seconds | processor seconds | peak MiB |",
        "|---|---:|---:|---:|---:|",
    ]
    for c in costs:
        lines.append(
            f"| `assay {c.command}` | {c.operations:,} | {c.seconds:.2f} | {c.processor:.2f} | {c.mebibytes:.0f} |"
        )
    if notes:
        lines += ["", "## Notes", "", *(f"- {n}" for n in notes)]
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str]) -> None:
    """Runs everything; writes RESULTS.md and results.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2, help="of each subject in each round")
    parser.add_argument("--dry-run", action="store_true", help="print the page, write nothing")
    args = parser.parse_args(argv)
    notes = []
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as name:
        directory = Path(name)
        port, upstream = free_port(), free_port()
        made = project.make(directory, port=port, upstream=upstream)
        calls = subjects.calls(made)
        with Crew(directory) as crew:
            engines.upstream(crew, made.prepared.gateway.envoy, upstream, core=0)
            bare = engines.bare(crew, made, free_port(), upstream, core=1)
            engines.assay(crew, made, core=1)
            chosen = [
                Subject("bare Envoy, read", bare.port, calls["read"]),
                Subject("native read (token)", port, calls["read"]),
                Subject("API-key read", port, calls["key"]),
                Subject("masked read", port, calls["masked"]),
                Subject("bare Envoy, write", bare.port, calls["write"]),
                Subject("inspected write", port, calls["write"]),
            ]
            lacking = modsecurity.missing()
            if lacking:
                notes.append(f"nginx with ModSecurity was not measured: the Debian package {lacking} is not installed.")
            else:
                guarded = modsecurity.guarded(crew, free_port(), upstream, core=1)
                chosen.append(Subject("nginx + ModSecurity + CRS, write", guarded.port, calls["write"]))
            rounds = throughput(chosen, directory, args.rounds, args.seconds)
            late = latencies(chosen, 3.0)
        costs = scale.measure(directory, rounds=1)
    page = report(rounds, late, costs, notes)
    sys.stdout.write(page)
    if not args.dry_run:
        (HERE / "RESULTS.md").write_text(page, encoding="utf-8")
        kept = {"version": 1, "rounds": rounds, "latencies": late, "design": [asdict(c) for c in costs], "notes": notes}
        (HERE / "results.json").write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

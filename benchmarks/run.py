"""``make bench``: the gateway beside a bare Envoy and beside nginx with ModSecurity, in one run on loopback.

Everything is measured twice. Shared: load, upstream and subject may use all cores, as they would on one machine. One
core: what is measured has one core to itself, the load and the upstream have another, so that the throughput is a
measure of the processor time of all its processes together. All subjects are treated alike in both. Subjects take
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

from benchmarks import organisation, risk, scale
from benchmarks.gateway import engines, load, modsecurity, project, subjects
from benchmarks.gateway.processes import Crew, free_port
from benchmarks.proving import compare, verifying, whole
from benchmarks.proving import page as proving

HERE = Path(__file__).parent
RATES = (200, 1000)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is measured: its name, where it answers, and the request."""

    name: str
    port: int
    call: load.Call


@dataclass(frozen=True, slots=True)
class Setting:
    """Where things run: cores of the load with the upstream, and of the subjects; None is wherever there is time."""

    name: str
    load: int | None
    subject: int | None


SHARED = Setting("all cores shared", None, None)
ONE_CORE = Setting("gateway on one core", 0, 1)
"""The aims come from a measurement in which everything shared the cores, so they are judged there."""

Rounds = dict[str, list[float]]
"""Requests per second of each subject, by round."""


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


def throughput(
    chosen: Sequence[Subject], directory: Path, rounds: int, seconds: int, setting: Setting = ONE_CORE
) -> Rounds:
    """Requests per second of each subject, by round. A subject that answers anything but 2xx fails the run."""
    found: Rounds = {s.name: [] for s in chosen}
    for number in range(-1, rounds):  # the first round only warms up
        for subject in chosen:
            result = load.saturate(subject.call, subject.port, directory, seconds=seconds, core=setting.load)
            if result.failed:
                raise RuntimeError(f"{subject.name}: {result.failed} of {result.requests} requests failed")
            if number >= 0:
                found[subject.name].append(result.per_second)
            sys.stderr.write(
                f"\r{subject.name:40} {result.per_second:9.0f} requests/s  round {number + 1}/{rounds}, {setting.name} "
            )
            sys.stderr.flush()
    sys.stderr.write("\n")
    return found


def latencies(chosen: Sequence[Subject], seconds: float, setting: Setting) -> list[tuple[str, int, float, float, int]]:
    """(subject, rate, p50, p99, failed or unsent) at fixed rates, counted from when each request was due."""
    rows = []
    for rate in RATES:
        for subject in chosen:
            seen = load.at_rate(subject.call, subject.port, rate=rate, seconds=seconds, core=setting.load)
            rows.append((subject.name, rate, seen.median, seen.p99, seen.failed + seen.unsent))
    return rows


def ratios(rounds: Rounds, name: str, over: str) -> tuple[float, float, float]:
    """Median, least and greatest ratio of two subjects within the same round."""
    pairs = [a / b for a, b in zip(rounds[name], rounds[over], strict=True)]
    return statistics.median(pairs), min(pairs), max(pairs)


def _throughputs(found: Sequence[tuple[Setting, Rounds]]) -> list[str]:
    """Medians of each subject and their spread, one pair of columns for each setting."""
    names = "".join(f" {setting.name}: requests/s, median | least – most |" for setting, _ in found)
    lines = [f"| subject |{names}", "|---|" + "---:|---|" * len(found)]
    for name in found[0][1]:
        values = [rounds[name] for _, rounds in found]
        cells = "".join(f" {statistics.median(v):,.0f} | {min(v):,.0f} – {max(v):,.0f} |" for v in values)
        lines.append(f"| {name} |{cells}")
    return lines


def _ratio(rounds: Rounds, aim: Aim) -> str:
    middle, low, high = ratios(rounds, aim.name, aim.over)
    return f"{middle:.2f} ({low:.2f} – {high:.2f})"


def _judged(found: Sequence[tuple[Setting, Rounds]]) -> list[str]:
    """Ratios in every setting, and whether the first one's reach the aims."""
    names = "".join(f" {setting.name}: ratio, median (least – most) |" for setting, _ in found)
    lines = [f"| subject | over |{names} aim | reached |", "|---|---|" + "---:|" * len(found) + "---:|---|"]
    for aim in AIMS:
        known = aim.over in found[0][1]
        cells = "".join(f" {_ratio(rounds, aim) if known else 'not measured'} |" for _, rounds in found)
        reached = "unknown"
        if known:
            reached = "yes" if ratios(found[0][1], aim.name, aim.over)[0] >= aim.at_least else "**no**"
        lines.append(f"| {aim.name} | {aim.over} |{cells} {aim.at_least:g} | {reached} |")
    return lines


def report(
    found: Sequence[tuple[Setting, Rounds]],
    late: list[tuple[str, int, float, float, int]],
    costs: Sequence[scale.Cost],
    large: scale.Cost,
    risks: risk.Spent,
    notes: Sequence[str],
) -> str:
    """The results as a page. The aims are judged in the first setting."""
    lines = [
        "# How fast it is",
        "",
        "Written by `make bench`. One run on loopback: all subjects are treated alike and take turns, and a ratio is",
        "formed within each round, so that it holds when the machine's speed drifts. Quote the ratios.",
        "",
        f"Machine: {os.cpu_count()} shared virtual cores, {platform.system()} on {platform.machine()}; "
        f"load made by {load.generator()}, {load.CONNECTIONS} connections to every subject.",
        "",
        "There are two settings. *All cores shared*: load, upstream and subject, with Envoy's helpers, run wherever",
        "there is time. *Gateway on one core*: all processes of a subject have one core together, the load and the",
        "upstream another; there Envoy and its helpers cannot work at the same time, so the ratios are those of their",
        "processor time. The aims come from a measurement with all cores shared, so they are judged in that setting.",
        "",
        "## Throughput",
        "",
        *_throughputs(found),
        "",
        f"## Against the aims, {found[0][0].name}",
        "",
        *_judged(found),
    ]
    lines += [
        "",
        f"## Latency at fixed rates, {found[0][0].name}",
        "",
        "| subject | requests/s | p50 ms | p99 ms | failed or late |",
    ]
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
    size = organisation.FULL
    lines += [
        "",
        f"An organisation of {size.systems:,} systems, {size.flows:,} flows, {size.operations:,} operations of"
        f" {size.apis} APIs and {size.accounts:,} accounts",
        f"(aim: 10 s): `assay check` {large.seconds:.2f} s, {large.processor:.2f} s of processor,"
        f" {large.mebibytes:.0f} MiB.",
        "",
        "Risk in one process: " + risk.lines(risks)[0],
        *risk.lines(risks)[1:],
    ]
    if notes:
        lines += ["", "## Notes", "", *(f"- {n}" for n in notes)]
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str]) -> None:
    """Runs everything; writes RESULTS.md and results.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2, help="of each subject in each round")
    parser.add_argument("--skip-proving", action="store_true", help="leave out the proof, the long logs and the zoo")
    parser.add_argument("--dry-run", action="store_true", help="print the page, write nothing")
    args = parser.parse_args(argv)
    notes = []
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as name:
        lacking = modsecurity.missing()
        if lacking:
            notes.append(f"nginx with ModSecurity was not measured: the Debian package {lacking} is not installed.")
        found: list[tuple[Setting, Rounds]] = []
        late: list[tuple[str, int, float, float, int]] = []
        for setting in (SHARED, ONE_CORE):
            directory = Path(name, str(len(found)))
            directory.mkdir()
            with Crew(directory) as crew:
                chosen = _subjects(crew, directory, setting, guarded=not lacking)
                found.append((setting, throughput(chosen, directory, args.rounds, args.seconds, setting)))
                late = late or latencies(chosen, 3.0, setting)
        costs = scale.measure(Path(name), rounds=1)
        large = organisation.measure(Path(name))
    risks = risk.measure()
    page = report(found, late, costs, large, risks, notes)
    proved = None if args.skip_proving else _proving()
    page += f"\n{proving.section(*proved)}" if proved else ""
    sys.stdout.write(page)
    if not args.dry_run:
        (HERE / "RESULTS.md").write_text(page, encoding="utf-8")
        rounds = {setting.name: rounds for setting, rounds in found}
        kept = {"version": 2, "rounds": rounds, "latencies": late, "design": [asdict(c) for c in costs]}
        kept |= {"organisation": asdict(large), "risk": asdict(risks), "notes": notes}
        if proved:
            full, logs, zoo = proved
            kept |= {"proving": {"whole": asdict(full), "logs": [asdict(log) for log in logs], "zoo": asdict(zoo)}}
        (HERE / "results.json").write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")


def _proving() -> tuple[whole.Whole, tuple[verifying.Log, ...], compare.Comparison]:
    """A full proof, long logs, and the zoo: half an hour, most of it two tools on the zoo."""
    return (
        whole.measure(),
        verifying.measure(),
        compare.compare(tell=lambda text: print(text, file=sys.stderr, flush=True)),
    )


def _subjects(crew: Crew, directory: Path, setting: Setting, *, guarded: bool) -> list[Subject]:
    """Starts everything; what there is to measure."""
    port, upstream = free_port(), free_port()
    made = project.make(directory, port=port, upstream=upstream)
    calls = subjects.calls(made)
    engines.upstream(crew, made.prepared.gateway.envoy, upstream, core=setting.load)
    bare = engines.bare(crew, made, free_port(), upstream, core=setting.subject)
    engines.assay(crew, made, core=setting.subject)
    chosen = [
        Subject("bare Envoy, read", bare.port, calls["read"]),
        Subject("native read (token)", port, calls["read"]),
        Subject("API-key read", port, calls["key"]),
        Subject("masked read", port, calls["masked"]),
        Subject("bare Envoy, write", bare.port, calls["write"]),
        Subject("inspected write", port, calls["write"]),
    ]
    if guarded:
        rules = modsecurity.guarded(crew, free_port(), upstream, core=setting.subject)
        chosen.append(Subject("nginx + ModSecurity + CRS, write", rules.port, calls["write"]))
    return chosen


if __name__ == "__main__":
    main(sys.argv[1:])

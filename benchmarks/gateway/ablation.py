"""Where the time goes in Envoy: the same request with parts of the configuration left out, processor time each.

``python -m benchmarks.gateway.ablation [read|key|write|masked]``. Leaving a check out never refuses a request, so every
variant answers; what it costs is the difference. Processor time and not throughput, since other work on the machine
disturbs it least; rounds are interleaved for the same reason.
"""

from __future__ import annotations

import argparse
import copy
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.gateway import engines, load, project, subjects
from benchmarks.gateway.processes import Crew, Process, free_port, processor_seconds, wait_for

from assay.gateway.envoy import translate

Json = dict[str, Any]
Change = Callable[[Json, Json], None]


def _manager(lds: Json) -> Json:
    found: Json = lds["resources"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    return found


def without(*names: str) -> Change:
    """Leaves filters out."""

    def change(lds: Json, rds: Json) -> None:
        manager = _manager(lds)
        manager["http_filters"] = [f for f in manager["http_filters"] if f["name"] not in names]
        routes = rds["resources"][0]
        for holder in (routes, *(r for h in routes["virtual_hosts"] for r in h["routes"])):
            for name in names:
                holder.get("typed_per_filter_config", {}).pop(name, None)

    return change


def dropping(*keys: str) -> Change:
    """Leaves members of the connection manager out."""

    def change(lds: Json, _rds: Json) -> None:
        for key in keys:
            _manager(lds).pop(key, None)

    return change


def variants(manager: Json) -> dict[str, Change]:
    """Every optional filter alone, some together, and the connection manager's own extras."""
    names = [f["name"] for f in manager["http_filters"] if f["name"] != "envoy.filters.http.router"]
    found: dict[str, Change] = {"everything": lambda _l, _r: None}
    # Without these two the other filters refuse: nobody has proven who calls, and the inspector is not told what for.
    needed = ("envoy.filters.http.jwt_authn", "assay.operation")
    found |= {f"without {n}": without(n) for n in names if n not in needed}
    rbac = ("assay.authentication", "assay.consumer_networks", "assay.access", "assay.networks")
    found["without all RBAC"] = without(*rbac)
    found["without RBAC and jwt_authn"] = without(*rbac, "envoy.filters.http.jwt_authn")
    found["without any filter"] = without(*names)
    found["without early mutation"] = dropping("early_header_mutation_extensions")
    found["without local replies"] = dropping("local_reply_config")
    found["without access log"] = dropping("access_log")
    return found


def _start(crew: Crew, made: project.Made, name: str, change: Change, core: int | None) -> tuple[int, Process]:
    port = free_port()
    directory = crew.directory / name.replace(" ", "-")
    directory.mkdir()
    configuration = translate(made.prepared.policy, made.prepared.facts.gather())
    files = copy.deepcopy(configuration.files)
    change(files["lds.json"], files["rds.json"])
    files["lds.json"]["resources"][0]["address"]["socket_address"]["port_value"] = port
    text = {n: json.dumps(c).replace(str(made.prepared.paths.live), str(directory)) for n, c in files.items()}
    bootstrap = json.dumps(configuration.bootstrap).replace(str(made.prepared.paths.live), str(directory))
    bootstrap = bootstrap.replace(configuration.bootstrap["admin"]["address"]["pipe"]["path"], str(directory / "admin"))
    for file, content in (*text.items(), ("bootstrap.json", bootstrap)):
        (directory / file).write_text(content)
    argv = [str(made.prepared.gateway.envoy), "-c", str(directory / "bootstrap.json"), "--concurrency", "1"]
    argv += ["--disable-hot-restart", "--log-level", "error", "--file-flush-interval-msec", "100"]
    process = crew.start(directory.name, argv, core=core)
    wait_for(port, process)
    return port, process


def measure(chosen: dict[str, tuple[int, Sequence[Process]]], call: load.Call, directory: Path, args: Any) -> None:
    """Prints the processor time per request of each variant, and its difference to the first one, round by round."""
    spent: dict[str, list[float]] = {name: [] for name in chosen}
    for _ in range(args.rounds):
        for name, (port, processes) in chosen.items():
            before = processor_seconds(processes)
            result = load.saturate(call, port, directory, seconds=args.seconds, core=0)
            if result.failed:
                raise RuntimeError(f"{name}: {result.failed} of {result.requests} requests failed")
            spent[name].append((processor_seconds(processes) - before) / result.requests * 1e6)
    first = next(iter(spent))
    for name, values in spent.items():
        differences = [b - a for a, b in zip(values, spent[first], strict=True)]
        saved, low, high = statistics.median(differences), min(differences), max(differences)
        print(f"{name:44} {statistics.median(values):7.1f} µs   saves {saved:6.1f} ({low:6.1f} … {high:6.1f})")


def main(argv: Sequence[str]) -> None:
    """Starts every variant at once, then takes turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("subject", nargs="?", default="read", choices=("read", "key", "write", "masked"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=1)
    parser.add_argument("--only", default="", help="variants whose name contains this, beside the first")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as name:
        directory = Path(name)
        port, upstream = free_port(), free_port()
        made = project.make(directory, port=port, upstream=upstream)
        call = subjects.calls(made)[args.subject]
        with Crew(directory) as crew:
            engines.upstream(crew, made.prepared.gateway.envoy, upstream, core=0)
            bare = engines.bare(crew, made, free_port(), upstream, core=1)
            shipped = engines.assay(crew, made, core=1)
            files = translate(made.prepared.policy, made.prepared.facts.gather()).files
            chosen: dict[str, tuple[int, Sequence[Process]]] = {}
            for variant, change in variants(_manager(files["lds.json"])).items():
                if args.only in variant or not chosen:
                    port, process = _start(crew, made, variant, change, 1)
                    chosen[variant] = port, (process,)
            chosen["bare Envoy"] = bare.port, bare.processes
            chosen["as shipped, parts included"] = shipped.port, shipped.processes
            measure(chosen, call, directory, args)


if __name__ == "__main__":
    main(sys.argv[1:])

"""Has Envoy itself judge a configuration before anything is replaced.

``envoy --mode validate`` does not load files that a bootstrap merely watches, so the same resources are given to it in
one static bootstrap, the routes inside the listener that would fetch them. Unknown fields are refused in that form.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from assay.domain import IncompleteError
from assay.gateway.envoy import Configuration

_MANAGER = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_LONGEST_REASON = 400
_PER_BYTE = 2e-6
"""Seconds: a contract of twenty thousand operations becomes 300 MB, which Envoy reads in a minute of a processor."""
_UNKNOWN = re.compile(r"(no such field|unknown enum value): '[^']*'")
_INDEXED = re.compile(r"VirtualHosts\[(\d+)\].*?Routes\[(\d+)\]", re.DOTALL)

Json = dict[str, Any]


def static_bootstrap(configuration: Configuration) -> Json:
    """The whole configuration as one bootstrap without anything dynamic. Pure.

    Raises:
        IncompleteError: a listener asks for routes that the configuration does not have.
    """
    routes = {r.get("name", ""): _plain(r) for r in configuration.files["rds.json"]["resources"]}
    kept = {k: v for k, v in configuration.bootstrap.items() if k not in ("dynamic_resources", "admin")}
    return {
        **kept,
        "static_resources": {
            "listeners": [_inlined(_plain(x), routes) for x in configuration.files["lds.json"]["resources"]],
            "clusters": [_plain(x) for x in configuration.files["cds.json"]["resources"]],
        },
    }


def _plain(resource: Json) -> Json:
    return {k: v for k, v in resource.items() if k != "@type"}


def _inlined(node: Any, routes: Mapping[str, Json]) -> Any:
    if isinstance(node, list):
        return [_inlined(n, routes) for n in node]
    if not isinstance(node, dict):
        return node
    if str(node.get("@type", "")).endswith(_MANAGER) and "rds" in node:
        name = node["rds"].get("route_config_name", "")
        if name not in routes:
            raise IncompleteError(
                f"a listener asks for the routes `{name}`, which the configuration does not have",
                fix="this is a defect of Assay: please report it",
            )
        return {**{k: v for k, v in node.items() if k != "rds"}, "route_config": routes[name]}
    return {k: _inlined(v, routes) for k, v in node.items()}


def validate(configuration: Configuration, envoy: Path, *, timeout: float = 120.0) -> None:
    """Has Envoy judge ``configuration``; nothing listens and nothing is changed.

    ``timeout`` is in seconds, for a small configuration; large ones are given more.

    Raises:
        IncompleteError: Envoy refuses it; the sentence has the resource and Envoy's own reason. Or Envoy cannot be run.
    """
    bootstrap = static_bootstrap(configuration)
    reason = _judge(bootstrap, envoy, timeout)
    if reason is None:
        return
    # A copy: looking for the culprit takes routes away, and the configuration itself must stay as it is.
    apart = msgspec.json.decode(msgspec.json.encode(bootstrap))
    culprit = _culprit(apart, reason, lambda b: _judge(b, envoy, timeout))
    raise IncompleteError(
        f"Envoy refuses the configuration{culprit}: {shorten(reason)}",
        fix="nothing was changed; correct what the message names, or report it if the declaration cannot cause it",
    )


def _judge(bootstrap: Json, envoy: Path, timeout: float) -> str | None:
    """Envoy's reason to refuse, or None."""
    try:
        return _judged(bootstrap, envoy, timeout)
    except OSError as error:  # the disk is full, or the temporary folder may not be written to
        raise IncompleteError(
            f"the configuration could not be written for Envoy to judge: {(error.strerror or str(error)).lower()}",
            fix=f"make room in `{tempfile.gettempdir()}`, or name another folder in TMPDIR",
        ) from error


def _judged(bootstrap: Json, envoy: Path, timeout: float) -> str | None:
    with tempfile.TemporaryDirectory(prefix="assay-validate-") as directory:
        file = Path(directory) / "bootstrap.json"
        file.touch(mode=0o600)
        patience = timeout + _PER_BYTE * file.write_bytes(msgspec.json.encode(bootstrap))
        command = [str(envoy), "--mode", "validate", "-c", str(file), "-l", "error", "--disable-hot-restart"]
        try:
            # Validation opens the access log, and so may be the one that makes it.
            done = subprocess.run(
                command, capture_output=True, timeout=patience, check=False, stdin=subprocess.DEVNULL, umask=0o077
            )
        except subprocess.TimeoutExpired as error:
            raise IncompleteError(
                f"Envoy did not judge the configuration within {patience:.0f} seconds",
                fix="try again on a quieter machine",
            ) from error
        except OSError as error:
            raise IncompleteError(f"Envoy cannot be run: {error.strerror}", fix=f"check `{envoy}`") from error
    if done.returncode == 0:
        return None
    text = done.stderr.decode("utf-8", "replace") or done.stdout.decode("utf-8", "replace")
    return text or f"exit code {done.returncode}"


def _culprit(bootstrap: Json, reason: str, judge: Callable[[Json], str | None]) -> str:
    """Names the resource at fault: the route whose number Envoy gives, else what it refuses when the rest is gone."""
    resources = bootstrap["static_resources"]
    managers = [m for listener in resources["listeners"] for m in _managers(listener)]
    indexed = _INDEXED.search(reason)
    if indexed and len(managers) == 1:
        hosts = managers[0]["route_config"].get("virtual_hosts", [])
        host, route = int(indexed[1]), int(indexed[2])
        if host < len(hosts) and route < len(hosts[host].get("routes", [])):
            return f" of the route `{hosts[host]['routes'][route].get('name', route)}`"
    for cluster in resources["clusters"]:
        name = cluster.get("name", "")
        if name and f"'{name}'" in reason:
            return f" of the cluster `{name}`"
    if judge({**bootstrap, "static_resources": {**resources, "listeners": []}}) is not None:
        return " of a cluster"
    for manager in managers:
        for host in manager["route_config"].get("virtual_hosts", []):
            found = _bisect(host, lambda: judge(bootstrap))
            if found:
                return f" of the route `{found}`"
    names = ", ".join(f"`{x.get('name', '')}`" for x in resources["listeners"])
    return f" of the listener {names}"


def _managers(node: Any) -> list[Json]:
    if isinstance(node, list):
        return [m for n in node for m in _managers(n)]
    if not isinstance(node, dict):
        return []
    if str(node.get("@type", "")).endswith(_MANAGER) and "route_config" in node:
        return [node]
    return [m for n in node.values() for m in _managers(n)]


def _bisect(host: Json, judge: Callable[[], str | None]) -> str | None:
    """The one route of ``host`` without which Envoy is content: about log2(routes) judgements. ``host`` is restored."""
    every = host.get("routes", [])
    try:
        host["routes"] = []
        if judge() is not None:
            return None
        suspects = every
        while len(suspects) > 1:
            half = suspects[: len(suspects) // 2]
            host["routes"] = half
            suspects = half if judge() is not None else suspects[len(half) :]
        host["routes"] = suspects
        return str(suspects[0].get("name", "")) if suspects and judge() is not None else None
    finally:
        host["routes"] = every


def shorten(reason: str) -> str:
    """The cause at the end of Envoy's account, without the dump of the message before it.

    Envoy writes chains of ``… | caused by …``, and puts the offending message before ``: Proto constraint validation
    failed``. The last link is the cause.
    """
    text = reason.strip()
    _, marker, constraint = text.rpartition("Proto constraint validation failed")
    if marker:
        text = constraint.strip().removeprefix("(").removesuffix(")")
    else:
        lines = [x.strip() for x in text.splitlines() if x.strip()]
        text = next((x for x in lines if "error" in x.lower() or "invalid" in x.lower()), lines[0] if lines else "")
        text = re.sub(r"^\[[^\]]*\](\[[^\]]*\])*\s*(\[[^\]]*\]\s*)?", "", text)
        text = re.sub(r"^error initializing (configuration|config) '[^']*':?\s*", "", text)
    cause = re.sub(r"\s+", " ", text.rsplit("| caused by ", 1)[-1]).strip()
    unknown = _UNKNOWN.search(cause)
    if unknown:
        cause = unknown[0]
    return cause if len(cause) <= _LONGEST_REASON else cause[: _LONGEST_REASON - 1] + "…"

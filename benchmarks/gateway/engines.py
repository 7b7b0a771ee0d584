"""What is measured: Assay's gateway as it is shipped, and a bare Envoy that writes the same log."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.gateway.processes import Crew, Process, wait_for
from benchmarks.gateway.project import CUSTOMER, ITEM, Made

from assay.gateway.envoy import translate
from assay.gateway.envoy.access_log import fields
from assay.gateway.envoy.filters import View
from assay.gateway.envoy.types import typed
from assay.gateway.inspector import bundle as inspector
from assay.gateway.layout import open_sockets
from assay.gateway.processor import bundle as processor
from assay.gateway.supervisor.parts import envoy_part, inspector_part, processor_part

Json = dict[str, Any]
_MANAGER = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"


@dataclass(frozen=True, slots=True)
class Engine:
    """Something that answers on a port, and the processes it consists of."""

    name: str
    port: int
    processes: tuple[Process, ...]


def _listener(port: int, manager: Json) -> Json:
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    return {
        "name": "only",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [chain],
    }


def _router() -> Json:
    return {
        "name": "envoy.filters.http.router",
        "typed_config": typed("envoy.extensions.filters.http.router.v3.Router"),
    }


def _run(crew: Crew, name: str, binary: Path, configuration: Json, *, port: int, core: int | None) -> Process:
    file = crew.directory / f"{name}.json"
    file.write_text(json.dumps(configuration))
    argv = [str(binary), "-c", str(file), "--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]
    process = crew.start(name, [*argv, "--file-flush-interval-msec", "100"], core=core)
    wait_for(port, process)
    return process


def upstream(crew: Crew, binary: Path, port: int, *, core: int | None) -> Process:
    """A service that answers at once, from memory. It reads a request's body before it answers, as services do."""

    def answer(prefix: str, body: bytes) -> Json:
        header = {"header": {"key": "content-type", "value": "application/json"}}
        return {
            "match": {"prefix": prefix},
            "direct_response": {"status": 200, "body": {"inline_string": body.decode()}},
            "response_headers_to_add": [{**header, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}],
        }

    buffer = {
        "name": "envoy.filters.http.buffer",
        "typed_config": typed("envoy.extensions.filters.http.buffer.v3.Buffer", max_request_bytes=1 << 20),
    }
    routes = [answer("/customers", CUSTOMER), answer("/", ITEM)]
    manager = typed(
        _MANAGER,
        stat_prefix="upstream",
        generate_request_id=False,
        route_config={"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
        http_filters=[buffer, _router()],
    )
    configuration = {"static_resources": {"listeners": [_listener(port, manager)]}}
    return _run(crew, "upstream", binary, configuration, port=port, core=core)


def bare(crew: Crew, made: Made, port: int, upstream_port: int, *, core: int | None) -> Engine:
    """Envoy as a plain proxy: no check at all, its own defaults, but the same fields of the same JSON log.

    The very format that Assay's gateway has, though a bare Envoy leaves most of its fields empty: the aims speak of an
    Envoy with the same log. Looking for what only Assay can fill takes 15 of its 223 thousand instructions for a read.
    """
    view = View(made.prepared.policy, made.prepared.facts.gather())
    log = typed(
        "envoy.extensions.access_loggers.file.v3.FileAccessLog",
        path=str(crew.directory / "bare-access.jsonl"),
        log_format={"json_format": fields(view), "omit_empty_values": True},
    )
    route = {"name": "all", "match": {"prefix": "/"}, "route": {"cluster": "upstream"}}
    manager = typed(
        _MANAGER,
        stat_prefix="bare",
        route_config={"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        access_log=[{"name": "envoy.access_loggers.file", "typed_config": log}],
        http_filters=[_router()],
    )
    address = {"socket_address": {"address": "127.0.0.1", "port_value": upstream_port}}
    cluster = {
        "name": "upstream",
        "type": "STATIC",
        "load_assignment": {
            "cluster_name": "upstream",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
        },
    }
    configuration = {"static_resources": {"listeners": [_listener(port, manager)], "clusters": [cluster]}}
    process = _run(crew, "bare", made.prepared.gateway.envoy, configuration, port=port, core=core)
    return Engine("bare Envoy", port, (process,))


def assay(crew: Crew, made: Made, *, core: int | None) -> Engine:
    """Envoy, inspector and processor, started with the commands that `assay up` uses."""
    paths, policy = made.prepared.paths, made.prepared.policy
    configuration = translate(policy, made.prepared.facts.gather())
    paths.live.mkdir(parents=True, exist_ok=True)
    open_sockets(paths)
    for name, content in configuration.files.items():
        (paths.live / name).write_text(json.dumps(content))
    paths.bootstrap.write_text(json.dumps(configuration.bootstrap))
    for file, content in (
        (paths.inspector_bundle, inspector.encode(inspector.build(policy))),
        (paths.processor_bundle, processor.encode(processor.build(policy))),
    ):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    beside = [
        (inspector_part(paths, {}), paths.inspector_socket),
        (processor_part(paths, {}), paths.processor_socket),
    ]
    processes = []
    for part, socket in beside:
        process = crew.start(part.name, part.argv, core=core)
        wait_for(socket, process)
        processes.append(process)
    part = envoy_part(made.prepared.gateway, {}, concurrency=1)
    process = crew.start(part.name, part.argv, core=core)
    wait_for(made.port, process)
    return Engine("Assay", made.port, (process, *processes))

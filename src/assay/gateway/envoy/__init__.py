"""From policy to Envoy configuration: the second of the two translators, one file per filter."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import msgspec

from assay.gateway.assemble import Policy
from assay.gateway.envoy.bootstrap import bootstrap
from assay.gateway.envoy.clusters import clusters
from assay.gateway.envoy.filters import View
from assay.gateway.envoy.listener import listener
from assay.gateway.envoy.routes import marked, routes
from assay.gateway.envoy.types import Json
from assay.gateway.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Configuration:
    """What Envoy runs.

    Attributes:
        version: first 16 hexadecimal digits of the SHA-256 over all files; each file carries it.
        bootstrap: what Envoy is started with.
        files: the dynamic resources by file name (``cds.json``, ``lds.json``, ``rds.json``).
    """

    version: str
    bootstrap: Json
    files: dict[str, Json]


def _version(*parts: object) -> str:
    return hashlib.sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()[:16]


def translate(policy: Policy, runtime: Runtime) -> Configuration:
    """Compiles the policy. Pure: the same policy and facts give the same bytes."""
    view = View(policy, runtime)
    cluster_list, gateway, paths = clusters(view), listener(view), routes(view)
    version = _version(cluster_list, gateway, paths)
    resources = {"cds.json": cluster_list, "lds.json": [gateway], "rds.json": [marked(paths, version)]}
    files = {name: {"version_info": version, "resources": found} for name, found in resources.items()}
    return Configuration(version=version, bootstrap=bootstrap(view), files=files)


__all__ = ["Configuration", "translate"]

"""The example, judged and compiled: real values for pages that show what values look like."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from assay.app.project import Project, open_project
from assay.controls.base import Site
from assay.controls.registry import compile_policy
from assay.gateway.assemble import Policy
from assay.gateway.envoy.filters.base import View
from assay.gateway.runtime import Runtime, Sockets

EXAMPLE = Path(__file__).parents[2] / "examples" / "customer-data"


@cache
def project() -> Project:
    """The Customer Data API's declaration, read with an empty environment."""
    return open_project(EXAMPLE, environ={})


@cache
def policy() -> Policy:
    """What its controls ask of the gateway, on a machine whose files are where these names say."""
    site = Site("server.crt", "server.key", "ca.crt", "http://127.0.0.1:8444")
    return compile_policy(project().declaration, site)


def view() -> View:
    """The policy with the fewest facts the translation needs."""
    return View(policy(), Runtime(Sockets("admin.sock", "inspector.sock", "processor.sock"), "access.jsonl", "live"))

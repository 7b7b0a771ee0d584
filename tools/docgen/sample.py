"""The example, judged and compiled: real values for pages that show what values look like."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec

from assay.app.project import Project, open_project
from assay.controls.base import Site
from assay.controls.registry import compile_policy
from assay.gateway import ir
from assay.gateway.assemble import Policy, assemble
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
    """A policy in which everything is that the translation knows: every mode, and opaque tokens."""
    runtime = Runtime(Sockets("admin.sock", "inspector.sock", "processor.sock"), "access.jsonl", "live")
    return View(assemble(map(_fuller, policy().pieces)), runtime)


def _fuller(piece: ir.AnyPiece) -> ir.AnyPiece:
    if isinstance(piece, ir.TokenIssuer):
        asked = ir.IntrospectionPolicy("https://login.example/introspect", "assay", "env:SECRET")
        return msgspec.structs.replace(piece, introspection=asked)
    if isinstance(piece, ir.NetworkRule | ir.Authentication | ir.AccessRule | ir.Limit):
        return msgspec.structs.replace(piece, mode=ir.Mode.OBSERVE)
    return piece

"""The whole gateway of a project: what must exist before it starts, and everything a run depends on."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from assay.app import issuing
from assay.app.addresses import issuer_address, keys_file, now
from assay.app.deciding import signed_approvals
from assay.app.keeping import keeping_applications
from assay.app.planning import production_apis
from assay.app.project import Project
from assay.app.site import Facts, certificate_files, ensure_keysets, prepare_site
from assay.controls.registry import compile_policy
from assay.gateway.apply import Gateway, Result
from assay.gateway.apply.binary import find_envoy
from assay.gateway.assemble import Policy
from assay.gateway.state import Paths, prepare
from assay.gateway.supervisor.events import Event
from assay.gateway.supervisor.part import Part
from assay.gateway.supervisor.parts import bundles, envoy_part, inspector_part, issuer_part, processor_part
from assay.gateway.supervisor.ports import check_free
from assay.gateway.supervisor.run import Run
from assay.identity.issuer.config import CONFIG_FILE

_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "PYTHONPATH", "VIRTUAL_ENV")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A project whose certificates, keys and issuer exist, compiled and ready to be applied or run."""

    project: Project
    paths: Paths
    policy: Policy
    facts: Facts
    gateway: Gateway
    has_issuer: bool


def prepare_project(project: Project) -> Prepared:
    """Makes what is missing on disk and compiles the declaration.

    Raises:
        AssayError: something cannot be made, or the declaration does not compile.
    """
    paths = prepare(project.state, environ=os.environ)
    site = prepare_site(project, paths)
    issued = issuing.prepare(project, paths)
    policy = compile_policy(project.declaration, site)
    ensure_keysets(policy, paths)
    facts = Facts(project, paths, concurrency=min(2, os.cpu_count() or 1))
    gateway = Gateway(paths=paths, envoy=find_envoy(), now=now, bundles=bundles(paths, facts.folders))
    return Prepared(project, paths, policy, facts, gateway, issued is not None)


def url_of(project: Project) -> str:
    """Where callers reach the gateway."""
    declared = project.declaration.model.gateway
    return f"{'http' if declared.plaintext else 'https'}://{declared.listen}"


def issuer_url(project: Project) -> str:
    """Where the development issuer answers."""
    return f"http://{issuer_address(project.declaration)}"


def _environment(secrets: Iterable[str] = ()) -> Mapping[str, str]:
    """Only what a part needs; no secret of this shell, but for those it must resolve itself."""
    return {name: os.environ[name] for name in (*_KEPT, *secrets) if name in os.environ}


def _secrets(policy: Policy) -> tuple[str, ...]:
    """Environment variables that the inspector resolves introspection credentials from."""
    references = (i.introspection.credential for i in policy.issuers if i.introspection)
    return tuple(r.removeprefix("env:") for r in references if r.startswith("env:"))


def _first(prepared: Prepared) -> list[Part]:
    if not prepared.has_issuer:
        return []
    host, _, port = issuer_address(prepared.project.declaration).rpartition(":")
    check_free(host, int(port), at=prepared.project.declaration.locate("environments"))
    config = prepared.paths.issuer / CONFIG_FILE
    return [issuer_part(prepared.paths, config, issuer_url(prepared.project), _environment())]


def settings(
    prepared: Prepared,
    *,
    emit: Callable[[Event], None],
    ready: Callable[[Result], None],
    approve: Iterable[str] = (),
) -> Run:
    """Everything a run of the gateway depends on; see :func:`assay.gateway.supervisor.run.run`.

    Raises:
        IncompleteError: the development issuer's port is taken.
    """
    paths, facts = prepared.paths, prepared.facts

    def trouble() -> Iterable[str]:
        return [f"issuer {name}: {why}" for name, why in facts.trouble.items()]

    return Run(
        gateway=prepared.gateway,
        policy=prepared.policy,
        first=_first(prepared),
        parts=(
            inspector_part(paths, _environment(_secrets(prepared.policy))),
            processor_part(paths, _environment()),
            envoy_part(prepared.gateway, _environment(), concurrency=facts.concurrency),
        ),
        load=facts.gather,
        watch=(keys_file(paths.root), paths.issuer / "signing-keys.json", *certificate_files(prepared.project)),
        trouble=trouble,
        by=getpass.getuser(),
        emit=keeping_applications(prepared.project, paths, emit),
        ready=ready,
        approve=tuple(approve),
        production=production_apis(prepared.project),
        at=prepared.project.declaration.locate("assay"),
        signed=signed_approvals(prepared.project, getpass.getuser()),
    )

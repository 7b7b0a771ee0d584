"""One running example whose protection is weakened, again and again, and measured by what was promised.

What is claimed never changes: every proof is made for the good declaration. What runs is something weaker: another
declaration that was applied, or Envoy's configuration altered behind Assay's back.
"""

from __future__ import annotations

import asyncio
import copy
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from assay.app.aiming import at_project
from assay.app.project import Project, open_project
from assay.app.proving import Choice, proven
from assay.app.stack import Prepared, prepare_project, settings
from assay.demo.service import Service, running_service
from assay.demo.stage import example, in_thread
from assay.domain import Outcome
from assay.gateway import ir
from assay.gateway.apply import Result, apply
from assay.gateway.assemble import Policy, assemble
from assay.gateway.envoy import Configuration, translate
from assay.gateway.ports import free_ports
from assay.gateway.runtime import Runtime
from assay.gateway.supervisor.run import run
from assay.prove.bounds import Limits
from assay.prove.result import Proof

PATIENCE = 5.0
"""How long the gateway waits for its service, in seconds."""
BOUNDS = Limits(requests=6000, per_second=600, seconds=300.0, wait=14.0)
Declared = Callable[[Path], None]
"""Weakens a copy of the example's declaration, in this folder."""
Compiled = Callable[[dict[str, Any]], None]
"""Weakens what Envoy is given: its resources by file name (``lds.json``, ``rds.json``, ``cds.json``), in place."""


@dataclass
class _Twisted:
    """Compiles as Assay does, and then alters what comes of it."""

    twist: Compiled | None = None

    def __call__(self, policy: Policy, runtime: Runtime) -> Configuration:
        made = translate(policy, runtime)
        if self.twist is None:
            return made
        files = copy.deepcopy(made.files)
        self.twist({name: file["resources"] for name, file in files.items()})
        text = json.dumps(files, sort_keys=True)
        version = hashlib.sha256(text.encode()).hexdigest()[:16]
        return Configuration(version, made.bootstrap, json.loads(text.replace(made.version, version)))


@dataclass
class Laboratory:
    """The running example. ``good`` is what is claimed about it."""

    good: Project
    prepared: Prepared
    service: Service
    environ: Mapping[str, str]
    directory: Path
    _twisted: _Twisted
    _example: Declared
    _copies: int = field(default=0)

    async def weaken(self, *, declared: Declared | None = None, compiled: Compiled | None = None) -> None:
        """Makes something weaker live, and waits until Envoy was seen to run it. Without arguments: the good one."""
        project = self.good
        if declared is not None:
            self._copies += 1
            folder = self.directory / f"weaker-{self._copies}"
            shutil.copytree(example(), folder, ignore=_IGNORED)
            self._example(folder)
            before = _texts(folder)
            declared(folder)
            assert _texts(folder) != before, "the switch changes nothing"
            project = Project(open_project(folder, environ=self.environ).declaration, self.good.state)
        self._twisted.twist = compiled
        prepared = await in_thread(lambda: _prepared(project))
        gateway = replace(prepared.gateway, compile=self._twisted)
        runtime = await in_thread(prepared.facts.gather)
        result = await apply(gateway, prepared.policy, runtime, by="somebody", production=())
        assert result.confirmed, result.verdict.sentence

    async def prove(self, choice: Choice, limits: Limits = BOUNDS) -> dict[str, Proof]:
        """Proofs by case id, for what the good declaration claims."""
        result = await proven(at_project(self.good, environ=self.environ), choice, limits)
        return {proof.case: proof for proof in result.proofs}


def _prepared(project: Project) -> Prepared:
    """The project, and a gateway that gives up on its service sooner: it is waited for in every proof of that."""
    made = prepare_project(project)
    pieces = [
        msgspec.structs.replace(piece, timeout_seconds=PATIENCE) if isinstance(piece, ir.Upstream) else piece
        for piece in made.policy.pieces
    ]
    return replace(made, policy=assemble(pieces))


_IGNORED = shutil.ignore_patterns(".assay", "data", "__pycache__")


def _texts(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def failed(proofs: Mapping[str, Proof]) -> dict[str, Proof]:
    """Those that failed and that nobody has accepted."""
    return {
        case: proof
        for case, proof in proofs.items()
        if proof.verdict.outcome is Outcome.FAIL and not proof.verdict.excepted_by
    }


def _places(name: str) -> tuple[Path, Path, Path]:
    """(The directory, the example's folder in it, the folder of its store)."""
    directory = Path(name)
    directory.chmod(0o700)
    folder, data = directory / "customer-data", directory / "data"
    shutil.copytree(example(), folder, ignore=_IGNORED)
    data.mkdir(mode=0o700)
    return directory, folder, data


def _as_it_is(_: Path) -> None:
    """The example, unchanged."""


@asynccontextmanager
async def laboratory(change: Declared = _as_it_is) -> AsyncIterator[Laboratory]:
    """Starts the example's service and the gateway in front of it; takes both down at the end.

    Args:
        change: what is different in the good declaration and in all weaker ones.
    """
    async with AsyncExitStack() as held:
        directory, folder, data = _places(held.enter_context(tempfile.TemporaryDirectory(prefix="assay-mutation-")))
        change(folder)
        service = await in_thread(
            lambda: held.enter_context(running_service(folder, data, "sqlite", directory / "service.log"))
        )
        environ = {
            **os.environ,
            "CUSTOMER_DATA_LISTEN": f"127.0.0.1:{free_ports(2)}",
            "CUSTOMER_DATA_UPSTREAM": service.url,
            "CRM_DSN": service.dsn,
        }
        good = open_project(folder, environ=environ)
        prepared = await in_thread(lambda: _prepared(good))
        twisted = _Twisted()
        # The supervisor compiles again when a key is issued; what was altered must stay so.
        prepared = replace(prepared, gateway=replace(prepared.gateway, compile=twisted))
        await held.enter_async_context(_serving(prepared))
        yield Laboratory(good, prepared, service, environ, directory, twisted, change)


@asynccontextmanager
async def _serving(prepared: Prepared) -> AsyncIterator[None]:
    stop, ready = asyncio.Event(), asyncio.Event()

    def started(_: Result) -> None:
        ready.set()

    serving = asyncio.create_task(run(settings(prepared, emit=lambda _: None, ready=started), stop))
    waiting = asyncio.create_task(ready.wait())
    try:
        await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()
        yield
    finally:
        stop.set()
        waiting.cancel()
        await serving

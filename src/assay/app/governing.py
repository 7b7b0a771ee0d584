"""The gateway's own files, versions and records, as proofs of `governance` look at them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from assay.app.addresses import now
from assay.app.aiming import Aim
from assay.app.deciding import signed_approvals
from assay.app.history import Version, history
from assay.app.keeping import evidence_directory
from assay.app.planning import production_apis
from assay.app.project import Project
from assay.domain import AssayError, UsageError
from assay.evidence.ledger import Ledger
from assay.evidence.record import Kind
from assay.gateway import ir, state
from assay.gateway.apply import Gateway, apply
from assay.gateway.apply.admin import Admin
from assay.gateway.apply.binary import find_envoy
from assay.gateway.apply.readback import differences, digest, read_back
from assay.gateway.assemble import Policy, assemble
from assay.gateway.compare import compare
from assay.gateway.ir import Mode
from assay.gateway.plan import Plan
from assay.gateway.runtime import Runtime, Sockets
from assay.gateway.state import Paths, Stored, prepare
from assay.prove.case import NotReached
from assay.prove.governed import Applied, Attempt, Files, Running

_MOST_BYTES = 64 << 20
"""How much of stored versions is read: versions of large gateways are hundreds of megabytes each."""
_MOST_COMPARED = 10
_TRIED = 12
_PATIENCE = 10.0
"""Seconds within which a supervisor has written down what Envoy took."""
_ANOTHER = "0000000000000000"
_WEAKENED = (ir.Authentication, ir.AccessRule, ir.Limit, ir.Inspection)


def governing(aim: Aim, directory: Path) -> Governing | None:
    """What proofs may look at; None where there is no gateway of ours. ``directory`` is the run's own."""
    if not aim.surface.fronted or aim.surface.via != "gateway":
        return None
    return Governing(aim.project, directory, aim.environ)


@dataclass(frozen=True, slots=True)
class Governing:
    """See :class:`assay.prove.governed.Governed`."""

    project: Project
    directory: Path
    environ: Mapping[str, str]

    @property
    def _paths(self) -> Paths:
        return prepare(self.project.state, environ=os.environ)

    async def files(self) -> Files:
        """See the protocol."""
        try:
            found = await asyncio.to_thread(self._files)
            if not await self._noted():
                told = "`gateway/applied.json` says what no record of the evidence log says"
                found = Files(found.number, (*found.altered, told), found.looked, found.left)
        except AssayError as error:
            raise NotReached(error.sentence) from error
        return found

    def _files(self) -> Files:
        paths = self._paths
        # While another process applies something, files are neither as before nor as after.
        with state.lock(paths):
            applied = _live(paths)
            altered = list(state.meddled(paths, applied))
            looked, left, size = len(applied.files) + len(applied.shares), 0, 0
            for number in sorted(state.numbers(paths), key=lambda n: (n != applied.number, -n)):
                folder = paths.versions / f"{number:04}"
                size += sum(f.stat().st_size for f in folder.iterdir())
                if size > _MOST_BYTES and number != applied.number:
                    left += 1
                    continue
                looked += len(state.load_meta(paths, number).files)
                altered += state.damaged(paths, number)
        return Files(applied.number, tuple(altered), looked, left)

    async def _noted(self) -> bool:
        """Whether the log has a record of exactly what is noted as live. True where there is no log to compare with."""
        if not evidence_directory(self.project).is_dir():
            return True
        deadline = asyncio.get_running_loop().time() + _PATIENCE
        while not await asyncio.to_thread(self._recorded):
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(0.2)
        return True

    def _recorded(self) -> bool:
        applied = _live(self._paths)
        files, readback, any_ = False, not applied.readback, False
        for record in Ledger.read(evidence_directory(self.project)).records(kind=Kind.CONFIGURATION):
            told, any_ = record.details, True
            if told.get("number") == applied.number and told.get("envoy") == applied.configuration:
                files = files or (told.get("files") == applied.files and record.configuration == applied.policy)
                readback = readback or told.get("readback") == applied.readback
        return (files and readback) or not any_

    async def running(self) -> Running:
        """See the protocol."""
        try:
            return await self._running()
        except AssayError as error:
            raise NotReached(error.sentence) from error

    async def _running(self) -> Running:
        paths = self._paths
        with contextlib.ExitStack() as held:
            # Waited for in a thread: whoever applies something may live in this event loop.
            await asyncio.to_thread(held.enter_context, state.lock(paths))
            applied = _live(paths)
            if not applied.readback:
                raise NotReached("Envoy was never seen to run what is applied, so there is nothing to compare with")
            shown = await read_back(Admin(paths.admin_socket))
            count = sum(len(each) for each in shown.values())
            if digest(shown) == applied.readback:
                return Running(applied.number, True, (), count)
            return Running(applied.number, False, _where(paths, applied, shown), count)

    async def versions(self) -> tuple[Applied, ...]:
        """See the protocol."""
        deadline = asyncio.get_running_loop().time() + _PATIENCE
        try:
            found = await asyncio.to_thread(self._versions)
            # Whoever has just applied a version writes the record of it last; the log itself, before the first one.
            while _unwritten(found) and asyncio.get_running_loop().time() < deadline:
                await asyncio.sleep(0.5)
                found = await asyncio.to_thread(self._versions)
        except AssayError as error:
            raise NotReached(error.sentence) from error
        if found is None:
            raise NotReached("there is no evidence log that says what was applied")
        return found

    def _versions(self) -> tuple[Applied, ...] | None:
        """None: no log has begun."""
        with state.lock(self._paths):
            found = history(self.project, now=now(), environ=self.environ)
        if found.began is None:
            return None
        suspects = [v for v in found.versions if v.loosened]
        loosening = {v.number: self._loosened(v) for v in suspects[:_MOST_COMPARED]}
        people = bool(self.project.everything.model.people)
        return tuple(
            Applied(
                number=v.number,
                live=v.live,
                recorded=None if v.older else v.recorded is not None,
                problems=v.problems,
                loosens=loosening.get(v.number) or "",
                compared=not v.loosened or loosening.get(v.number) is not None,
                approvers=tuple(a.by for a in v.approvals if a.signed or not people),
                signed=any(a.signed for a in v.approvals),
                eyes=v.eyes,
                people=v.people,
                source=_source(v),
            )
            for v in found.versions
        )

    def _loosened(self, version: Version) -> str | None:
        """What a version let through in production that the one before did not; None: it cannot be told any more."""
        paths = self._paths
        before = [n for n in state.numbers(paths) if n < version.number]
        if not before or not version.whole:
            return None
        try:
            old, new = (state.load(paths, number).policy for number in (before[-1], version.number))
        except AssayError:
            return None
        plan = compare(old, new, production=production_apis(self.project))
        return plan.needs_approval[0].sentence if plan.needs_approval else ""

    async def attempt(self) -> Attempt:
        """See the protocol."""
        try:
            return await self._attempt()
        except AssayError as error:
            raise NotReached(error.sentence) from error

    async def _attempt(self) -> Attempt:
        production = production_apis(self.project)
        stored, copy = await asyncio.to_thread(self._copied)
        try:
            policy, plan = await asyncio.to_thread(_loosened, stored.policy, production)
            gateway = Gateway(paths=copy, envoy=find_envoy(), now=now, compile=lambda *_: stored.configuration)
            runtime = Runtime(Sockets("", "", ""), access_log="", configuration=str(copy.live))
            signed = signed_approvals(self.project)
            # What is live already must be applied there, or refusals would say nothing.
            again = await apply(gateway, stored.policy, runtime, by="assay prove", production=production, signed=signed)
            if again.rejected:
                raise NotReached(f"not even what is live is applied to a copy: {again.verdict.sentence}")
            before = _contents(copy)
            refused: list[str | None] = []
            for approve in ((), (_ANOTHER,)):
                try:
                    await apply(
                        gateway,
                        policy,
                        runtime,
                        by="assay prove",
                        approve=approve,
                        production=production,
                        signed=signed,
                    )
                except UsageError as error:
                    refused.append(error.sentence)
                else:
                    refused.append(None)
            return Attempt(plan.needs_approval[0].sentence, plan.digest, tuple(refused), _contents(copy) != before)
        finally:
            await asyncio.to_thread(shutil.rmtree, copy.root, True)

    def _copied(self) -> tuple[Stored, Paths]:
        """The live version, and a state directory of the run's own that has it and no gateway."""
        paths = self._paths
        with state.lock(paths):
            applied = _live(paths)
            stored = state.load(paths, applied.number)
            copy = prepare(self.directory / "governed", environ={})
            name = f"{applied.number:04}"
            shutil.copytree(paths.versions / name, copy.versions / name, dirs_exist_ok=True)
        state.write_applied(copy, msgspec.structs.replace(applied, confirmed=None, readback=""))
        return stored, copy


def _live(paths: Paths) -> state.Applied:
    applied = state.read_applied(paths)
    if applied is None:
        raise NotReached("nothing was ever applied")
    return applied


def _where(paths: Paths, applied: state.Applied, shown: Mapping[str, Mapping[str, object]]) -> tuple[str, ...]:
    """The paths at which what runs is not what was written, as far as the files still say what that was."""
    try:
        return tuple(differences(state.live_configuration(paths, applied), shown))
    except AssayError:
        return ()


def _loosened(policy: Policy, production: frozenset[str]) -> tuple[Policy, Plan]:
    """The same policy with one protection of a production API that only watches."""
    for index, piece in _weakest(policy, production):
        pieces = [*policy.pieces]
        pieces[index] = msgspec.structs.replace(piece, mode=Mode.OBSERVE)
        weaker = assemble(pieces)
        plan = compare(policy, weaker, production=production)
        if plan.needs_approval:
            return weaker, plan
    raise NotReached("nothing that is applied protects an API of a production environment")


def _weakest(policy: Policy, production: frozenset[str]) -> Iterator[tuple[int, ir.AnyPiece]]:
    found = [
        (index, piece)
        for kind in _WEAKENED
        for index, piece in enumerate(policy.pieces)
        if isinstance(piece, kind) and piece.mode is Mode.ENFORCE and getattr(piece, "api", None) in production
    ]
    return iter(found[:_TRIED])


def _contents(paths: Paths) -> tuple[tuple[str, bytes], ...]:
    """Which version is live, and which there are."""
    return (("applied", paths.applied.read_bytes()), *((str(n), b"") for n in state.numbers(paths)))


def _unwritten(found: tuple[Applied, ...] | None) -> bool:
    return found is None or (bool(found) and found[0].recorded is False)


def _source(version: Version) -> str:
    recorded = version.recorded
    if recorded is None:
        return "nothing says where it came from"
    if not recorded.commit:
        return recorded.source or "no commit is recorded"
    own = " and changes that were not committed" if recorded.clean is False else ""
    return f"commit {recorded.commit[:12]}{own}"


__all__ = ["Governing", "governing"]

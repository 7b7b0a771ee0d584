"""Makes a policy live, and says so only when Envoy was seen to run it.

The order of an application: compare and ask for approval; compile; have Envoy judge it; store the version; give the
parts beside Envoy their share and wait until they have it; replace what Envoy watches; read back. Whatever fails on
the way puts back what was live before.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import msgspec

from assay.domain import Fix, IncompleteError, Location, Outcome, Severity, UsageError, Verdict
from assay.gateway import state
from assay.gateway.apply import bundles as parts
from assay.gateway.apply.admin import Admin, Subscriptions
from assay.gateway.apply.bundles import Bundle
from assay.gateway.apply.confirmation import Confirmed, Rejected, confirm, patience
from assay.gateway.apply.validation import validate
from assay.gateway.assemble import Policy
from assay.gateway.compare import compare
from assay.gateway.envoy import Configuration, translate
from assay.gateway.plan import Plan, Signed, refuse_loosening
from assay.gateway.retention import prune
from assay.gateway.runtime import Runtime
from assay.gateway.state import Applied, Paths
from assay.identity.files import write_private

CONTROL = "gateway"


def _no_bundles(_: Policy) -> Sequence[Bundle]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """The gateway of one state directory, and everything its application depends on.

    Attributes:
        paths: the state directory.
        envoy: the Envoy binary.
        now: the clock (UTC).
        bundles: what the parts beside Envoy get of a policy.
        compile: from policy and run-time facts to configuration.
        timeout: seconds for the parts and for Envoy, each; large configurations get more.
    """

    paths: Paths
    envoy: Path
    now: Callable[[], datetime]
    bundles: Callable[[Policy], Sequence[Bundle]] = _no_bundles
    compile: Callable[[Policy, Runtime], Configuration] = translate
    timeout: float = 10.0

    @property
    def admin(self) -> Admin:
        """The administration interface of the Envoy that may be running."""
        return Admin(self.paths.admin_socket)

    @property
    def envoy_log(self) -> Path:
        """Where Envoy's own messages go."""
        return self.paths.logs / "envoy.log"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of an application.

    ``verdict`` passes when Envoy was seen to run the configuration, fails when it refused it (``applied`` is then what
    is live again), and is inconclusive when no Envoy was running to take it.
    """

    applied: Applied | None
    verdict: Verdict
    plan: Plan | None = None

    @property
    def rejected(self) -> bool:
        """Whether Envoy refused the configuration."""
        return self.verdict.outcome is Outcome.FAIL

    @property
    def confirmed(self) -> bool:
        """Whether Envoy was seen to run the configuration."""
        return self.verdict.outcome is Outcome.PASS


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """The bytes of everything that is about to be replaced; None for a file that did not exist."""

    files: dict[Path, bytes | None] = field(default_factory=dict)

    @classmethod
    def take(cls, paths: Iterable[Path]) -> _Snapshot:
        return cls({p: p.read_bytes() if p.exists() else None for p in paths})

    def restore(self) -> None:
        for path, data in self.files.items():
            if data is None:
                path.unlink(missing_ok=True)
            else:
                write_private(path, data)


async def apply(
    gateway: Gateway,
    policy: Policy,
    runtime: Runtime,
    *,
    by: str,
    approve: Iterable[str] = (),
    production: Iterable[str] | None = None,
    at: Location | None = None,
    restores: int | None = None,
    signed: Signed | None = None,
) -> Result:
    """Makes ``policy`` live. A policy that is live already is written and confirmed again, and is no new version.

    Args:
        gateway: the gateway.
        policy: what it must do.
        runtime: keys, sockets and paths.
        by: who applies it; kept with the version.
        approve: digests of plans that the person approves.
        production: APIs of a production environment; None means every API.
        at: where the declaration is, for the verdict.
        restores: the version that this one goes back to.
        signed: approvals that people signed, where they have to; see :func:`assay.gateway.plan.refuse_loosening`.

    Raises:
        UsageError: the plan loosens a production environment and was not approved.
        IncompleteError: Envoy's validation refuses the configuration, or nothing could be confirmed in time; what was
            live before is live again.
        AssayError: the state directory cannot be read or written.
    """
    async with _locked(gateway.paths):
        plan = compare(state.applied_policy(gateway.paths), policy, production=production)
        now = gateway.now()
        approvals = refuse_loosening(plan, approve, by=by, at=now, signed=signed)
        configuration = await asyncio.to_thread(gateway.compile, policy, runtime)
        await asyncio.to_thread(validate, configuration, gateway.envoy)
        known = state.read_applied(gateway.paths)
        if known is not None and known.policy == policy.digest and restores is None:
            again = Applied(1, known.number, policy.digest, configuration.version, now)
            result = await _replace(gateway, policy, configuration, again, at)
            return Result(result.applied, result.verdict, plan)
        meta = await asyncio.to_thread(
            lambda: state.store(
                gateway.paths,
                policy,
                configuration,
                by=by,
                at=now,
                approvals=approvals,
                restores=restores,
                changes={str(k): v for k, v in plan.counts().items()},
                plan=plan.digest,
            )
        )
        applied = Applied(1, meta.number, policy.digest, configuration.version, now)
        try:
            result = await _replace(gateway, policy, configuration, applied, at)
        except BaseException:
            state.discard(gateway.paths, meta.number)
            raise
        if result.rejected:
            state.discard(gateway.paths, meta.number)
        await asyncio.to_thread(prune, gateway.paths)
        return Result(result.applied, result.verdict, plan)


async def refresh(gateway: Gateway, runtime: Runtime, *, at: Location | None = None) -> Result | None:
    """Compiles the applied policy again with new run-time facts; None when that changes nothing.

    A refresh is not a new version: nobody changed the policy.

    Raises:
        IncompleteError: as :func:`apply`; also when nothing was applied yet.
    """
    async with _locked(gateway.paths):
        applied = state.read_applied(gateway.paths)
        if applied is None:
            raise IncompleteError("nothing was applied yet, so there is nothing to refresh", fix="run `assay apply`")
        policy = (await asyncio.to_thread(state.load, gateway.paths, applied.number)).policy
        configuration = await asyncio.to_thread(gateway.compile, policy, runtime)
        if configuration.version == applied.configuration and applied.confirmed:
            return None
        await asyncio.to_thread(validate, configuration, gateway.envoy)
        again = Applied(1, applied.number, applied.policy, configuration.version, gateway.now())
        return await _replace(gateway, policy, configuration, again, at)


async def rollback(
    gateway: Gateway,
    runtime: Runtime,
    *,
    number: int | None = None,
    by: str,
    approve: Iterable[str] = (),
    production: Iterable[str] | None = None,
    at: Location | None = None,
    signed: Signed | None = None,
) -> Result:
    """Makes an earlier policy live again, as a new version; going back may loosen, and is weighed like any change.

    Args:
        number: the version to go back to; None for the last one that had another policy than the one that is live.
        gateway, runtime, by, approve, production, at, signed: as for :func:`apply`.

    Raises:
        UsageError: there is no such version, or what it loosens was not approved.
        IncompleteError: as :func:`apply`.
    """
    target = previous(gateway.paths) if number is None else number
    policy = (await asyncio.to_thread(state.load, gateway.paths, target)).policy
    return await apply(
        gateway,
        policy,
        runtime,
        by=by,
        approve=approve,
        production=production,
        at=at,
        restores=target,
        signed=signed,
    )


def previous(paths: Paths) -> int:
    """The last version before the live one that had another policy.

    Raises:
        UsageError: there is none.
    """
    applied = state.read_applied(paths)
    if applied is not None:
        for number in reversed(state.numbers(paths)):
            if number < applied.number and state.load_meta(paths, number).policy != applied.policy:
                return number
    raise UsageError("there is no earlier policy to go back to", fix="name a version: `assay apply --rollback NUMBER`")


@asynccontextmanager
async def _locked(paths: Paths) -> AsyncIterator[None]:
    # In a thread: waiting for another process must not stop the supervisor from watching its parts.
    with contextlib.ExitStack() as stack:
        await asyncio.to_thread(stack.enter_context, state.lock(paths))
        yield


async def _replace(
    gateway: Gateway, policy: Policy, configuration: Configuration, applied: Applied, at: Location | None
) -> Result:
    """Writes everything, has it confirmed, and notes it; or puts back what was there."""
    paths, shares = gateway.paths, gateway.bundles(policy)
    configuration = await asyncio.to_thread(state.settled, paths, configuration)
    started = state.bootstrap_share(paths, configuration)
    digests = state.share_digests(paths, {**{b.path: b.data for b in shares}, **started})
    applied = msgspec.structs.replace(applied, files=state.digests(configuration), shares=digests)
    before = state.read_applied(paths)
    targets = [paths.bootstrap, *(paths.live / name for name in state.LIVE_ORDER), *(b.path for b in shares)]
    snapshot = _Snapshot.take(targets)
    admin = Admin(paths.admin_socket, timeout=patience(configuration, gateway.timeout))
    running = await admin.alive()
    counters = await admin.subscriptions() if running else Subscriptions()
    offset = gateway.envoy_log.stat().st_size if gateway.envoy_log.exists() else 0
    try:
        parts.write(shares)
        if running:
            await parts.taken(shares, within=gateway.timeout)
        state.write_bootstrap(paths, configuration)
        state.write_live(paths, configuration)
        if not running:
            state.write_applied(paths, applied)
            return Result(applied, _waiting(applied, at))
        outcome = await confirm(
            configuration,
            admin,
            before=counters,
            log=gateway.envoy_log,
            log_offset=offset,
            within=gateway.timeout,
        )
        if isinstance(outcome, Confirmed):
            state.check_live(paths, configuration)
            done = _with(applied, gateway.now(), outcome)
            state.write_applied(paths, done)
            return Result(done, _accepted(done, at))
    except BaseException:
        snapshot.restore()
        raise
    snapshot.restore()
    return Result(before, _refused(outcome, at))


async def confirm_started(gateway: Gateway, *, at: Location | None = None) -> Result:
    """Confirms what an Envoy that has just been started runs, and notes it.

    Raises:
        IncompleteError: Envoy does not run it within the timeout, or nothing was applied yet.
    """
    async with _locked(gateway.paths):
        applied = state.read_applied(gateway.paths)
        if applied is None:
            raise IncompleteError("nothing was applied yet", fix="run `assay apply`")
        outcome = await confirm(
            state.live_configuration(gateway.paths, applied),
            gateway.admin,
            before=Subscriptions(),
            log=gateway.envoy_log,
            log_offset=0,
            within=gateway.timeout,
        )
        if isinstance(outcome, Rejected):
            return Result(applied, _refused(outcome, at))
        done = _with(applied, gateway.now(), outcome)
        state.write_applied(gateway.paths, done)
        return Result(done, _accepted(done, at))


def _with(applied: Applied, now: datetime, outcome: Confirmed) -> Applied:
    return msgspec.structs.replace(applied, confirmed=now, readback=outcome.readback)


def _verdict(check: str, outcome: Outcome, sentence: str, at: Location | None, fix: str = "", why: str = "") -> Verdict:
    return Verdict(
        control=CONTROL,
        check=check,
        subject="gateway",
        outcome=outcome,
        sentence=sentence,
        severity=Severity.CRITICAL if outcome is Outcome.FAIL else Severity.MEDIUM,
        location=at or Location("assay.yaml"),
        reason=why,
        fix=Fix(fix) if fix else None,
    )


def _accepted(applied: Applied, at: Location | None) -> Verdict:
    sentence = f"Envoy runs version {applied.number} (configuration {applied.configuration}), read back and equal"
    return _verdict("configuration-rejected", Outcome.PASS, sentence, at)


def _waiting(applied: Applied, at: Location | None) -> Verdict:
    return _verdict(
        "configuration-rejected",
        Outcome.INCONCLUSIVE,
        f"version {applied.number} is written and no Envoy is running that could confirm it",
        at,
        fix="start the gateway: `assay up`",
        why="declared is not applied: only a running gateway enforces anything",
    )


def _refused(outcome: Rejected, at: Location | None) -> Verdict:
    return _verdict(
        "configuration-rejected",
        Outcome.FAIL,
        f"{outcome.sentence}; what was live before is live again",
        at,
        fix="correct what Envoy names, or report it if the declaration cannot cause it",
        why="a refused update leaves the old policy in force while the declaration says otherwise",
    )


__all__ = [
    "Bundle",
    "Gateway",
    "Result",
    "apply",
    "confirm_started",
    "previous",
    "refresh",
    "rollback",
]

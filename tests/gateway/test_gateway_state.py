"""The state directory survives crashes, full disks and damage, and says so."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.domain import AssayError, UsageError
from assay.gateway import ir, state
from assay.gateway.assemble import Policy, assemble
from assay.gateway.envoy import Configuration
from assay.gateway.layout import close_sockets, open_sockets
from assay.gateway.plan import Approval
from assay.identity.files import write_private

BASE = {"control": "api_gateway", "source": "assay.yaml:3:5"}
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def policy(port: int = 8443) -> Policy:
    return assemble([ir.Listener(**BASE, address="127.0.0.1", port=port), ir.AccessLog(**BASE)])


def configuration(version: str = "v1", *names: str) -> Configuration:
    resources = [{"name": n} for n in names]
    files: dict[str, dict[str, Any]] = {n: {"version_info": version, "resources": resources} for n in state.LIVE_ORDER}
    return Configuration(version, {"node": {"id": "x"}}, files)


@pytest.fixture
def paths(tmp_path: Path) -> state.Paths:
    return state.prepare(tmp_path / "project" / ".assay", environ={})


def applied(number: int = 1, **more: Any) -> state.Applied:
    return state.Applied(1, number, "p" * 64, "c" * 16, NOW, **more)


def test_version_control_does_not_see_the_state(paths: state.Paths) -> None:
    ignored = paths.root / ".gitignore"
    assert ignored.read_text() == "*\n"
    ignored.unlink()
    state.prepare(paths.root, environ={})
    assert not ignored.exists()  # taken away on purpose


def test_everything_is_private_to_its_owner(paths: state.Paths) -> None:
    state.write_applied(paths, applied())
    state.store(paths, policy(), configuration(), by="ada", at=NOW)
    for path in (paths.root, *paths.root.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path


def test_what_was_stored_is_read_back(paths: state.Paths) -> None:
    approval = Approval("abc", "ada", NOW)
    meta = state.store(
        paths, policy(), configuration(), by="ada", at=NOW, approvals=(approval,), changes={"loosening": 1}
    )
    found = state.load(paths, meta.number)
    assert found.meta == meta
    assert found.meta.approvals == (approval,)
    assert found.policy.digest == policy().digest
    assert found.configuration == configuration()
    assert state.store(paths, policy(1), configuration("v2"), by="ada", at=NOW).number == 2
    assert state.numbers(paths) == (1, 2)


def test_nothing_applied_yet_is_no_error(paths: state.Paths) -> None:
    assert state.read_applied(paths) is None
    assert state.applied_policy(paths) is None


def test_a_file_that_something_else_wrote_is_named(paths: state.Paths) -> None:
    state.write_live(paths, configuration())
    write_private(paths.inspector_bundle, b"{}")
    shares = state.share_digests(paths, {paths.inspector_bundle: b"{}"})
    live = applied(files=state.digests(configuration()), shares=shares)
    assert state.meddled(paths, live) == ()
    write_private(paths.inspector_bundle, b'{"injection":false}')
    assert "inspector/bundle.json" in state.meddled(paths, live)[0]
    (paths.live / "rds.json").write_text("{}")
    (paths.live / "cds.json").unlink()
    assert len(state.meddled(paths, live)) == 3


def test_a_lost_note_does_not_make_the_next_application_the_first(paths: state.Paths) -> None:
    """Else whoever removes it may loosen a production environment without approval."""
    state.store(paths, policy(1), configuration(), by="ada", at=NOW)
    meta = state.store(paths, policy(2), configuration("v2"), by="ada", at=NOW)
    state.write_applied(paths, applied(meta.number))
    paths.applied.unlink()
    found = state.applied_policy(paths)
    assert found is not None
    assert found.digest == policy(2).digest


def test_an_unknown_version_names_what_is_stored(paths: state.Paths) -> None:
    with pytest.raises(UsageError, match="no version 7") as nothing:
        state.load(paths, 7)
    assert "nothing was applied" in nothing.value.fix
    state.store(paths, policy(), configuration(), by="ada", at=NOW)
    with pytest.raises(UsageError) as some:
        state.load(paths, 7)
    assert "1 to 1" in some.value.fix


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.data())
def test_a_torn_note_of_what_is_live_is_an_error_or_the_old_state(paths: state.Paths, data: st.DataObject) -> None:
    note = applied(confirmed=NOW, readback="r")
    state.write_applied(paths, note)
    whole = paths.applied.read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    paths.applied.write_bytes(whole[:cut])
    try:
        assert state.read_applied(paths) == note
    except AssayError as error:
        assert "applied.json" in error.sentence
        assert error.fix


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_version_is_never_taken_for_whole(paths: state.Paths, data: st.DataObject) -> None:
    if not state.numbers(paths):
        state.store(paths, policy(), configuration(), by="ada", at=NOW)
    directory = paths.versions / "0001"
    name = data.draw(st.sampled_from(["bootstrap.json", "cds.json", "meta.json", "policy.json"]))
    whole = (directory / name).read_bytes()
    damaged = bytearray(whole)
    position = int(data.draw(st.floats(0, 1, exclude_max=True)) * len(whole))
    damaged[position] = data.draw(st.integers(0, 255))
    (directory / name).write_bytes(bytes(damaged))
    try:
        found = state.load(paths, 1)
    except AssayError as error:
        assert error.fix
    else:
        # Only what is known *about* a version can be altered without notice; never the policy or its configuration.
        assert found.policy.digest == policy().digest
        assert found.configuration.files == configuration().files
    finally:
        (directory / name).write_bytes(whole)


@given(st.binary(max_size=80))
def test_arbitrary_bytes_in_place_of_a_note_are_a_domain_error(data: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as directory:
        paths = state.prepare(Path(directory), environ={})
        paths.applied.write_bytes(data)
        paths.applied.chmod(0o600)
        with pytest.raises(AssayError):
            state.read_applied(paths)


def test_a_full_disk_leaves_the_earlier_versions_and_no_half_one(
    paths: state.Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    state.store(paths, policy(), configuration(), by="ada", at=NOW)
    real, calls = os.fsync, []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) > 3:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(AssayError, match="No space left"):
        state.store(paths, policy(1), configuration("v2"), by="ada", at=NOW)
    monkeypatch.undo()
    assert [p.name for p in paths.versions.iterdir()] == ["0001"]
    assert state.load(paths, 1).policy.digest == policy().digest


def test_files_of_two_versions_are_not_taken_for_one(paths: state.Paths) -> None:
    first, second = configuration("v1"), configuration("v2", "other")
    note = applied(files=state.digests(first))
    state.write_bootstrap(paths, first)
    state.write_live(paths, first)
    assert state.live_configuration(paths, note).files == first.files

    def stop(name: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        state.write_live(paths, second, between=stop)
    with pytest.raises(AssayError, match="not what was applied"):
        state.live_configuration(paths, note)


def test_a_file_that_says_nothing_new_is_left_alone(paths: state.Paths) -> None:
    state.write_live(paths, configuration("v1"))
    before = {p.name: p.stat().st_ino for p in paths.live.iterdir()}
    again = state.settled(paths, configuration("v2"))
    assert again.files == configuration("v1").files
    state.write_live(paths, again)
    assert {p.name: p.stat().st_ino for p in paths.live.iterdir()} == before
    (paths.live / "rds.json").write_bytes(b"{")
    assert state.settled(paths, configuration("v2")).files["rds.json"]["version_info"] == "v2"


def test_sockets_move_when_the_project_lies_too_deep(tmp_path: Path) -> None:
    runtime = tmp_path / "r"
    runtime.mkdir(mode=0o700)
    deep = tmp_path / ("d" * 120) / ".assay"
    paths = state.prepare(deep, environ={"XDG_RUNTIME_DIR": str(runtime)})
    open_sockets(paths)
    assert paths.sockets.stat().st_mode & 0o777 == 0o700
    assert len(os.fsencode(paths.inspector_socket)) <= 100
    again = state.prepare(deep, environ={"XDG_RUNTIME_DIR": str(runtime)})
    assert again.sockets == paths.sockets
    other = state.prepare(tmp_path / ("e" * 120) / ".assay", environ={"XDG_RUNTIME_DIR": str(runtime)})
    assert other.sockets != paths.sockets


def test_a_socket_directory_that_is_a_link_is_refused(tmp_path: Path) -> None:
    runtime, target = tmp_path / "r", tmp_path / "elsewhere"
    runtime.mkdir(mode=0o700)
    target.mkdir(mode=0o700)
    deep = tmp_path / ("d" * 120) / ".assay"
    place = state.prepare(deep, environ={"XDG_RUNTIME_DIR": str(runtime)}).sockets
    place.symlink_to(target)
    with pytest.raises(AssayError, match="not private"):
        state.prepare(deep, environ={"XDG_RUNTIME_DIR": str(runtime)})


def test_no_directory_for_sockets_stays_behind(tmp_path: Path) -> None:
    runtime = tmp_path / "r"
    runtime.mkdir(mode=0o700)
    deep = tmp_path / ("d" * 120) / ".assay"
    paths = state.prepare(deep, environ={"XDG_RUNTIME_DIR": str(runtime)})
    assert not list(runtime.iterdir()), "a command that starts nothing makes none"
    open_sockets(paths)
    paths.inspector_socket.touch()
    close_sockets(paths)
    assert paths.sockets.is_dir(), "somebody may still answer there"
    paths.inspector_socket.unlink()
    close_sockets(paths)
    assert not list(runtime.iterdir())
    near = state.prepare(tmp_path / "n", environ={})
    open_sockets(near)
    if near.sockets == near.run:
        close_sockets(near)
        assert near.run.is_dir(), "the state directory keeps its own"


def test_only_one_process_changes_what_is_live(paths: state.Paths) -> None:
    with state.lock(paths), pytest.raises(AssayError, match="Another process"), state.lock(paths, timeout=0.1):
        pass

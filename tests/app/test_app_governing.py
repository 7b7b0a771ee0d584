"""What proofs of governance look at: any file that something else wrote is named, and nothing is claimed unseen."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tests.app.test_app_history import NOW, Shop, configuration, policy
from tests.controls.governance.repositories import Work

from assay.app.governing import Governing
from assay.app.keeping import keep_application
from assay.domain import Outcome
from assay.gateway import state
from assay.prove.case import NotReached


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    work = Work(tmp_path / "shop", tmp_path / "keys")
    for name in ("GIT_CEILING_DIRECTORIES", "GIT_CONFIG_GLOBAL"):
        monkeypatch.setenv(name, work.environ[name])
    found = Shop(work)
    found.commit()
    for number in (1, 2):
        _applied(found, number)
    return found


def _applied(shop: Shop, number: int) -> None:
    """As an application leaves the state directory when Envoy took it."""
    paths, made = shop.paths, configuration(f"v{number}")
    meta = state.store(paths, policy(8000 + number), made, by="root", at=NOW, changes={"loosening": number - 1})
    state.write_live(paths, made)
    state.write_bootstrap(paths, made)
    live = state.Applied(1, number, meta.policy, f"{number:016}", NOW, confirmed=NOW, readback="r" * 64)
    shares = state.share_digests(paths, state.bootstrap_share(paths, made))
    live = msgspec.structs.replace(live, files=state.digests(made), shares=shares)
    state.write_applied(paths, live)
    keep_application(shop.project, live, "applied", Outcome.PASS)


def governing(shop: Shop, tmp_path: Path) -> Governing:
    return Governing(shop.project, tmp_path / "run", shop.work.environ)


def test_files_as_they_were_written_are_counted(shop: Shop, tmp_path: Path) -> None:
    found = asyncio.run(governing(shop, tmp_path).files())
    assert (found.number, found.altered, found.left) == (2, (), 0)
    assert found.looked == 4 + 2 * 5


def _longer(name: str) -> Callable[[Path], None]:
    def change(gateway: Path) -> None:
        (gateway / name).write_bytes((gateway / name).read_bytes() + b" ")

    return change


def _noted(word: str, value: object) -> Callable[[Path], None]:
    def change(gateway: Path) -> None:
        note = json.loads((gateway / "applied.json").read_bytes())
        (gateway / "applied.json").write_text(json.dumps({**note, word: value}))

    return change


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (_longer("live/rds.json"), "`gateway/live/rds.json` is not what was applied"),
        (_longer("live/lds.json"), "`gateway/live/lds.json` is not what was applied"),
        (_longer("bootstrap.json"), "`gateway/bootstrap.json` is not what was applied"),
        (_longer("versions/0002/policy.json"), "`gateway/versions/0002/policy.json` is not what was stored"),
        (_longer("versions/0001/cds.json"), "`gateway/versions/0001/cds.json` is not what was stored"),
        (_noted("configuration", "0" * 16), "`gateway/applied.json` says what no record"),
        (_noted("policy", "0" * 64), "`gateway/applied.json` says what no record"),
        (_noted("readback", "0" * 64), "`gateway/applied.json` says what no record"),
        (_noted("number", 1), "`gateway/applied.json` says what no record"),
    ],
    ids=["routes", "listeners", "bootstrap", "policy", "older", "configuration", "digest", "readback", "number"],
)
def test_a_file_that_something_else_wrote_is_named(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None], named: str
) -> None:
    monkeypatch.setattr("assay.app.governing._PATIENCE", 0.0)
    change(shop.paths.gateway)
    found = asyncio.run(governing(shop, tmp_path).files())
    assert any(named in sentence for sentence in found.altered), found.altered


def test_live_file_and_note_changed_together_are_found_by_the_log(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assay.app.governing._PATIENCE", 0.0)
    live = configuration("by-hand")
    state.write_live(shop.paths, live)
    noted = state.read_applied(shop.paths)
    assert noted is not None
    state.write_applied(shop.paths, msgspec.structs.replace(noted, files=state.digests(live)))
    found = asyncio.run(governing(shop, tmp_path).files())
    assert found.altered == ("`gateway/applied.json` says what no record of the evidence log says",)


def test_older_versions_that_are_too_large_are_counted_not_passed_over(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assay.app.governing._MOST_BYTES", 10)
    _longer("versions/0001/cds.json")(shop.paths.gateway)
    found = asyncio.run(governing(shop, tmp_path).files())
    assert (found.altered, found.left) == ((), 1)


def test_a_loosening_of_no_api_is_not_one_of_production(shop: Shop, tmp_path: Path) -> None:
    second, first = asyncio.run(governing(shop, tmp_path).versions())
    assert (second.number, second.live, second.recorded, first.live) == (2, True, True, False)
    assert second.source.startswith("commit ")


def test_without_a_running_envoy_nothing_is_said_of_it(shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(NotReached):
        asyncio.run(governing(shop, tmp_path).running())


def test_where_nothing_of_production_is_served_there_is_nothing_to_try(shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(NotReached, match="nothing that is applied protects an API of a production environment"):
        asyncio.run(governing(shop, tmp_path).attempt())
    assert not (tmp_path / "run" / "governed").exists()


def test_a_log_that_is_only_just_written_is_waited_for(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evidence = shop.project.state / "evidence"
    aside = evidence.with_name("aside")
    evidence.rename(aside)

    async def look() -> tuple[object, ...]:
        asyncio.get_running_loop().call_later(0.3, aside.rename, evidence)
        return await governing(shop, tmp_path).versions()

    assert asyncio.run(look())
    evidence.rename(aside)
    monkeypatch.setattr("assay.app.governing._PATIENCE", 0.0)
    with pytest.raises(NotReached, match="no evidence log"):
        asyncio.run(governing(shop, tmp_path).versions())

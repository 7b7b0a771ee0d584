"""There is a scenario for everything that a threat can stand on, and for nothing else; each claim is what it says."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.risk.risk_shop import shop

from assay.app.project import Project, open_project
from assay.app.risk import assess, assessed
from assay.demo.stage import example
from assay.risk.factors import NAMES, Setting, factors
from assay.risk.formula import rate
from assay.risk.words import Assessment, Factor, Origin, Rating

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
API = "apis.shop"


def found(root: Path, changes: dict[str, Any] | None = None) -> dict[str, Assessment]:
    return {a.scenario.id: a for a in assess(shop(root, changes), NOW)}


def struck(assessment: Assessment) -> set[str]:
    return {p.subject.rpartition(".")[2] for p in assessment.scenario.places}


def claims(assessment: Assessment, place: str) -> dict[str, str]:
    where = next(p for p in assessment.scenario.places if p.subject.endswith(f".{place}"))
    return dict(where.guards)


def test_every_scenario_has_something_to_stand_on(tmp_path: Path) -> None:
    here = found(tmp_path)
    assert struck(here[f"broken-object-authorisation@{API}"]) == {"getOrder", "changeOrder"}, "clerks own no orders"
    assert struck(here[f"server-side-request-forgery@{API}"]) == {"addHook"}
    assert struck(here[f"data-exposure@{API}"]) == {"listOrders", "getOrder"}
    assert struck(here[f"broken-authentication@{API}"]) == {
        *("listOrders", "addOrder", "getOrder", "changeOrder", "removeOrder", "addHook")
    }
    assert struck(here[f"business-flow-abuse@{API}"]) == {"addOrder", "changeOrder", "removeOrder", "addHook"}
    assert "status" in struck(here[f"denial-of-service@{API}"])
    assert {s for s in here if s.startswith("unsafe-consumption")} == {"unsafe-consumption@flows.in"}
    assert {s for s in here if s.startswith("over-privileged")} == {"over-privileged-integration@accounts.sync"}
    assert "stored-data-theft@systems.store" in here and "stored-data-theft@systems.empty" in here, "a flow fills it"
    assert not any(s.startswith("environment-crossing") for s in here), "there is one environment"
    assert all(a.scenario.places for a in here.values())


def test_people_who_reach_their_own_records_alone_put_nothing_together(tmp_path: Path) -> None:
    """In the shipped example customers read both data sets, but only about themselves; the back office reads all."""
    project = Project(open_project(example(), environ={}).declaration, tmp_path / "none")
    blended = {a.scenario.subject for a in assess(project, NOW) if a.scenario.threat.id == "blended-data"}
    assert "consumers.back-office" in blended and "consumers.mobile-app" not in blended


def test_what_is_not_there_has_no_scenario(tmp_path: Path) -> None:
    two = {"environments/test": {"tier": "non-production"}}
    assert f"environment-crossing@{API}" in found(tmp_path / "a", two)
    retired = {"apis/shop/product": {"lifecycle": "retired"}}
    assert not any(s.endswith(f"@{API}") for s in found(tmp_path / "b", retired))
    bare = found(tmp_path / "c", {"flows": {}, "accounts": {}})
    assert "stored-data-theft@systems.empty" not in bare
    assert not any(s.startswith(("unsafe", "over-privileged")) for s in bare)


def test_without_rules_every_object_may_be_reached_by_others(tmp_path: Path) -> None:
    here = found(tmp_path, {"apis/shop/access": []})
    assert struck(here[f"broken-object-authorisation@{API}"]) == {"getOrder", "changeOrder", "removeOrder"}


def test_what_is_declared_is_claimed_and_earns_nothing_until_it_is_proven(tmp_path: Path) -> None:
    one = found(tmp_path)[f"broken-object-authorisation@{API}"]
    assert {"authorisation", "authentication", "rate_limiting"} <= set(claims(one, "getOrder"))
    assert rate(one.claimed) is Rating.NOTE
    assert one.evidenced == one.inherent
    assert all(e.assurance == 0 and "no proof" in e.because for g in one.groups for e in g.effects)
    assert one.changes is None


def test_a_control_that_only_observes_is_not_claimed(tmp_path: Path) -> None:
    one = found(tmp_path, {"apis/shop/observe": ["rate_limiting"]})[f"broken-object-authorisation@{API}"]
    assert "rate_limiting" not in claims(one, "getOrder")
    assert "authorisation" in claims(one, "getOrder")


def test_a_test_of_design_that_fails_takes_the_claim_away_where_it_fails(tmp_path: Path) -> None:
    rules = [{"roles": ["customer"], "operations": ["getOrder", "changeOrder"]}]
    one = found(tmp_path, {"apis/shop/access": rules})[f"broken-object-authorisation@{API}"]
    assert "authorisation" not in claims(one, "getOrder"), "nothing compares owners"
    assert "authentication" in claims(one, "getOrder")
    assert rate(one.claimed) is not Rating.NOTE


def test_an_accepted_finding_takes_the_claim_away_all_the_same(tmp_path: Path) -> None:
    accepted = {
        "control": "authorisation",
        "check": "operation-without-owner-rule",
        "on": "apis.shop",
        "reason": "the old app goes away",
        "owner": "team",
        "approved_by": "ciso",
        "expires": "2027-01-31",
    }
    rules = [{"roles": ["customer"], "operations": ["getOrder", "changeOrder"]}]
    one = found(tmp_path, {"apis/shop/access": rules, "exceptions": [accepted]})
    assert "authorisation" not in claims(one[f"broken-object-authorisation@{API}"], "getOrder")


def test_places_that_are_enforced_alike_share_a_digest(tmp_path: Path) -> None:
    rules = [
        {"roles": ["customer"], "operations": ["getOrder", "changeOrder"], "owns": "path.id == token.sub"},
        {"roles": ["customer"], "operations": ["removeOrder"], "owns": "path.id == token.uid"},
    ]
    one = found(tmp_path, {"apis/shop/access": rules})[f"broken-object-authorisation@{API}"]
    get, change, remove = (claims(one, name)["authorisation"] for name in ("getOrder", "changeOrder", "removeOrder"))
    assert get == change != remove


def test_masking_is_claimed_only_where_something_is_masked(tmp_path: Path) -> None:
    one = found(tmp_path)[f"broken-object-authorisation@{API}"]
    assert "data_exposure" in claims(one, "getOrder") and "data_exposure" not in claims(one, "changeOrder")


def test_nothing_that_asks_who_calls_is_claimed_where_anybody_may_call(tmp_path: Path) -> None:
    one = found(tmp_path)[f"denial-of-service@{API}"]
    assert "authentication" in claims(one, "getOrder") and "authentication" not in claims(one, "status")
    assert "rate_limiting" in claims(one, "status")


def test_what_people_give_stands_before_what_is_derived(tmp_path: Path) -> None:
    id = f"broken-object-authorisation@{API}"
    before = found(tmp_path)[id]
    given = {id: {"motive": (1.0, "nobody wants orders"), "skill": (99.0, "too much")}}
    after = next(a for a in assess(shop(tmp_path), NOW, given=given) if a.scenario.id == id)
    agent = {f.name: f for f in after.scenario.factors.agent}
    assert agent["motive"] == Factor("motive", 1.0, Origin.GIVEN, "nobody wants orders")
    assert agent["skill"].value == 9.0, "never beyond the scale"
    assert before.inherent.impact == after.inherent.impact


def test_factors_say_what_they_were_read_from(tmp_path: Path) -> None:
    one = found(tmp_path)[f"broken-object-authorisation@{API}"]
    every = {f.name: f for group in (f for f in _groups(one)) for f in group}
    assert set(every) == set(NAMES)
    assert (every["privacy_violation"].value, every["privacy_violation"].because) == (7, "data about 5,000 people")
    assert every["size"].because == "everybody who has an account of their own"
    assert every["loss_of_confidentiality"].because == "restricted data of many"
    assert every["intrusion_detection"].value == 8, "no objective asks anybody to look at the log"
    account = found(tmp_path)["over-privileged-integration@accounts.sync"]
    assert (
        "it does not need" in {f.name: f for f in account.scenario.factors.vulnerability}["ease_of_discovery"].because
    )


def _groups(one: Assessment) -> tuple[tuple[Factor, ...], ...]:
    f = one.scenario.factors
    return f.agent, f.vulnerability, f.technical, f.business


@pytest.mark.parametrize(
    "setting", [Setting(), Setting("public", True, True, True, True, True, True, 4, 1, True, True, 9)]
)
def test_every_factor_is_on_its_scale(setting: Setting) -> None:
    made = factors(setting, {})
    for group in (made.agent, made.vulnerability, made.technical, made.business):
        assert len(group) == 4
        assert all(0 <= f.value <= 9 and f.because for f in group)


def test_the_same_inputs_give_the_same_assessment(tmp_path: Path) -> None:
    assert assessed(shop(tmp_path), NOW).assessments == assessed(shop(tmp_path), NOW).assessments

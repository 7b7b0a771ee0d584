"""A level is what was seen: declared is not verified, old evidence fades, and what contradicts counts most."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from tests.maturity.surveyed import CURRENT, NOW, declaration, facts, later, level, proof, verdict

from assay.assurance.objectives import Applied
from assay.declare.declaration import Declaration
from assay.domain import Outcome
from assay.maturity.facts import Blends, Closing, Edges, Facts, Log
from assay.maturity.words import Source
from assay.privilege.review import Accounts, review

BYPASS = "api_gateway/upstream-reachable"
FOREIGN = "environment_segregation/foreign-credential-accepted"
OBJECT, OWNER = "authorisation/foreign-object-read", "authorisation/operation-without-owner-rule"
GET = "apis.shop.operations.getOrder"


@pytest.fixture
def shop(tmp_path: Path) -> Declaration:
    return declaration(tmp_path)


def test_what_nobody_measured_is_as_somebody_answered_and_lowers_the_assurance(shop: Declaration) -> None:
    assert (level("D3.2", facts(shop), 2).level, level("D3.2", facts(shop), 2).worth) == (2, 0.0)
    assert level("D3.2", facts(shop)).source is Source.NOTHING


def test_somebodys_word_opens_no_gate_that_could_be_measured(shop: Declaration) -> None:
    found = level("D3.2", facts(shop), 4)
    assert (found.level, found.perceived, found.source) == (2, 4, Source.ANSWERED)
    assert "an answer alone speaks for level 2 at most" in found.steps[-1]
    assert level("D7.6", facts(shop), 4).level == 4, "where nothing can be measured, people know best"


def test_an_answer_loses_a_level_for_each_year_and_the_perception_stays(shop: Declaration) -> None:
    aged = [level("D7.6", later(facts(shop), days=d), 3) for d in (0, 300, 366, 800, 4000)]
    assert [(one.level, one.perceived) for one in aged] == [(3, 3), (3, 3), (2, 3), (1, 3), (0, 3)]
    assert aged[3].steps[-1].endswith("2 off for the 2 years since")


def test_few_proofs_are_said_to_show_little_of_all(shop: Declaration) -> None:
    known = facts(shop, proofs=[proof("activity_logging/call-not-logged", f"apis.{n}") for n in range(7)])
    assert "at least 65.2% are, at 95% confidence" in level("D6.1", known).found.sentence


def test_what_is_measured_decides_over_what_is_answered(shop: Declaration) -> None:
    known = facts(shop, proofs=[proof(FOREIGN, "apis.shop"), proof(FOREIGN, "apis.shop-test", Outcome.FAIL)])
    one = level("D4.2", known, 4)
    assert (one.level, one.perceived, one.source, one.worth) == (1, 4, Source.MEASURED, 1.0)
    assert "1 of 2 tokens" in one.found.sentence


def test_stale_evidence_takes_a_level_for_every_time_its_age_has_passed(shop: Declaration) -> None:
    known = facts(shop, proofs=[proof(FOREIGN, "apis.shop", days=0)])
    assert [level("D4.2", later(known, days=d)).level for d in (0, 6.9, 7, 14, 28, 400)] == [4, 4, 3, 2, 0, 0]
    assert "2 times as old as it may be" in level("D4.2", later(known, days=14)).steps[-1]


def test_a_gateway_must_be_tried_everywhere_and_often(shop: Declaration) -> None:
    both = [proof(BYPASS, "apis.shop", days=1), proof(BYPASS, "apis.shop-test", days=2)]
    assert level("D3.2", facts(shop, proofs=both)).level == 4
    assert level("D3.2", later(facts(shop, proofs=both), days=20)).level == 3
    assert level("D3.2", later(facts(shop, proofs=both), days=200)).level == 2
    assert level("D3.2", facts(shop, proofs=both[:1])).level == 1, "one API was never tried"
    failing = [both[0], proof(BYPASS, "apis.shop-test", Outcome.FAIL)]
    assert level("D3.2", facts(shop, proofs=failing)).level == 1, "one can be reached around it"


def test_objects_of_others_must_be_tried_lately_and_in_vain(shop: Declaration) -> None:
    design = [verdict(OWNER, GET), verdict(OWNER, "apis.shop-test.operations.getOrder")]
    whole = [proof(OBJECT, v.subject) for v in design]
    assert level("D5.1", facts(shop, design=design, proofs=whole)).level == 4
    assert level("D5.1", facts(shop, design=design, proofs=whole[:1])).level == 1
    broken = [whole[0], proof(OBJECT, design[1].subject, Outcome.FAIL)]
    assert level("D5.1", facts(shop, design=design, proofs=broken)).level == 3
    assert level("D5.1", later(facts(shop, design=design, proofs=whole), days=31)).level == 0
    unclear = [proof(OBJECT, v.subject, Outcome.INCONCLUSIVE) for v in design]
    one = level("D5.1", facts(shop, design=design, proofs=unclear))
    assert (one.measured, one.source) == (None, Source.NOTHING)


def test_what_is_only_declared_is_not_level_four_and_what_a_proof_contradicts_is_level_one(shop: Declaration) -> None:
    design = [verdict("environment_segregation/host-in-both-tiers", "environments")]
    assert level("D4.1", facts(shop, design=design)).level == 3
    assert level("D4.1", facts(shop, design=design, proofs=[proof(FOREIGN, "apis.shop")])).level == 4
    contradicted = facts(shop, design=design, proofs=[proof(FOREIGN, "apis.shop", Outcome.FAIL)])
    assert level("D4.1", contradicted).level == 1


def test_shared_elements_are_counted_and_one_that_is_not_known_is_one(shop: Declaration) -> None:
    bad = [verdict("environment_segregation/store-in-both-tiers", f"systems.{n}", Outcome.FAIL) for n in range(3)]
    assert level("D4.1", facts(shop, design=bad)).level == 3
    unclear = [*bad, verdict("environment_segregation/host-in-both-tiers", "e", Outcome.INCONCLUSIVE)]
    assert level("D4.1", facts(shop, design=unclear)).level == 2


def test_production_data_that_is_declared_to_flow_down_is_level_one_whatever_was_scanned(shop: Declaration) -> None:
    scanned = [proof("environment_segregation/production-data-in-test-store", "systems.crm-test")]
    assert level("D4.3", facts(shop, proofs=scanned)).level == 4
    down = [verdict("environment_segregation/production-data-flows-down", "flows.x", Outcome.FAIL)]
    assert level("D4.3", facts(shop, design=down)).level == 1
    assert level("D4.3", facts(shop, design=down, proofs=scanned)).level == 1


def test_labels_count_by_field_and_the_top_takes_a_look_at_payloads(tmp_path: Path) -> None:
    fields = {f"f{n}": {"level": "internal"} for n in range(19)}
    guess = {"last": {"level": "internal", "guessed": "low"}}
    declared = declaration(tmp_path, data={"order": {"fields": fields | guess}})
    assert level("D1.1", facts(declared)).level == 3
    assert level("D1.1", facts(declared)).found.todo == ("data.order.fields.last",)
    whole = declaration(tmp_path, data={"order": {"fields": fields}})
    assert level("D1.1", facts(whole)).level == 3
    seen = proof("data_classification/payload-above-label", GET)
    assert level("D1.1", facts(whole, proofs=[seen])).level == 4
    assert level("D1.1", later(facts(whole, proofs=[seen]), days=31)).level == 3
    contradicted = proof("data_classification/label-unlike-payload", GET, Outcome.FAIL)
    assert level("D1.1", facts(whole, proofs=[seen, contradicted])).level == 3


def test_accounts_of_which_nothing_is_known_count_as_bad(tmp_path: Path) -> None:
    system = {"crm": {"kind": "database", "environment": "live", "owner": "team"}}
    account = {"platform": "x", "system": "crm", "environment": "live", "owner": "team"}
    declared = declaration(tmp_path, systems=system, accounts={"known": account, "unknown": account})
    checks = ("rights-not-known", "superuser-account", "wildcard-rights", "impersonation-rights")
    design = [verdict(f"least_privilege/{check}", "accounts.known") for check in checks]
    unknown = [*design, verdict(f"least_privilege/{checks[0]}", "accounts.unknown", Outcome.INCONCLUSIVE)]
    assert level("D2.2", facts(declared, design=unknown)).found.value == 0.5
    assert level("D2.2", facts(declared, design=unknown)).level == 1
    every = [*design, *(verdict(f"least_privilege/{c}", "accounts.unknown") for c in checks)]
    assert level("D2.2", facts(declared, design=every)).level == 3
    accepted = [*every[:-1], verdict(f"least_privilege/{checks[1]}", "accounts.known", Outcome.FAIL, excepted_by="x")]
    accepted.append(every[-1])
    assert level("D2.2", facts(declared, design=accepted)).level == 3, "an exception that lives covers it"
    read = [*design, verdict(f"least_privilege/{checks[0]}", "accounts.unknown", Outcome.SKIPPED)]
    reviews = [review(Accounts(declared), n, today=NOW.date()) for n in declared.model.accounts]
    proofs = [proof("least_privilege/effective-rights-excessive", f"accounts.{n}") for n in declared.model.accounts]
    by_proof = facts(declared, design=read, proofs=proofs, reviews=reviews)
    assert (level("D2.1", by_proof).level, level("D2.2", by_proof).level) == (4, 4), "what a system told is known"
    assert level("D2.2", facts(declared, design=read, proofs=proofs[:1])).found.value == 0.5
    assert level("D2.1", facts(declared, reviews=reviews)).level == 0
    assert level("D2.4", facts(declared, reviews=reviews)).level == 0


def test_credentials_that_reach_restricted_data_live_for_a_day_at_level_four(tmp_path: Path) -> None:
    account = {
        "platform": "x",
        "system": "crm",
        "environment": "live",
        "owner": "team",
        "rights": [{"read": "orders"}],
        "needs": [{"read": "orders"}],
        "objects": {"orders": "order"},
        "last_used": "2026-11-21",
        "credential": {"issued": "2026-11-21", "rotate": "7d"},
    }
    more = {
        "systems": {"crm": {"kind": "database", "environment": "live", "owner": "team", "holds": ["order"]}},
        "data": {"order": {"fields": {"iban": {"level": "restricted"}}}},
    }

    def at(rotate: str) -> int | None:
        credential = {"issued": "2026-11-21", "rotate": rotate}
        declared = declaration(tmp_path, accounts={"sync": {**account, "credential": credential}}, **more)
        reviews = [review(Accounts(declared), "sync", today=NOW.date(), blended=True)]
        known = facts(declared, reviews=reviews)
        assert level("D2.1", known).level == 3, "nothing too much, as declared"
        return level("D2.4", known).level

    assert (at("7d"), at("24h")) == (3, 3), "and what is only declared is no level four"


def test_layers_blends_exceptions_and_the_log_are_measured(tmp_path: Path) -> None:
    entry = {
        "control": "rate_limiting",
        "on": "apis.shop",
        "reason": "it is being replaced",
        "owner": "team",
        "approved_by": "head of security",
        "compensating": ["network_ranges"],
        "expires": "2027-01-01",
    }
    declared = declaration(tmp_path, exceptions=[entry, {**entry, "expires": "2026-11-21"}])
    assert level("D7.2", facts(declared)).level == 1
    own = declaration(tmp_path, exceptions=[entry, {**entry, "approved_by": "team"}])
    assert level("D7.2", facts(own)).found.value == 0.5, "nobody approves their own"
    assert level("D7.2", facts(declaration(tmp_path, exceptions=[entry]))).level == 4
    assert [level("D3.1", facts(declared, edges=e)).level for e in (Edges(100), Edges(100, ("a",) * 10))] == [3, 2]
    assert level("D3.1", facts(declared)).measured is None
    assert level("D1.2", facts(declared, blends=Blends(5), applied=CURRENT)).level == 4
    assert level("D1.2", facts(declared, blends=Blends(5))).level == 3
    assert level("D1.2", facts(declared, blends=Blends(5, ("bi",)), applied=CURRENT)).level == 3
    assert level("D1.2", facts(declared, blends=Blends(5, (), ("bi",)), applied=CURRENT)).level == 3
    logs = (Log(9), Log(9, True), Log(9, True, "by audit"), Log(0), None)
    assert [level("D6.4", facts(declared, log=log)).measured for log in logs] == [1, 3, 4, None, None]


def test_grave_failures_are_counted_from_first_seen_to_first_gone(shop: Declaration) -> None:
    def closings(*spans: tuple[float, float | None]) -> Facts:
        def at(days: float) -> datetime:
            return NOW - timedelta(days=days)

        return facts(
            shop,
            closings=[Closing(str(i), "high", at(a), None if b is None else at(b)) for i, (a, b) in enumerate(spans)],
        )

    assert level("D5.5", closings((20, 10), (9, 1))).level == 4
    assert level("D5.5", closings((100, None))).level == 0, "what is open counts with the days so far"
    assert level("D5.5", closings((50, 30))).level == 3
    assert level("D5.5", facts(shop, closings=[Closing("x", "low", NOW, NOW)])).measured is None


def test_policy_climbs_from_written_to_signed(shop: Declaration) -> None:
    signed = [verdict("governance/change-unsigned", "governance")]
    past = [proof("governance/version-without-record", "gateway")]
    known = {"versioned": True, "runs": 2, "applied": CURRENT, "design": signed, "proofs": past}
    assert level("D7.1", facts(shop)).level == 1
    assert level("D7.1", facts(shop, versioned=True)).level == 2
    assert level("D7.1", facts(shop, versioned=True, runs=2)).level == 3
    assert level("D7.1", facts(shop, **known)).level == 4
    assert level("D7.1", facts(shop, **{**known, "design": []})).level == 3, "nobody looked at signatures"
    assert level("D7.1", facts(shop, **{**known, "proofs": []})).level == 3, "nor at what is applied"
    assert level("D7.1", facts(shop, **{**known, "applied": Applied()})).level == 3, "it is not what is applied"
    failing = [proof("governance/loosened-without-approval", "gateway", Outcome.FAIL)]
    assert level("D7.1", facts(shop, **{**known, "proofs": [*past, *failing]})).level == 3


def test_of_a_question_that_is_measured_in_part_the_lower_counts(shop: Declaration) -> None:
    quiet = facts(shop, design=[verdict("activity_logging/unattributed-calls", GET, Outcome.FAIL)])
    assert level("D6.2", quiet).level == 1
    assert (level("D6.2", quiet, 4).level, level("D6.2", quiet, 0).level) == (1, 0)
    assert level("D6.2", quiet, 4).worth == 0.5


def test_evidence_of_a_question_names_its_records(shop: Declaration) -> None:
    known = facts(shop, proofs=[proof(FOREIGN, "apis.shop")])
    assert level("D4.2", known).found.evidence == ("01apis.shop",)
    assert level("D4.2", known).found.at is not None
    assert date(2026, 11, 22) == NOW.date()


def test_a_part_of_the_proofs_does_not_stand_for_all_of_them(shop: Declaration) -> None:
    both = [proof(FOREIGN, "apis.shop"), proof(FOREIGN, "apis.shop-test", Outcome.SKIPPED)]
    one = level("D4.2", facts(shop, proofs=both))
    assert "1 of 2 tokens" in one.found.sentence and "1 not concluded" in one.found.sentence
    assert (one.level, one.found.awaits) == (1, True)

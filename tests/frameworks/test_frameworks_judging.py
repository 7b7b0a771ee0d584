"""Which objectives are in force, which tests decide them, and what share of them was shown."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.assurance.objectives import Status, standings
from assay.declare.model import Objective
from assay.domain import Outcome, UsageError
from assay.frameworks.judging import in_force, judged

OUTCOMES = list(Outcome)


def own(**more):
    words = {
        "category": "integrity",
        "statement": "Ours.",
        "controls": ["authorisation"],
        "target": {"coverage": "100%", "evidence_age": "7d"},
    }
    return Objective.model_validate({**words, **more})


def declaring(profile=None, **objectives):
    return SimpleNamespace(model=SimpleNamespace(objectives=objectives, profile=profile))


def one(bench, name, design=(), facts=None, profile="advanced", **objectives):
    chosen = in_force(declaring(profile, **objectives), bench.offers)
    found = judged(chosen, tuple(design), facts or {}, bench.live, now=bench.now)
    return next(j for j in found if j.chosen.id == name)


def test_without_a_profile_only_own_objectives_are_in_force(bench, facts) -> None:
    declaration = declaring(mine=own())
    design = (bench.verdict("authorisation", "operation-without-owner-rule"),)
    measured = facts(bench.fact("authorisation", "foreign-object-read"))
    found = judged(in_force(declaration, bench.offers), design, measured, bench.live, now=bench.now)
    assert tuple(j.standing for j in found) == standings(declaration, design, measured, bench.live, now=bench.now)


def test_a_profile_brings_the_catalogue_in_after_the_own_ones(bench) -> None:
    chosen = in_force(declaring("basic", mine=own()), bench.offers)
    assert chosen[0].id == "mine" and chosen[0].own
    assert [c.id for c in chosen][1:] == sorted({c.id for c in chosen} - {"mine"}, key=[c.id for c in chosen].index)
    assert len(chosen) == 22
    assert len(in_force(declaring("basic"), bench.offers, "advanced")) == 48
    with pytest.raises(UsageError):
        in_force(declaring(), bench.offers, "none")


def test_an_own_objective_takes_the_place_of_the_catalogue_s(bench) -> None:
    chosen = in_force(declaring("basic", **{"CO-AUZ-01": own()}), bench.offers)
    (found,) = [c for c in chosen if c.id == "CO-AUZ-01"]
    assert found.own and found.objective.statement == "Ours."


@pytest.mark.parametrize(
    ("words", "vouches"),
    [
        ({}, True),
        ({"target": {"evidence_age": "1d"}}, True),
        ({"controls": ["authorisation", "authentication"]}, True),
        ({"target": {"evidence_age": "30d"}}, False),
        ({"target": {"coverage": "50%"}}, False),
        ({"controls": ["authentication"]}, False),
        ({"scope": {"apis": ["shop"]}}, False),
        ({"scope": {"operations": ["get*"]}}, False),
    ],
)
def test_an_own_objective_that_says_less_does_not_vouch_for_what_the_catalogue_s_is_mapped_to(
    bench, words, vouches
) -> None:
    chosen = in_force(declaring("basic", **{"CO-AUZ-01": own(**words)}), bench.offers)
    assert next(c for c in chosen if c.id == "CO-AUZ-01").vouches is vouches


def test_an_objective_that_nothing_decides_is_not_assessed_and_says_why(bench, facts) -> None:
    everything = facts(*(bench.fact(c, p) for c, o in bench.offers.items() for p in o.proofs))
    found = one(bench, "CO-AVL-02", facts=everything)
    assert found.standing.status is Status.NOT_ASSESSED
    assert "circuit breaking" in found.standing.reason
    assert not found.assessed


def test_only_tests_that_speak_about_an_objective_decide_it(bench, facts) -> None:
    failed = facts(
        bench.fact("authorisation", "function-open-to-other-roles", Outcome.FAIL),
        bench.fact("authorisation", "foreign-object-read"),
    )
    design = (bench.verdict("authorisation", "operation-without-owner-rule"),)
    assert one(bench, "CO-AUZ-01", design, failed).standing.status is Status.EFFECTIVE
    assert one(bench, "CO-AUZ-02", design, failed).standing.status is Status.FAILED


def test_what_was_shown_about_one_control_does_not_show_another(bench, facts) -> None:
    design = (bench.verdict("input_validation", "body-without-schema"),)
    some = facts(bench.fact("input_validation", "contract-not-enforced"))
    found = one(bench, "CO-INV-02", design, some)
    assert found.standing.status is Status.APPLIED
    assert "data_exposure" in found.standing.reason


def test_an_objective_without_proofs_is_never_effective(bench, facts) -> None:
    everything = facts(*(bench.fact(c, p) for c, o in bench.offers.items() for p in o.proofs))
    design = (bench.verdict("least_privilege", "duties-in-conflict"),)
    assert one(bench, "CO-PRV-05", design, everything).standing.status is Status.APPLIED


def test_the_share_counts_subjects_of_which_every_proof_held(bench, facts) -> None:
    proofs = facts(
        bench.fact("authorisation", "foreign-object-read", where="getOrder"),
        bench.fact("authorisation", "foreign-object-changed", where="getOrder"),
        bench.fact("authorisation", "foreign-object-read", where="getItem"),
        bench.fact("authorisation", "foreign-object-changed", Outcome.INCONCLUSIVE, where="getItem"),
        bench.fact("authorisation", "foreign-object-read", Outcome.SKIPPED, where="getBill"),
        bench.fact("authorisation", "foreign-object-read", Outcome.NOT_APPLICABLE, where="getPrice"),
        bench.fact("authorisation", "foreign-object-read", Outcome.FAIL, where="getName", excepted_by="exceptions.0"),
        bench.fact("authorisation", "foreign-object-read", where="elsewhere", configuration="another"),
    )
    share = one(bench, "CO-AUZ-01", facts=proofs).share
    assert (share.held, share.due) == (1, 3)
    assert share.value == pytest.approx(33.33, abs=0.01)
    assert share.reached is False


def test_enough_proofs_on_too_few_subjects_are_not_enough(bench, facts) -> None:
    held = [bench.fact("data_exposure", "undeclared-property-sent", where="getOrder")]
    held += [
        replace(bench.fact("input_validation", "contract-not-enforced", where="getOrder"), key=f"case-{n}")
        for n in range(200)
    ]
    open_ = bench.fact("input_validation", "contract-not-enforced", Outcome.INCONCLUSIVE, where="getBill")
    assert one(bench, "CO-INV-02", facts=facts(*held)).standing.status is Status.EFFECTIVE
    found = one(bench, "CO-INV-02", facts=facts(*held, open_))
    assert found.standing.operating.outcome is Outcome.PASS  # 201 of 202 proofs: more than 99 %
    assert found.standing.status is Status.APPLIED
    assert "1 of 2 operations" in found.standing.reason


def test_before_anything_was_measured_there_is_no_share(bench, facts) -> None:
    skipped = facts(bench.fact("authorisation", "foreign-object-read", Outcome.SKIPPED))
    share = one(bench, "CO-AUZ-01", facts=skipped).share
    assert share.value is None and share.reached is None


_PROOFS = ("foreign-object-read", "foreign-object-changed", "function-open-to-other-roles", "tenants-not-apart")
_some = st.lists(st.tuples(st.sampled_from(_PROOFS), st.sampled_from(OUTCOMES), st.sampled_from("abc")), max_size=8)


@settings(max_examples=50, deadline=None)
@given(_some, st.randoms(use_true_random=False))
def test_the_order_of_evidence_does_not_matter(bench, some, random) -> None:
    several = {f.key: f for f in (bench.fact("authorisation", p, o, w) for p, o, w in some)}
    shuffled = list(several.items())
    random.shuffle(shuffled)
    for name in ("CO-AUZ-01", "CO-AUZ-02"):
        before, after = one(bench, name, facts=several), one(bench, name, facts=dict(shuffled))
        assert before.share == after.share
        assert before.standing.status is after.standing.status
        assert (before.share.value is None) or before.share.held <= before.share.due
        if before.standing.status is Status.EFFECTIVE:
            assert before.assessed and before.share.reached

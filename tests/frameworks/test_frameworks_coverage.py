"""Coverage never says more than was shown: mapped, reviewed, assessed and effective are counted apart."""

from __future__ import annotations

from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st

from assay.assurance.objectives import Applied
from assay.declare.model import Objective
from assay.domain import Outcome
from assay.frameworks.coverage import coverage, in_order, is_reviewed
from assay.frameworks.crosswalk import crosswalk
from assay.frameworks.judging import in_force, judged
from assay.frameworks.published import framework, frameworks

DECLARED = SimpleNamespace(model=SimpleNamespace(objectives={}, profile="advanced"))


def judge(bench, facts, declared=DECLARED, applied=None):
    design = [bench.verdict(c, k) for c, o in bench.offers.items() for k in o.checks]
    return judged(in_force(declared, bench.offers), design, facts, applied or bench.live, now=bench.now)


def all_held(bench):
    return {f.key: f for f in (bench.fact(c, p) for c, o in bench.offers.items() for p in o.proofs)}


def signed(links):
    return {link.subject: (link.digest,) for link in links}


def test_nothing_is_effective_before_anything_was_measured(bench) -> None:
    for into in frameworks():
        counts = coverage(into, crosswalk(), judge(bench, {}), {}).counts
        assert counts.mapped and not counts.effective and not counts.reviewed


def test_an_item_counts_only_when_all_that_is_mapped_to_it_does(bench) -> None:
    found = coverage(framework("owasp-api"), crosswalk(), judge(bench, all_held(bench)), {})
    by_item = {row.item.id: row for row in found.rows}
    assert by_item["API7"].effective == ("CO-INT-04",)
    assert by_item["API10"].assessed == ()
    assert len(by_item["API4"].effective) == 2 < len(by_item["API4"].mapped)
    assert found.counts.effective == 1  # API7: each of the others has an objective that nothing shows yet
    assert found.counts.mapped == found.counts.catalogued == 10


def test_one_failed_proof_takes_the_item_away(bench) -> None:
    facts = all_held(bench)
    failed = bench.fact("input_validation", "server-side-request", Outcome.FAIL)
    found = coverage(framework("owasp-api"), crosswalk(), judge(bench, facts | {failed.key: failed}), {})
    assert {r.item.id: r.effective for r in found.rows}["API7"] == ()
    assert found.counts.assessed >= 1


def test_reviewed_means_signed_in_the_words_that_it_has_now(bench) -> None:
    into = framework("owasp-api")
    links = [link for link in crosswalk() if link.framework == into.column and link.item == "API7"]
    assert coverage(into, crosswalk(), (), signed(links)).counts.reviewed == 1
    stale = {link.subject: ("0" * 64,) for link in links}
    assert coverage(into, crosswalk(), (), stale).counts.reviewed == 0
    assert not is_reviewed(links[0], {})


def test_an_own_objective_that_says_less_shows_nothing_of_a_framework(bench) -> None:
    less = Objective.model_validate(
        {
            "category": "integrity",
            "statement": "Less.",
            "controls": ["input_validation"],
            "scope": {"apis": ["shop"]},
        }
    )
    declared = SimpleNamespace(model=SimpleNamespace(objectives={"CO-INT-04": less}, profile="advanced"))
    found = coverage(framework("owasp-api"), crosswalk(), judge(bench, all_held(bench), declared), {})
    row = next(r for r in found.rows if r.item.id == "API7")
    assert row.mapped == ("CO-INT-04",) and row.assessed == row.effective == ()


def test_what_is_not_applied_is_not_effective(bench) -> None:
    for applied in (Applied(), Applied(live="abc", wanted="new")):
        standings = judge(bench, all_held(bench) if applied.live else {}, applied=applied)
        for into in frameworks():
            assert coverage(into, crosswalk(), standings, {}).counts.effective == 0


def test_the_population_of_each_share_is_named() -> None:
    for into in frameworks():
        found = coverage(into, crosswalk(), (), {})
        assert str(len(found.rows)) in found.population or "ten" in found.population
        assert found.whole == bool(into.items)


def test_identifiers_are_sorted_as_people_count() -> None:
    assert sorted(["V10.3.1", "V2.2.1", "V2.10.1"], key=in_order) == ["V2.2.1", "V2.10.1", "V10.3.1"]
    assert sorted(["32(1)(a)", "5(2)", "32"], key=in_order) == ["5(2)", "32", "32(1)(a)"]


@settings(max_examples=40, deadline=None)
@given(into=st.sampled_from(frameworks()), data=st.data())
def test_no_count_is_larger_than_the_one_it_is_a_share_of(bench, into, data) -> None:
    proofs = [(c, p) for c, o in bench.offers.items() for p in sorted(o.proofs)]
    drawn = data.draw(st.lists(st.tuples(st.sampled_from(proofs), st.sampled_from(list(Outcome))), max_size=10))
    facts = {f.key: f for f in (bench.fact(c, p, o) for (c, p), o in drawn)}
    links = data.draw(st.lists(st.sampled_from(crosswalk()), max_size=30))
    found = coverage(into, crosswalk(), judge(bench, facts), signed(links))
    counts = found.counts
    assert counts.effective <= counts.assessed <= counts.mapped <= counts.catalogued == len(found.rows)
    assert counts.reviewed <= counts.mapped
    for row in found.rows:
        assert set(row.effective) <= set(row.assessed) <= set(row.mapped) >= set(row.reviewed)

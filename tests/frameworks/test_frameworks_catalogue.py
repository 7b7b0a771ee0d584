"""The catalogue is complete, honest about what nothing decides yet, and refuses what is malformed."""

from __future__ import annotations

from importlib import resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.domain import AssayError, Category, UsageError
from assay.frameworks.catalogue import PROFILES, catalogue, entry, gaps, in_profile, parse

DATA = resources.files("assay.data")
TABLE = (DATA / "api_control_objectives.csv").read_text(encoding="utf-8")
WORDS = (DATA / "objective_profiles.yaml").read_text(encoding="utf-8")


def test_there_are_48_objectives_of_every_category() -> None:
    assert len(catalogue()) == 48
    assert {e.category for e in catalogue()} == set(Category)


def test_basic_is_part_of_advanced_and_advanced_is_everything() -> None:
    basic, advanced = in_profile("basic"), in_profile("advanced")
    assert set(map(id, basic)) < set(map(id, advanced))
    assert advanced == catalogue()
    assert in_profile(None) == ()


def test_every_test_that_decides_belongs_to_a_control_that_serves_the_objective(bench) -> None:
    assert gaps(catalogue(), bench.offers) == []


def test_a_test_that_was_renamed_is_noticed(bench) -> None:
    without = {k: v for k, v in bench.offers.items() if k != "authorisation"}
    assert any("CO-AUZ-01" in gap for gap in gaps(catalogue(), without))


def test_what_controls_say_they_serve_exists(bench) -> None:
    known = {e.id for e in catalogue()}
    assert [o.control for o in bench.offers.values() if not o.objectives <= known] == []


def test_what_nothing_decides_says_why(bench) -> None:
    for each in catalogue():
        if not each.controls(bench.offers):
            assert len(each.unserved) > 20, each.id


def test_a_control_that_only_supports_an_objective_decides_nothing(bench) -> None:
    assert "CO-ARC-02" in bench.offers["network_ranges"].objectives
    assert entry("co-arc-02").controls(bench.offers) == ("api_gateway",)


def test_only_controls_with_a_proof_about_it_must_be_shown(bench) -> None:
    assert entry("CO-AUN-01").deciding(bench.offers).shown == ("authentication",)
    assert entry("CO-CON-04").deciding(bench.offers).shown == ("rate_limiting",)
    assert entry("CO-PRV-05").deciding(bench.offers).shown == ()


def test_what_is_misspelt_leads_to_what_was_meant() -> None:
    with pytest.raises(UsageError) as error:
        entry("CO-AUZ-91")
    assert "CO-AUZ-0" in error.value.fix
    with pytest.raises(UsageError) as error:
        in_profile("advance")
    assert "advanced" in error.value.fix


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("profile: basic", "profile: base", "profile: base"),
        ("category: confidentiality", "category: secrecy", "category: secrecy"),
        ("target: 99\n", "target: 101\n", "target: 101"),
        ("target: 99\n", "target: yes\n", "target"),
        ("evidence_age: 1d", "evidence_age: a day", "no duration"),
        ("counts: APIs and their endpoints", "counts: ", "counts"),
        ("CO-INV-01:\n", "CO-INV-99:\n", "CO-INV-99"),
        ("  must_show: [api_gateway]", "  must_show: api_gateway", "must_show"),
        ("  profile: basic", "  profil: basic", "profil"),
    ],
)
def test_a_malformed_word_is_named(old: str, new: str, told: str) -> None:
    assert old in WORDS
    with pytest.raises(AssayError) as error:
        parse(TABLE, WORDS.replace(old, new, 1))
    assert told in error.value.sentence


def test_a_row_that_is_there_twice_or_cut_short_is_refused() -> None:
    lines = TABLE.splitlines()
    with pytest.raises(UsageError, match="id of its own"):
        parse("\n".join([*lines, lines[1]]), WORDS)
    with pytest.raises(UsageError, match="columns"):
        parse("\n".join([*lines[:-1], lines[-1].split(",")[0]]), WORDS)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_whatever_is_done_to_the_files_only_errors_for_people_come_out(data) -> None:
    which = data.draw(st.sampled_from(("table", "words")))
    text = TABLE if which == "table" else WORDS
    at = data.draw(st.integers(0, min(len(text), 3000)))
    cut = data.draw(st.integers(0, 40))
    changed = text[:at] + data.draw(st.text(max_size=6)) + text[at + cut :]
    try:
        found = parse(changed, WORDS) if which == "table" else parse(TABLE, changed)
    except AssayError:
        return
    assert len(found) == 48
    assert all(e.profile in PROFILES and 0 < e.target <= 100 for e in found)

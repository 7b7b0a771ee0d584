"""Mappings lead to items that exist, and a review is for exactly the words that were read."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.domain import UsageError
from assay.frameworks.catalogue import catalogue, entry
from assay.frameworks.crosswalk import crosswalk, identifiers, links, of_objective
from assay.frameworks.published import framework, frameworks


def test_every_mapping_leads_to_an_item_that_exists() -> None:
    found = crosswalk()
    assert len(found) == len({link.subject for link in found}) == 616
    for link in found:
        assert framework(link.framework).refusal(link.item) == ""


def test_the_lists_are_as_long_as_they_are_said_to_be() -> None:
    sizes = {f.id: len(f.items) for f in frameworks() if f.items}
    assert sizes == {"nist-800-53": 179, "sp-800-228": 26, "owasp-api": 10, "csf": 106, "iso-27001": 93}
    assert framework("nist-800-53").population.startswith("179 controls: 173 ")


def test_assessment_methods_are_those_of_800_53a() -> None:
    items = framework("nist-800-53").items
    assert items["ac-3"].methods == ("EXAMINE", "INTERVIEW", "TEST")
    assert items["ac-3"].determinations
    assert items["ac-25"].methods == ()  # outside the baselines whose text is carried
    assert {m for item in items.values() for m in item.methods} == {"EXAMINE", "INTERVIEW", "TEST"}


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("nist-800-53", "zz-99"),
        ("nist-800-53", "AC-3"),
        ("nist-800-53", "ac-3,,ac-4"),
        ("nist-800-53", "ac-3, ac-4"),
        ("nist-800-53", "ac-3,ac-3"),
        ("csf", "PR.AA-99"),
        ("owasp-api", "API11"),
        ("owasp-api", "API01"),
        ("iso-27001", "A.5.38"),
        ("iso-27001", "A.9.1"),
        ("asvs", "8.2.2"),
        ("pci-dss", "13.1"),
        ("gdpr", "100"),
        ("gdpr", "Art. 32"),
        ("ccm", "IAM16"),
        ("sp-800-228", "REC-API-27"),
    ],
)
def test_identifiers_that_do_not_exist_are_refused(name: str, cell: str) -> None:
    with pytest.raises(UsageError) as error:
        identifiers(cell, framework(name), "CO-X")
    assert error.value.fix


@given(st.sampled_from(frameworks()), st.text(alphabet="aAcC-.,123V()I P\n٣", max_size=14))
def test_a_cell_is_read_as_identifiers_or_refused(into, cell) -> None:
    try:
        found = identifiers(cell, into, "CO-X")
    except UsageError:
        return
    assert ",".join(found) == cell
    assert not any(into.refusal(item) for item in found)


@given(st.sampled_from(frameworks()), st.data())
def test_identifiers_survive_being_written_and_read(into, data) -> None:
    items = sorted({link.item for link in crosswalk() if link.framework == into.column})
    chosen = data.draw(st.lists(st.sampled_from(items), unique=True, max_size=6))
    assert identifiers(",".join(chosen), into, "CO-X") == tuple(chosen)


@pytest.mark.parametrize("word", ["statement", "metric", "wanted", "design", "operation"])
def test_a_mapping_whose_words_changed_has_another_digest(word: str) -> None:
    before = entry("CO-AUZ-01")
    after = replace(before, **{word: "something else"})
    assert {link.digest for link in links([before])}.isdisjoint(link.digest for link in links([after]))
    assert [link.subject for link in links([before])] == [link.subject for link in links([after])]


def test_the_digest_tells_items_and_objectives_apart() -> None:
    assert len({link.digest for link in crosswalk()}) == len(crosswalk())


def test_a_missing_column_is_said() -> None:
    one = entry("CO-AUZ-01")
    with pytest.raises(UsageError, match="no column gdpr"):
        links([replace(one, row={k: v for k, v in one.row.items() if k != "gdpr"})])


def test_an_objective_without_mappings_to_a_framework_says_so() -> None:
    assert [link.item for link in of_objective("CO-AUZ-01", "owasp-api")] == ["API1"]
    with pytest.raises(UsageError, match="stands for nothing"):
        of_objective("CO-GOV-01", "owasp-api")
    with pytest.raises(UsageError, match="no framework"):
        of_objective("CO-GOV-01", "owasp")
    assert len(of_objective("CO-GOV-01")) == sum(link.objective == "CO-GOV-01" for link in links(catalogue()))

"""The worked example of the design, to the digit."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from tests.sensitivity.sensing import WORKED, read

from assay.sensitivity import Blend, blend, closure, reach, what_ifs
from assay.sensitivity.rules import alone


def _bi(directory: Path, text: str) -> Blend:
    declaration = read(directory, text)
    closed = closure(declaration)
    found = next(r for r in reach(declaration, closed) if r.principal.id == "bi")
    return blend(found, closed.rules)[0]


def test_an_analyst_with_two_harmless_tables_can_tell_who_is_ill(tmp_path: Path) -> None:
    found = _bi(tmp_path, WORKED)
    assert found.claimed.level == "restricted" and found.above
    assert round(found.claimed.bits, 1) == 18.3
    assert found.claimed.k == pytest.approx(3.75, abs=0.005)
    assert [o.data for o in found.objects] == ["order", "profile"] and found.on == ("customer",)
    assert [s.rule for s in found.steps] == ["E3", "J0", "E5", "E2", "E1"]
    assert "k = 3.75, linkable" in found.steps[3].sentence


def test_with_the_full_birth_date_it_names_people(tmp_path: Path) -> None:
    found = _bi(tmp_path, WORKED.replace("bits: 6.321928", "bits: 14.833681"))
    assert found.claimed.level == "special"
    assert found.claimed.k == pytest.approx(0.01, abs=0.0005)


def test_with_coarser_postcodes_it_stays_confidential(tmp_path: Path) -> None:
    found = _bi(tmp_path, WORKED.replace("bits: 10.965784", "bits: 6.643856"))
    assert found.claimed.level == "confidential" and not found.above
    assert found.claimed.k == pytest.approx(75, abs=0.01)


def test_the_smallest_changes_are_named_first(tmp_path: Path) -> None:
    offers = what_ifs(_bi(tmp_path, WORKED), most=20)
    sentences = [offer.sentence for offer in offers]
    assert sentences[0] == "generalise profile.postcode to 681 values or fewer"
    assert offers[0].label.level == "confidential" and all(offer.label.rank <= 2 for offer in offers)
    kinds = [offer.changes[0].kind for offer in offers]
    assert kinds == sorted(kinds, key=["generalise", "tokenise", "drop", "remove"].index)
    assert {"drop order.product_code", "take order away (rights in warehouse)"} <= set(sentences)


def test_the_model_predicts_how_many_are_alone_with_birth_date_sex_and_postcode() -> None:
    """The US of 1990: 248.7 million people, 29,343 five-digit ZIP codes, 80 years of birth dates, two sexes. Sweeney
    counted 87 %, Golle (2000 census) 63 %; values are spread less evenly than a model thinks."""
    bits = math.log2(29_343) + math.log2(365 * 80) + math.log2(2)
    predicted = alone(248_700_000 / 2**bits)
    assert round(predicted, 2) == 0.86
    assert 0.63 < predicted < 0.88

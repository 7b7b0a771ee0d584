"""Proof of encryption at rest: the canary is looked for, and it is known that it would have been found."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.controls.proving.desk import Desk, desk_surface, outcome

from assay.controls._lib.inputs import Place, admits
from assay.controls.encryption_at_rest.canary import SHORTEST, canary
from assay.controls.encryption_at_rest.prove import prove
from assay.domain import Outcome
from assay.prove.surface import Surface


@pytest.fixture
def surface(tmp_path: Path) -> Surface:
    return desk_surface(tmp_path / "desk")


class TestTheCanary:
    def test_in_clear_is_found_and_the_field_is_named(self, surface: Surface) -> None:
        found = outcome(
            surface, list(prove(surface)), "plaintext-in-store", Desk(frozenset({"plaintext"})), "createNote"
        )
        assert found.outcome is Outcome.FAIL
        assert "`note.iban`" in found.sentence

    def test_that_is_encrypted_and_read_back_passes(self, surface: Surface) -> None:
        found = outcome(surface, list(prove(surface)), "plaintext-in-store", Desk(), "createNote")
        assert found.outcome is Outcome.PASS, found.sentence

    def test_that_may_never_have_been_stored_proves_nothing(self, surface: Surface) -> None:
        found = outcome(
            surface, list(prove(surface)), "plaintext-in-store", Desk(frozenset({"stores-nothing"})), "createNote"
        )
        assert found.outcome is Outcome.INCONCLUSIVE
        assert "wrong place" in found.sentence

    def test_that_does_not_come_back_proves_nothing(self, surface: Surface) -> None:
        class Forgetful(Desk):
            def _shown(self, number: int, asked: object) -> dict[str, object]:
                return {"id": str(number), "iban": "***"}

        found = outcome(surface, list(prove(surface)), "plaintext-in-store", Forgetful(), "createNote")
        assert found.outcome is Outcome.INCONCLUSIVE

    @given(st.integers(), st.one_of(st.none(), st.text(max_size=30)))
    def test_is_long_enough_and_valid(self, seed: int, now: str | None) -> None:
        schema = {"type": "string", "maxLength": 40}
        place = Place("query", ("a",), schema, schema)
        made = canary(place, now, None, random.Random(seed))  # noqa: S311
        assert made is None or (len(made) >= SHORTEST and made != now and admits(place, made))

    @pytest.mark.parametrize(
        "now", ["a1B2c3D4e5F6"[:length] for length in range(13)] + ["ABC-1234", "1234-567", "ЖукЖукЖук"]
    )
    @pytest.mark.parametrize("seed", range(4))
    def test_is_there_for_a_value_of_any_length_where_the_contract_has_room(self, now: str, seed: int) -> None:
        schema = {"type": "string", "maxLength": 40}
        made = canary(Place("query", ("a",), schema, schema), now, None, random.Random(seed))  # noqa: S311
        assert made is not None and len(made) >= SHORTEST
        assert sum(c.isascii() and c.isalnum() for c in made) >= SHORTEST - 1  # drawn anew

    def test_is_not_there_where_the_contract_has_no_room_for_one(self) -> None:
        schema = {"type": "string", "maxLength": SHORTEST - 1}
        assert canary(Place("query", ("a",), schema, schema), "ABC1234", None, random.Random(1)) is None  # noqa: S311

    def test_keeps_the_form_that_the_contract_asks_for(self) -> None:
        schema = {"type": "string", "pattern": "^[A-Z]{2}[0-9]{10}$"}
        place = Place("query", ("a",), schema, schema)
        made = canary(place, "DE1234567890", None, random.Random(1))  # noqa: S311
        assert made is not None
        assert made != "DE1234567890"
        assert admits(place, made)

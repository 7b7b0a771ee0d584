"""Proof of data classification: labels against what payloads hold, masks and transformations against marked values."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.controls.data_classification.bureau import CONTRACT, HEAD, Bureau, bureau_surface, outcome

from assay.controls.data_classification.prove import prove
from assay.controls.data_classification.verified import verified_transforms
from assay.domain import Outcome, Severity, Verdict
from assay.prove.case import Case, Judged
from assay.prove.result import Proof
from assay.prove.surface import Surface
from assay.sensitivity.closure import closure
from assay.sensitivity.levels import rank

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
WEEK = timedelta(days=7)


@pytest.fixture
def surface(tmp_path: Path) -> Surface:
    return bureau_surface(tmp_path / "bureau")


def found(surface: Surface, test: str, *flaws: str, operation: str = "") -> Judged:
    return outcome(surface, list(prove(surface)), test, Bureau(frozenset(flaws)), operation)


class TestPayloadsAndLabels:
    def test_agree(self, surface: Surface) -> None:
        for operation in ("getPerson", "listPeople"):
            judged = found(surface, "payload-above-label", operation=operation)
            assert judged.outcome is Outcome.PASS, judged.sentence

    def test_personal_data_without_a_label_fails(self, surface: Surface) -> None:
        judged = found(surface, "payload-above-label", "unlabelled", operation="listPeople")
        assert judged.outcome is Outcome.FAIL
        assert "`*.extra` holds user.contact.email (email) and is not labelled" in judged.sentence

    def test_data_above_its_label_fails_and_is_not_shown(self, surface: Surface) -> None:
        judged = found(surface, "payload-above-label", "stronger", operation="getPerson")
        assert judged.outcome is Outcome.FAIL
        assert "`city` holds user.financial.bank_account (iban) and is labelled internal" in judged.sentence
        assert "DE89" not in judged.sentence + str(judged.facts)

    def test_a_name_of_a_member_is_seen_too_and_not_shown(self, surface: Surface) -> None:
        judged = found(surface, "payload-above-label", "keyed", operation="getPerson")
        assert judged.outcome is Outcome.FAIL
        assert "jo.day" not in judged.sentence + str(judged.facts)

    def test_what_only_looks_like_it_is_left_open(self, surface: Surface) -> None:
        judged = found(surface, "payload-above-label", "unlabelled-likely", operation="getPerson")
        assert (judged.outcome, judged.severity) == (Outcome.INCONCLUSIVE, Severity.LOW)
        assert "may hold user.contact.phone_number" in judged.sentence

    def test_values_like_their_labels_pass_and_others_are_a_note(self, surface: Surface) -> None:
        assert found(surface, "label-unlike-payload").outcome is Outcome.PASS
        judged = found(surface, "label-unlike-payload", "unlike")
        assert (judged.outcome, judged.severity) == (Outcome.INCONCLUSIVE, Severity.NOTE)
        assert "`*.email`" in judged.sentence

    def test_fields_are_held_against_their_labels_once(self, surface: Surface) -> None:
        assert [c.operation for c in prove(surface) if c.test.id == "label-unlike-payload"] == ["listPeople"]

    def test_without_declared_data_nothing_is_promised(self, tmp_path: Path) -> None:
        head = HEAD[: HEAD.index("data:\n")].replace("holds: [person]", "holds: []")
        head = re.sub(r"    reveal:\n(      -.*\n)+", "", head)
        assert list(prove(bureau_surface(tmp_path / "bare", head=head))) == []


class TestMasks:
    def test_that_remove_the_value_pass(self, surface: Surface) -> None:
        judged = found(surface, "masked-value-readable")
        assert judged.outcome is Outcome.PASS, judged.sentence
        assert judged.facts["fields"] == {"person.email": "fixed", "person.iban": "last4", "person.name": "fixed"}

    @pytest.mark.parametrize(
        ("flaw", "words"),
        [
            ("clear", "as it was written"),
            ("encoded", "in another encoding"),
            ("digest", "as a digest without a key"),
            ("all-but-the-end", "all but its end"),
        ],
    )
    def test_that_can_be_undone_fail_and_say_how(self, surface: Surface, flaw: str, words: str) -> None:
        judged = found(surface, "masked-value-readable", flaw)
        assert judged.outcome is Outcome.FAIL
        assert words in judged.sentence

    def test_of_values_that_nobody_sees_prove_nothing(self, surface: Surface) -> None:
        assert found(surface, "masked-value-readable", "nobody").outcome is Outcome.INCONCLUSIVE

    def test_of_another_object_prove_nothing(self, surface: Surface) -> None:
        judged = found(surface, "masked-value-readable", "another")
        assert judged.outcome is Outcome.INCONCLUSIVE
        assert "does not show the object" in judged.sentence


class TestTransformations:
    def test_that_take_the_value_away_pass(self, surface: Surface) -> None:
        judged = found(surface, "transform-not-applied")
        assert judged.outcome is Outcome.PASS, judged.sentence
        assert "`person.city` did" in judged.sentence

    @pytest.mark.parametrize(
        ("flaw", "words"),
        [
            ("raw", "`person.email` (tokenise deterministic) as it was written"),
            ("hashed", "`person.email` (tokenise deterministic) as a digest without a key"),
            ("kept", "`person.name` (drop) as it was written"),
        ],
    )
    def test_that_leave_the_value_fail_and_name_the_field(self, surface: Surface, flaw: str, words: str) -> None:
        judged = found(surface, "transform-not-applied", flaw)
        assert judged.outcome is Outcome.FAIL
        assert words in judged.sentence

    def test_prove_nothing_while_nothing_moves(self, surface: Surface) -> None:
        judged = found(surface, "transform-not-applied", "nothing-moves")
        assert judged.outcome is Outcome.INCONCLUSIVE
        assert "nothing moved" in judged.sentence
        assert not any(t["verified"] for t in judged.facts["transforms"])

    def test_are_not_asked_about_where_the_store_cannot_be_looked_into(self, tmp_path: Path) -> None:
        head = re.sub(r",\n +connection: .*\n", "}\n", HEAD)
        surface = bureau_surface(tmp_path / "b", head=head)
        assert [c for c in prove(surface) if c.test.id == "transform-not-applied"] == []

    def test_have_their_place_in_the_declaration(self, surface: Surface) -> None:
        (case,) = [c for c in prove(surface) if c.test.id == "transform-not-applied"]
        assert (case.subject, case.variant) == ("flows.nightly", "nightly")
        assert case.at.file.endswith("assay.yaml")


def _proof(case: Case, judged: Judged, started: datetime) -> Proof:
    verdict = Verdict(
        control=case.test.control,
        check=case.test.id,
        subject=case.subject,
        outcome=judged.outcome,
        sentence=judged.sentence,
        location=case.at,
    )
    return Proof(case=case.id, test=case.test, verdict=verdict, facts=judged.facts, started=started, evidence=("e-1",))


class TestVerifiedLabels:
    def _kept(self, surface: Surface, *flaws: str, started: datetime = NOW) -> Proof:
        case = next(c for c in prove(surface) if c.test.id == "transform-not-applied")
        return _proof(case, found(surface, "transform-not-applied", *flaws), started)

    def test_a_proof_lowers_the_verified_label_of_the_target(self, surface: Surface) -> None:
        verified = verified_transforms([self._kept(surface)], now=NOW, age=WEEK)
        assert {(v.flow, v.field, v.text, v.evidence) for v in verified} == {
            ("nightly", "name", "drop", "e-1"),
            ("nightly", "email", "tokenise deterministic", "e-1"),
            ("nightly", "iban", "last4", "e-1"),
        }
        before = closure(surface.declaration).stored["warehouse", "profile"]
        after = closure(surface.declaration, verified).stored["warehouse", "profile"]
        assert rank(before.verified.level) > rank(before.claimed.level)
        assert after.verified.level == after.claimed.level == before.claimed.level

    def test_failed_old_and_outdated_proofs_verify_nothing(self, surface: Surface) -> None:
        good = self._kept(surface)
        later = self._kept(surface, "raw", started=NOW + timedelta(hours=1))
        assert verified_transforms([later, good], now=NOW + timedelta(hours=2), age=WEEK) == ()
        assert verified_transforms([self._kept(surface, "nothing-moves")], now=NOW, age=WEEK) == ()
        assert verified_transforms([good], now=NOW + timedelta(days=8), age=WEEK) == ()
        assert verified_transforms([good], now=good.started - timedelta(seconds=1), age=WEEK) == (), "not seen yet"
        assert verified_transforms([good], now=good.started, age=WEEK)

    def test_what_absence_cannot_show_stays_claimed(self, tmp_path: Path) -> None:
        head = HEAD.replace("{tokenise: deterministic}", "{tokenise: per-recipient}")
        surface = bureau_surface(tmp_path / "b", head=head)
        assert {v.field for v in verified_transforms([self._kept(surface)], now=NOW, age=WEEK)} == {"name", "iban"}

    def test_a_field_that_was_not_written_stays_claimed(self, tmp_path: Path) -> None:
        contract = CONTRACT.replace(
            "        iban: {type: string, maxLength: 40}\n", "        iban: {type: integer}\n", 1
        )
        surface = bureau_surface(tmp_path / "b", contract=contract)
        assert {v.field for v in verified_transforms([self._kept(surface)], now=NOW, age=WEEK)} == {"name", "email"}

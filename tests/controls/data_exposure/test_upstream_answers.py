"""Proof that hidden values stay hidden in answers that nobody expects: each form that lets one out is found."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.controls._lib.misplayed import Policy, behind_gateway, played
from tests.controls.proving.desk import HEAD, desk_surface

from assay.controls.data_exposure.proofs.misbehaving import forms
from assay.controls.data_exposure.prove import prove
from assay.domain import Outcome
from assay.prove.surface import Surface

_TESTS = ("upstream-error-shown", "unreadable-answer-shown", "unnamed-property-passed")
_FLAWS = {
    "twice": "a member that is there twice",
    "object": "an object in its place",
    "list": "a list in its place",
    "text": "text that is no JSON",
    "no-type": "no media type",
    "early": "JSON that ends too early",
    "gzip": "compression nobody asked for",
    "utf-16": "UTF-16",
    "part": "a part of a document",
    "found": "an error with the record in it",
    "large": "a body beyond any bound",
}


@pytest.fixture
def surface(tmp_path: Path) -> Surface:
    return behind_gateway(tmp_path / "desk")


@pytest.mark.parametrize("test", _TESTS)
def test_a_gateway_that_hides_it_passes(surface: Surface, test: str) -> None:
    found = played(surface, prove, test, Policy())
    assert found.outcome is Outcome.PASS, found.sentence


@pytest.mark.parametrize("flaw", sorted(_FLAWS))
def test_a_form_in_which_it_comes_out_is_named(surface: Surface, flaw: str) -> None:
    found = played(surface, prove, "unreadable-answer-shown", Policy(frozenset({flaw})))
    assert found.outcome is Outcome.FAIL, found.sentence
    assert found.facts["form"] == _FLAWS[flaw]


def test_every_form_has_a_flaw_that_it_finds() -> None:
    assert set(forms(("iban",), "x")) == set(_FLAWS.values())


def test_a_field_in_clear_is_found_in_the_ordinary_answer_already(surface: Surface) -> None:
    assert played(surface, prove, "unreadable-answer-shown", Policy(frozenset({"clear"}))).outcome is Outcome.FAIL


def test_a_stack_trace_that_comes_out_fails(surface: Surface) -> None:
    assert played(surface, prove, "upstream-error-shown", Policy(frozenset({"errors"}))).outcome is Outcome.FAIL


def test_an_unnamed_property_that_comes_out_fails(surface: Surface) -> None:
    assert played(surface, prove, "unnamed-property-passed", Policy(frozenset({"unnamed"}))).outcome is Outcome.FAIL


def test_where_answers_are_open_an_unnamed_property_breaks_no_promise(tmp_path: Path) -> None:
    head = HEAD.replace("    backed_by: [store]\n", "    backed_by: [store]\n    strict: {body: false}\n")
    surface = behind_gateway(tmp_path / "desk", head=head)
    found = played(surface, prove, "unnamed-property-passed", Policy(frozenset({"unnamed"})))
    assert found.outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize("test", _TESTS)
def test_what_does_not_reach_the_service_or_its_caller_proves_nothing(surface: Surface, test: str) -> None:
    for policy in (Policy(answers_itself=True), Policy(spoils_everything=True), None):
        assert played(surface, prove, test, policy).outcome is Outcome.INCONCLUSIVE


def test_nothing_is_played_where_there_is_no_gateway_of_ours(tmp_path: Path) -> None:
    assert not {c.test.id for c in prove(desk_surface(tmp_path / "desk"))} & set(_TESTS)

"""Whatever a dossier says, its documents are valid: names, texts and times of others cannot break them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.report.dossiers import NOW, dossier, run
from tests.report.oscal.materials import FACES, ITEM, assessment
from tests.report.oscal.schema import problems

from assay.assurance.objectives import Side, Standing, Status
from assay.declare.model import Objective, Scope, Target
from assay.domain import Category, Fix, Location, Outcome, Severity, Verdict
from assay.prove.case import Test
from assay.prove.result import Proof
from assay.report.oscal import KINDS, Material, document
from assay.report.oscal.material import Accepted, Pack, RiskNote
from assay.report.oscal.words import line, prose, string, token

NASTY = (
    "",
    " ",
    "\n",
    "a\tb",
    "`",
    "{{ insert: param, x }}",
    "\ud800",
    "\u2028",
    "\x1b[31m",
    "<b>",
    "é漢",
    "a.b",
    "[x](y)",
)
texts = st.one_of(st.sampled_from(NASTY), st.text(max_size=12))
controls = st.sampled_from(("authorisation", "rate_limiting", ""))
times = st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1)).map(lambda t: t.replace(tzinfo=UTC))
verdicts = st.builds(
    Verdict,
    control=controls,
    check=texts,
    subject=st.one_of(texts, st.just("apis.shop"), st.just("apis.shop.operations.get")),
    outcome=st.sampled_from(Outcome),
    sentence=texts,
    severity=st.sampled_from(Severity),
    location=st.builds(Location, texts),
    reason=texts,
    fix=st.none() | st.builds(Fix, texts),
    excepted_by=st.sampled_from((None, "exceptions.0", "exceptions.7")),
)
tests = st.builds(Test, controls, texts, texts, st.sampled_from(Severity), texts, texts)
proofs = st.builds(
    Proof,
    case=texts,
    test=tests,
    verdict=verdicts,
    api=st.sampled_from(("", "shop", "a.b")),
    identity=texts,
    refused_by=st.none() | texts,
    evidence=st.lists(texts, max_size=2).map(tuple),
    reproduce=st.none() | texts,
    started=times,
)
objectives = st.builds(
    lambda category, statement, chosen: Objective.model_construct(
        category=category, statement=statement, controls=tuple(chosen), scope=Scope(), target=Target()
    ),
    st.sampled_from(Category),
    texts,
    st.lists(controls, max_size=2),
)
sides = st.builds(Side, st.sampled_from(Outcome), texts)
standings = st.builds(
    Standing,
    st.one_of(st.just(ITEM.id), st.just(ITEM.id.lower()), texts),
    objectives,
    st.sampled_from(Status),
    texts,
    sides,
    sides,
    evidence_age=st.none() | st.floats(0, 1e9),
    expires=st.none() | times,
)
accepted = st.builds(
    Accepted,
    st.just("exceptions.0"),
    controls,
    texts,
    texts,
    texts,
    texts,
    st.dates(date(1990, 1, 1), date(2200, 1, 1)),
)


@st.composite
def materials(draw: st.DrawFn) -> Material:
    now = draw(times)
    found = tuple(draw(st.lists(proofs, max_size=3)))
    ran = draw(st.none() | st.just(replace(run(*found), started=now, finished=now + timedelta(seconds=1))))
    made = replace(
        dossier(),
        organisation=draw(texts),
        title=draw(texts),
        declaration_digest=draw(texts),
        live=draw(st.sampled_from(("", "c" * 64))),
        now=now,
        standings=tuple({s.id: s for s in draw(st.lists(standings, max_size=3))}.values()),
        design=tuple(draw(st.lists(verdicts, max_size=4))),
        proofs=found,
        run=ran,
        evidence=draw(st.sampled_from((None, dossier().evidence))),
    )
    note = RiskNote(
        assessment(),
        draw(texts),
        draw(texts),
        draw(st.sampled_from(("", "reduce", "accept", "share"))),
        draw(st.none() | st.dates(date(1990, 1, 1), date(2200, 1, 1))),
        draw(st.sampled_from((None, True, False))),
    )
    return Material(
        dossier=made,
        catalogue=draw(st.sampled_from(((), (ITEM,)))),
        faces=draw(st.sampled_from(((), FACES))),
        apis={"shop": draw(texts)},
        accepted=tuple(draw(st.lists(accepted, max_size=1))),
        risks=draw(st.sampled_from(((), (note,)))),
        declaration=draw(texts),
        pack=draw(st.sampled_from((None, Pack("../evidence")))),
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(materials())
def test_whatever_was_found_every_document_is_valid(told: Material) -> None:
    for kind in KINDS:
        assert problems(document(kind, told)) == []


@given(texts)
@example("a" * 300)
def test_any_text_becomes_a_token_a_string_and_a_line(text: str) -> None:
    assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9._-]*", token(text))
    assert string(text).strip() == string(text) != ""
    assert line(text) and "\n" not in line(text)
    assert prose(text)
    string(text).encode(), line(text).encode(), prose(text).encode()


@given(texts, texts)
def test_two_texts_are_two_tokens(one: str, other: str) -> None:
    assert (token(one) == token(other)) == (one == other)


def test_code_stays_as_it_is_written_and_nothing_else_acts() -> None:
    assert line("write `{roles: [ROLE]}`, not <b>*this*</b>") == r"write `{roles: [ROLE]}`, not \<b\>\*this\*\</b\>"
    assert "{{" not in prose("`{{ insert: param, x }}` and {{ insert: param, y }}")
    assert string("a\n b") == "a b"
    assert NOW.tzinfo is UTC

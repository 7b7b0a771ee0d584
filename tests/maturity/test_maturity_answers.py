"""Answers live in version control: written without touching anything else, and read with every mistake at its place."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.domain import AssayError, DeclarationError
from assay.maturity.answers import Answers, read_answers, template, with_answer
from assay.maturity.asking import Act, Asking, begin, understood
from assay.maturity.survey import survey
from assay.maturity.words import Answer

TODAY = date(2026, 11, 22)
ASKED = survey()
IDS = [q.id for q in ASKED.questions]
people = st.text(
    st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\u2028\u2029\x85"), min_size=1, max_size=20
).filter(str.strip)


def read(text: str) -> Answers:
    return read_answers(text, "survey.yaml", ASKED, today=TODAY)


def test_an_answer_can_be_a_level_with_who_and_when_said_once() -> None:
    found = read('survey: "1"\nby: anna\ndate: 2026-11-20\nanswers:\n  D1.1: 3\n  D1.2: {level: 2, by: bob}\n  D1.3:\n')
    assert found.given == {
        "D1.1": Answer(3, "anna", date(2026, 11, 20)),
        "D1.2": Answer(2, "bob", date(2026, 11, 20)),
    }


def test_the_template_reads_back_as_no_answers_and_takes_some() -> None:
    blank = template(ASKED, "anna", TODAY)
    assert read(blank) == Answers("1")
    filled = blank.replace("  D4.1:\n", "  D4.1: 2\n").replace("  D3.5:\n", "  D3.5: {level: n/a, note: none}\n")
    assert read(filled).given == {
        "D4.1": Answer(2, "anna", TODAY),
        "D3.5": Answer(None, "anna", TODAY, "none"),
    }


def test_every_mistake_is_told_at_its_place_with_the_closest_match() -> None:
    with pytest.raises(DeclarationError) as refused:
        read(
            'survey: "1"\nansers: {}\nanswers:\n  D1.9: 3\n  D1.1: 7\n  D1.2: {level: 2, date: 2026-13-01}\n'
            "  D1.3: {level: 2, date: 2027-01-01, by: x}\n  D1.4: 3\n  D1.5: {level: n/a, by: x, date: 2026-11-01}\n"
        )
    told = [(v.location.line, v.sentence) for v in refused.value.verdicts]
    assert told == [
        (2, "there is no key `ansers` here"),
        (4, "there is no question `D1.9`"),
        (5, "this is no level"),
        (6, "this is no date"),
        (7, "this was answered on 2027-01-01, which is yet to come"),
        (8, "nothing says when this was answered"),
        (8, "nothing says who answered"),
        (9, "nothing says why this question does not apply"),
    ]
    assert "answers" in str(refused.value.verdicts[0].fix)


def test_answers_to_another_version_are_kept_apart_and_do_not_count() -> None:
    found = read('survey: "0"\nby: anna\ndate: 2020-01-01\nanswers: {OLD.1: 3}\n')
    assert found.version == "0"
    assert found.to(ASKED) == {}


def test_writing_an_answer_leaves_comments_and_other_answers_as_they_were() -> None:
    before = 'survey: "1"   # ours\nanswers:\n  # the owner of the data said so\n  D1.1: 3\n'
    after = with_answer(before, "survey.yaml", ASKED, "D2.2", Answer(1, "bob", TODAY, "two left"))
    assert after.startswith(before)
    changed = with_answer(after, "survey.yaml", ASKED, "D2.2", Answer(2, "bob", TODAY))
    assert "# the owner of the data said so" in changed
    assert "two left" not in changed


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(IDS), st.sampled_from([None, 0, 1, 2, 3, 4]), people, people), max_size=5))
def test_what_was_written_is_what_is_read(said: list[tuple[str, int | None, str, str]]) -> None:
    text, wanted = "", {}
    for question, level, by, note in said:
        answer = Answer(level, by.strip(), TODAY, note)
        text = with_answer(text, "survey.yaml", ASKED, question, answer)
        wanted[question] = answer
    assert read(text).given == wanted


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=80), st.binary(max_size=80).map(lambda b: b.decode("latin-1"))))
def test_no_file_breaks_the_reader(text: str) -> None:
    for candidate in (text, f'survey: "1"\nanswers:\n  D1.1: {text}', f'survey: "1"\nanswers: {text}'):
        try:
            read(candidate)
        except AssayError as error:
            assert error.sentence


@given(st.text(max_size=40))
def test_every_reply_is_understood_or_told(text: str) -> None:
    reply = understood(text)
    assert reply.act is not Act.UNKNOWN or reply.said
    assert reply.level is None or 0 <= reply.level <= 4


def test_the_conversation_goes_on_where_it_stopped_and_back_and_ends() -> None:
    answered = {"D1.1": Answer(1, "a", TODAY), "D1.3": Answer(1, "a", TODAY)}
    asking = begin(ASKED.questions, answered)
    assert _at(asking) == "D1.2"
    asking = asking.after(understood("2"))
    assert _at(asking) == "D1.4", "what is answered is not asked again"
    asking = asking.after(understood("b"))
    assert _at(asking) == "D1.3", "unless somebody goes back to it"
    assert asking.after(understood("q")).over
    assert begin(ASKED.questions, dict.fromkeys(IDS, Answer(1, "a", TODAY))).over
    assert _at(begin(ASKED.questions, answered, again=True)) == "D1.1"


def _at(asking: Asking) -> str:
    return asking.questions[asking.at].id

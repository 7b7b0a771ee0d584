"""A first declaration says of most fields what they hold, and seldom something wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.declare.categories import categories
from assay.declare.classify import classify, tokens
from assay.declare.classify_values import shape_of
from assay.declare.classify_words import words
from assay.declare.contract import FieldPath

LABELS = Path(__file__).parent / "labelled_fields.tsv"


def field(name: str, owner: str = "Thing", **schema: object) -> FieldPath:
    written = schema.get("format")
    return FieldPath(
        path=(name,),
        name=name,
        owner=f"#/components/schemas/{owner}",
        owners=(f"#/components/schemas/{owner}",),
        schema={"type": "string", **schema},
        required=False,
        read_only=False,
        write_only=False,
        format=written if isinstance(written, str) else None,
        example=schema.get("example"),
        recursive=False,
    )


def labelled() -> Iterator[tuple[FieldPath, str | None]]:
    for line in LABELS.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        owner, name, kind, category = line.split("\t")
        kind, _, written = kind.partition(":")
        schema: dict[str, object] = {"type": kind}
        if kind == "array":
            schema["items"] = {"type": "string"}
        if written:
            schema["format"] = written
        yield field(name, owner, **schema), None if category == "-" else category


def test_guesses_on_labelled_fields_are_mostly_right_and_mostly_there(
    record_property: Callable[[str, object], None],
) -> None:
    right, wrong, missed = 0, [], []
    sure_right, sure_wrong = 0, []
    count = 0
    for item, category in labelled():
        count += 1
        guess = classify(item)
        got = guess.category if guess else None
        where = f"{item.owner.rpartition('/')[2]}.{item.name}: {got} instead of {category}"
        if got == category:
            right += got is not None
            sure_right += bool(guess and guess.confidence == "high")
        elif got is not None:
            wrong.append(where)
            if guess and guess.confidence == "high":
                sure_wrong.append(where)
        if category is not None and got != category:
            missed.append(where)
    precision = right / (right + len(wrong))
    recall = right / (right + len(missed))
    sure = sure_right / (sure_right + len(sure_wrong))
    told = f"{count} fields: precision {precision:.3f}, recall {recall:.3f}, precision of sure guesses {sure:.3f}"
    record_property("guesses", told)
    assert count >= 150
    assert precision >= 0.97, (told, wrong)
    assert recall >= 0.95, (told, missed)
    assert sure >= 0.99, (told, sure_wrong)


def test_every_category_that_can_be_guessed_exists() -> None:
    assert {m.category for m in words().meanings} <= categories().keys()


@pytest.mark.parametrize(
    ("name", "schema", "category", "confidence"),
    [
        ("x", {"format": "email"}, "user.contact.email", "high"),
        ("x", {"example": "ada@example.org"}, "user.contact.email", "high"),
        ("x", {"example": "DE89 3704 0044 0532 0130 00"}, "user.financial.bank_account", "medium"),
        ("x", {"example": "4111 1111 1111 1111"}, "user.financial.credit_card", "medium"),
        ("x", {"example": "+49 30 901820"}, "user.contact.phone_number", "medium"),
        ("x", {"example": "203.0.113.9"}, "user.device.ip_address", "medium"),
        ("x", {"examples": ["078-05-1120"]}, "user.government_id.national_identification_number", "medium"),
        ("x", {"description": "The customer's date of birth."}, "user.demographic.date_of_birth", "medium"),
        ("email", {"example": "ada@example.org"}, "user.contact.email", "high"),
    ],
)
def test_formats_examples_and_descriptions_count_as_evidence(
    name: str, schema: dict[str, object], category: str, confidence: str
) -> None:
    guess = classify(field(name, **schema))
    assert guess is not None
    assert (guess.category, guess.confidence) == (category, confidence)
    assert guess.why


@pytest.mark.parametrize(
    "schema",
    [
        {"example": "DE89 3704 0044 0532 0130 01"},
        {"example": "4111 1111 1111 1112"},
        {"example": "1.2.3"},
        {"example": "2026-11-22"},
        {"description": "Whether the email address is verified"},
        {"description": "Password policy of the tenant"},
    ],
)
def test_what_only_resembles_personal_data_is_no_guess(schema: dict[str, object]) -> None:
    assert classify(field("x", **schema)) is None


def test_a_long_remark_is_free_text_and_a_short_one_is_not() -> None:
    guess = classify(field("notes"))
    assert guess is not None and guess.free_text
    assert classify(field("notes", maxLength=20)) is None
    assert classify(field("comment", enum=["a", "b"])) is None


def test_a_closed_list_of_words_is_no_name() -> None:
    assert classify(field("name", "Customer", enum=["A", "B"])) is None


def test_names_are_taken_apart_in_every_spelling() -> None:
    for name in ("dateOfBirth", "date_of_birth", "date-of-birth", "DateOfBirth", "DATE_OF_BIRTH", "date.of.birth"):
        assert tokens(name) == ("date", "of", "birth")
    assert tokens("homeIPAddress2") == ("home", "ip", "address", "2")
    assert tokens("Staatsangehörigkeit") == ("staatsangehorigkeit",)


@pytest.mark.parametrize("iban", ["GB82 WEST 1234 5698 7654 32", "FR1420041010050500013M02606", "NL91ABNA0417164300"])
def test_ibans_are_known_by_their_check_digits(iban: str) -> None:
    assert shape_of(iban) == shape_of(iban.lower()) == "user.financial.bank_account"
    assert shape_of(iban[:-1] + ("1" if iban[-1] != "1" else "2")) is None


@pytest.mark.parametrize("number", ["4111111111111111", "5500-0000-0000-0004", "340000000000009"])
def test_card_numbers_are_known_by_their_last_digit(number: str) -> None:
    assert shape_of(number) == "user.financial.credit_card"
    assert shape_of(number[:-1] + str((int(number[-1]) + 1) % 10)) is None


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("078-05-1120", True),  # a specimen: nobody's, and yet what the field is for
        ("000-12-3456", False),
        ("123-45-0000", False),
        ("AB 12 34 56 C", True),
        ("QQ 12 34 56 C", False),
        ("GB 12 34 56 A", False),
    ],
)
def test_national_numbers_are_known_by_what_is_never_given_out(text: str, known: bool) -> None:
    assert (shape_of(text) == "user.government_id.national_identification_number") is known


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
keywords = st.sampled_from(
    ["type", "format", "enum", "items", "description", "example", "examples", "maxLength", "allOf"]
)


@given(st.text(max_size=30), st.dictionaries(keywords, json_values, max_size=4), json_values)
def test_no_contract_however_strange_stops_the_guessing(name: str, schema: dict[str, object], example: object) -> None:
    guess = classify(field(name, **schema))
    assert guess is None or guess.category in categories()
    shape_of(example)
    shape_of(name)

"""Masks hide what they must, for every value a service can send, and leave the rest alone."""

from __future__ import annotations

import copy
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.gateway import ir, keysets
from assay.gateway.processor.forms import (
    MOST_REVEALING_FIRST,
    UnknownForm,
    check_form,
    email,
    form_of,
    last4,
    leading,
    year,
)
from assay.gateway.processor.json_text import encode, parse
from assay.gateway.processor.masking import Known, check_fields, choose, compile_masks, mask, prune, uses_keyset
from assay.gateway.processor.paths import DROPPED

TEXTUAL = ("fixed", "last4", "email", "generalise")
CATEGORIES = ("user.contact.email", "user.demographic.date_of_birth", "user.contact.address.postal_code")


@pytest.fixture(scope="module")
def keyset(tmp_path_factory: pytest.TempPathFactory) -> keysets.Keyset:
    directory: Path = tmp_path_factory.mktemp("keys")
    return keysets.ensure(directory, "masking")


def field(
    path: str, default: str = "fixed", *, level: int = 2, category: str = "user.name", **forms: str
) -> ir.MaskedField:
    segments = tuple(path.split("."))
    return ir.MaskedField(
        path=segments, name=path, category=category, level=level, default=default, forms=tuple(forms.items())
    )


def policy(*fields: ir.MaskedField, **more: Any) -> ir.Masking:
    return ir.Masking(control="c", source="s", api="a", operation="o", fields=fields, **more)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("DE89 3704 0044 0532 0130 00", "************3000"),
        ("4111-1111-1111-1234", "************1234"),
        ("12345678", "************5678"),
        ("1234567", "***"),
        ("1 2 3 4 5 6 7", "***"),
        ("", "***"),
    ],
)
def test_last4(text: str, expected: str) -> None:
    assert last4(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("alice@example.com", "a***@e***.com"),
        ("a@b.de", "a***@b***.de"),
        ("first.last+tag@mail.example.co.uk", "f***@m***.uk"),
        ("ä@bücher.example", "ä***@b***.example"),
        ("alice", "***"),
        ("a@b", "***"),
        ("a@b@c.de", "***"),
        ('"a b"@c.de', "***"),
        ("Alice <alice@example.com>", "***"),
        ("alice@example.com, bob@example.com", "***"),
        ("alice@127.0.0.1", "***"),
        ("alice@example.com\n", "***"),
    ],
)
def test_email(text: str, expected: str) -> None:
    assert email(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1984-05-01", "1984"),
        ("1984-05-01T10:11:12Z", "1984"),
        ("1984", "1984"),
        ("01/05/1984", "***"),
        ("May 1984", "***"),
    ],
)
def test_year(text: str, expected: str) -> None:
    assert year(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("80331", "803***"), ("SW1A 1AA", "SW1***"), ("1984", "19***"), ("123", "***"), ("*****", "***"), ("", "***")],
)
def test_leading(text: str, expected: str) -> None:
    assert leading(text) == expected


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=500, deadline=None)
@given(VALUES, st.sampled_from(TEXTUAL), st.sampled_from(CATEGORIES))
def test_partial_forms_are_idempotent_and_keep_the_shape(value: Any, form: str, category: str) -> None:
    apply = form_of(form, category=category, binding="a/f", keyset=None)
    once = apply(parse(json.dumps(value)))
    assert apply(copy.deepcopy(once)) == once
    assert _shape(once) == _shape(value)


def _shape(value: Any) -> Any:
    if isinstance(value, list):
        return [_shape(item) for item in value]
    if isinstance(value, dict):
        return {}
    return "text" if isinstance(value, str) else None


@settings(max_examples=500, deadline=None)
@given(st.text(min_size=1), st.sampled_from(TEXTUAL), st.sampled_from(CATEGORIES))
def test_a_partial_form_never_shows_more_than_half_or_six_characters(text: str, form: str, category: str) -> None:
    shown = form_of(form, category=category, binding="a/f", keyset=None)(text)
    assert isinstance(shown, str)
    visible = [c for c in shown if c not in "*@."]
    assert len(visible) <= (4 if form != "email" else 2 + len(text.rpartition(".")[2]))


@settings(max_examples=300, deadline=None)
@given(value=VALUES, form=st.sampled_from(["token", "hash", "encrypt"]))
def test_keyed_forms_hide_every_value_and_are_strings(keyset: keysets.Keyset, value: Any, form: str) -> None:
    apply = form_of(form, category="user.name", binding="a/f", keyset=keyset)
    sealed = apply(parse(json.dumps(value)))
    assert _sealed(sealed, value)
    if form != "encrypt":
        assert sealed == apply(parse(json.dumps(value)))
    encode(sealed)


def _sealed(sealed: Any, value: Any) -> bool:
    if value is None:
        return sealed is None
    if isinstance(value, list):
        return isinstance(sealed, list) and all(_sealed(s, v) for s, v in zip(sealed, value, strict=True))
    return isinstance(sealed, str) and sealed.isascii() and sealed != value


def test_the_same_value_has_the_same_pseudonym_in_every_field_of_its_class(keyset: keysets.Keyset) -> None:
    for form in ("token", "hash"):
        one = form_of(form, category="user.contact.email", binding="a/f", keyset=keyset)
        other = form_of(form, category="user.contact.email", binding="b/g", keyset=keyset)
        elsewhere = form_of(form, category="user.name", binding="a/f", keyset=keyset)
        assert one("x@y.example") == other("x@y.example") != elsewhere("x@y.example")


def test_the_order_of_forms_is_from_most_to_least_revealing() -> None:
    best = field("f", "drop", level=0, a="drop", b="encrypt", c="fixed", d="hash", e="token", f="last4", g="clear")
    for index, role in enumerate("abcdefg"):
        assert choose(best, "abcdefg"[: index + 1], 9) == dict(best.forms)[role]


def test_below_its_level_a_field_is_never_clear() -> None:
    secret = field("f", "email", level=3, agent="clear", clerk="last4")
    assert choose(secret, ["agent"], 3) == "clear"
    assert choose(secret, ["agent"], 2) == "email"
    assert choose(secret, ["agent", "clerk"], 2) == "last4"
    assert choose(secret, [], 3) == "email"
    assert choose(field("f", "clear", level=1), [], 0) == "fixed"
    assert choose(field("f", "clear", level=1), [], 1) == "clear"


@settings(max_examples=300, deadline=None)
@given(
    forms=st.dictionaries(st.sampled_from("abcd"), st.sampled_from(MOST_REVEALING_FIRST), max_size=4),
    default=st.sampled_from(MOST_REVEALING_FIRST),
    roles=st.sets(st.sampled_from("abcd")),
    level=st.integers(0, 4),
    clearance=st.integers(0, 4),
)
def test_clear_needs_clearance_and_a_role_or_default(
    forms: dict[str, str], default: str, roles: set[str], level: int, clearance: int
) -> None:
    chosen = choose(field("f", default, level=level, **forms), roles, clearance)
    assert chosen in MOST_REVEALING_FIRST
    if chosen == "clear":
        assert clearance >= level
        assert default == "clear" or "clear" in [forms[r] for r in roles if r in forms]


def test_a_field_in_clear_does_not_uncover_what_is_inside_it() -> None:
    masks = compile_masks(policy(field("a", level=1, agent="clear"), field("a.b")), ["agent"], 5, None)
    assert masks is not None
    counts: Counter[str] = Counter()
    assert mask({"a": {"b": "secret", "c": "x"}}, masks, counts) == {"a": {"b": "***", "c": "x"}}
    assert counts == {"a.b": 1}


def test_a_field_in_clear_is_not_covered_by_a_star_beside_it() -> None:
    masks = compile_masks(policy(field("a", level=1, agent="clear"), field("*")), ["agent"], 5, None)
    assert masks is not None
    assert mask({"a": "x", "b": "y"}, masks, Counter()) == {"a": "x", "b": "***"}


def test_of_two_policies_for_one_field_the_stricter_holds() -> None:
    for fields in ((field("a", "last4"), field("a", "drop")), (field("a", "drop"), field("a", "last4"))):
        masks = compile_masks(policy(*fields), [], 0, None)
        assert masks is not None
        assert mask({"a": "1234567890"}, masks, Counter()) == {}


def test_a_caller_who_sees_everything_needs_no_masks() -> None:
    assert compile_masks(policy(field("a", agent="clear")), ["agent"], 5, None) is None


SENTINEL = "s3cr3t-value-0123456789"
FIELDS = ("name", "contact.email", "items.*.iban", "*.note", "tags.*")
HIDDEN = st.sampled_from([SENTINEL, {"x": SENTINEL}, [SENTINEL], [{"y": [SENTINEL]}]])
OTHER = st.none() | st.booleans() | st.integers() | st.text("abc", max_size=3)
RESPONSES = st.fixed_dictionaries(
    {},
    optional={
        "name": HIDDEN,
        "contact": st.fixed_dictionaries({}, optional={"email": HIDDEN, "kept": OTHER}),
        "items": st.lists(st.fixed_dictionaries({}, optional={"iban": HIDDEN, "kept": OTHER}), max_size=3),
        "extra": st.fixed_dictionaries({}, optional={"note": HIDDEN, "kept": OTHER}),
        "tags": st.lists(HIDDEN, max_size=3),
        "kept": OTHER,
    },
)


@settings(max_examples=500, deadline=None)
@given(RESPONSES, st.sampled_from(["fixed", "email", "generalise", "drop"]), st.booleans())
def test_no_masked_value_survives_and_the_rest_does(response: dict[str, Any], form: str, many: bool) -> None:
    body: Any = [response, response] if many else response
    fields = [field("*." + path if many else path, form, category="user.demographic.birth") for path in FIELDS]
    masks = compile_masks(policy(*fields), [], 0, None)
    assert masks is not None
    shown = mask(parse(json.dumps(body)), masks, Counter())
    text = encode(shown).decode()
    assert "s3cr3t" not in text
    seen = json.loads(text)[0] if many else json.loads(text)
    assert seen.get("kept") == response.get("kept")
    assert len(seen.get("items", [])) == len(response.get("items", []))
    assert seen.get("contact", {}).get("kept") == response.get("contact", {}).get("kept")


def test_a_closed_policy_drops_what_is_not_named() -> None:
    known = Known.of([("id",), ("items",), ("items", "*", "a"), ("meta",), ("meta", "*"), ("tags",)])
    counts: Counter[str] = Counter()
    body = {
        "id": 1,
        "x": {"deep": 1},
        "items": [{"a": 1, "b": 2}, {"b": 3}],
        "meta": {"k": "v", "l": {"hidden": 1}},
        "tags": ["t", {"u": 1}],
    }
    assert prune(body, known, counts) == {
        "id": 1,
        "items": [{"a": 1}, {}],
        "meta": {"k": "v", "l": {}},
        "tags": ["t", {}],
    }
    assert sum(counts.values()) == 5
    assert list(counts) == ["(undeclared)"]


def test_a_closed_policy_also_covers_shapes_that_were_not_promised() -> None:
    items = Known.of([("*",), ("*", "a")])
    assert prune({"a": 1, "b": 2, "c": {"a": 3, "d": 4}, "e": [{"a": 5, "f": 6}]}, items, Counter()) == {
        "a": 1,
        "c": {"a": 3},
        "e": [{"a": 5}],
    }
    named = Known.of([("a",), ("b", "c")])
    assert prune([{"a": 1, "x": 2}], named, Counter()) == [{"a": 1}]
    assert prune("text", named, Counter()) is None
    assert prune(None, named, Counter()) is None


def test_an_error_under_a_closed_policy_keeps_its_title_but_not_its_prose() -> None:
    error = {"type": "about:blank", "title": "Not Found", "status": 404, "detail": "no alice", "instance": {"x": 1}}
    shown = prune(error, Known.of([("id",)]), Counter(), allow=("type", "title", "status", "instance"))
    assert shown == {"type": "about:blank", "title": "Not Found", "status": 404}


@settings(max_examples=300, deadline=None)
@given(VALUES, st.lists(st.lists(st.sampled_from(["a", "*", ""]), min_size=1, max_size=3).map(tuple), max_size=4))
def test_pruning_is_idempotent_for_arbitrary_bodies(value: Any, known: list[tuple[str, ...]]) -> None:
    tree = Known.of(known)
    once = prune(parse(json.dumps(value)), tree, Counter())
    again = Counter[str]()
    assert encode(prune(parse(encode(once)), tree, again)) == encode(once)
    assert not again


def test_a_misspelt_form_is_an_error_with_the_closest_match() -> None:
    with pytest.raises(UnknownForm) as caught:
        check_form("last5")
    assert "`last4`" in caught.value.fix
    with pytest.raises(UnknownForm):
        check_fields(policy(field("a", agent="clera")))
    with pytest.raises(UnknownForm):
        form_of("hash", category="c", binding="b", keyset=None)


def test_keyed_forms_are_recognised_before_anybody_calls() -> None:
    assert uses_keyset(policy(field("a", agent="hash")))
    assert not uses_keyset(policy(field("a", agent="clear")))


def test_drop_drops() -> None:
    assert form_of("drop", category="c", binding="b", keyset=None)("x") is DROPPED

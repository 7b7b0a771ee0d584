"""Values that identify somebody are found in columns and in JSON, and common ones left out."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.prove.case import NotReached
from assay.prove.identifying import chosen, folded, of_sqlite, usable, within

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=12,
)


def store(path: Path, *statements: str) -> Path:
    with sqlite3.connect(path) as made:
        for statement in statements:
            made.execute(statement)
    made.close()
    return path


def test_columns_and_members_of_json_are_read_whatever_their_spelling(tmp_path: Path) -> None:
    document = json.dumps({"profile": {"e_mail": "bert@northwind-mail.net", "phone": "+32 470 123 456"}})
    path = store(
        tmp_path / "a.db",
        'CREATE TABLE "odd ""name" (id INTEGER, eMail TEXT, body TEXT)',
        """INSERT INTO "odd ""name" VALUES (1, 'ada@northwind-mail.net', 'BODY')""".replace("BODY", document),
        """INSERT INTO "odd ""name" VALUES (2, 'somebody@example.com', 'not json {')""",
        """INSERT INTO "odd ""name" VALUES (3, 'a@b.c', NULL)""",
    )
    found = of_sqlite("a", path, ["email", "phone"], 10)
    assert set(found) == {b"ada@northwind-mail.net", b"bert@northwind-mail.net", b"+32 470 123 456"}
    assert len(of_sqlite("a", path, ["email"], 1)) == 1


def test_a_store_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "b.db").write_bytes(b"no database at all" * 100)
    for path in (tmp_path / "b.db", tmp_path / "missing.db"):
        with pytest.raises(NotReached, match="`b`"):
            of_sqlite("b", path, ["email"], 3)


@pytest.mark.parametrize(
    "value", ["short", "aaaaaaaaaaaa", "x@example.org", "a.b@shop.test", "test user 12", None, 3.5, 1234567, b"bytes"]
)
def test_values_that_are_anybodys_say_nothing(value: object) -> None:
    assert usable(value) is None


@given(JSON, st.text(max_size=6))
def test_every_member_of_the_name_is_found_and_no_other(value: object, name: str) -> None:
    def walk(item: object) -> list[object]:
        if isinstance(item, dict):
            mine = [v for k, v in item.items() if folded(k) == folded(name) and not isinstance(v, dict | list)]
            return mine + [x for v in item.values() for x in walk(v)]
        return [x for v in item for x in walk(v)] if isinstance(item, list) else []

    text = json.dumps(value)
    expected = walk(value) if isinstance(value, dict | list) else []
    assert sorted(map(repr, within(text, {folded(name)}))) == sorted(map(repr, expected))


@given(st.lists(st.text(max_size=20)), st.integers(1, 5))
def test_no_more_than_asked_and_none_twice(values: list[str], most: int) -> None:
    found = chosen(values, most)
    assert len(found) <= most
    assert len(set(found)) == len(found)

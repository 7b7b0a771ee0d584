"""Fixes and suggestions change what they are about, and nothing else that a person wrote."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.declare.patch import apply_edits, same
from assay.declare.yaml_places import read_yaml
from assay.domain import AssayError, DeclarationError, Edit, UsageError

SOURCE = """\
# Who we are
organisation: {name: Northwind, subjects: 1200000}   # flow style

apis:
  # the one API
  orders:
    title: 'Orders'          # single quotes
    owner: "sales"           # double quotes
    limits:
      default: 60/minute     # each caller

      write: 10/minute       # of which writes

    access:
      # customers
      - roles: [customer]
        operations: [getOrder]   # one
      - {roles: [admin], operations: ["*"]}   # two
    notes: |
      several
      lines
    # a last remark
consumers:
"""
COMMENTS = re.findall(r"#[^\n]*", SOURCE)
A = ("apis", "orders")


def edited(*edits: Edit, source: str = SOURCE) -> str:
    return apply_edits({"assay.yaml": source}, edits)["assay.yaml"]


def edit(*path: str | int, value: object = None, remove: bool = False) -> Edit:
    return Edit("assay.yaml", path, value, remove)


def changed_lines(after: str, before: str = SOURCE) -> tuple[list[str], list[str]]:
    old, new = before.splitlines(), after.splitlines()
    while old and new and old[0] == new[0]:
        old.pop(0), new.pop(0)
    while old and new and old[-1] == new[-1]:
        old.pop(), new.pop()
    return old, new


def test_no_edits_change_nothing() -> None:
    assert edited() == SOURCE


@pytest.mark.parametrize(
    ("path", "value", "old", "new"),
    [
        (
            (*A, "limits", "default"),
            "30/minute",
            ["      default: 60/minute     # each caller"],
            ["      default: 30/minute     # each caller"],
        ),
        (
            (*A, "title"),
            "It's",
            ["    title: 'Orders'          # single quotes"],
            ["    title: 'It''s'          # single quotes"],
        ),
        (
            (*A, "owner"),
            "crm",
            ['    owner: "sales"           # double quotes'],
            ['    owner: "crm"           # double quotes'],
        ),
        (
            ("organisation", "subjects"),
            5,
            ["organisation: {name: Northwind, subjects: 1200000}   # flow style"],
            ["organisation: {name: Northwind, subjects: 5}   # flow style"],
        ),
        (
            ("organisation", "jurisdictions"),
            ["eu"],
            ["organisation: {name: Northwind, subjects: 1200000}   # flow style"],
            ["organisation: {name: Northwind, subjects: 1200000, jurisdictions: [eu]}   # flow style"],
        ),
        ((*A, "limits", "body"), "64KiB", [], ["      body: 64KiB"]),
        ((*A, "strict", "body"), False, [], ["    strict:", "      body: false"]),
        (
            (*A, "access", 1, "roles"),
            ["admin", "agent"],
            ['      - {roles: [admin], operations: ["*"]}   # two'],
            ['      - {roles: [admin, agent], operations: ["*"]}   # two'],
        ),
        (
            (*A, "access", 0, "operations", 1),
            "listOrders",
            ["        operations: [getOrder]   # one"],
            ["        operations: [getOrder, listOrders]   # one"],
        ),
        (
            (*A, "access", 2),
            {"roles": ["x"], "operations": ["a: b"]},
            [],
            ['      - {roles: [x], operations: ["a: b"]}'],
        ),
        (("consumers", "app", "roles"), ["user"], [], ["  app:", "    roles: [user]"]),
        (("appetite", "residual"), "low", [], ["appetite:", "  residual: low"]),
    ],
)
def test_a_value_is_set_where_it_belongs(
    path: tuple[str | int, ...], value: object, old: list[str], new: list[str]
) -> None:
    after = edited(Edit("assay.yaml", path, value))
    assert changed_lines(after) == (old, new)
    assert all(comment in after for comment in COMMENTS)


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ((*A, "limits", "write"), ["      write: 10/minute       # of which writes"], []),
        (
            ("organisation", "name"),
            ["organisation: {name: Northwind, subjects: 1200000}   # flow style"],
            ["organisation: {subjects: 1200000}   # flow style"],
        ),
        (
            ("organisation", "subjects"),
            ["organisation: {name: Northwind, subjects: 1200000}   # flow style"],
            ["organisation: {name: Northwind}   # flow style"],
        ),
        ((*A, "access", 1), ['      - {roles: [admin], operations: ["*"]}   # two'], []),
        (
            (*A, "access", 0, "roles"),
            ["      - roles: [customer]", "        operations: [getOrder]   # one"],
            ["      - operations: [getOrder]   # one"],
        ),
        (
            (*A, "access", 0, "operations", 0),
            ["        operations: [getOrder]   # one"],
            ["        operations: []   # one"],
        ),
        (("nothing", "here"), [], []),
    ],
)
def test_a_value_is_removed_and_its_neighbours_stay(
    path: tuple[str | int, ...], old: list[str], new: list[str]
) -> None:
    assert changed_lines(edited(Edit("assay.yaml", path, remove=True))) == (old, new)


def test_only_the_keys_that_differ_are_touched_when_a_whole_mapping_is_set() -> None:
    after = edited(edit(*A, "limits", value={"default": "60/minute", "write": "5/minute", "body": "1MiB"}))
    assert changed_lines(after) == (
        ["      write: 10/minute       # of which writes"],
        ["      write: 5/minute       # of which writes", "      body: 1MiB"],
    )


def test_windows_line_ends_stay() -> None:
    after = edited(edit(*A, "limits", "body", value="1MiB"), source=SOURCE.replace("\n", "\r\n"))
    assert after.count("\r\n") == after.count("\n") == SOURCE.count("\n") + 1


def test_an_empty_file_can_be_filled() -> None:
    assert edited(edit("apis", "a", "owner", value="x"), source="# nothing yet\n") == (
        "# nothing yet\napis:\n  a:\n    owner: x\n"
    )


def test_what_an_alias_repeats_is_not_changed_behind_somebodys_back() -> None:
    source = "a: &x {k: 1}\nb: *x\n"
    with pytest.raises(AssayError, match="cannot be changed without touching something else"):
        edited(edit("b", "k", value=2), source=source)
    with pytest.raises(AssayError, match="cannot be changed"):
        edited(edit("a", "k", value=2), source=source)


def test_an_edit_of_an_unknown_file_names_the_closest() -> None:
    with pytest.raises(UsageError) as caught:
        apply_edits({"assay.yaml": ""}, [Edit("asay.yaml", ("a",), 1)])
    assert caught.value.fix == "did you mean `assay.yaml`?"


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**12), 10**12),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(
        ["on", "1e3", "", "- a", "a: b", "#", "2027-01-31", "0x1f", "~", "a #b", " ", "\u2028", "'", '"', "\\"]
    ),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
paths = st.sampled_from(
    [
        (*A, "limits", "default"),
        (*A, "title"),
        ("organisation", "name"),
        ("organisation", "new"),
        (*A, "access", 0, "operations", 0),
        (*A, "access", 0, "operations", 1),
        (*A, "access", 2),
        (*A, "notes"),
        ("consumers", "a", "b"),
        ("consumers",),
        ("x", "y", "z"),
        (*A, "new"),
    ]
)


@given(paths, values)
def test_after_an_edit_the_file_says_that_value_and_keeps_every_comment(
    path: tuple[str | int, ...], value: object
) -> None:
    after = edited(Edit("assay.yaml", path, value))
    got: object = read_yaml(after, "assay.yaml").value
    for step in path:
        got = got[step]  # type: ignore[index]
    assert same(got, value)
    for comment in COMMENTS:
        assert comment in after


@given(st.lists(st.tuples(paths, values, st.booleans()), max_size=4))
def test_edits_in_any_order_leave_a_file_that_can_be_read_or_are_refused(
    edits: list[tuple[tuple[str | int, ...], object, bool]],
) -> None:
    try:
        after = edited(*(Edit("assay.yaml", path, value, remove) for path, value, remove in edits))
    except AssayError:
        return
    assert not read_yaml(after, "assay.yaml").problems


@given(st.text(max_size=60), st.lists(st.text(max_size=3) | st.integers(0, 3), min_size=1, max_size=3), values)
def test_any_source_is_edited_or_refused(source: str, path: list[str | int], value: object) -> None:
    try:
        after = edited(Edit("assay.yaml", tuple(path), value), source=source)
    except (AssayError, DeclarationError):
        return
    assert not read_yaml(after, "assay.yaml").problems

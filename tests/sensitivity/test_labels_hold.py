"""What holds for every label: joins never lower, the closure is one fixpoint, and every level derives."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sensitivity.sensing import of

from assay.declare.model import Model
from assay.sensitivity import Label, blend, closure, join, reach, what_ifs
from assay.sensitivity.pieces import Piece, inner, joined, merge
from assay.sensitivity.reductions import on_the_way, reduced, shown
from assay.sensitivity.rules import conclude
from assay.sensitivity.steps import NO_RULES

CATEGORIES = ("user.health_and_medical", "user.financial", "user.location.precise")
NAMES = ("a", "b", "c", "d", "e")
FEW = settings(max_examples=100, deadline=None)

pieces = st.builds(
    Piece,
    attribute=st.sampled_from(NAMES),
    level=st.integers(0, 4),
    category=st.just(""),
    direct=st.booleans(),
    bits=st.sampled_from([0.0, 1.0, 6.3, 11.0, 14.8]),
    unmeasured=st.booleans(),
    sensitive=st.frozensets(st.sampled_from(CATEGORIES), max_size=2),
    keys=st.frozensets(st.sampled_from(NAMES), max_size=2),
    population=st.sampled_from([None, 0, 50, 1000, 1_200_000]),
    secret=st.booleans(),
    free_text=st.booleans(),
    place=st.booleans(),
    points=st.sampled_from([None, 1, 4]),
)
collections = st.lists(pieces, max_size=6).map(lambda found: joined(*({p.attribute: p} for p in found)))
forms = st.sampled_from(["clear", "drop", "fixed", "last4", "email", "generalise", "hash", "token", "encrypt"])
transforms = st.sampled_from(
    [
        "drop",
        "last4",
        "hash",
        "hmac",
        "encrypt",
        {"tokenise": "per-recipient"},
        {"tokenise": "deterministic"},
        {"generalise": 3},
        {"generalise": "year"},
        {"generalise": {"cells": 40}},
        {"aggregate": {"cells": 11}},
        {"aggregate": {"cells": 3}},
    ]
)


@FEW
@given(collections, collections)
def test_a_join_is_never_less_sensitive_than_a_part(one: dict[str, Piece], other: dict[str, Piece]) -> None:
    parts = Label(one), Label(other)
    for whole in (join(parts), Label(inner((one, other)))):
        assert whole.rank >= max(part.rank for part in parts)
        assert whole.keys >= parts[0].keys | parts[1].keys
        assert whole.direct >= parts[0].direct | parts[1].direct


@FEW
@given(pieces, pieces, pieces)
def test_the_order_of_joining_does_not_matter(one: Piece, other: Piece, third: Piece) -> None:
    a, b, c = (Piece(**{**_dict(p), "attribute": "a"}) for p in (one, other, third))
    assert merge(a, b) == merge(b, a)
    assert merge(merge(a, b), c) == merge(a, merge(b, c))
    assert merge(a, a) == a


def _dict(piece: Piece) -> dict[str, object]:
    return {name: getattr(piece, name) for name in Piece.__struct_fields__}


@FEW
@given(collections)
def test_every_label_derives(found: dict[str, Piece]) -> None:
    label = Label(found)
    assert label.steps[-1].level == label.level
    levels = [
        Label({}).rank,
        *(["public", "internal", "confidential", "restricted", "special"].index(s.level) for s in label.steps),
    ]
    assert levels == sorted(levels)
    assert conclude(found, NO_RULES) == conclude(dict(reversed(found.items())), NO_RULES)


@FEW
@given(collections, transforms)
def test_no_transformation_makes_anything_more_sensitive_and_more_in_is_not_less_out(
    found: dict[str, Piece], written: object
) -> None:
    from assay.declare.model import Flow

    transform = Flow.model_validate({"from": "x", "to": "y", "transforms": {"f": written}}).transforms["f"]
    for change in (reduced, on_the_way):
        after = {a: left for a, p in found.items() if (left := change(p, transform, "y")) is not None}
        assert Label(after).rank <= Label(found).rank or any(p.direct or p.unmeasured or p.keys for p in found.values())
        for a, piece in found.items():
            more = merge(piece, Piece(attribute=a, level=3, direct=True, bits=11.0, keys=frozenset({"z"})))
            less, all_of_it = change(piece, transform, "y"), change(more, transform, "y")
            if less is not None:
                assert all_of_it is not None and merge(all_of_it, less) == all_of_it


@FEW
@given(pieces, forms)
def test_a_mask_reveals_no_new_identity(piece: Piece, form: str) -> None:
    left = shown(piece, form)
    if left is not None and form not in ("clear",) and not piece.secret:
        assert not left.direct
        assert left.level <= piece.level


fields = st.fixed_dictionaries(
    {},
    optional={
        "category": st.sampled_from(["user.name", "user.contact.address.postal_code", "user.demographic.gender"]),
        "infers": st.just("user.health_and_medical"),
        "links": st.sampled_from(["d0", "d1", "d2"]),
        "level": st.sampled_from(["public", "internal", "restricted"]),
    },
)
datasets = st.fixed_dictionaries(
    {"fields": st.dictionaries(st.sampled_from(["f", "g", "h"]), fields, min_size=1, max_size=3)},
    optional={"count": st.integers(0, 10_000), "subjects": st.sampled_from(["customers", "staff"])},
)
SYSTEMS = ("s0", "s1", "s2")
flows = st.fixed_dictionaries(
    {"from": st.sampled_from(SYSTEMS), "to": st.sampled_from(SYSTEMS)},
    optional={
        "data": st.lists(st.sampled_from(["d0", "d1", "d2"]), max_size=2, unique=True),
        "into": st.sampled_from(["d0", "d1", "d2"]),
        "transforms": st.dictionaries(st.sampled_from(["f", "g"]), transforms, max_size=2),
    },
)
models = st.fixed_dictionaries(
    {
        "data": st.tuples(datasets, datasets, datasets),
        "holds": st.tuples(*[st.lists(st.sampled_from(["d0", "d1", "d2"]), max_size=2, unique=True)] * 3),
        "flows": st.lists(flows, max_size=5),
    }
)


def _model(drawn: dict[str, object], shuffle: random.Random | None = None) -> Model:
    data, holds, moving = drawn["data"], drawn["holds"], drawn["flows"]
    sections = {
        "data": [(f"d{i}", d) for i, d in enumerate(data)],  # type: ignore[arg-type]
        "systems": [
            (s, {"kind": "database", "environment": "e", "owner": "x", "holds": h, "clearance": "internal"})
            for s, h in zip(SYSTEMS, holds, strict=True)  # type: ignore[call-overload]
        ],
        "flows": [(f"flow{i}", f) for i, f in enumerate(moving)],  # type: ignore[arg-type]
    }
    if shuffle:
        for entries in sections.values():
            shuffle.shuffle(entries)
    raw = {"assay": 1, "organisation": {"name": "x", "subjects": 500}, **{k: dict(v) for k, v in sections.items()}}
    return Model.model_validate(raw, by_alias=True)


@settings(max_examples=50, deadline=None)
@given(models, st.randoms(use_true_random=False))
def test_the_closure_is_one_fixpoint_whatever_is_looked_at_first(
    drawn: dict[str, object], shuffle: random.Random
) -> None:
    one, other = closure(of(_model(drawn))), closure(of(_model(drawn, shuffle)))
    assert one.claimed == other.claimed and one.verified == other.verified
    again = closure(of(_model(drawn)))
    assert {n: x.claimed.rank for n, x in one.stored.items()} == {n: x.claimed.rank for n, x in again.stored.items()}
    for (system, data), labels in one.stored.items():
        assert labels.claimed.rank >= Label(one.attributes.pieces[data]).rank, (system, data)
        assert labels.claimed.steps[-1].level == labels.claimed.level


@settings(max_examples=40, deadline=None)
@given(models)
def test_every_offered_change_really_suffices(drawn: dict[str, object]) -> None:
    declaration = of(_model(drawn))
    closed = closure(declaration)
    for one in reach(declaration, closed):
        for found in blend(one, closed.rules):
            offers = what_ifs(found)
            assert bool(offers) <= found.above
            assert all(offer.label.rank <= 1 and offer.changes for offer in offers)

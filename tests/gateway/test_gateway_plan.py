"""A plan says what tightens, what loosens, and never lets a difference vanish."""

from __future__ import annotations

import time
import typing
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.domain import Location, UsageError
from assay.gateway import ir
from assay.gateway.assemble import Policy, assemble
from assay.gateway.compare import COMPARATORS, compare, location
from assay.gateway.compare.drafts import coverage, opposite
from assay.gateway.compare.schemas import compare_texts
from assay.gateway.plan import Plan, refuse_loosening

BASE = {"control": "api_gateway", "source": "assay.yaml:3:5"}
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def policy(*pieces: ir.AnyPiece, operations: tuple[str, ...] = ("getCustomer",)) -> Policy:
    given_kinds = {type(p) for p in pieces}
    standing: list[ir.AnyPiece] = []
    if ir.Listener not in given_kinds:
        standing.append(ir.Listener(**BASE, address="127.0.0.1", port=8443))
    if ir.AccessLog not in given_kinds:
        standing.append(ir.AccessLog(**BASE))
    if ir.Upstream not in given_kinds:
        standing.append(ir.Upstream(**BASE, api="crm", host="127.0.0.1", port=9001))
    if ir.Route not in given_kinds:
        standing += [
            ir.Route(**BASE, api="crm", operation=o, method="GET", hosts=("*",), public_base="", template=f"/{o}")
            for o in operations
        ]
    return assemble([*standing, *pieces])


def limit(requests: int, seconds: int = 60, **more: Any) -> ir.Limit:
    values = {"api": "crm", "name": "default", "per": "caller", "control": "rate_limiting", "source": "assay.yaml:9:7"}
    return ir.Limit(**{**values, "requests": requests, "seconds": seconds, **more})


def rule(*roles: str, name: str = "crm/0", **more: Any) -> ir.AccessRule:
    return ir.AccessRule(**BASE, api="crm", operation="getCustomer", name=name, roles=roles, **more)


def effects(plan: Plan) -> list[str]:
    return [c.effect for c in plan.changes]


def only(plan: Plan) -> Any:
    assert len(plan.changes) == 1, [c.sentence for c in plan.changes]
    return plan.changes[0]


def test_every_kind_of_piece_is_compared() -> None:
    assert set(COMPARATORS) == set(typing.get_args(ir.AnyPiece))


def test_a_raised_limit_is_told_as_people_would_tell_it() -> None:
    change = only(compare(policy(limit(60)), policy(limit(600))))
    assert change.effect == "loosening"
    assert change.sentence == "limit `default` of crm rises from 60/minute to 600/minute"
    assert (change.before, change.after) == ("60/minute", "600/minute")
    assert change.source == Location("assay.yaml", 9, 7)
    assert change.control == "rate_limiting"


@pytest.mark.parametrize(
    ("old", "new", "effect", "certain"),
    [
        (limit(60), limit(10), "tightening", True),
        (limit(60), limit(3600, 3600), "loosening", True),
        (limit(60), limit(120, 3600), "loosening", False),
        (limit(60), limit(60, 30), "loosening", True),
        (limit(60), limit(60, operations=("getCustomer",)), "loosening", True),
        (limit(60, methods=("GET", "POST")), limit(60, methods=("GET",)), "loosening", True),
        (limit(60), limit(60, per="network"), "loosening", False),
    ],
)
def test_limits_are_weighed_by_burst_and_by_rate(old: ir.Limit, new: ir.Limit, effect: str, certain: bool) -> None:
    change = only(compare(policy(old), policy(new)))
    assert (change.effect, change.certain) == (effect, certain)


def test_a_removed_limit_loosens_and_a_new_one_tightens() -> None:
    assert effects(compare(policy(limit(60)), policy())) == ["loosening"]
    assert effects(compare(policy(), policy(limit(60)))) == ["tightening"]


def test_access_is_compared_by_role_and_not_by_the_name_of_a_rule() -> None:
    old = policy(rule("agent", name="crm/0"), rule("customer", name="crm/1"))
    new = policy(rule("agent", "customer", name="crm/7"))
    assert effects(compare(old, new)) == ["neutral"]


def test_a_role_that_joins_a_rule_loosens() -> None:
    change = only(compare(policy(rule("agent")), policy(rule("agent", "guest"))))
    assert (change.effect, change.sentence) == ("loosening", "role `guest` may call `getCustomer` of crm")


def test_dropping_the_ownership_condition_is_told() -> None:
    owned = rule("customer", owns=(ir.Ownership("customerId", ("sub",)),))
    plan = compare(policy(owned), policy(rule("customer")))
    assert only(plan).effect == "loosening"
    assert only(compare(policy(rule("customer")), policy(owned))).effect == "tightening"


def test_opening_an_operation_to_everybody_covers_every_role() -> None:
    plan = compare(policy(rule("agent")), policy(rule()))
    assert next(c.sentence for c in plan.changes if c.effect == "loosening").startswith("everybody may call")
    assert "tightening" not in effects(plan)


def test_a_control_that_observes_a_whole_api_is_not_said_to_observe_one_operation() -> None:
    shadow = ir.Mode.OBSERVE
    one = limit(5, name="one", operations=("getCustomer",), mode=shadow)
    assert [o.operations for o in compare(None, policy(limit(60, mode=shadow), one), production=None).observing] == [()]
    assert [o.operations for o in compare(None, policy(one), production=None).observing] == [("getCustomer",)]


def test_observing_access_where_nobody_was_let_in_is_a_loosening() -> None:
    assert effects(compare(policy(), policy(rule("agent", mode=ir.Mode.OBSERVE)))) == ["loosening"]


def test_turning_to_observe_loosens_and_turning_to_enforce_tightens() -> None:
    watched = limit(60, mode=ir.Mode.OBSERVE)
    assert effects(compare(policy(limit(60)), policy(watched))) == ["loosening"]
    assert effects(compare(policy(watched), policy(limit(60)))) == ["tightening"]
    assert effects(compare(policy(watched), policy(limit(6, mode=ir.Mode.OBSERVE)))) == ["neutral"]


@pytest.mark.parametrize("piece", [limit(60), rule("agent"), ir.ErrorMasking(**BASE, api="crm")])
def test_what_only_observes_from_now_on_is_named(piece: ir.AnyPiece) -> None:
    watching = msgspec.structs.replace(piece, control="the_control", mode=ir.Mode.OBSERVE)
    enforcing = msgspec.structs.replace(watching, mode=ir.Mode.ENFORCE)
    for old, new in ((enforcing, watching), (watching, enforcing)):
        (change,) = compare(policy(old), policy(new), production=None).changes
        assert change.sentence.startswith("the_control on ")


def test_a_plan_lists_what_only_observes() -> None:
    plan = compare(None, policy(limit(60, mode=ir.Mode.OBSERVE), rule("agent", mode=ir.Mode.OBSERVE)))
    assert [(o.control, o.api, o.operations) for o in plan.observing] == [
        ("api_gateway", "crm", ("getCustomer",)),
        ("rate_limiting", "crm", ()),
    ]


def network(**more: Any) -> ir.NetworkRule:
    return ir.NetworkRule(**BASE, api="crm", name="crm", **more)


def test_networks_are_compared_as_addresses_not_as_text() -> None:
    halves = network(allow=("10.0.0.0/9", "10.128.0.0/9"))
    assert effects(compare(policy(halves), policy(network(allow=("10.0.0.0/8",))))) == ["neutral"]
    assert effects(compare(policy(halves), policy(network(allow=("10.0.0.0/9",))))) == ["tightening"]
    assert effects(compare(policy(halves), policy(network()))) == ["loosening"]
    assert effects(compare(policy(network(deny=("192.0.2.0/24",))), policy(network()))) == ["loosening"]


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(0, 8)), max_size=12), st.data())
def test_coverage_agrees_with_counting_addresses(nets: list[tuple[int, int]], data: st.DataObject) -> None:
    others = data.draw(st.lists(st.tuples(st.integers(0, 255), st.integers(0, 8)), max_size=12))

    def texts(pairs: list[tuple[int, int]]) -> tuple[str, ...]:
        return tuple(f"192.0.2.{a}/{24 + p}" for a, p in pairs)

    def addresses(pairs: list[tuple[int, int]]) -> set[int]:
        return {x for a, p in pairs for x in range(a >> (8 - p) << (8 - p), (a >> (8 - p) << (8 - p)) + (1 << (8 - p)))}

    more, fewer = coverage(texts(nets), texts(others))
    assert bool(more) == bool(addresses(others) - addresses(nets))
    assert bool(fewer) == bool(addresses(nets) - addresses(others))


def proofs(*alternatives: tuple[ir.Proof, ...]) -> ir.Authentication:
    return ir.Authentication(**BASE, api="crm", operation="getCustomer", alternatives=alternatives)


TOKEN, KEY = ir.Proof("token", issuer="production"), ir.Proof("key", header="x-api-key")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (proofs((TOKEN,)), proofs((TOKEN,), (KEY,)), ["loosening"]),
        (proofs((TOKEN, KEY)), proofs((TOKEN,)), ["loosening"]),
        (proofs((TOKEN,)), proofs((TOKEN, KEY)), ["tightening"]),
        (proofs((TOKEN,)), proofs(()), ["loosening"]),
        (proofs((TOKEN,), (KEY,)), proofs((KEY,), (TOKEN,)), ["neutral"]),
        (proofs((ir.Proof("token", scopes=("read",)),)), proofs((ir.Proof("token"),)), ["loosening"]),
    ],
)
def test_accepted_credentials_are_compared_by_what_they_ask(
    old: ir.Authentication, new: ir.Authentication, expected: list[str]
) -> None:
    assert effects(compare(policy(old), policy(new))) == expected


def test_a_new_operation_becomes_reachable_and_its_own_pieces_are_not_told_again() -> None:
    before = policy()
    after = policy(proofs((TOKEN,)), rule("agent"), operations=("getCustomer", "putCustomer"))
    extra = ir.SizeLimit(**BASE, api="crm", operation="putCustomer", body_bytes=10)
    after = assemble([*after.pieces, extra])
    told = {c.sentence: c.effect for c in compare(before, after).changes if "putCustomer" in c.subject}
    assert told == {"`putCustomer` of crm becomes reachable": "loosening"}
    assert {c.effect for c in compare(after, before).changes if "putCustomer" in c.subject} == {"tightening"}


def test_the_same_change_on_many_operations_is_told_once() -> None:
    names = tuple(f"op{i}" for i in range(20))
    sizes = [ir.SizeLimit(**BASE, api="crm", operation=n, body_bytes=10) for n in names]
    larger = [msgspec.structs.replace(s, body_bytes=1024) for s in sizes]
    plan = compare(policy(*sizes, operations=names), policy(*larger, operations=names))
    assert [g.sentence for g in plan.groups()] == [
        "the largest body of each of 20 operations of crm rises from 10 bytes to 1 KiB"
    ]


def test_encrypting_a_field_tightens_and_showing_an_encrypted_one_loosens() -> None:
    iban = ir.ProtectedField(("iban",), "iban")
    write = ir.FieldEncryption(**BASE, api="crm", operation="putCustomer", keyset="k", request=(iban,))
    read = ir.FieldEncryption(**BASE, api="crm", operation="getCustomer", keyset="k", response=(iban,))
    both = ("getCustomer", "putCustomer")
    nothing, written, all_of_it = (policy(*pieces, operations=both) for pieces in ((), (write,), (write, read)))
    assert sorted(effects(compare(nothing, all_of_it))) == ["neutral", "tightening"]
    assert effects(compare(written, all_of_it)) == ["loosening"]
    assert effects(compare(all_of_it, written)) == ["tightening"]
    other = msgspec.structs.replace(write, keyset="other")
    assert set(effects(compare(written, policy(other, operations=both)))) == {"neutral"}


def masked(default: str = "fixed", **forms: str) -> ir.Masking:
    field = ir.MaskedField(("iban",), "iban", "user.financial", 3, default, tuple(forms.items()))
    return ir.Masking(**BASE, api="crm", operation="getCustomer", fields=(field,))


def test_masking_is_weighed_by_what_each_role_sees() -> None:
    assert only(compare(policy(masked()), policy(masked(agent="clear")))).effect == "loosening"
    assert only(compare(policy(masked(agent="clear")), policy(masked(agent="last4")))).effect == "tightening"
    uncertain = only(compare(policy(masked(agent="last4")), policy(masked(agent="email"))))
    assert (uncertain.effect, uncertain.certain) == ("loosening", False)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('{"type":"string"}', '{"type":"string","maxLength":5}', "tighter"),
        ('{"maxLength":5}', '{"maxLength":9}', "looser"),
        ('{"minimum":1}', '{"minimum":0}', "looser"),
        ('{"enum":["a","b"]}', '{"enum":["a"]}', "tighter"),
        ('{"enum":["a"]}', '{"enum":["b"]}', "unknown"),
        ('{"type":"integer"}', '{"type":"number"}', "looser"),
        ('{"type":"object"}', '{"type":"object","required":["a"]}', "tighter"),
        ('{"properties":{"a":{}}}', '{"properties":{"a":{},"b":{"type":"string"}}}', "tighter"),
        (
            '{"properties":{"a":{}},"additionalProperties":false}',
            '{"properties":{"a":{},"b":{}},"additionalProperties":false}',
            "looser",
        ),
        ('{"pattern":"a"}', '{"pattern":"b"}', "unknown"),
        ('{"not":{"maxLength":5}}', '{"not":{"maxLength":4}}', "unknown"),
        ('{"oneOf":[{"maxLength":5}]}', '{"oneOf":[{"maxLength":4}]}', "unknown"),
        ('{"const":1}', '{"const":true}', "unknown"),
        ('{"title":"a"}', '{"title":"b"}', "same"),
        ('{"type":"string"}', "", "looser"),
        ("", '{"type":"string"}', "tighter"),
        ('{"a"', '{"b"', "unknown"),
        ("false", "{}", "looser"),
        ("{}", "false", "tighter"),
        (
            '{"allOf":[{"properties":{"a":{}}}],"unevaluatedProperties":false}',
            '{"allOf":[{"properties":{"a":{},"b":{}}}],"unevaluatedProperties":false}',
            "unknown",
        ),
    ],
)
def test_schemas_are_tighter_only_when_that_can_be_shown(old: str, new: str, expected: str) -> None:
    assert compare_texts(old, new) == expected


_SCALARS: st.SearchStrategy[Any] = st.one_of(st.integers(-3, 12), st.text("ab", max_size=4), st.booleans(), st.none())
_INSTANCES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
_TYPES = st.sampled_from(["string", "integer", "number", "object", "array", "boolean", "null"])


def _schemas() -> st.SearchStrategy[Any]:
    def deeper(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.fixed_dictionaries(
            {},
            optional={
                "type": _TYPES | st.lists(_TYPES, min_size=1, max_size=3, unique=True),
                "enum": st.lists(_SCALARS, min_size=1, max_size=3),
                "const": _SCALARS,
                "maximum": st.integers(0, 9),
                "minimum": st.integers(0, 9),
                "maxLength": st.integers(0, 4),
                "minLength": st.integers(0, 4),
                "maxItems": st.integers(0, 3),
                "uniqueItems": st.booleans(),
                "required": st.lists(st.sampled_from("abc"), unique=True, max_size=2),
                "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
                "additionalProperties": st.booleans() | inner,
                "items": inner,
                "allOf": st.lists(inner, min_size=1, max_size=2),
                "anyOf": st.lists(inner, min_size=1, max_size=2),
                "not": inner,
            },
        )

    return st.recursive(st.booleans() | st.just({}), deeper, max_leaves=5)


@settings(max_examples=400, deadline=None)
@given(_schemas(), _schemas(), st.lists(_INSTANCES, min_size=1, max_size=12), st.booleans())
def test_what_is_called_tighter_accepts_nothing_new(old: Any, new: Any, instances: list[Any], join: bool) -> None:
    import jsonschema_rs

    if join:  # a conjunction with the old one is likely to be comparable
        new = {**old, **new} if isinstance(old, dict) and isinstance(new, dict) else new
    found = compare_texts(msgspec.json.encode(old).decode(), msgspec.json.encode(new).decode())
    for instance in instances:
        before, after = jsonschema_rs.is_valid(old, instance), jsonschema_rs.is_valid(new, instance)
        if found in ("same", "tighter"):
            assert before or not after, (old, new, instance)
        if found in ("same", "looser"):
            assert after or not before, (old, new, instance)


def test_a_narrowed_component_tightens_and_an_unclear_one_says_so() -> None:
    def library(definitions: str) -> ir.SchemaLibrary:
        return ir.SchemaLibrary(**BASE, api="crm", definitions=definitions)

    old = policy(library('{"A":{"type":"object"}}'))
    assert effects(compare(old, policy(library('{"A":{"type":"object","required":["x"]}}')))) == ["tightening"]
    negated = policy(library('{"A":{"type":"object","required":["x"]},"B":{"not":{"$ref":"#/$defs/A"}}}'))
    assert [c.certain for c in compare(old, negated).changes if c.effect == "loosening"] == [False]


def test_declaring_a_query_parameter_lets_it_in_where_others_are_refused() -> None:
    def inspected(*parameters: ir.ParameterRule, closed: bool = True) -> Policy:
        return policy(
            ir.Inspection(**BASE, api="crm", operation="getCustomer", parameters=parameters, closed_query=closed)
        )

    page = ir.ParameterRule("page", "query", '{"type":"integer"}')
    assert effects(compare(inspected(), inspected(page))) == ["loosening"]
    assert effects(compare(inspected(closed=False), inspected(page, closed=False))) == ["tightening"]
    needed = msgspec.structs.replace(page, required=True)
    assert sorted(effects(compare(inspected(), inspected(needed)))) == ["loosening", "tightening"]


def test_production_is_assumed_when_nobody_says_otherwise() -> None:
    old, new = policy(limit(60)), policy(limit(600))
    assert compare(old, new).needs_approval
    assert compare(old, new, production=["crm"]).needs_approval
    assert not compare(old, new, production=[]).needs_approval
    assert not compare(old, new, production=["other"]).needs_approval
    hops = policy(ir.Listener(**BASE, address="127.0.0.1", port=8443, trusted_hops=1))
    assert compare(policy(), hops, production=["crm"]).needs_approval


def test_the_first_application_loosens_nothing() -> None:
    plan = compare(None, policy())
    assert plan.initial
    assert effects(plan) == ["neutral"]
    assert plan.changes[0].sentence == "`getCustomer` of crm becomes reachable"
    assert refuse_loosening(plan, (), by="ada", at=NOW) == ()


def test_loosening_production_needs_the_digest_of_exactly_this_plan() -> None:
    plan = compare(policy(limit(60)), policy(limit(600)))
    with pytest.raises(UsageError) as refused:
        refuse_loosening(plan, (), by="ada", at=NOW)
    assert plan.digest in refused.value.fix
    assert refused.value.location == Location("assay.yaml", 9, 7)
    other = compare(policy(limit(60)), policy(limit(6000)))
    with pytest.raises(UsageError, match="another plan"):
        refuse_loosening(plan, (other.digest,), by="ada", at=NOW)
    (approval,) = refuse_loosening(plan, (plan.digest,), by="ada", at=NOW)
    assert (approval.plan, approval.by, approval.at) == (plan.digest, "ada", NOW)


def test_json_is_versioned_and_complete() -> None:
    shown = compare(policy(limit(60)), policy(limit(600))).as_json()
    assert shown["version"] == 1
    assert shown["counts"] == {"loosening": 1, "tightening": 0, "neutral": 0}
    assert msgspec.json.decode(msgspec.json.encode(shown)) == shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a/b.yaml:3:5", Location("a/b.yaml", 3, 5)), ("assay.yaml", Location("assay.yaml")), ("", Location(""))],
)
def test_sources_become_locations(text: str, expected: Location) -> None:
    assert location(text) == expected


# --- properties over arbitrary policies -------------------------------------------------------------------------------

_NAMES = st.sampled_from(["a", "b", "c"])
_NETWORKS = st.lists(st.sampled_from(["10.0.0.0/8", "10.0.0.0/9", "10.128.0.0/9", "::/0", "192.0.2.1/32"]), max_size=3)
_SCHEMA_TEXT = st.sampled_from(
    ["", "{}", '{"type":"string"}', '{"type":"string","maxLength":4}', '{"not":{}}', "{", '{"enum":["a"]}', '{"x":1}']
)
_SPECIAL: dict[str, st.SearchStrategy[Any]] = {
    "control": _NAMES,
    "source": st.sampled_from(["assay.yaml:1:1", "assay.yaml:2:2"]),
    "address": st.sampled_from(["127.0.0.1", "0.0.0.0", "::1", "10.1.2.3"]),
    "api": st.just("crm"),
    "operation": st.sampled_from(["get", "put"]),
    "networks": _NETWORKS.map(tuple),
    "allow": _NETWORKS.map(tuple),
    "deny": _NETWORKS.map(tuple),
    "schema": _SCHEMA_TEXT,
    "definitions": st.sampled_from(["{}", '{"A":{}}', '{"A":{"type":"string"}}', '{"A":true,"B":{}}', "[]", "{"]),
    "default": st.sampled_from(["fixed", "clear", "last4", "email", "odd"]),
    "statuses": st.lists(st.sampled_from([500, 502]), unique=True, max_size=2).map(tuple),
    "path": st.lists(st.sampled_from(["iban", "*", "a.b"]), min_size=1, max_size=2).map(tuple),
    "forms": st.dictionaries(_NAMES, st.sampled_from(["clear", "drop", "hash"]), max_size=2).map(
        lambda d: tuple(d.items())
    ),
    "add": st.dictionaries(_NAMES, _NAMES, max_size=2).map(lambda d: tuple(d.items())),
}


def _unique(key: Any) -> Any:
    return lambda values: tuple({key(v): v for v in values}.values())


_DISTINCT: dict[str, Any] = {
    "parameters": lambda p: (p.location, p.name),
    "bodies": lambda b: b.media_type,
    "fields": lambda f: f.path,
    "request": lambda f: f.path,
    "response": lambda f: f.path,
}


def _of(annotation: Any, name: str = "") -> st.SearchStrategy[Any]:
    if name in _SPECIAL:
        return _SPECIAL[name]
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return _struct(annotation)
    if origin is tuple and args[-1] is Ellipsis:
        values = st.lists(_of(args[0]), max_size=2)
        return values.map(_unique(_DISTINCT[name]) if name in _DISTINCT else _unique(lambda v: v))
    if origin is tuple:
        return st.tuples(*(_of(a) for a in args))
    if origin is typing.Literal:
        return st.sampled_from(args)
    if origin is not None:
        return st.one_of(*(_of(a) for a in args))
    known: dict[Any, st.SearchStrategy[Any]] = {
        str: _NAMES,
        int: st.integers(1, 3),
        float: st.sampled_from([1.0, 2.0]),
        bool: st.booleans(),
        type(None): st.none(),
        ir.Mode: st.sampled_from(list(ir.Mode)),
    }
    return known[annotation]


def _struct(kind: type[Any]) -> st.SearchStrategy[Any]:
    hints = {k: v for k, v in typing.get_type_hints(kind).items() if k in kind.__struct_fields__}
    return st.fixed_dictionaries({k: _of(v, k) for k, v in hints.items()}).map(lambda d: kind(**d))


_KINDS = sorted(typing.get_args(ir.AnyPiece), key=lambda k: k.__name__)
_ONCE = (ir.Listener, ir.AccessLog, ir.Upstream)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    pieces: dict[Any, ir.AnyPiece] = {}
    for kind in (*_ONCE, *draw(st.lists(st.sampled_from(_KINDS), max_size=5))):
        piece = draw(_struct(kind))
        pieces[kind if kind in _ONCE else (kind, compare_key(piece))] = piece
    return assemble(pieces.values())


def compare_key(piece: ir.AnyPiece) -> tuple[str, ...]:
    from assay.gateway.assemble import identity

    return identity(piece)


@settings(max_examples=100, deadline=None)
@given(policies())
def test_a_policy_differs_from_itself_in_nothing(one: Policy) -> None:
    moved = assemble([msgspec.structs.replace(p, source="elsewhere.yaml:9:9") for p in one.pieces])
    assert compare(one, one).changes == ()
    assert compare(one, moved).changes == ()
    assert compare(one, moved).old == compare(one, moved).new


@settings(max_examples=120, deadline=None)
@given(policies(), policies())
def test_no_difference_vanishes_and_what_is_reversed_has_the_opposite_effect(old: Policy, new: Policy) -> None:
    there, back = compare(old, new), compare(new, old)
    assert bool(there.changes) == (old.digest != new.digest)
    certain = [
        sorted((c.subject, c.effect) for c in plan.changes if c.certain and c.effect != "neutral")
        for plan in (there, back)
    ]
    assert certain[0] == sorted((s, opposite(e)) for s, e in certain[1])  # type: ignore[arg-type]
    assert all(c.effect == "loosening" for plan in (there, back) for c in plan.changes if not c.certain)
    assert all("\x00" not in c.sentence and c.sentence for c in there.changes)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(_KINDS), st.data())
def test_every_field_of_every_piece_is_put_into_words(kind: Any, data: st.DataObject) -> None:
    piece = data.draw(_struct(kind))
    name = data.draw(st.sampled_from([f for f in kind.__struct_fields__ if f != "source"]))
    hints = typing.get_type_hints(kind)
    changed = msgspec.structs.replace(piece, **{name: data.draw(_of(hints[name], name))})
    routes = [
        ir.Route(**BASE, api="crm", operation=o, method="GET", hosts=(), public_base="", template="/")
        for o in ("get", "put")
        if kind is not ir.Route
    ]
    old, new = (policy(p, *routes) for p in (piece, changed))
    plan = compare(old, new)
    assert bool(plan.changes) == (old.digest != new.digest)
    assert not any("in a way" in c.sentence for c in plan.changes), (name, piece, changed)


def test_ten_thousand_operations_are_compared_in_a_second() -> None:
    names = [f"op{i}" for i in range(10_000)]

    def large(role: str, source: str) -> Policy:
        where = {"control": "authorisation", "source": source}
        pieces: list[ir.AnyPiece] = []
        for name in names:
            on = {**where, "api": "crm", "operation": name}
            pieces += [
                ir.Route(**on, method="GET", hosts=("*",), public_base="", template=f"/{name}"),
                ir.AccessRule(**on, name="crm/0", roles=("agent", role)),
                ir.Authentication(**on, alternatives=((TOKEN,),)),
                ir.SizeLimit(**on, body_bytes=0),
                ir.Inspection(**on, parameters=(ir.ParameterRule("q", "query", '{"type":"string"}'),)),
            ]
        return policy(*pieces)

    old, new = large("guest", "assay.yaml:1:1"), large("admin", "assay.yaml:2:1")
    started = time.process_time()
    plan = compare(old, new)
    spent = time.process_time() - started
    assert plan.counts() == {"loosening": 10_000, "tightening": 10_000, "neutral": 0}
    assert len(plan.groups()) == 2
    assert spent < 3, f"{spent:.2f} s"  # aim: 1 s; shared machines get room

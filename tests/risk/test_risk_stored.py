"""A stored register computes again to the same numbers, or says which do not, and why."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.risk.risk_values import evidence, fact, place, remedy, scenario
from tests.risk.risks_made import NOW, bola, denial, over
from tests.risk.test_risk_register import model, reach

from assay.domain import AssayError, IncompleteError, Outcome, UsageError
from assay.risk import replay
from assay.risk.assess import board
from assay.risk.register import Register, entries
from assay.risk.stored import recompute, save

DECLARED = model(
    risks={
        bola().scenario.id: {"likelihood": {"value": 9}, "owner": "ciso", "treatment": "reduce", "due": "2027-01-31"}
    }
)


def stored() -> str:
    rows = entries([bola(), denial(), over()], DECLARED, NOW, reach=reach)
    return save(Register(rows, NOW), tool="Assay 1", organisation="Shop", declaration="ab" * 32)


def changed(path: str, value: Any) -> bytes:
    whole = json.loads(stored())
    *route, last = path.split(".")
    here = whole
    for step in route:
        here = here[int(step)] if isinstance(here, list) else here[step]
    here[int(last) if isinstance(here, list) else last] = value
    return json.dumps(whole).encode()


def test_what_was_stored_computes_again() -> None:
    found = recompute(stored().encode(), "old.json")
    assert found.agrees
    assert found.numbers > 60
    assert found.content.at == NOW
    assert stored() == stored()


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("register.risks.0.evidenced.score", 1.0, "evidenced score"),
        ("register.risks.0.evidenced.rating", "note", "evidenced rating"),
        ("register.risks.0.effects.1.failures", 3, "authorisation (1): failures"),
        ("register.risks.0.effects.2.bound", 1.0, "authorisation (2): bound"),
        ("register.risks.0.factors.agent.0.value", 0, "inherent likelihood"),
        ("register.risks.0.groups.0.exploited", [], "evidenced likelihood"),
        ("register.risks.0.residual.impact", 0.2, "residual impact"),
        ("register.at", "2027-11-22T12:00:00Z", "authorisation (2): freshness"),
    ],
)
def test_a_number_or_input_that_was_changed_is_named(path: str, value: Any, named: str) -> None:
    found = recompute(changed(path, value), "old.json")
    assert found.altered
    assert any(named in d.where for d in found.differences), found.differences


def test_a_changed_word_is_told_although_every_number_agrees() -> None:
    found = recompute(changed("register.risks.0.owner", "somebody"), "old.json")
    assert (found.altered, found.differences, found.agrees) == (True, (), False)


@pytest.mark.parametrize("path", ["register.formula", "register.version"])
def test_another_version_is_said_and_nothing_is_compared(path: str) -> None:
    with pytest.raises(IncompleteError) as error:
        recompute(changed(path, 99), "old.json")
    assert "version 99" in error.value.sentence
    assert "Assay 1" in error.value.fix


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        b'{"register": {"version": 1, "formula": 1}}',
        changed("register.risks.0.factors", {}),
        changed("register.risks.0.factors.agent", []),
        changed("register.risks.0.effects.0.tried", -1),
        changed("register.risks.0.effects.0.tried", 1e300),
        changed("register.risks.0.effects.0.measured", "2026-11-22T12:00:00"),
        changed("register.risks.0.groups.0.effects", [99]),
        changed("register.risks.0.surprise", 1),
    ],
)
def test_what_is_no_register_is_a_usage_error(text: bytes) -> None:
    with pytest.raises(UsageError) as error:
        recompute(text, "old.json")
    assert error.value.location is not None
    assert error.value.fix


_VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just([]) | st.just({})
_WHOLE = json.loads(stored())


def _routes(value: Any, route: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [route, *(r for key, each in inner for r in _routes(each, (*route, key)))]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(_routes(_WHOLE)[1:]), _VALUES)
def test_whatever_is_changed_it_is_said_or_a_domain_error(route: tuple[Any, ...], value: Any) -> None:
    whole = json.loads(stored())
    here = whole
    for step in route[:-1]:
        here = here[step]
    same = here[route[-1]] == value and type(here[route[-1]]) is type(value)
    here[route[-1]] = value
    try:
        found = recompute(json.dumps(whole).encode(), "old.json")
    except AssayError:
        return
    # A number may be written in another way and say the same.
    assert found.agrees == same or here[route[-1]] == value


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_break_it(text: bytes) -> None:
    with pytest.raises(AssayError):
        recompute(text, "old.json")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["owner", "limit"]),
            st.sampled_from(["a", "b", "c"]),
            st.integers(0, 3),
            st.floats(0, 90),
            st.sampled_from([Outcome.PASS, Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE]),
        ),
        max_size=20,
    )
)
def test_whatever_was_proven_the_register_computes_again(
    results: list[tuple[str, str, int, float, Outcome]],
) -> None:
    facts = [fact(c, name, number=n, days=days, outcome=o) for c, name, n, days, o in results]
    places = [place(name, {"owner": "one", "limit": "l" + name}) for name in ("a", "b", "c")]
    remedies = [remedy("owner", exploits=("owner-proof",)), remedy("limit", "limiting", 0.4, reliability=0.9)]
    (one,) = board([scenario(places)], remedies, evidence(facts)).assessments
    assert replay.evidenced(one, NOW) == one.evidenced
    assert replay.evidenced(one, NOW + timedelta(days=9)).score >= one.evidenced.score - 1e-12
    rows = entries([one], model(), NOW, reach=reach, rise=lambda a: replay.rise(a, NOW))
    text = save(Register(rows, NOW), tool="Assay 1", organisation="Shop", declaration="")
    assert recompute(text.encode(), "old.json").agrees

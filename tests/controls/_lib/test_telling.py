"""Two questions are told apart by what every answer to the one says and no answer to the other, whatever comes and
goes meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from hypothesis import given
from hypothesis import strategies as st

from assay.controls._lib.telling import ROUNDS, Round, Signature, signature, told
from assay.prove.case import Seen

NOTHING: frozenset[int] = frozenset()


def page(numbers: Sequence[int] | frozenset[int], status: int = 200) -> Signature:
    """The answer that lists these things."""
    body = json.dumps({"items": [{"id": f"c-{n}", "name": f"somebody {n}"} for n in sorted(numbers)]})
    return signature(Seen(1, status, {"content-type": "application/json"}, body.encode(), 0.01, "c", ""))


def asked(answer: Callable[[bool, int], Signature]) -> tuple[bool, int]:
    """What is told in the end, and in how many rounds. ``answer`` gets the truth and the number of the request."""
    rounds: list[Round] = []
    requests = 0
    while True:
        said = {}
        for truth in (True, False) if len(rounds) % 2 == 0 else (False, True):
            said[truth] = answer(truth, requests)
            requests += 1
        rounds.append((said[True], said[False]))
        if (found := told(rounds)) is not None:
            return found, len(rounds)


def test_two_rounds_are_enough_where_nothing_changes() -> None:
    assert asked(lambda truth, _: page([1, 2, 3] if truth else [])) == (True, 2)
    assert asked(lambda truth, _: page([1, 2, 3])) == (False, 1)


def test_a_small_difference_takes_a_third_round() -> None:
    assert asked(lambda truth, _: page(range(20 if truth else 19))) == (True, 3)


@given(st.lists(st.integers(0, 6), min_size=10, max_size=10), st.integers(2, 8))
def test_an_injection_is_found_while_others_add_things(added: list[int], first: int) -> None:
    there = [first + sum(added[: n + 1]) for n in range(10)]
    assert asked(lambda truth, n: page(range(there[n]) if truth else []))[0]


@given(st.integers(0, ROUNDS - 1), st.booleans())
def test_an_injection_is_found_though_one_round_is_disturbed(which: int, truth: bool) -> None:
    def answer(asks: bool, n: int) -> Signature:
        disturbed = n // 2 == which and asks == truth
        return page([], 500) if disturbed else page(range(4 + n) if asks else [])

    assert asked(answer)[0]


@given(st.lists(st.tuples(st.integers(-1, 10), st.integers(0, 11)), max_size=30))
def test_what_comes_stays_and_goes_is_never_an_injection(spans: list[tuple[int, int]]) -> None:
    """Each thing is there for a while, and both questions list whatever is there."""
    found, _ = asked(lambda truth, n: page([i for i, (start, long) in enumerate(spans) if start <= n < start + long]))
    if found:  # Only where most of what there is came after the first question and went before the fourth, once.
        assert sum(start == 1 and long == 2 for start, long in spans)


@given(st.sampled_from([403, 406, 429, 503]))
def test_a_firewall_that_refuses_one_spelling_is_no_injection(status: int) -> None:
    def answer(truth: bool, n: int) -> Signature:
        return page([n], status) if truth else page([1, 2, n + 10])

    assert not asked(answer)[0]


def test_what_was_refused_by_the_gateway_tells_nothing() -> None:
    assert told([]) is False
    assert told([(None, page([1]))]) is False
    assert told([(page([1]), page([])), (page([1]), None)]) is False

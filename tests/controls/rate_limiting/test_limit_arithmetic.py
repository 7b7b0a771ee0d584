"""A limit is said to have no effect only when another one always bites first."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from assay.controls.base import Site
from assay.controls.rate_limiting.design import never_reached
from assay.controls.rate_limiting.enforce import enforce
from assay.declare.declaration import Declaration
from assay.declare.quantities import RateValue
from assay.gateway.ir import Limit, Mode

SITE = Site("c", "k", "ca", "http://127.0.0.1:1")


class Bucket:
    """A token bucket that starts full and fills continuously, as the gateway keeps it."""

    def __init__(self, rate: RateValue) -> None:
        self.rate, self.tokens, self.at = rate, float(rate.requests), 0.0

    def refuses(self, now: float) -> bool:
        self.tokens = min(self.rate.requests, self.tokens + (now - self.at) * self.rate.per_second)
        self.at = now
        return self.tokens < 1 - 1e-9

    def take(self) -> None:
        self.tokens -= 1


RATES = st.builds(RateValue, requests=st.integers(1, 12), seconds=st.sampled_from([1, 5, 10, 60]))


@given(RATES, RATES, st.lists(st.integers(0, 40), min_size=1, max_size=60))
def test_a_limit_without_effect_never_refuses_a_call_that_the_other_lets_through(
    rate: RateValue, other: RateValue, gaps: list[int]
) -> None:
    if not never_reached(rate, other):
        return
    idle, strict = Bucket(rate), Bucket(other)
    for now in itertools.accumulate(gap / 10 for gap in gaps):
        if strict.refuses(now):
            continue
        assert not idle.refuses(now)
        strict.take()
        idle.take()


def test_a_longer_window_with_a_larger_burst_has_its_own_effect() -> None:
    assert not never_reached(RateValue(requests=100, seconds=3600), RateValue(requests=60, seconds=60))
    assert never_reached(RateValue(requests=120, seconds=60), RateValue(requests=60, seconds=60))


DECLARATION = """\
assay: 1
organisation: {name: x}
environments: {e: {tier: non-production}}
apis:
  one: {owner: x, exposure: public, environment: e, contract: shop.yaml, upstream: "http://h", observe: [rate_limiting]}
  two: {owner: x, exposure: internal, environment: e, contract: shop.yaml, path: /two, upstream: "http://h"%s}
consumers: {c: {kind: partner, authenticate: {api_key: {}}, roles: [r], limit: 5/second}}
"""


def test_a_consumers_limit_refuses_as_long_as_one_api_does(declared: Callable[..., Declaration]) -> None:
    def modes(extra: str) -> list[Mode]:
        return [p.mode for p in enforce(declared(DECLARATION % extra), SITE) if isinstance(p, Limit)]

    assert modes("") == [Mode.ENFORCE]
    assert modes(", observe: [rate_limiting]") == [Mode.OBSERVE]

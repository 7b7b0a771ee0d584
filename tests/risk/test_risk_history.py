"""What happened lately raises likelihood, for ninety days, and only where it happened."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.declare.model import PastIncident
from assay.risk.history import past, strikes

TODAY = date(2026, 11, 22)
BOLA, API = "broken-object-authorisation", "apis.customer-data"


def incident(days_ago: int, *, on: str | None = API, threat: str = BOLA, closed: int | None = 0) -> PastIncident:
    day = TODAY - timedelta(days=days_ago)
    ended = None if closed is None else day + timedelta(days=closed)
    return PastIncident(date=day, threat=threat, on=on, what="somebody read another's record", closed=ended)


def values(*incidents: PastIncident) -> dict[str, float]:
    return {name: floor.value for name, floor in past(BOLA, {API}, incidents, TODAY).floors.items()}


def test_one_incident_shows_a_motive_and_somebody_who_knows() -> None:
    assert values(incident(10)) == {"motive": 4, "awareness": 6}


def test_an_open_one_is_easy_until_its_cause_is_mended() -> None:
    assert values(incident(10, closed=None)) == {
        "motive": 4,
        "awareness": 6,
        "ease_of_discovery": 7,
        "ease_of_exploit": 5,
    }
    # One that is to be mended tomorrow is open today.
    assert values(incident(10, closed=11)) == values(incident(10, closed=None))


def test_a_second_one_is_no_accident() -> None:
    assert values(incident(10), incident(50)) == {"motive": 9, "awareness": 9}


@pytest.mark.parametrize(("days", "counts"), [(0, True), (90, True), (91, False), (-1, False)])
def test_it_counts_for_ninety_days_and_never_ahead_of_the_clock(days: int, counts: bool) -> None:
    assert bool(values(incident(days))) is counts


def test_other_threats_and_other_places_are_not_concerned() -> None:
    assert values(incident(1, threat="injection")) == {}
    assert values(incident(1, on="apis.orders")) == {}
    assert values(incident(1, on=None)) != {}
    assert values(incident(1, on=f"{API}.operations.getCustomer")) != {}


def test_an_api_whose_id_begins_like_anothers_is_another() -> None:
    assert not strikes("apis.orders.v2", {"apis.orders"})
    assert not strikes("apis.orders", {"apis.orders.v2"})
    assert strikes("apis.orders", {"apis.orders.operations.get"})


@given(st.lists(st.builds(incident, st.integers(-5, 120), closed=st.none() | st.integers(0, 60)), max_size=6))
def test_another_incident_never_lowers_a_floor(incidents: list[PastIncident]) -> None:
    fewer, all_of_them = values(*incidents[:-1]), values(*incidents)
    assert all(all_of_them.get(name, 0) >= value for name, value in fewer.items())

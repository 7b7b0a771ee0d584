"""Proof of the inventory: what was retired is gone, and what ends says so; a refusal of another kind shows neither."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.controls.proving.shop import HEAD, Shop, named, run, surface_in
from tests.prove.scripted import Asked, Said, allowed, refused

from assay.controls.api_inventory.prove import prove
from assay.prove.surface import Surface

RETIRED = "apis:\n  old:\n    path: /old\n    product: {lifecycle: retired}\n    BODY\n  shop:\n"


@pytest.fixture
def retiring(tmp_path: Path) -> Surface:
    body = HEAD.split("  shop:\n")[1].split("    access:")[0].strip()
    head = HEAD.replace("apis:\n  shop:\n", RETIRED).replace("BODY", body)
    return surface_in(tmp_path / "two", head=head, via="gateway", fronted=True)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Said(200, {}), "fail"),
        (refused("api_gateway/retired", 410), "pass"),
        (refused("api_gateway/not-in-contract", 404), "pass"),
        (Said(404, {}), "pass"),
        (allowed({}, 404), "fail"),
        (refused("authentication/no-accepted-credential", 401), "inconclusive"),
        (Said(500, {}), "inconclusive"),
        (Said(0, error="reset"), "inconclusive"),
    ],
    ids=[
        "it answers",
        "gone",
        "unknown",
        "unknown without a log",
        "a service says not found",
        "something asks who calls",
        "an error",
        "no answer",
    ],
)
def test_a_retired_api_must_be_gone(retiring: Surface, answer: Said, expected: str) -> None:
    shop = Shop(wants=lambda asked: answer if asked.path.startswith("/old") else None)
    case = named(list(prove(retiring)), "retired-api-answers")[0]
    assert str(run(case, shop, retiring).outcome) == expected


def test_retired_paths_are_asked_for_with_values_in_place_of_parameters(retiring: Surface) -> None:
    asked: list[str] = []

    def note(call: Asked) -> Said:
        asked.append(call.target)
        return Said(410, {})

    case = named(list(prove(retiring)), "retired-api-answers")[0]
    run(case, Shop(wants=note), retiring)
    assert asked[0] == "/old/health"
    assert len(asked) == case.requests == 5
    assert not any("{" in path for path in asked)


def test_nothing_is_asked_of_retired_apis_around_the_gateway(tmp_path: Path, retiring: Surface) -> None:
    direct = surface_in(tmp_path / "direct", head=HEAD)
    assert list(prove(direct)) == []


ENDING = HEAD.replace(
    "    exposure: internal\n",
    "    exposure: internal\n"
    "    product: {lifecycle: deprecated, deprecated: 2026-06-01, sunset: 2026-12-31, replaced_by: shop}\n",
)
SAID = {"deprecation": "@1780272000", "sunset": "Thu, 31 Dec 2026 23:59:59 GMT"}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (SAID, "pass"),
        ({}, "fail"),
        ({"deprecation": SAID["deprecation"]}, "fail"),
        ({**SAID, "sunset": "Wed, 30 Dec 2026 23:59:59 GMT"}, "fail"),
    ],
    ids=["as declared", "nothing", "half of it", "another day"],
)
def test_answers_say_when_an_api_ends(tmp_path: Path, headers: dict[str, str], expected: str) -> None:
    surface = surface_in(tmp_path / "ending", head=ENDING)
    shop = Shop(wants=lambda asked: Said(200, {"status": "ok"}, headers))
    case = named(list(prove(surface)), "end-not-announced")[0]
    judged = run(case, shop, surface)
    assert str(judged.outcome) == expected


def test_an_answer_that_is_no_success_shows_nothing_about_its_headers(tmp_path: Path) -> None:
    surface = surface_in(tmp_path / "ending", head=ENDING)
    case = named(list(prove(surface)), "end-not-announced")[0]
    assert str(run(case, Shop(wants=lambda asked: Said(503, {}, SAID)), surface).outcome) == "inconclusive"

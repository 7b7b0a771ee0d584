"""Proof of activity logging: lines that are there, that say enough, and that hold no secrets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.controls.proving.shop import Shop, named, run, surface_in
from tests.prove.scripted import Asked, Said, allowed, refused

from assay.controls.activity_logging.prove import prove
from assay.prove.surface import Surface


@pytest.fixture
def surface(tmp_path: Path) -> Surface:
    return surface_in(tmp_path / "shop", via="gateway", fronted=True)


def line(asked: Asked, said: Said, **more: Any) -> dict[str, Any]:
    """A line as the gateway writes it."""
    refusal = said.status >= 400
    return {
        "time": "now",
        "method": asked.method,
        "path": asked.path,
        "address": "127.0.0.2",
        "operation": "shop/listOrders",
        "status": said.status,
        "details": "rbac_access_denied_matched_policy[authentication/none]" if refusal else "via_upstream",
        "access_policy": "" if refusal else "shop/1-customer",
        "subject": asked.who.subject if asked.who else "",
        "client": asked.who.persona if asked.who else "",
        **more,
    }


def logging(change: Callable[[dict[str, Any]], Mapping[str, Any] | None] = dict) -> Shop:
    """A gateway that logs, its lines changed by ``change``; None: no line."""

    def answer(asked: Asked) -> Said:
        said = allowed({"items": []}) if asked.who else refused("authentication/none", 401)
        return replace(said, line=change(line(asked, said)))

    return Shop(wants=answer)


def without(*names: str) -> Callable[[dict[str, Any]], Mapping[str, Any]]:
    return lambda found: {k: v for k, v in found.items() if k not in names}


def case_of(surface: Surface, test: str) -> Any:
    return named(list(prove(surface)), test, "listOrders", "app" if test != "log-line-forged" else "")[0]


class TestLines:
    def test_that_say_everything_pass(self, surface: Surface) -> None:
        assert run(case_of(surface, "call-not-logged"), logging(), surface).outcome == "pass"
        assert run(case_of(surface, "refusal-not-logged"), logging(), surface).outcome == "pass"

    @pytest.mark.parametrize("missing", ["subject", "operation", "access_policy", "address", "status", "time"])
    def test_that_lack_something_are_found(self, surface: Surface, missing: str) -> None:
        judged = run(case_of(surface, "call-not-logged"), logging(without(missing)), surface)
        assert judged.outcome == "fail"

    @pytest.mark.parametrize("test", ["call-not-logged", "refusal-not-logged"])
    def test_that_are_not_there_are_found(self, surface: Surface, test: str) -> None:
        judged = run(case_of(surface, test), logging(lambda found: None), surface, log="other lines")
        assert judged.outcome == "fail"

    @pytest.mark.parametrize("test", ["call-not-logged", "refusal-not-logged", "secret-in-log"])
    def test_cannot_be_judged_without_a_log(self, surface: Surface, test: str) -> None:
        assert run(case_of(surface, test), logging(lambda found: None), surface).outcome == "inconclusive"

    def test_about_refusals_must_name_the_policy(self, surface: Surface) -> None:
        judged = run(case_of(surface, "refusal-not-logged"), logging(without("details")), surface)
        assert judged.outcome == "fail"


class TestSecrets:
    def _logs(self, surface: Surface, what: Callable[[Asked], str]) -> str:
        written: list[str] = []

        class Log(str):
            def __contains__(self, text: object) -> bool:
                return any(str(text) in entry for entry in written)

        def answer(asked: Asked) -> Said:
            written.append(what(asked))
            said = allowed({"items": []})
            return replace(said, line=line(asked, said))

        return str(run(case_of(surface, "secret-in-log"), Shop(wants=answer), surface, log=Log("log")).outcome)

    def test_that_stay_out_pass(self, surface: Surface) -> None:
        assert self._logs(surface, lambda asked: asked.path) == "pass"

    @pytest.mark.parametrize(
        "what",
        [
            lambda asked: asked.target,
            lambda asked: asked.headers["authorization"],
            lambda asked: asked.headers["cookie"],
            lambda asked: asked.headers["x-assay-secret"],
            lambda asked: asked.bearer.rpartition(".")[2],
        ],
        ids=["query", "token", "cookie", "header", "signature"],
    )
    def test_that_get_in_are_found(self, surface: Surface, what: Callable[[Asked], str]) -> None:
        assert self._logs(surface, what) == "fail"


def test_a_line_break_in_a_path_stays_in_its_line(surface: Surface) -> None:
    case = case_of(surface, "log-line-forged")
    assert run(case, logging(), surface, log="fine").outcome == "pass"
    forged = '\n{"request_id":"forged-n0nce5f3a9c1e7b2d"'
    assert run(case, logging(), surface, log=forged).outcome == "fail"


def test_there_is_no_log_to_prove_where_no_gateway_of_ours_stands(tmp_path: Path) -> None:
    assert not list(prove(surface_in(tmp_path / "direct", via="direct", fronted=True)))
    assert not list(prove(surface_in(tmp_path / "foreign")))

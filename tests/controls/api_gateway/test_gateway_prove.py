"""Proof of the gateway: methods, paths, versions and ways around that no contract names, and what looks like them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.controls.proving.shop import HEAD, Shop, named, run, surface_in
from tests.prove.scripted import Asked, Said, allowed, refused

from assay.controls.api_gateway.proofs.tricks import variants
from assay.controls.api_gateway.prove import prove
from assay.prove.case import RawSeen
from assay.prove.surface import Surface


@pytest.fixture
def surface(tmp_path: Path) -> Surface:
    return surface_in(tmp_path / "shop")


def outcome_of(surface: Surface, test: str, shop: Shop, operation: str = "", variant: str = "") -> str:
    case = named(list(prove(surface)), test, operation, variant=variant)[0]
    return str(run(case, shop, surface).outcome)


@pytest.mark.parametrize(
    ("test", "operation", "flaw"),
    [
        ("undeclared-method-served", "getOrder", "undeclared"),
        ("method-override-honoured", "getOrder", "override"),
        ("path-trick-opens", "getOrder", "slash"),
    ],
)
class TestEachAttack:
    def test_finds_its_flaw(self, surface: Surface, test: str, operation: str, flaw: str) -> None:
        assert outcome_of(surface, test, Shop(frozenset({flaw})), operation) == "fail"

    def test_finds_nothing_in_a_safe_service(self, surface: Surface, test: str, operation: str, flaw: str) -> None:
        assert outcome_of(surface, test, Shop(), operation) == "pass"


class TestMethods:
    def test_a_200_to_everything_that_changes_nothing_is_not_called_a_finding(self, surface: Surface) -> None:
        polite = Shop(wants=lambda asked: Said(200, {"ok": True}) if asked.method == "PUT" else None)
        assert outcome_of(surface, "undeclared-method-served", polite, "getOrder") == "inconclusive"

    @pytest.mark.parametrize(("routed", "expected"), [(True, "fail"), (False, "pass")])
    def test_a_body_that_is_refused_does_not_hide_that_the_method_is_routed(
        self, tmp_path: Path, routed: bool, expected: str
    ) -> None:
        def answer(asked: Asked) -> Said | None:
            if asked.method in ("GET", "POST"):
                return None
            if not routed:
                return refused("api_gateway/method-not-allowed", 405)
            return refused("input_validation/body-undeclared", 400) if asked.body else allowed({}, 405)

        surface = surface_in(tmp_path / "shop", via="gateway", fronted=True)
        shop = Shop(gateway=True, wants=answer)
        assert outcome_of(surface, "undeclared-method-served", shop, "getOrder") == expected

    def test_are_tried_on_objects_of_the_runs_own_only(self, surface: Surface) -> None:
        cases = named(list(prove(surface)), "undeclared-method-served")
        assert {c.operation for c in cases} == {"getOrder", "getLine"}
        assert all(c.writes for c in cases)

    @pytest.mark.parametrize(("echoes", "expected"), [(True, "fail"), (False, "pass")])
    def test_trace_must_not_echo(self, surface: Surface, echoes: bool, expected: str) -> None:
        def answer(asked: Asked) -> Said | None:
            if asked.method != "TRACE":
                return None
            return Said(200, str(dict(asked.headers)).encode()) if echoes else Said(405)

        assert outcome_of(surface, "trace-answered", Shop(wants=answer)) == expected


class TestPaths:
    def test_every_spelling_differs_from_the_path_itself(self) -> None:
        spelled = [path for _, path in variants("/orders/o-1")]
        assert "/orders/o-1" not in spelled
        assert len(spelled) == len(set(spelled))

    @pytest.mark.parametrize(("honours", "expected"), [(True, "fail"), (False, "pass")])
    def test_a_header_cannot_name_another(self, surface: Surface, honours: bool, expected: str) -> None:
        shop = Shop()

        def answer(asked: Asked) -> Said | None:
            inside = asked.headers.get("x-original-url", "")
            if honours and asked.path == "/health" and inside.startswith("/orders/"):
                return Said(200, shop.orders[inside.removeprefix("/orders/")])
            return None

        shop.wants = answer
        assert outcome_of(surface, "path-header-honoured", shop) == expected

    def test_that_are_open_to_anybody_cannot_be_opened(self, surface: Surface) -> None:
        shop = Shop(frozenset({"no-authentication"}))
        assert outcome_of(surface, "path-trick-opens", shop, "getOrder") == "inconclusive"
        assert outcome_of(surface, "path-header-honoured", shop) == "inconclusive"


class TestInventory:
    @pytest.mark.parametrize(
        ("path", "content"),
        [("/metrics", "# HELP up\nup 1\n"), ("/debug/vars", '{"memory": 1}'), ("/.env", "SECRET=1\n")],
    )
    def test_what_was_left_behind_is_known_by_its_content(self, surface: Surface, path: str, content: str) -> None:
        left = Shop(wants=lambda asked: Said(200, content.encode()) if asked.path == path else None)
        assert outcome_of(surface, "undeclared-endpoint-answers", left) == "fail"

    def test_a_page_that_says_not_found_with_200_is_nothing(self, surface: Surface) -> None:
        def soft(asked: Asked) -> Said | None:
            known = asked.path.split("/")[1] in ("orders", "report", "health")
            return None if known else Said(200, f"<html>{{nothing}} at {asked.path}</html>".encode())

        assert outcome_of(surface, "undeclared-endpoint-answers", Shop(wants=soft)) == "pass"
        assert outcome_of(surface, "undeclared-version-answers", Shop(wants=soft)) == "pass"

    def test_an_old_version_that_answers_is_found(self, surface: Surface) -> None:
        shop = Shop()

        def old(asked: Asked) -> Said | None:
            if asked.path == "/v1/orders":
                return Said(200, {"items": [{"id": "1234", "note": "somebody's"}]})
            if asked.path == "/orders":
                return Said(200, {"items": [{"id": "5678", "note": "my own"}]})
            return None

        shop.wants = old
        assert outcome_of(surface, "undeclared-version-answers", shop) == "fail"


class TestAround:
    @pytest.fixture
    def surface(self, tmp_path: Path) -> Surface:
        return surface_in(tmp_path / "shop", via="gateway", fronted=True)

    @pytest.mark.parametrize(
        ("answer", "expected"),
        [(Said(0), "pass"), (Said(401, {}), "pass"), (None, "fail"), (Said(404, {}), "inconclusive")],
        ids=["no connection", "refused", "answered", "something else"],
    )
    def test_the_upstream_answers_the_gateway_alone(self, surface: Surface, answer: Said | None, expected: str) -> None:
        shop = Shop()

        def around(asked: Asked) -> Said | None:
            if not asked.direct:
                return None
            return answer or Said(200, shop.orders[asked.path.removeprefix("/orders/")])

        shop.wants = around
        assert outcome_of(surface, "upstream-reachable", shop) == expected

    def test_an_upstream_on_the_loopback_address_is_in_reach_of_its_own_machine_only(self, tmp_path: Path) -> None:
        head = HEAD.replace("http://10.0.0.1:8000", "http://127.0.0.1:8000")
        surface = surface_in(tmp_path / "here", head=head, via="gateway", fronted=True)
        shop = Shop()
        shop.wants = lambda asked: Said(200, next(iter(shop.orders.values()))) if asked.direct else None
        (case,) = named(list(prove(surface)), "upstream-reachable")
        judged = run(case, shop, surface)
        assert (judged.outcome, judged.severity) == ("fail", "low")

    @pytest.mark.parametrize(
        ("header", "expected"),
        [
            ({"server": "nginx/1.14.0"}, "fail"),
            ({"x-powered-by": "Express"}, "fail"),
            ({"server": "api"}, "pass"),
            ({}, "pass"),
        ],
        ids=["version", "framework", "name only", "nothing"],
    )
    def test_banners_with_versions_are_found(self, surface: Surface, header: dict[str, str], expected: str) -> None:
        shop = Shop(wants=lambda asked: allowed({"ok": "fine"}, headers=header))
        assert outcome_of(surface, "version-banner", shop) == expected

    @pytest.mark.parametrize(
        ("data", "closed", "expected"),
        [
            (b"HTTP/1.1 400 Bad Request\r\n\r\n", True, "pass"),
            (b"", True, "pass"),
            (b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 404 Not Found\r\n\r\n", False, "fail"),
            (b"HTTP/1.1 200 OK\r\n\r\n", False, "inconclusive"),
        ],
        ids=["refused", "closed", "two answers", "waiting"],
    )
    @pytest.mark.parametrize("variant", ["cl-te", "bad-chunk", "two-lengths"])
    def test_one_request_is_never_two(
        self, surface: Surface, data: bytes, closed: bool, expected: str, variant: str
    ) -> None:
        (case,) = named(list(prove(surface)), "request-smuggling", variant=variant)
        judged = run(case, Shop(), surface, raws=lambda sent, tls: RawSeen(1, data, closed, 0.1))
        assert judged.outcome == expected


def test_every_case_has_an_id_of_its_own(surface: Surface) -> None:
    ids = [c.id for c in prove(surface)]
    assert len(ids) == len(set(ids))

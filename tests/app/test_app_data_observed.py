"""What callers did reach stands beside what they are granted: by lines as Envoy writes them, and never by a guess."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.report.dossiers import dossier

from assay.app.data_observed import compare, logs_of
from assay.app.data_view import View, view
from assay.app.organisation import organisation
from assay.app.project import Project, in_environment, open_project
from assay.domain import UsageError
from assay.gateway.decision import decide
from assay.report.html import organisation as html

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PLACES = Path(__file__).with_name("data_places")
ENVOYS = json.loads(
    """{"access_policy":"shop/0-agent","address":"127.0.0.1","authentication_policy":"","certificate":null,
    "cipher":"TLS_AES_256_GCM_SHA384","client":"desk","configuration":"4d12869839841b22","consumer_networks_policy":"",
    "details":"via_upstream","flags":"-","inspector_decision":"","inspector_policy":"","masked":"",
    "method":"GET","milliseconds":4,"networks_policy":"","operation":"shop/getCustomer","path":"/customers/c-1",
    "peer":"127.0.0.1:34712","protocol":"HTTP/1.1","received":0,"request_id":"c3bacc8c-6611-40bd-b44d-028cca9f20d9",
    "sent":253,"status":200,"stream":"c3bacc8c-6611-40bd-b44d-028cca9f20d9","subject":"desk",
    "time":"2026-11-22T11:00:35.998845Z","tls":"TLSv1.3","token_failure":"","token_id":"x","trace":null,
    "upstream":"upstream/shop","upstream_milliseconds":3}"""
)
"""A line that a gateway wrote, with the names of this declaration."""
REFUSED = {**ENVOYS, "details": "rbac_access_denied_matched_policy[none]", "status": 403, "upstream": ""}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    shutil.copytree(PLACES, tmp_path / "shop")
    return open_project(tmp_path / "shop")


@pytest.fixture
def seen(project: Project) -> View:
    return view(project, NOW)


def logged(project: Project, *lines: dict[str, object] | bytes) -> None:
    _write(logs_of(project)[0], lines)


def _write(log: Path, lines: Iterable[dict[str, object] | bytes]) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(b"".join((x if isinstance(x, bytes) else json.dumps(x).encode()) + b"\n" for x in lines))


def test_an_unused_grant_is_named_and_the_observed_level_is_lower(project: Project, seen: View) -> None:
    assert decide(ENVOYS).outcome == "allowed"
    office = {**ENVOYS, "client": "office", "operation": "shop/listOrders", "time": "2026-11-22T11:30:00.000000Z"}
    logged(project, ENVOYS, ENVOYS, office)
    found = compare(project, seen)
    assert found.span is not None
    assert found.span.text == "3 calls, 2026-11-22 11:00 to 2026-11-22 11:30 UTC"
    by = {one.principal.name: one for one in found.principals}
    assert by["consumer desk"].calls == 2
    assert by["consumer desk"].unused == ("shop/listOrders",)
    told = by["consumer office"].as_json()
    assert told["granted"] == {"claimed": "confidential", "verified": "confidential"}
    assert told["observed"] == {"claimed": "internal", "verified": "internal"}
    assert told["said"] == "granted confidential, observed internal"
    assert by["consumer office"].unused == ("shop/getCustomer",)
    assert not by["consumer office"].beyond
    assert by["consumer office"].observed[0].observed


def test_who_made_no_call_or_was_refused_reached_nothing(project: Project, seen: View) -> None:
    logged(project, REFUSED)
    found = compare(project, seen)
    assert found.span is not None and found.span.calls == 0
    desk = next(one for one in found.principals if one.principal.id == "desk")
    assert (desk.observed, desk.calls, desk.said) == ((), 0, "made no call that was let through")
    assert desk.unused == desk.answering == ("shop/getCustomer", "shop/listOrders")
    assert desk.as_json()["observed"] is None


def test_without_a_log_nothing_is_said_of_anybody(project: Project, seen: View) -> None:
    assert compare(project, seen).span is None
    assert compare(project, seen).as_json()["principals"] == []
    logged(project, b"not a line", b"[]")
    assert compare(project, seen).span is None
    assert organisation(project, NOW).observed == ""
    assert {note.observed for note in organisation(project, NOW).blends} == {""}


def test_a_call_that_no_rule_grants_is_told_first(project: Project, seen: View) -> None:
    logged(project, ENVOYS, {**ENVOYS, "client": "somebody-else", "operation": "shop/getCustomer"})
    first = compare(project, seen).principals[0]
    assert (first.principal.name, first.beyond) == ("anybody", ("shop/getCustomer",))
    assert "although granted no data" in first.said


def test_what_was_left_out_is_said(project: Project, seen: View) -> None:
    line = len(json.dumps(ENVOYS)) + 1
    early = {**ENVOYS, "time": "2026-11-01T11:00:35.998845Z"}
    logged(project, early, {**ENVOYS, "operation": "shop/gone"}, ENVOYS, b"{cut")
    whole = compare(project, seen).span
    assert whole is not None
    assert (whole.complete, whole.unread, whole.unknown, whole.calls) == (True, 1, ("shop/gone",), 2)
    part = compare(project, seen, limit=2 * line).span
    assert part is not None
    assert (part.complete, part.calls) == (False, 1)
    assert part.since is not None and part.since > NOW - timedelta(days=2)


def test_one_principal_can_be_asked_for(project: Project, seen: View) -> None:
    logged(project, ENVOYS)
    assert [one.principal.id for one in compare(project, seen, "desk").principals] == ["desk"]
    assert compare(project, seen, "sync").principals == (), "an account is in no access log"
    with pytest.raises(UsageError):
        compare(project, seen, "desc")


def test_each_gateway_of_a_declaration_has_its_log_read(tmp_path: Path) -> None:
    shutil.copytree(PLACES, tmp_path / "shop")
    file = tmp_path / "shop" / "assay.yaml"
    text = file.read_text(encoding="utf-8")
    live = "  live: {tier: non-production, gateway: {listen: '127.0.0.1:9443'}}\n"
    file.write_text(text.replace("systems:\n", live + "systems:\n", 1), encoding="utf-8")
    project = open_project(tmp_path / "shop")
    shared, own = logs_of(project)
    assert (shared.parent.parent.name, own.parent.parent.name) == (".assay", ".assay-live")
    assert logs_of(in_environment(project, "test")) == (shared,)
    _write(shared, [ENVOYS])
    _write(own, [ENVOYS])
    span = compare(project, view(project, NOW)).span
    assert span is not None and span.calls == 2


def test_the_report_shows_levels_only_of_those_that_the_log_can_tell_of(project: Project) -> None:
    logged(project, ENVOYS)
    found = organisation(project, NOW)
    notes = {note.principal: note for note in found.blends}
    assert found.observed.startswith("1 call, 2026-11-22")
    assert notes["consumer desk"].observed == "confidential"
    assert notes["consumer desk"].unused == "1 of 2 granted operations not called"
    assert notes["consumer office"].observed is None
    assert notes["system crm"].observed == notes["account sync"].observed == ""


VALUES = st.one_of(st.text(max_size=12), st.integers(), st.none(), st.sampled_from(list(ENVOYS.values())))
LINES = st.one_of(
    st.binary(max_size=30).map(lambda b: b.replace(b"\n", b"")),
    st.dictionaries(st.sampled_from(list(ENVOYS)), VALUES, max_size=3).map(lambda change: {**ENVOYS, **change}),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(LINES, max_size=4))
def test_no_log_however_strange_stops_the_comparison(
    project: Project, seen: View, lines: list[dict[str, object] | bytes]
) -> None:
    logged(project, *lines)
    found = compare(project, seen)
    json.dumps(found.as_json())
    for one in found.principals:
        assert set(one.unused) <= set(one.answering)
        assert not set(one.beyond) & set(one.answering)
        assert one.calls or not one.observed


def test_the_page_has_a_column_only_where_there_is_a_log(project: Project) -> None:
    def text() -> str:
        empty = replace(dossier(), organisation_note=organisation(project, NOW))
        return html.pages(empty, "assay.css")[html.PAGE]

    assert "observed" not in text()
    logged(project, ENVOYS)
    page = text()
    assert ">observed</th>" in page
    assert "1 of 2 granted operations not called" in page
    assert ">nothing</span>" in page

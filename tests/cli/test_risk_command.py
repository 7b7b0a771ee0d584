"""`assay risk` as people and programs call it, before and after something was proven."""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from assay.app.keeping import open_ledger
from assay.app.project import open_project
from assay.cli import completing

DECLARATION = """\
assay: 1
organisation: {{name: Shop, subjects: 5000}}
environments: {{test: {{tier: non-production, issuer: {{development: true}}}}}}
data: {{customer: {{subjects: customers, fields: {{email: {{category: user.contact.email, identifies: direct}}}}}}}}
systems: {{crm: {{kind: database, environment: test, owner: sales, holds: [customer]}}}}
apis:
  shop:
    owner: sales
    exposure: public
    environment: test
    contract: api.yaml
    upstream: http://127.0.0.1:9
    access: [{{roles: [clerk], operations: ["*"]}}]
consumers: {{desk: {{kind: application, authenticate: {{oauth2: {{client: desk}}}}, roles: [clerk]}}}}
{more}
"""
CONTRACT = """\
openapi: 3.1.0
info: {title: Shop, version: "1"}
paths:
  /customers/{id}:
    get:
      operationId: getCustomer
      parameters: [{name: id, in: path, required: true, schema: {type: string, maxLength: 9}}]
      responses: {"200": {description: ok}}
"""
INJECTION = "injection@apis.shop"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "shop"
    place.mkdir()
    (place / "api.yaml").write_text(CONTRACT, encoding="utf-8")
    monkeypatch.chdir(place)
    declare(place)
    return place


def declare(place: Path, more: str = "") -> None:
    (place / "assay.yaml").write_text(DECLARATION.format(more=more), encoding="utf-8")


def test_the_register_is_a_table_with_three_readings_and_what_is_undecided(assay, shop: Path) -> None:
    said = assay("risk")
    assert said.exit == 0
    head, first, *_ = said.out.splitlines()
    wanted = ["risk", "inherent", "claimed", "evidenced", "gap", "appetite", "owner", "treatment", "rises by itself"]
    assert head.split() == " ".join(wanted).split()
    assert "(sales)" in first
    assert "[risk/risk-undecided]" in said.out
    assert "assay risk --why" in said.err


def test_a_narrow_terminal_gives_each_risk_lines_instead_of_columns(assay, shop: Path, monkeypatch) -> None:
    monkeypatch.setattr("assay.cli.risk_tables.tables", lambda: Console(width=90, highlight=False))
    head, first, second, *_ = assay("risk").out.splitlines()
    assert head.split() == ["risk", "inherent", "claimed", "evidenced", "decided"]
    assert "@apis.shop" not in first
    assert "@apis.shop" in second
    assert "above medium" in second


def test_json_csv_and_svg_are_for_programs_and_go_where_they_are_asked(assay, shop: Path) -> None:
    found = assay("risk", "--format", "json").json()
    assert (found["version"], found["formula"]) == (1, 1)
    assert {"inherent", "claimed", "evidenced", "residual", "appetite", "owner"} <= found["risks"][0].keys()
    rows = list(csv.DictReader(io.StringIO(assay("risk", "--format", "csv").out)))
    assert [r["scenario"] for r in rows] == [r["id"] for r in found["risks"]]
    assert assay("risk", "--format", "svg", "--output", "risks.svg").out == ""
    assert ET.parse(shop / "risks.svg").getroot().get("role") == "img"  # noqa: S314 - our own
    assert assay("risk", "--format", "svg", "--output", "no/risks.svg").exit == 3


def test_why_shows_how_every_number_was_come_by(assay, shop: Path) -> None:
    said = assay("risk", "--why", INJECTION)
    assert (said.exit, said.out.splitlines()[0].partition(":")[0]) == (0, INJECTION)
    assert "ease of exploit 5 (given)" in said.out
    assert assay("risk", "--why", INJECTION, "--format", "json").json()["risk"]["id"] == INJECTION
    wrong = assay("risk", "--why", "injektion@apis.shop")
    assert wrong.exit == 2
    assert INJECTION in wrong.err


def test_a_decision_an_estimate_and_an_incident_change_what_is_shown(assay, shop: Path) -> None:
    before = {r["id"]: r for r in assay("risk", "--format", "json").json()["risks"]}[INJECTION]
    declare(
        shop,
        f"""\
risks:
  {INJECTION}:
    owner: ada
    treatment: reduce
    due: 2026-01-01
    likelihood: {{value: 0, reason: because I say so}}
    factors: {{skill: 9}}
  injektion@apis.shop: {{owner: ada}}
incidents: [{{date: 2026-11-01, threat: injection, on: apis.shop, what: a form was open to it}}]
""",
    )
    whole = assay("risk", "--format", "json", "--at", "2026-11-22").json()
    after = {r["id"]: r for r in whole["risks"]}[INJECTION]
    assert (after["owner"], after["treatment"], after["overdue"]) == ("ada", "reduce", True)
    assert after["inherent"]["likelihood"] > before["inherent"]["likelihood"]
    assert after["residual"] == after["evidenced"]
    assert after["incidents"] == [0]
    given = {f["name"]: (f["value"], f["origin"]) for group in after["factors"].values() for f in group}
    assert given["skill"] == (9, "given")
    checks = [f["check"] for f in whole["findings"]]
    assert {"risk-without-scenario", "estimate-ignored", "risk-overdue"} <= set(checks)
    told = assay("risk", "--at", "2026-11-22")
    assert f"did you mean `{INJECTION}`?" in told.out
    assert "overdue" in told.out


def test_decisions_about_what_another_gateway_serves_are_left_to_it(assay, shop: Path) -> None:
    api = DECLARATION[DECLARATION.index("  shop:") : DECLARATION.index("consumers:")].format()
    other = api.replace("shop:", "other:").replace("environment: test", "environment: live")
    text = DECLARATION.format(more=f"risks: {{{INJECTION}: {{owner: a}}, injection@apis.othr: {{owner: a}}}}")
    environment = "live: {tier: non-production, issuer: {development: true}, gateway: {listen: 127.0.0.1:9443}}"
    text = text.replace("consumers:", other + "consumers:").replace(
        "environments: {", f"environments: {{{environment}, "
    )
    (shop / "assay.yaml").write_text(text, encoding="utf-8")
    found = assay("risk", "--environment", "live", "--format", "json").json()
    assert "injection@apis.other" in {r["id"] for r in found["risks"]}
    assert [f["subject"] for f in found["findings"] if f["check"] == "risk-without-scenario"] == [
        "risks.injection@apis.othr"
    ]


def test_next_names_steps_with_commands(assay, shop: Path) -> None:
    said = assay("risk", "--next")
    assert said.exit == 0
    assert "If it succeeds" in said.out
    assert "run    assay prove" in said.out
    assert "is not what is live" in said.err
    found = assay("risk", "--next", "--format", "json").json()["next"]
    assert {"kind", "command", "hours", "drop", "risks"} <= found[0].keys()
    assert sorted(p.name for p in shop.iterdir()) == ["api.yaml", "assay.yaml"]


def test_money_asks_for_losses_and_then_simulates(assay, shop: Path) -> None:
    said = assay("risk", "--money")
    assert said.exit == 2
    assert "losses" in said.err
    declare(shop, "losses: {currency: EUR, per_incident: [1000, 50000], per_record: [0.5, 5]}")
    said = assay("risk", "--money")
    assert said.exit == 0
    assert "all together, as evidenced" in said.out
    found = assay("risk", "--money", "--format", "json")
    assert found.json()["money"]["residual"]["currency"] == "EUR"
    assert found.out == assay("risk", "--money", "--format", "json").out


def test_a_stored_register_computes_again_and_an_altered_one_is_told(assay, shop: Path) -> None:
    assert assay("risk", "--save", "old.json", "--at", "2026-11-22").exit == 0
    said = assay("risk", "--recompute", "old.json")
    assert said.exit == 0
    assert "agrees" in said.out
    file = shop / "old.json"
    whole = json.loads(file.read_text())
    whole["register"]["risks"][0]["evidenced"]["score"] = 1
    file.write_text(json.dumps(whole))
    said = assay("risk", "--recompute", "old.json")
    assert said.exit == 1
    assert "altered" in said.out
    assert "evidenced score" in said.out
    assert assay("risk", "--recompute", "old.json", "--format", "json").json()["agrees"] is False
    assert assay("risk", "--recompute", "assay.yaml").exit == 2
    assert assay("risk", "--recompute", "gone.json").exit == 3


def test_a_rating_or_appetite_can_end_a_pipeline(assay, shop: Path) -> None:
    assert assay("risk", "--fail-on", "note").exit == 1
    assert assay("risk", "--fail-on", "appetite").exit == 1
    declare(shop, "appetite: {residual: high}")
    worst = assay("risk", "--format", "json").json()["worst"]
    assert assay("risk", "--fail-on", "appetite").exit == (1 if worst == "critical" else 0)


@pytest.mark.parametrize(
    "words",
    [
        ("--why", INJECTION, "--next"),
        ("--next", "--money"),
        ("--next", "--format", "csv"),
        ("--why", INJECTION, "--format", "svg"),
        ("--output", "x.txt"),
        ("--recompute", "a", "--save", "b"),
        ("--environment", "tset"),
        ("--at", "soon"),
    ],
)
def test_options_that_cannot_take_effect_are_errors(assay, shop: Path, words: tuple[str, ...]) -> None:
    assert assay("risk", *words).exit == 2


def test_scenarios_are_offered_for_completion(shop: Path) -> None:
    assert completing.scenarios(SimpleNamespace(params={}), "inj") == [INJECTION]  # type: ignore[arg-type]
    assert completing.scenarios(SimpleNamespace(params={"where": "/nowhere"}), "") == []  # type: ignore[arg-type]


def test_nothing_is_concluded_from_evidence_that_was_altered(assay, shop: Path) -> None:
    with open_ledger(open_project(shop)) as ledger:
        ledger.begin(subject="apis.shop", population=1)
        ledger.end()
    assert (assay("risk").exit, assay("objectives", "show", "--profile", "basic").exit) == (0, 0)
    records = shop / ".assay" / "evidence" / "records.jsonl"
    first, *_ = records.read_bytes().splitlines(keepends=True)
    records.write_bytes(first * 2)
    for command in (["risk"], ["risk", "--next"], ["objectives", "show", "--profile", "basic"]):
        said = assay(*command)
        assert (said.exit, said.out) == (3, "")
        assert "evidence was altered" in said.err and "assay verify" in said.err

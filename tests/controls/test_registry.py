"""The registry is complete, and every folder says all that its readers need."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from datetime import date
from importlib import resources
from pathlib import Path

import pytest
from ruamel.yaml import YAML

import assay.controls
from assay.controls import CONTROL_IDS
from assay.controls.base import Site, about
from assay.controls.registry import FACES, check_design, compile_policy, control, controls
from assay.declare.declaration import Declaration
from assay.domain import Outcome, UsageError
from assay.domain.verdict import Verdict
from assay.gateway.envoy import translate
from assay.gateway.runtime import Runtime, Sockets

FOLDERS = sorted(
    p.parent.name for p in Path(str(resources.files(assay.controls))).glob("*/control.yaml") if p.parent.name[0] != "_"
)
TODAY = date(2026, 7, 1)


def test_every_folder_is_in_the_registry_in_the_order_of_the_ids() -> None:
    assert tuple(f.id for f in FACES) == CONTROL_IDS
    assert sorted(CONTROL_IDS) == FOLDERS


@pytest.mark.parametrize("folder", FOLDERS)
class TestFolder:
    def test_is_known_by_its_own_name(self, folder: str) -> None:
        assert about(folder).id == folder

    def test_says_about_every_face_whether_it_is_there(self, folder: str) -> None:
        raw = YAML(typ="safe").load((resources.files("assay.controls") / folder / "control.yaml").read_text("utf-8"))
        assert set(raw["faces"]) == {"design", "enforce", "prove", "watch"}
        face = next(f for f in FACES if f.id == folder)
        for name, function in (("design", face.design), ("enforce", face.enforce), ("prove", face.prove)):
            assert (raw["faces"][name] == "yes") == (function is not None)
        assert all(len(reason) > 20 for reason in raw["faces"].values() if reason != "yes")

    def test_rates_itself_on_the_known_scale(self, folder: str) -> None:
        found = about(folder)
        assert found.capability in (0.95, 0.40, 0.25)
        assert found.kind in ("preventive", "limiting", "detective")
        assert found.objectives and found.threats and found.argument and found.failure_domain and found.references
        assert re.fullmatch(r"[0-9]+[hdw]", found.evidence_age)

    def test_explains_every_check_and_proof_under_a_heading_of_its_own(self, folder: str) -> None:
        guide = control(folder).guide
        headings = set(re.findall(r"^## ([a-z0-9-]+)$", guide, re.MULTILINE))
        assert headings == {*about(folder).checks, *about(folder).proofs}
        for word in ("verif", "```yaml", "Evidence", "References"):
            assert word in guide

    def test_names_the_bad_pattern_and_titles_the_good_one(self, folder: str) -> None:
        for check in (*about(folder).checks.values(), *about(folder).proofs.values()):
            assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", check.id)
            assert check.title[0].isupper() and not check.title.endswith(".")
            assert check.why.endswith(".") and check.fix and not check.fix.endswith(".")


def test_every_proof_names_rows_of_the_catalogue_and_there_are_proofs_where_a_face_proves() -> None:
    for face in controls():
        assert bool(face.about.proofs) == (face.prove is not None), face.id
        for proof in face.about.proofs.values():
            assert proof.rows, proof.id
            assert all(re.fullmatch(r"AV[0-9]{2}", row) for row in proof.rows), proof.id


def test_an_unknown_control_is_refused_with_the_closest_name() -> None:
    with pytest.raises(UsageError) as error:
        control("authorization")
    assert "`authorisation`" in error.value.fix


def test_no_two_controls_share_a_check() -> None:
    checks = [check for c in controls() for check in (*c.about.checks, *c.about.proofs)]
    assert len(checks) == len(set(checks))


HEAD = """\
assay: 1
organisation: {name: Shop}
environments: {production: {tier: production, issuer: {url: https://login.example, audience: shop}}}
apis:
  shop:
    owner: shop
    exposure: internal
    environment: production
    contract: shop.yaml
    upstream: http://10.0.0.1:8000
    access: [{roles: [clerk], operations: [listOrders]}]
consumers: {till: {kind: service, authenticate: {oauth2: {client: till}}, roles: [clerk]}}
"""
EXCEPTION = "{control: %s, on: %s, reason: agreed in the meeting, owner: a, approved_by: b, expires: %s%s}"


def _with(*entries: str) -> str:
    return HEAD + "exceptions:\n" + "".join(f"  - {e}\n" for e in entries)


def _plaintext(verdicts: tuple[Verdict, ...]) -> Verdict:
    return next(v for v in verdicts if v.check == "plaintext-upstream")


def _about_exceptions(verdicts: tuple[Verdict, ...]) -> list[Verdict]:
    return [v for v in verdicts if v.check.startswith("exception-")]


class TestExceptions:
    def test_a_valid_one_marks_the_finding_and_leaves_it_visible(self, declared: Callable[..., Declaration]) -> None:
        entry = EXCEPTION % ("transport_encryption", "apis.shop", "2026-07-01", ", check: plaintext-upstream")
        verdicts = check_design(declared(_with(entry)), TODAY)
        assert _plaintext(verdicts).outcome is Outcome.FAIL
        assert _plaintext(verdicts).excepted_by == "exceptions.0"
        assert not _plaintext(verdicts).is_finding
        assert [v.outcome for v in _about_exceptions(verdicts)] == [Outcome.PASS]

    def test_the_finding_returns_the_day_after_it_expires(self, declared: Callable[..., Declaration]) -> None:
        entry = EXCEPTION % ("transport_encryption", "apis.shop", "2026-06-30", "")
        verdicts = check_design(declared(_with(entry)), TODAY)
        assert _plaintext(verdicts).is_finding
        (about_it,) = _about_exceptions(verdicts)
        assert (about_it.control, about_it.check, about_it.outcome) == (
            "declaration",
            "exception-expired",
            Outcome.FAIL,
        )

    @pytest.mark.parametrize(
        ("on", "check"),
        [("apis.shop", "weak-cipher"), ("consumers.till", "plaintext-upstream")],
        ids=["another check", "another subject"],
    )
    def test_one_that_covers_nothing_is_a_finding(
        self, declared: Callable[..., Declaration], on: str, check: str
    ) -> None:
        entry = EXCEPTION % ("transport_encryption", on, "2027-01-01", f", check: {check}")
        verdicts = check_design(declared(_with(entry)), TODAY)
        assert _plaintext(verdicts).is_finding
        assert [(v.check, v.outcome) for v in _about_exceptions(verdicts)] == [
            ("exception-matches-nothing", Outcome.FAIL)
        ]

    def test_one_on_an_api_does_not_cover_its_namesake_with_a_dot(self, declared: Callable[..., Declaration]) -> None:
        entry = EXCEPTION % ("transport_encryption", "apis.shop", "2027-01-01", ", check: plaintext-upstream")
        both = _with(entry).replace("consumers:", "  shop.v2:\n    __BODY__\nconsumers:")
        body = HEAD.split("  shop:\n")[1].split("consumers:")[0].replace("    owner", "owner", 1).rstrip()
        both = both.replace("__BODY__", body).replace("contract: shop.yaml", "contract: shop.yaml")
        both = both.replace("shop.v2:\n    owner: shop\n", "shop.v2:\n    owner: shop\n    path: /v2\n")
        verdicts = check_design(declared(both), TODAY)
        plaintext = {v.subject: v.excepted_by for v in verdicts if v.check == "plaintext-upstream"}
        assert plaintext == {"apis.shop": "exceptions.0", "apis.shop.v2": None}


def test_objectives_exist_in_the_catalogue() -> None:
    catalogue = (resources.files("assay.data") / "api_control_objectives.csv").read_text(encoding="utf-8")
    known = {row["id"] for row in csv.DictReader(catalogue.splitlines())}
    for found in controls():
        assert set(found.about.objectives) <= known


def test_what_the_controls_ask_for_fits_together_and_translates(declared: Callable[..., Declaration]) -> None:
    site = Site("server.crt", "server.key", "ca.crt", "http://127.0.0.1:9400")
    rule = "[{roles: [clerk], operations: [getOrder], owns: path.orderId == token.sub}]"
    policy = compile_policy(declared(HEAD.replace("[{roles: [clerk], operations: [listOrders]}]", rule)), site)
    assert [(o.id, len(o.access)) for o in policy.operations] == [
        ("shop/listOrders", 0),
        ("shop/deleteOrder", 0),
        ("shop/getOrder", 1),
    ]
    sockets = Sockets(admin="admin.sock", inspector="inspector.sock", processor="processor.sock")
    runtime = Runtime(sockets=sockets, access_log="access.jsonl", configuration="live")
    assert set(translate(policy, runtime).files) == {"cds.json", "lds.json", "rds.json"}

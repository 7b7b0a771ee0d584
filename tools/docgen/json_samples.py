"""Values in every published JSON shape, made by the code that publishes them; several where a member may be null."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from typer.testing import CliRunner

from assay.app.deciding import Logged, Traces
from assay.app.exceptions import Listed
from assay.app.history import Approved, History, Recorded, Version
from assay.app.objectives import offers
from assay.app.observed import Observed
from assay.assurance.facts import Measured
from assay.assurance.objectives import Applied as GatewayApplied
from assay.cli.apply import report
from assay.cli.demo import _document as show_demo
from assay.cli.exception_tables import as_json as exception_json
from assay.cli.exception_tables import show_traces
from assay.cli.history import as_json as show_history
from assay.cli.main import app
from assay.cli.options import Format
from assay.cli.status import as_json as status_json
from assay.controls.governance.git import Change, Commit, Named, Signature
from assay.controls.governance.review import reviewed
from assay.decisions import Decision
from assay.decisions.exceptions import Consent, Stage
from assay.declare.model import Exception_, Objective, Scope, Target
from assay.demo.rows import Row, Side
from assay.domain import Category, Fix, Location, Outcome, Severity, Verdict
from assay.evidence.decided import Stated
from assay.frameworks.catalogue import entry
from assay.frameworks.coverage import coverage
from assay.frameworks.crosswalk import crosswalk
from assay.frameworks.judging import Chosen, judged
from assay.frameworks.published import framework
from assay.gateway import keysets
from assay.gateway.apply import Result
from assay.gateway.plan import EFFECTS, Observing, Plan
from assay.gateway.plan import Change as PlanChange
from assay.gateway.state import Applied, Meta
from assay.gateway.supervisor.status import PartStatus, Status
from tools.docgen import proof_samples, risk_samples, survey_samples
from tools.docgen.sample import EXAMPLE

Json = dict[str, Any]
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_AT = Location("assay.yaml", 1, 1)


def all_of_them() -> dict[str, list[Json]]:
    """By name: what is printed, in all its variants."""
    printed = _printed()
    verdicts = [verdict(None).as_json(), verdict(Fix("do it"), excepted_by="exceptions.0").as_json()]
    return {
        "verdict": verdicts,
        "location": [verdicts[0]["location"]],  # type: ignore[list-item]
        "check": [printed["check"]],
        "plan": _plans(),
        "apply": [_applied(None), _applied(_APPLIED), _applied(_CONFIRMED)],
        "status": _statuses(),
        **proof_samples.all_of_them(verdict(Fix("do it"))),
        "prove-plan": [printed["prove-plan"]],
        "demo": _demos(),
        **{name: [printed[name]] for name in ("key", "keys", "keyset", "keysets")},
        **{name: [_run(*words, *_RETAILER)] for name, words in _DATA.items()},
        "data-blends": [_run("data", "blends", *_RETAILER), *_observed()],
        "data-scan": [_scanned()],
        "exception-list": _exceptions(),
        **_objectives(),
        **_risks(),
        "history": _histories(),
        "survey": survey_samples.all_of_them(),
    }


def _histories() -> list[Json]:
    ann = Named("Ann Example", "ann@shop.example")
    signed = Signature("good", "ann", "SHA256:…")
    change = Change(Commit("0" * 40, (), ann, _NOW, ann, _NOW, "…", (Named("Bob"),), signed), ())
    meta = Meta(1, 2, "…", "…", {}, _NOW, "ann", changes=dict.fromkeys(EFFECTS, 0), restores=1, plan="…")
    bare = Version(1, None, None, problems=("…",))
    full = Version(
        number=2,
        meta=meta,
        recorded=Recorded("…", _NOW, "ann", "…", "…", commit="0" * 40, clean=True),
        live=True,
        approvals=(Approved("bob", _NOW, signed=True),),
        change=replace(change, merges=(change.commit,)),
        review=reviewed(change, {}),
        eyes="two",
        people=("ann", "bob"),
    )
    return [json.loads(show_history(History((full, bare), ("…",), at), (full, bare))) for at in (_NOW, None)]


def verdict(fix: Fix | None, excepted_by: str | None = None) -> Verdict:
    return Verdict(
        control="authorisation",
        check="operation-without-owner-rule",
        subject="apis.shop.operations.getOrder",
        outcome=Outcome.FAIL,
        sentence="…",
        location=_AT,
        fix=fix,
        excepted_by=excepted_by,
    )


def _printed() -> dict[str, Json]:
    """What commands that need nothing running print on a copy of the example."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "example"
        shutil.copytree(EXAMPLE, place, ignore=shutil.ignore_patterns(".assay", "__pycache__"))
        where = ["-d", str(place), "--format", "json"]
        keysets.ensure(place / ".assay" / "keys", "customer-keys")
        return {
            "check": _run("check", str(place), "--fail-on", "never", "--format", "json"),
            "key": _run("key", "issue", "partner-acme", *where),
            "keys": _run("key", "list", *where),
            "keyset": _run("keyset", "rotate", "customer-keys", *where),
            "keysets": _run("keyset", "list", *where),
            "prove-plan": _run("prove", str(place), "--via", "direct", "--plan", "--format", "json"),
        }


_RETAILER = ("-d", str(EXAMPLE.parent / "retailer"), "--format", "json")
_DATA = {
    "data-map": ("data", "map"),
    "data-where": ("data", "where", "user.contact"),
    "data-blends": ("data", "blends"),
    "data-record": ("data", "record"),
    "data-dpia": ("data", "dpia"),
}


def _observed() -> list[Json]:
    """What `assay data blends --observed` prints without a log, and with one."""
    call = {"time": "2026-01-01T00:00:00.000000Z", "operation": "customer-data/getCustomer", "details": "via_upstream"}
    calls = [{**call, "key_consumer": "partner-acme"}, call, {**call, "operation": "gone/gone"}]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "example"
        shutil.copytree(EXAMPLE, place, ignore=shutil.ignore_patterns(".assay", "__pycache__"))
        words = ("data", "blends", "--observed", "-d", str(place), "--format", "json")
        without = _run(*words)
        (place / ".assay" / "logs").mkdir(parents=True)
        (place / ".assay" / "logs" / "access.jsonl").write_text("\n".join(map(json.dumps, calls)), encoding="utf-8")
        return [without, _run(*words)]


def _objectives() -> dict[str, list[Json]]:
    """Objectives that were measured, own and of the catalogue; and a framework with titles and methods."""
    own = Objective.model_construct(
        category=Category.INTEGRITY, statement="…", controls=("authorisation",), scope=Scope(), target=Target()
    )
    fact = Measured("case", "authorisation", "foreign-object-read", "apis.shop", "", Outcome.PASS, *_MEASURED)
    entry_ = entry("CO-AUZ-01")
    chosen = [
        Chosen("own", own, own=True),
        Chosen(entry_.id, entry_.objective(offers()), False, entry_, entry_.deciding(offers())),
    ]
    shown = judged(chosen, [verdict(None)], {}, GatewayApplied(), now=_NOW)
    shown += judged(chosen, [verdict(None)], {fact.key: fact}, GatewayApplied(), now=_NOW)
    covered = coverage(framework("nist-800-53"), crosswalk(), shown, {})
    around = {"version": 1, "profile": "basic", "at": _NOW.isoformat()}
    bare: Json = {**around, "profile": None}
    return {
        "objectives": [{**around, "objectives": [j.as_json() for j in shown]}, {**bare, "objectives": []}],
        "objectives-framework": [{**around, "coverage": covered.as_json()}, {**bare, "coverage": covered.as_json()}],
    }


_MEASURED = (Severity.HIGH, "…", _NOW, "abc", ("evidence",))


def _exceptions() -> list[Json]:
    """What `assay exception list` prints for an exception nobody decided on, and for one with every decision."""
    entry = Exception_.model_validate(
        {
            "control": "authorisation",
            "on": "apis.shop",
            "reason": "agreed for now",
            "owner": "shop",
            "approved_by": "ciso",
            "compensating": ["rate_limiting"],
            "expires": "2026-02-01",
        }
    )
    decision = Decision("withdrawal", "exceptions.a", "0" * 64, "ciso", _NOW, "…", "SHA256:…", "decisions/….json", "0")
    bare = Consent("a", "0" * 64, Stage.UNSIGNED, missing="…", command="assay exception request a")
    full = Consent("a", "0" * 64, Stage.WITHDRAWN, decision, decision, decision)
    checked = entry.model_copy(update={"check": "operation-without-owner-rule"})
    listed = [
        Listed(0, said, consent, "unsigned", True, 31, (), (), _AT)
        for said, consent in ((entry, bare), (checked, full))
    ]
    late = Logged("0", Stated(**dict.fromkeys(Stated.__struct_fields__, "2026-01-01T00:00:00Z")), _NOW, "0")
    log = show_traces(Traces((decision,), (late,), ()))
    return [{"version": 1, "exceptions": [exception_json(each) for each in listed], "log": log}]


def _risks() -> dict[str, list[Json]]:
    """What `assay risk` prints: of a project where nothing was decided or proven, and of one where everything was."""
    made = risk_samples.all_of_them()
    return {**made, "risk": [_run("risk", *_RETAILER), *made["risk"]]}


def _scanned() -> Json:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "answer.json"
        file.write_text('{"contact": "jo.day@example.com"}')
        return _run("data", "scan", str(file), "--format", "json")


def _run(*arguments: str) -> Json:
    result = CliRunner().invoke(app, arguments, env={"ASSAY_STATE": None})
    if result.exit_code:
        raise RuntimeError(f"assay {' '.join(arguments)} ended with {result.exit_code}: {result.output}")
    found: Json = json.loads(result.stdout)
    return found


def _plans() -> list[Json]:
    change = PlanChange(
        effect="loosening", control="rate_limiting", subject="shop/getOrder", headline="…", on="", source=_AT
    )
    observing = (Observing("input_validation", "shop", ("getOrder",)),)
    return [Plan("", "new", (change,), observing).as_json(), Plan("old", "new", (change,), observing).as_json()]


_APPLIED = Applied(version=1, number=7, policy="policy", configuration="configuration", at=_NOW)
_CONFIRMED = msgspec.structs.replace(_APPLIED, confirmed=_NOW)


def _applied(applied: Applied | None) -> Json:
    """What `assay apply --format json` prints for a result."""
    return _captured(lambda: report(Result(applied, verdict(None)), Format.JSON))


def _demos() -> list[Json]:
    """What `assay demo --format json` prints for two rows, with and without what was proven."""
    side = Side("401 refused", True)
    rows = [Row("OAuth 2.0", "attack", "…", direct, side) for direct in (side, None)]
    shown = proof_samples.demonstrated(verdict(Fix("do it")))
    return [_captured(partial(show_demo, rows, proven, 7.0)) for proven in (None, shown)]


def _captured(print_it: Callable[[], None]) -> Json:
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        print_it()
    found: Json = json.loads(text.getvalue())
    return found


def _statuses() -> list[Json]:
    part = PartStatus("envoy", "ready", 4711, 12.5, 0, "")
    full = Status(
        True, 4700, _NOW, "127.0.0.1:8443", (part, PartStatus("inspector", "waiting", 0, None, 1, "exit code 1"))
    )
    return [
        status_json(Status(False), None),
        status_json(full, Observed(_NOW, 4, {"a/b": 3})),
        status_json(
            Status(
                True, 4700, _NOW, "a", (part,), _APPLIED, True, 0, (Observing("a", "b", ()),), {"counter": 3}, ("…",)
            ),
            Observed(None),
        ),
        status_json(Status(True, applied=_CONFIRMED), None),
    ]

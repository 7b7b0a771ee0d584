"""Facts of a small shop, to survey it by."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from assay.assurance.facts import Measured
from assay.assurance.objectives import Applied
from assay.declare import load
from assay.declare.declaration import Declaration
from assay.domain import Location, Outcome, Severity, Verdict
from assay.maturity.facts import Facts
from assay.maturity.grade import grade, measure
from assay.maturity.survey import rules, survey
from assay.maturity.words import Answer, Graded

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
WEEK = 7 * 86400
AGES = {
    "api_gateway": WEEK,
    "authorisation": WEEK,
    "environment_segregation": WEEK,
    "least_privilege": WEEK,
    "activity_logging": WEEK,
    "data_classification": WEEK,
    "data_exposure": WEEK,
}
CONTRACT = {
    "openapi": "3.1.0",
    "info": {"title": "Shop", "version": "1"},
    "paths": {
        "/orders/{id}": {
            "get": {
                "operationId": "getOrder",
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
                "responses": {"200": {"description": "ok"}},
            }
        }
    },
}


def declaration(root: Path, **more: Any) -> Declaration:
    """A shop with one API in each of two environments."""
    (root / "openapi.json").write_text(json.dumps(CONTRACT))
    api = {
        "title": "Shop",
        "owner": "team",
        "exposure": "internal",
        "environment": "live",
        "contract": "openapi.json",
        "upstream": "http://127.0.0.1:9",
    }
    written = {
        "assay": 1,
        "organisation": {"name": "Northwind"},
        "environments": {"live": {"tier": "production"}, "test": {"tier": "non-production"}},
        "apis": {"shop": api, "shop-test": {**api, "environment": "test", "upstream": "http://127.0.0.1:8"}},
        **more,
    }
    (root / "assay.yaml").write_text(yaml.safe_dump(written, sort_keys=False))
    return load(root, environ={})


def facts(declared: Declaration, **known: Any) -> Facts:
    """What is known of it; ``runs`` is 1 as soon as there are proofs."""
    return Facts(now=NOW, declaration=declared, ages=AGES, **{"runs": 1 if known.get("proofs") else 0, **known})


def verdict(test: str, subject: str, outcome: Outcome = Outcome.PASS, *, excepted_by: str | None = None) -> Verdict:
    control, _, check = test.partition("/")
    return Verdict(
        control=control,
        check=check,
        subject=subject,
        outcome=outcome,
        sentence="it is so",
        location=Location("assay.yaml"),
        excepted_by=excepted_by,
    )


def proof(
    test: str,
    subject: str,
    outcome: Outcome = Outcome.PASS,
    *,
    days: float = 0.5,
    identity: str = "app",
    severity: Severity = Severity.HIGH,
) -> Measured:
    """What one case found, so many days ago."""
    control, _, check = test.partition("/")
    return Measured(
        key=f"{test}/{subject}/{identity}",
        control=control,
        check=check,
        subject=subject,
        identity=identity,
        outcome=outcome,
        severity=severity,
        sentence="it was so",
        at=NOW - timedelta(days=days),
        configuration="c" * 64,
        evidence=(f"01{subject}",),
    )


def later(one: Facts, **span: float) -> Facts:
    """The same, so much later."""
    return replace(one, now=NOW + timedelta(**span))


def level(id: str, known: Facts, answer: int | None = None) -> Graded:
    """One question, graded."""
    question = survey().question(id)
    assert question is not None
    said = None if answer is None else Answer(answer, "anna", date(2026, 11, 1))
    return grade(question, rules()[id], measure(rules()[id], known), said, known)


def levels(ids: Iterable[str], known: Facts) -> dict[str, int | None]:
    """Several, by id."""
    return {id: level(id, known).level for id in ids}


CURRENT = Applied("c" * 64, "c" * 64)

"""The record of processing as files: complete, and harmless to open."""

from __future__ import annotations

import csv
import io

import pytest

from assay.report.processing import COLUMNS, as_csv, as_html, as_json, duration
from assay.sensitivity.record import Activity, Missing, Recipient, TransferOf


def _activity(**more) -> Activity:
    settings = {
        "purpose": "service-delivery",
        "controller": "Northwind",
        "contact": "privacy@example.test",
        "representative": "",
        "dpo": "",
        "statement": "To deliver",
        "data": ("customer",),
        "subjects": ("customers",),
        "categories": ("user.name",),
        "special": (),
        "legal_bases": ("contract",),
        "conditions": (),
        "systems": ("crm",),
        "recipients": (Recipient("processor", "Mailer", "us", True),),
        "transfers": (TransferOf("mail", "us", "standard-clauses", "contract 7"),),
        "retention": (("customer", 6 * 365 * 86_400), ("order", None)),
        "measures": (),
        "missing": (Missing("(f)", "no limit for `order`", ("data", "order", "retention")),),
    }
    return Activity(**{**settings, **more})


def test_every_letter_of_the_article_has_a_column():
    letters = {name[1] for name in COLUMNS if name.startswith("(")}
    assert letters == set("abcdefg")
    (head, row) = csv.reader(io.StringIO(as_csv([_activity()])))
    cells = dict(zip(head, row, strict=True))
    assert cells["(d) recipients"] == "Mailer (processor, us, outside)"
    assert cells["(e) transfers"] == "mail in us: standard-clauses contract 7"
    assert cells["(f) erasure"] == "customer: 6 years; order: not declared"
    assert cells["missing"] == "(f) no limit for `order`"


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_no_cell_is_a_formula(start):
    (_, row) = csv.reader(io.StringIO(as_csv([_activity(statement=f'{start}HYPERLINK("https://example.test")')])))
    assert not any(cell.startswith(start) for cell in row)


def test_names_cannot_become_markup():
    page = as_html([_activity(controller="<script>alert(1)</script>", purpose="a & b")], "d" * 64)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "a &amp; b" in page


def test_data_without_a_purpose_is_not_forgotten():
    assert as_json([_activity(purpose="")])[0]["purpose"] is None
    assert "Data without a purpose" in as_html([_activity(purpose="")], "d" * 64)
    assert "(none declared)" in as_csv([_activity(purpose="")])


def test_durations_are_told_in_words():
    assert [duration(s) for s in (None, 365 * 86_400, 90 * 86_400, 86_400, 60)] == [
        "not declared",
        "1 year",
        "90 days",
        "1 day",
        "60 seconds",
    ]

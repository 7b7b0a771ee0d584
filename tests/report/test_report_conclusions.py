"""The pages about risks, frameworks, maturity and exceptions: what they say, where they lead, and that they repeat."""

from __future__ import annotations

import html
import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from htpy import div

from assay.app.judgement import judged_dossier
from assay.app.project import open_project
from assay.report.dossier import Dossier
from assay.report.html import exceptions, frameworks, maturity, pages, risks
from assay.report.judgement import ExceptionNote, Unread

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def made() -> Dossier:
    return judged_dossier(open_project(EXAMPLES / "customer-data"), now=NOW)


@pytest.fixture(scope="module")
def written(made: Dossier) -> Mapping[str, str]:
    return pages(made)


def test_every_link_of_the_report_leads_somewhere(written: Mapping[str, str]) -> None:
    anchors = {name: set(re.findall(r'id="([^"]+)"', text)) for name, text in written.items()}
    links = {(name, link) for name, text in written.items() for link in re.findall(r'(?:href|src)="([^"]+)"', text)}
    assert len(links) > 50
    for name, link in links:
        file, _, anchor = link.partition("#")
        assert (file or name) in written, f"{name} leads to {link}"
        assert not anchor or anchor in anchors[file or name], f"{name} leads to {link}"


def test_every_risk_stands_in_the_register_with_inherent_claimed_and_evidenced_apart(
    made: Dossier, written: Mapping[str, str]
) -> None:
    register = made.judgement.register
    assert register is not None
    assert register.rows
    text = written[risks.PAGE]
    for row in register.rows:
        assert f'id="{row.id}"' in text
        for rating, reading in (
            (row.inherent, row.assessment.inherent),
            (row.claimed, row.assessment.claimed),
            (row.evidenced, row.assessment.evidenced),
        ):
            assert f"{rating} {reading.score:.1f}" in text
    assert written[risks.MATRIX].startswith("<svg")


def test_nothing_was_proven_so_no_evidence_lowers_a_risk(made: Dossier) -> None:
    register = made.judgement.register
    assert register is not None
    assert all(row.assessment.evidenced == row.assessment.inherent for row in register.rows)
    assert any(row.gap > 10 for row in register.rows), "what is claimed and not shown is the gap"


def test_a_share_is_told_only_of_a_whole_that_is_known(written: Mapping[str, str]) -> None:
    lines = {
        name: re.sub(r"<[^>]+>", " ", line)
        for line in re.findall(r"<tr>.*?</tr>", written[frameworks.PAGE])
        for name in ("OWASP API Security", "OWASP ASVS")
        if name in line
    }
    assert re.search(r"\b10\s+10\s+100 %", lines["OWASP API Security"])
    assert "–" in lines["OWASP ASVS"]
    assert "100 %" not in lines["OWASP ASVS"]


def test_what_people_say_and_what_is_measured_stand_apart(made: Dossier, written: Mapping[str, str]) -> None:
    assert made.judgement.maturity is not None
    text = html.unescape(written[maturity.PAGE])
    for graded in made.judgement.maturity.graded:
        assert graded.question.text in text
    assert "people say" in text
    assert written[maturity.RADAR].startswith("<svg")


def test_the_chapter_says_which_answers_it_goes_without(made: Dossier) -> None:
    gone = Unread("survey.yaml", "survey.yaml:3:5", "a `{` is not closed", "close it with `}`")
    text = pages(replace(made, judgement=replace(made.judgement, unread=(gone,))))
    for page in ("index.html", maturity.PAGE):
        assert "could not be read, and counts for nothing here" in text[page]
        assert "survey.yaml:3:5" in text[page]
        assert "nobody has answered" not in text[page]


def test_the_same_project_in_another_folder_gives_the_same_bytes(tmp_path: Path) -> None:
    """Of the retailer, whose pages name most files: contracts that no API names, calls that go against the layers."""
    made = []
    for folder in (tmp_path / "here", tmp_path / "somewhere" / "else"):
        shutil.copytree(EXAMPLES / "retailer", folder, ignore=shutil.ignore_patterns(".assay*"))
        made.append(pages(judged_dossier(open_project(folder), now=NOW)))
    assert made[0] == made[1]


def test_the_same_moment_gives_the_same_bytes(written: Mapping[str, str]) -> None:
    assert pages(judged_dossier(open_project(EXAMPLES / "customer-data"), now=NOW)) == written


def note(**changed: object) -> ExceptionNote:
    known: dict[str, object] = {
        "id": "vendor",
        "control": "least_privilege",
        "check": "",
        "on": "accounts.sync",
        "reason": "the vendor needs it until release 5",
        "owner": "integration",
        "requested_by": "ann",
        "approved_by": "ciso",
        "compensating": ("rate_limiting",),
        "expires": date(2026, 12, 1),
        "days": 9,
        "state": "active",
        "signed": True,
        "covers": ("account `sync` may delete",),
    }
    return ExceptionNote(**{**known, **changed})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (
            {},
            ["9 days left", "! active", "requested: ann", "approved: ciso", "by signature", "beside it: rate_limiting"],
        ),
        ({"signed": False, "requested_by": ""}, ["only claimed"]),
        ({"days": 0}, ["its last day"]),
        ({"days": -3, "state": "expired"}, ["3 days ago", "✗ expired"]),
        ({"state": "requested", "missing": "`ciso` has not approved it"}, ["approver: ciso", "has not approved"]),
        ({"state": "matches nothing", "covers": ()}, ["✗ matches nothing"]),
    ],
)
def test_an_exception_shows_its_countdown_and_who_stands_for_it(changed: Mapping[str, object], told: list[str]) -> None:
    text = re.sub(r"<[^>]+>", "", str(div[exceptions.section([note(**changed)])]))
    for words in told:
        assert words in text


def test_only_exceptions_that_count_are_counted() -> None:
    text = str(div[exceptions.section([note(), note(state="expired", days=-1), note(state="requested")])])
    assert "1 of 3 count" in text

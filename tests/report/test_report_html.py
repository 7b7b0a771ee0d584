"""The report for people: everything it links to exists, nothing in it runs, and the same facts give the same bytes."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from tests.report.dossiers import HOSTILE, dossier

from assay.report.html import pages

_VOID = {"meta", "link", "br", "img", "hr"}


class Reader(HTMLParser):
    """Collects ids, links and tags, and sees to it that tags are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.handlers: list[str] = []
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in _VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in ("href", "src"):
                self.links.append(value or "")
            if name.startswith("on") or name == "style":
                self.handlers.append(name)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data + " "


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert not reader.open
    return reader


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return dict(pages(dossier()))


def test_there_is_a_page_for_every_control_and_every_link_leads_somewhere(made) -> None:
    assert {"index.html", "assay.css", "control-authorisation.html", "control-rate_limiting.html"} == set(made)
    for name, text in made.items():
        if name.endswith(".html"):
            for link in read(text).links:
                assert link.partition("#")[0] in made, f"{name} links to {link}"


def test_nothing_in_it_runs_or_is_loaded_from_elsewhere(made) -> None:
    for name, text in made.items():
        if not name.endswith(".html"):
            continue
        reader = read(text)
        assert not reader.tags & {"script", "iframe", "object", "img", "style"}
        assert not reader.handlers
        assert "default-src &#39;none&#39;" in text
        assert "<script>" not in text
    assert "url(" not in made["assay.css"] and "@import" not in made["assay.css"]


def test_what_a_hostile_service_answered_is_shown_and_harmless(made) -> None:
    assert HOSTILE.split(" ")[0] in read(made["control-authorisation.html"]).text


def test_the_same_facts_give_the_same_bytes(made) -> None:
    assert dict(pages(dossier())) == made


def test_the_first_page_says_what_matters(made) -> None:
    text = re.sub(r"\s+", " ", read(made["index.html"]).text)
    for said in (
        "0 of 2 objectives are effective",  # one failed; of the other, a place was not concluded
        "✗ failed",
        "let through by",
        "shop.access.1",
        "curl --path-as-is",
        "assay prove --replay",
        "no order could be made",
        "01EVIDENCEGETORDER",
        "witnessed",
        "What the gateway adds",
    ):
        assert said in text, said
    assert "still open" in text and "fixed" in text


def test_a_heading_names_few_apis_and_counts_many() -> None:
    few = pages(replace(dossier(), title="Orders, Stock, Mail"))["index.html"]
    many = pages(replace(dossier(), title="Orders, Stock, Mail, Tills"))["index.html"]
    assert ": Orders, Stock, Mail</h1>" in few
    assert ": 4 APIs</h1>" in many


def test_colour_never_tells_it_alone(made) -> None:
    for chip in re.findall(r'class="chip \w+">([^<]*)<', made["index.html"]):
        assert re.match(r"[✓✗!○–] \w", chip)

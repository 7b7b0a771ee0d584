"""The report on paper: the text of the pages, from the pages alone, the same bytes for the same facts."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import pytest
from tests.report.dossiers import NOW, dossier

from assay.domain import IncompleteError
from assay.report import pdf
from assay.report.html import pages


def _missing() -> str:
    """Why WeasyPrint cannot run here; empty: it can."""
    try:
        import_module("weasyprint")
    except (ImportError, OSError, Warning) as error:
        return str(error).split("\n")[0]
    return ""


needs_pango = pytest.mark.skipif(bool(_missing()), reason=f"WeasyPrint needs Pango (see .ci/run): {_missing()}")


@pytest.fixture(scope="module")
def made() -> Mapping[str, str]:
    return pages(dossier())


@pytest.fixture(scope="module")
def paper(made: Mapping[str, str]) -> bytes:
    return pdf.render(made, now=NOW)


def _streams(paper: bytes) -> list[bytes]:
    found = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", paper, re.DOTALL)
    plain = []
    for one in found:
        try:
            plain.append(zlib.decompress(one))
        except zlib.error:
            plain.append(one)
    return plain


def _objects(paper: bytes) -> bytes:
    return paper + b"\n".join(_streams(paper))


def _text(paper: bytes) -> str:
    """The words on the pages, by the tables from glyphs to characters that the PDF has for copying text."""
    whole = _objects(paper)
    tables: dict[bytes, dict[str, str]] = {}
    for stream in _streams(paper):
        if b"beginbfchar" in stream:
            pairs = re.findall(rb"<([0-9a-fA-F]+)>\s*<([0-9a-fA-F]+)>", stream.split(b"beginbfchar", 1)[1])
            tables[stream] = {a.decode().lower(): bytes.fromhex(b.decode()).decode("utf-16-be") for a, b in pairs}
    assert tables and whole
    shown = []
    for stream in _streams(paper):
        for run in re.findall(rb"\[([^\]]*)\]\s*TJ", stream):
            glyphs = "".join(g.decode().lower() for g in re.findall(rb"<([0-9a-fA-F]+)>", run))
            codes = [glyphs[i : i + 4] for i in range(0, len(glyphs), 4)]
            best = max(tables.values(), key=lambda t: sum(c in t for c in codes))
            shown.append("".join(best.get(c, "?") for c in codes))
    return " ".join(shown)


@needs_pango
def test_the_pdf_has_the_objectives_and_the_controls_in_it(paper: bytes) -> None:
    assert paper.startswith(b"%PDF-")
    text = _text(paper)
    for said in ("only-owners", "stays-available", "Posture", "authorisation"):
        assert said in text


@needs_pango
def test_the_same_facts_at_the_same_moment_give_the_same_bytes(made: Mapping[str, str], paper: bytes) -> None:
    assert pdf.render(made, now=NOW) == paper
    assert b"CreationDate (D:20261122120000Z)" in _objects(paper)
    other = pdf.render(made, now=datetime(2026, 11, 23, tzinfo=UTC))
    assert other != paper


@needs_pango
def test_a_page_can_load_nothing_but_the_pictures_of_the_report() -> None:
    fetcher: Any = pdf._fetcher({"map.svg": "<svg/>", "secret.html": "x"})
    assert fetcher("https://report.invalid/map.svg").read() == b"<svg/>"
    for url in (
        "file:///etc/passwd",
        "https://example.com/map.svg",
        "https://report.invalid/secret.html",
        "https://report.invalid/../map.svg",
        "data:text/plain,x",
    ):
        with pytest.raises(ValueError, match="loads nothing"):
            fetcher(url)


@needs_pango
def test_what_a_page_asks_for_elsewhere_is_left_out() -> None:
    page = '<body><h1>A</h1><img src="file:///etc/hostname"><img src="http://127.0.0.1:1/x.svg"></body>'
    assert pdf.render({"index.html": f"<title>t</title>{page}"}, now=NOW).startswith(b"%PDF-")


def test_links_between_pages_become_links_within_the_document(made: Mapping[str, str]) -> None:
    text = pdf.document(made, now=NOW)
    names = set(re.findall(r'\bid="([^"]*)"', text))
    links = re.findall(r'\bhref="([^"]*)"', text)
    assert links
    assert all(link.startswith("#") and link[1:] in names for link in links)
    assert len(names) == len(re.findall(r'\bid="([^"]*)"', text))


@needs_pango
def test_pictures_in_files_have_the_colours_of_paper_too() -> None:
    styles = (
        "svg { --ink: #111; --paper: #fff; }\n"
        "@media (prefers-color-scheme: dark) { svg { --ink: #eee;\n --paper: #000; } }\ntext { fill: var(--ink); }"
    )
    fetcher: Any = pdf._fetcher({"map.svg": f"<svg><style>{styles}</style></svg>"})
    given = fetcher("https://report.invalid/map.svg").read().decode()
    assert "fill: #111" in given and "var(" not in given and "#eee" not in given


def test_what_is_folded_and_long_is_left_out_of_the_pages_of_controls() -> None:
    folded = "<body><details><summary>held</summary><p>exchange</p></details><details open><p>kept</p></details></body>"
    text = pdf.document({"index.html": folded, "control-a.html": folded}, now=NOW)
    assert text.count("held") == 2 and text.count("kept") == 2
    assert text.count("exchange") == 1


def test_pictures_have_the_colours_of_paper(made: Mapping[str, str]) -> None:
    (style, *_) = re.findall(r"<svg[^>]*><style>(.*?)</style>", pdf.document(made, now=NOW))
    assert "var(" not in style
    assert ".f-good{ fill: #0a5c33; }" in style


def test_a_system_without_pango_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> Any:
        raise OSError("cannot load library 'libpango-1.0-0'")

    monkeypatch.setattr(pdf, "import_module", broken)
    with pytest.raises(IncompleteError, match="libpango"):
        pdf.render({"index.html": ""}, now=NOW)

"""The report on paper: the same pages as in a browser, one after the other, as one PDF.

WeasyPrint lays it out. It is an extra (``pip install assay[pdf]``), looked for only when a PDF is asked for, and gets
nothing but the pages themselves: no address is ever fetched, no file of the machine is read.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from html import escape
from importlib import import_module, resources
from pathlib import PurePosixPath
from typing import Any

from assay.domain import IncompleteError, UsageError
from assay.report.plain import plain

_BASE = "https://report.invalid/"
"""Where the pages pretend to lie; the domain can never exist (RFC 2606)."""
_FIRST = "index.html"
_BODY = re.compile(r"<body>(.*)</body>", re.DOTALL)
_TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
_REFERENCE = re.compile(r'(<[^<>]*?\s)(id|href)="([^"]*)"')
_FOLDED = re.compile(
    r"<details><summary>((?:(?!</summary>).)*)</summary>(?:(?!<details|</details>).)*</details>", re.DOTALL
)
_WHOLE = (_FIRST, "organisation.html")
"""Pages of which paper shows what a browser folds. On the others these are exchanges that held and derivations of every
number: hundreds of pages that the browser's report, the evidence and `assay risk --why` have."""
_PICTURE = re.compile(r"<svg\b[^>]*>")
_STYLES = re.compile(r"<style>(.*?)</style>", re.DOTALL)
_VARIABLE = re.compile(r"var\((--[\w-]+)\)")
_DARK = re.compile(r"@media \(prefers-color-scheme: dark\) \{(?:[^{}]*\{[^{}]*\})*\s*\}")
_INSTALL = UsageError("a PDF needs WeasyPrint, which is not installed", fix="pip install assay[pdf]")


def render(pages: Mapping[str, str], *, now: datetime) -> bytes:
    """A PDF of the pages that :func:`assay.report.html.pages` made. The same pages and moment give the same bytes, on
    the same machine: fonts are its own.

    Raises:
        UsageError: WeasyPrint is not installed. IncompleteError: the system libraries that it needs are missing.
    """
    try:
        weasyprint: Any = import_module("weasyprint")
    except ModuleNotFoundError as error:
        raise _INSTALL from error
    except OSError as error:
        raise IncompleteError(
            f"WeasyPrint cannot load a system library: {error}",
            fix="install Pango: on Debian, libpangoft2-1.0-0 and libharfbuzz-subset0",
        ) from error
    text = plain(document(pages, now=now))
    sheet = _sheet(pages)
    whole = weasyprint.HTML(string=text, base_url=_BASE, url_fetcher=_fetcher(pages))
    style = weasyprint.CSS(string=sheet, base_url=_BASE, url_fetcher=_fetcher({}))
    name = hashlib.sha256(text.encode() + sheet.encode()).digest()[:16]
    made = whole.write_pdf(stylesheets=[style], pdf_identifier=name)
    return bytes(made)


def _fetcher(pages: Mapping[str, str]) -> Any:
    """Gives WeasyPrint the pictures of the report, and nothing else: what it cannot have, it leaves out."""
    urls: Any = import_module("weasyprint.urls")

    def fetch(url: str, headers: Any = None) -> Any:
        name = url.removeprefix(_BASE)
        if not url.startswith(_BASE) or not name.endswith(".svg") or name not in pages:
            raise ValueError(f"a report loads nothing from `{url}`")
        picture = _STYLES.sub(lambda m: f"<style>{_on_paper(m[1])}</style>", pages[name])
        return urls.URLFetcherResponse(url, picture.encode(), {"Content-Type": "image/svg+xml"})

    fetcher = urls.URLFetcher(allowed_protocols=(), allow_redirects=False)
    fetcher.fetch = fetch
    return fetcher


def document(pages: Mapping[str, str], *, now: datetime) -> str:
    """All pages as one: links from one to another become links within it."""
    names = sorted((n for n in pages if n.endswith(".html")), key=lambda n: (n != _FIRST, n.startswith("control-")))
    sections = "".join(_section(name, pages) for name in names)
    title = _TITLE.search(pages[_FIRST])
    created = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title[1] if title else ""}</title>'
        f'<meta name="generator" content="Assay"><meta name="dcterms.created" content="{created}">'
        f'<meta name="dcterms.modified" content="{created}"></head><body>{sections}</body></html>'
    )


def _section(name: str, pages: Mapping[str, str]) -> str:
    body = _BODY.search(pages[name])
    inside = _REFERENCE.sub(lambda m: _local(m, name, pages), body[1] if body else "")
    while name not in _WHOLE and (shorter := _FOLDED.sub(r'<p class="folded">\1</p>', inside)) != inside:
        inside = shorter
    colours = "".join(_picture_rules(pages))
    inside = _PICTURE.sub(lambda m: f"{m[0]}<style>{escape(colours, quote=False)}</style>", inside)
    return f'<section class="sheet" id="{_anchor(name)}">{inside}</section>'


def _local(found: re.Match[str], page: str, pages: Mapping[str, str]) -> str:
    before, attribute, value = found.groups()
    if attribute == "id":
        return f'{before}id="{_anchor(page)}--{value}"'
    target, _, part = value.partition("#")
    target = target or page
    if not target.endswith(".html") or target not in pages:
        # A link to a picture: it stands on this page already.
        return before.rstrip() + " "
    return f'{before}href="#{_anchor(target)}{f"--{part}" if part else ""}"'


def _anchor(page: str) -> str:
    return PurePosixPath(page).stem


def _sheet(pages: Mapping[str, str]) -> str:
    """The report's own styles, then those that only paper needs."""
    own = "".join(text for name, text in sorted(pages.items()) if name.endswith(".css"))
    return own + (resources.files("assay.report") / "pdf.css").read_text(encoding="utf-8")


def _picture_rules(pages: Mapping[str, str]) -> Iterator[str]:
    """Rules of the style sheet for what stands in pictures: WeasyPrint draws a picture without the styles of the page
    around it."""
    for selectors, rules in re.findall(r"((?:^|(?<=\}))\s*svg [^{}]*)\{([^{}]*)\}", _on_paper(_sheet(pages))):
        names = [s.strip().removeprefix("svg ") for s in selectors.split(",")]
        if names != ["svg"]:
            yield f"{','.join(names)}{{{rules}}}"


def _on_paper(styles: str) -> str:
    """Styles with the colours of paper in the place of variables, which WeasyPrint does not know in pictures."""
    light = _DARK.sub("", styles)
    colours: dict[str, str] = {}
    for block in re.findall(r"(?:^|[\s{}>])(?::root|svg)\s*\{([^}]*)\}", light):
        colours |= dict(re.findall(r"(--[\w-]+):\s*([^;]+);", block))
    return _VARIABLE.sub(lambda m: colours.get(m[1], "inherit"), light)

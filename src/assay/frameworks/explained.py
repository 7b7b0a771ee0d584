"""An objective of the catalogue in words: what must hold, what decides it, and what it stands for elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from assay.frameworks.catalogue import Entry
from assay.frameworks.crosswalk import Link
from assay.frameworks.offered import Offered
from assay.frameworks.published import Item, framework, frameworks

_PROPOSED = (
    "These mappings are proposals that come with Assay: none is reviewed until a person of yours signs for it "
    "(`assay objectives review {id}`)."
)
_WITHOUT_TEXT = "assessment text is not carried here"
_MOST = 3


def as_markdown(entry: Entry, links: Iterable[Link], offers: Mapping[str, Offered]) -> str:
    """For ``assay explain``."""
    links = tuple(links)
    parts = [
        f"## {entry.id}\n\n{entry.statement}",
        _list(_measured(entry)),
        f"### Decided by\n\n{_decided(entry, offers)}",
        f"### Elsewhere\n\n{_list(_elsewhere(links))}\n\n{_PROPOSED.format(id=entry.id)}",
    ]
    assessed = list(_assessed(links))
    if assessed:
        parts.append("### How an assessor looks at it (NIST SP 800-53A)\n\n" + "\n".join(assessed))
    return "\n\n".join(parts) + "\n"


def _measured(entry: Entry) -> Iterator[tuple[str, str]]:
    yield "about", entry.domain
    yield "category", str(entry.category)
    yield "profile", "basic and advanced" if entry.profile == "basic" else entry.profile
    yield "measured as", entry.metric
    yield "target", entry.wanted
    yield "counted", f"{entry.counts}; {entry.target:g} % must hold"
    yield "evidence counts for", f"{entry.evidence_age // 86400} d"
    yield "holds by design when", entry.design
    yield "holds in operation when", entry.operation


def _decided(entry: Entry, offers: Mapping[str, Offered]) -> str:
    chosen = entry.controls(offers)
    if not chosen:
        return f"Nothing yet: {entry.unserved}. Its status is `not assessed`."
    return _list((f"`{c}`", _tests(entry, offers[c])) for c in chosen)


def _tests(entry: Entry, offer: Offered) -> str:
    tests = entry.tests.get(offer.control)
    if tests is None:
        return "all of its tests"
    proofs, checks = sorted(tests & offer.proofs), sorted(tests & offer.checks)
    told = [
        f"{what} {', '.join(f'`{t}`' for t in some)}" for what, some in (("design", checks), ("proofs", proofs)) if some
    ]
    return "; ".join(told)


def _elsewhere(links: Iterable[Link]) -> Iterator[tuple[str, str]]:
    links = tuple(links)
    for each in frameworks():
        items = [link.item for link in links if link.framework == each.column]
        if items:
            yield each.title, ", ".join(items)


def _assessed(links: Iterable[Link]) -> Iterator[str]:
    into = framework("nist-800-53")
    for link in links:
        if link.framework == into.column:
            item = into.items[link.item]
            yield f"- **{item.id}** {item.title}: {', '.join(item.methods).lower() or _WITHOUT_TEXT}"
            yield from _determined(item)


def _determined(item: Item) -> Iterator[str]:
    for _, text in item.determinations[:_MOST]:
        yield f"    - {text}"
    more = len(item.determinations) - _MOST
    if more > 0:
        yield f"    - … and {more} more"


def _list(named: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"- **{name}**: {said}" for name, said in named if said)

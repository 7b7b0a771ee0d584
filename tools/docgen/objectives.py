"""``objectives.md``: the catalogue, what decides each objective, and what it is proposed to stand for."""

from __future__ import annotations

from collections.abc import Iterable

from assay.app.objectives import offers
from assay.frameworks.catalogue import PROFILES, Entry, catalogue, in_profile
from assay.frameworks.crosswalk import crosswalk
from assay.frameworks.published import frameworks
from tools.docgen.markdown import code, page, table

_HEADER = ("objective", "what must hold", "profile", "measured as", "target", "counts", "evidence", "decided by")


def pages() -> dict[str, str]:
    """The page of the objectives."""
    sizes = " and ".join(f"{len(in_profile(p))} in `{p}`" for p in PROFILES)
    parts = [
        f"{sizes}; `profile:` in the declaration brings them in. How to read and review them: "
        "[hold objectives](../how-to/objectives-and-frameworks.md). `assay explain ID` names every test that decides "
        "one.",
        "An objective counts as held only by tests that speak about it. Where nothing decides it yet, it is `not "
        "assessed`, and the reason is given instead.",
    ]
    for domain in dict.fromkeys(e.domain for e in catalogue()):
        parts += [f"## {domain}", table(_HEADER, (_row(e) for e in catalogue() if e.domain == domain))]
    parts += [
        "## Frameworks",
        "Every mapping is a proposal until a person of yours signs for it. No share of a framework says that it is "
        "fulfilled.",
        table(("name", "framework", "items known", "mapped", "mappings"), _frameworks()),
    ]
    return {"objectives.md": page("Objectives", *parts)}


def _row(entry: Entry) -> tuple[str, ...]:
    decided = " · ".join(_control(entry, c) for c in entry.controls(offers()))
    return (
        f'<a id="{entry.id.lower()}"></a>{code(entry.id)}',
        entry.statement,
        entry.profile,
        entry.metric,
        entry.wanted,
        entry.counts,
        f"{entry.evidence_age // 86400} d",
        decided or f"nothing yet: {entry.unserved}",
    )


def _control(entry: Entry, control: str) -> str:
    offer = offers()[control]
    proofs = offer.proofs & entry.tests.get(control, offer.proofs)
    design = "" if proofs else " (design only)"
    return f"[{code(control)}](controls/{control}.md){design}"


def _frameworks() -> Iterable[tuple[str, ...]]:
    for each in frameworks():
        links = [link for link in crosswalk() if link.framework == each.column]
        known = each.population or "only identifiers"
        yield code(each.id), each.title, known, str(len({link.item for link in links})), str(len(links))

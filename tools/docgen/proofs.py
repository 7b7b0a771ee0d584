"""``proofs.md``: every proof of every control, and which rows of the probe catalogue they cover."""

from __future__ import annotations

import tomllib
from pathlib import Path

from assay.controls.registry import controls
from tools.docgen.markdown import code, page, table

WORDS = Path(__file__).with_name("catalogue.toml")


def pages() -> dict[str, str]:
    """The page of the proofs."""
    parts = [
        "Each proof looks for a bad pattern on the running system, and is named after it. `assay prove` plans a case "
        "for every subject and identity that it speaks about; the id of a case begins with `CONTROL/PROOF`. "
        "[How a proof is judged](../explanation/how-a-proof-is-judged.md) says when it passes, fails, or stays "
        "inconclusive; accept one with an [exception](declaration.md#exception). Each link leads to what it does.",
    ]
    for control in controls():
        rows = (
            (f"[`{key}`](controls/{control.id}.md#{key})", p.title, str(p.severity), ", ".join(p.rows), p.fix)
            for key, p in control.about.proofs.items()
        )
        parts += [f"## {control.id}", table(("proof", "the good state", "severity", "rows", "how to mend it"), rows)]
    return {"proofs.md": page("Proofs", *parts, *_coverage())}


def covering() -> dict[str, list[str]]:
    """By row of the catalogue: the proofs that cover it, as links."""
    found: dict[str, list[str]] = {}
    for control in controls():
        for key, proof in control.about.proofs.items():
            for row in proof.rows:
                found.setdefault(row, []).append(f"[{code(key)}](controls/{control.id}.md#{key})")
    return found


def _coverage() -> tuple[str, ...]:
    words = tomllib.loads(WORDS.read_text(encoding="utf-8"))
    titles, uncovered, partly = words["rows"], words["uncovered"], words["partly"]
    proofs = covering()
    if wrong := (proofs.keys() | uncovered.keys()) ^ titles.keys() | (proofs.keys() & uncovered.keys()):
        raise LookupError(f"{WORDS.name}: {', '.join(sorted(wrong))} has neither proof nor reason, or both")
    if wrong := partly.keys() - proofs.keys():
        raise LookupError(f"{WORDS.name}: {', '.join(sorted(wrong))} is partly covered by nothing")
    rows = (
        (row, title, _proofs(proofs.get(row, []), partly.get(row))) for row, title in titles.items() if row in proofs
    )
    open_ = [(row, title, uncovered[row]) for row, title in titles.items() if row in uncovered]
    return (
        "## Coverage of the probe catalogue",
        f"The catalogue has {len(titles)} rows, one for each thing that an active probe of an API can show. "
        f"{len(proofs)} are covered. Whether a proof runs on your API depends on what its contract has: without a way "
        "to log out, nothing shows that it works.",
        table(("row", "what must hold", "proofs"), rows),
        *(("Not covered:", table(("row", "what must hold", "why not"), open_)) if open_ else ()),
    )


def _proofs(links: list[str], left_out: str | None) -> str:
    return " · ".join(links) + (f" ({left_out})" if left_out else "")

"""``controls.md`` and a page for each control, from its folder."""

from __future__ import annotations

from importlib import resources
from typing import Any

from ruamel.yaml import YAML

from assay.controls.base import Control
from assay.controls.registry import controls
from tools.docgen.markdown import code, page, table

FACES = ("design", "enforce", "prove", "watch")


def pages() -> dict[str, str]:
    """The overview and one page per control."""
    overview = table(
        ("control", "the compliant state", "kind", "checks", "proofs", "enforced"),
        (
            (
                f"[`{c.id}`](controls/{c.id}.md)",
                c.about.title,
                c.about.kind,
                str(len(c.about.checks)),
                str(len(c.about.proofs)),
                "yes" if c.enforce else "–",
            )
            for c in controls()
        ),
    )
    about = (
        "A control is one security mechanism, and a folder in `src/assay/controls`. *Design* reads the declaration and "
        "its contracts, and has [checks](checks.md); *enforce* is what it asks of the gateway; *prove* attacks the "
        "running system, and has [proofs](proofs.md). What *watch* will hold is said on each control's page. "
        "`assay explain CONTROL` shows the same text in a terminal."
    )
    single = {f"controls/{c.id}.md": _page(c) for c in controls()}
    return {"controls.md": page("Controls", about, overview), **single}


def _page(control: Control) -> str:
    about = control.about
    faces = _faces(control.id)
    facts = (
        ("id", code(about.id)),
        ("kind", about.kind),
        ("capability", f"{about.capability}: {about.argument}"),
        ("failure domain", about.failure_domain),
        ("evidence counts for", about.evidence_age),
        ("objectives served", ", ".join(about.objectives)),
        *((f"face: {face}", faces[face]) for face in FACES if face in faces),
    )
    title, _, rest = control.guide.partition("\n")
    threats = "\n".join(f"- {t}" for t in about.threats)
    checks = table(
        ("check", "the good state", "severity"),
        ((f"[`{k}`](#{k})", c.title, str(c.severity)) for k, c in about.checks.items()),
    )
    proofs = table(
        ("proof", "the good state", "severity", "rows"),
        ((f"[`{k}`](#{k})", p.title, str(p.severity), ", ".join(p.rows)) for k, p in about.proofs.items()),
    )
    parts = (
        f"**{about.title}.**",
        table(("fact", ""), facts),
        "## Threats it meets",
        threats,
        *_meets(control),
        "## Checks",
        checks,
    )
    tested = (
        "## Proofs",
        "`rows` are those of the [probe catalogue](../proofs.md#coverage-of-the-probe-catalogue).",
        proofs,
    )
    return page(title.lstrip("# "), *parts, *tested, rest)


def _meets(control: Control) -> tuple[str, ...]:
    """What the control is worth in the register of risks."""
    about = control.about
    head = "## What it is worth against risks"
    if not about.meets:
        return head, f"It lowers no risk: {about.meets_nothing}"
    rows = (
        (code(threat), m.kind, f"{m.capability:g}", m.argument, ", ".join(map(code, m.proofs)))
        for threat, m in sorted(about.meets.items())
    )
    told = (
        "The share of a threat that it takes away when it works, before what its proofs have shown is counted: see "
        "[how risk is computed](../../explanation/how-risk-is-computed.md)."
    )
    return head, told, table(("threat", "kind", "share", "why", "shown by"), rows)


def _faces(control: str) -> dict[str, str]:
    text = (resources.files("assay.controls") / control / "control.yaml").read_text(encoding="utf-8")
    raw: dict[str, Any] = YAML(typ="safe").load(text)
    return {face: str(words) for face, words in raw["faces"].items()}

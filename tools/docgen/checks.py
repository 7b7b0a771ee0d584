"""``checks.md``: every check of every control, and what reading a declaration or a contract may say."""

from __future__ import annotations

from assay.app.reading import reading_checks
from assay.controls.registry import controls
from tools.docgen.markdown import code, page, table


def pages() -> dict[str, str]:
    """The page of the checks."""
    parts = [
        "Each check looks for a bad pattern, and is named after it. A verdict names check, subject, place, outcome, "
        "severity and confidence; see [JSON](json.md). Change how severe findings have to be for exit code 1 with "
        "`--fail-on`; accept one with an [exception](declaration.md#exception). `assay explain CHECK` explains one in "
        "a terminal.",
    ]
    for control in controls():
        rows = (
            (f"[`{key}`](controls/{control.id}.md#{key})", check.title, str(check.severity), check.why, check.fix)
            for key, check in control.about.checks.items()
        )
        parts += [f"## {control.id}", table(("check", "the good state", "severity", "why", "how to mend it"), rows)]
    parts += [
        "## Reading",
        "A declaration or a contract that cannot be read is told by these checks, under `declaration` or `contract` in "
        "place of a control. All of them are told at once. Those under `risk` are told by `assay risk`.",
        table(
            ("check", "found in", "the good state", "why", "how to mend it"),
            ((code(c.id), " · ".join(c.readers), c.title, c.why, c.fix) for c in reading_checks().values()),
        ),
    ]
    return {"checks.md": page("Checks", *parts)}

"""``log.md``: the fields of the access log, from the translator that writes it."""

from __future__ import annotations

import tomllib
from pathlib import Path

from assay.gateway.envoy.access_log import fields
from tools.docgen.markdown import code, page, table
from tools.docgen.sample import view

WORDS = Path(__file__).with_name("log.toml")


def pages() -> dict[str, str]:
    """The page of the access log."""
    words = tomllib.loads(WORDS.read_text(encoding="utf-8"))
    written = fields(view())
    if missing := written.keys() ^ words["meaning"].keys():
        raise LookupError(f"{WORDS.name} and the access log differ in {', '.join(sorted(missing))}")
    rows = ((code(name), words["meaning"][name], code(_operator(source))) for name, source in written.items())
    return {"log.md": page("The access log", words["introduction"], table(("field", "meaning", "Envoy's name"), rows))}


def _operator(source: str) -> str:
    """A format without the second operator that some have: that is a detail of how Envoy reads the first."""
    first, more, _ = source.partition(")%%")
    return first + ")%" if more else source

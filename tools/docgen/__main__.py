"""``python -m tools.docgen`` writes docs/reference; with ``--check`` it only says what is stale, and exits 1."""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path

from tools.docgen import checks, cli, controls, declaration, json_shapes, log, objectives, proofs

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
PARTS = (cli, declaration, controls, checks, proofs, objectives, json_shapes, log)


def pages() -> dict[str, str]:
    """Every generated page, by its path in ``docs/reference``."""
    return {name: text for part in PARTS for name, text in part.pages().items()}


def stale(wanted: dict[str, str], directory: Path) -> list[str]:
    """A unified diff for every page that is not as it would be generated, and a line for one that should be gone."""
    found = []
    for name, text in sorted(wanted.items()):
        file = directory / name
        old = file.read_text(encoding="utf-8") if file.exists() else ""
        if old != text:
            lines = difflib.unified_diff(old.splitlines(), text.splitlines(), f"committed {name}", name, lineterm="")
            found.append("\n".join(lines))
    extra = {str(p.relative_to(directory)) for p in directory.rglob("*.md")} - wanted.keys()
    return found + [f"{name} describes something that no longer exists" for name in sorted(extra)]


def main() -> int:
    """Exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    wanted = pages()
    if parser.parse_args().check:
        differences = stale(wanted, REFERENCE)
        if differences:
            print("\n".join(differences), "\ndocs/reference is stale: run make docs", file=sys.stderr)
        return bool(differences)
    for file in REFERENCE.rglob("*.md"):
        file.unlink()
    for name, text in wanted.items():
        file = REFERENCE / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    print(f"{len(wanted)} pages in docs/reference")
    return 0


if __name__ == "__main__":
    sys.exit(main())

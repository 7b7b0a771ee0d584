"""``python -m tools.demo_image`` runs ``assay demo`` and draws what it showed into docs/images/demo.svg."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import MONOKAI

from assay.demo.rows import Row, Side
from assay.demo.table import table, verdict

IMAGE = Path(__file__).parents[1] / "docs" / "images" / "demo.svg"
_WIDTH = 172
_FORMAT = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
"""Without fonts from elsewhere: a picture in a document fetches nothing."""


def _side(value: dict[str, Any] | None) -> Side | None:
    return Side(**value) if value else None


def _row(value: dict[str, Any]) -> Row:
    through = _side(value["through"])
    assert through is not None  # noqa: S101 - every row of the walk has this side
    return Row(value["topic"], value["kind"], value["attempt"], _side(value["direct"]), through, value["policy"])


def draw(shown: dict[str, Any]) -> str:
    """The picture of a walk, from what ``assay demo --format json`` printed."""
    console = Console(record=True, width=_WIDTH, file=io.StringIO(), highlight=False, force_terminal=True)
    rows = [_row(r) for r in shown["rows"]]
    console.print(table(rows))
    verdict(console, rows, shown["seconds"])
    return console.export_svg(title="assay demo", theme=MONOKAI, code_format=_FORMAT, unique_id="demo")


def main() -> int:
    """Exit code."""
    done = subprocess.run([sys.executable, "-m", "assay", "demo", "--format", "json"], capture_output=True, check=True)
    IMAGE.write_text(draw(json.loads(done.stdout)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

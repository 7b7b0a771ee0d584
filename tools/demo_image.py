"""``python -m tools.demo_image`` runs ``assay demo`` and draws what it showed: docs/images/demo.svg and report.png."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import MONOKAI

from assay.demo.rows import Row, Side
from assay.demo.table import table, verdict

IMAGES = Path(__file__).parents[1] / "docs" / "images"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
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


def photograph(page: Path, image: Path, *, width: int = 1120, height: int = 800) -> None:
    """The beginning of an HTML page as a browser shows it, in pixels.

    Raises:
        LookupError: there is no browser of the Chromium kind.
        OSError: it took no picture.
    """
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        raise LookupError(f"a picture of the report needs one of {', '.join(_BROWSERS)}")
    with tempfile.TemporaryDirectory() as profile:
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={profile}"]
        size = [f"--window-size={width},{height}", f"--screenshot={image}"]
        subprocess.run([browser, *options, *size, page.as_uri()], capture_output=True, check=True, timeout=60)
    if not image.is_file():
        raise OSError(f"{browser} wrote no picture")


def _demo(*options: str) -> str:
    """What ``assay demo --format json`` printed."""
    command = [sys.executable, "-m", "assay", "demo", "--format", "json", *options]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


def main() -> int:
    """Exit code."""
    (IMAGES / "demo.svg").write_text(draw(json.loads(_demo("--walk-only"))), encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        _demo("--output", folder)
        photograph(Path(folder) / "index.html", IMAGES / "report.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""A folder full of files that are named like modules of Python's own and of ours."""

from __future__ import annotations

import sys
from pathlib import Path

OURS = ("click", "cryptography", "granian", "httpx", "msgspec", "rich", "starlette", "typer", "uvloop", "yaml")


def plant(folder: Path) -> Path:
    """Fills ``folder`` with modules that end whoever imports one; returns it.

    Users start commands in folders of their own, and what lies there must not be run.
    """
    folder.mkdir(exist_ok=True)
    for name in sorted({*sys.stdlib_module_names, *OURS} - {*sys.builtin_module_names, "__main__"}):
        (folder / f"{name}.py").write_text(f"raise SystemExit('{name}.py of the current folder was run')\n")
    return folder

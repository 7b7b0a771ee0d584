"""``python -m assay.gateway.inspector --bundle FILE --uds PATH [--workers N]``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from assay.domain import AssayError
from assay.gateway.inspector.server import serve, work


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until it is told to stop; returns the exit code."""
    parser = argparse.ArgumentParser(prog="assay.gateway.inspector", description="Checks requests for the gateway.")
    parser.add_argument("--bundle", type=Path, required=True, help="the bundle file to load and watch")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--uds", type=Path, help="the Unix socket to listen on")
    where.add_argument("--worker", type=int, metavar="FD", help="serve an inherited socket while the parent lives")
    parser.add_argument("--workers", type=int, default=1, help="worker processes (default: 1)")
    chosen = parser.parse_args(arguments)
    if not 1 <= chosen.workers <= 64:
        parser.error("--workers must be between 1 and 64")
    try:
        if chosen.worker is not None:
            work(bundle=chosen.bundle, descriptor=chosen.worker, parent=os.getppid())
        else:
            serve(bundle=chosen.bundle, uds=chosen.uds, workers=chosen.workers)
    except AssayError as error:
        sys.stderr.write(error.diagnosis() + "\n")
        return int(error.exit)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""``python -m assay.gateway.processor``: run the processor until it is told to stop."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import uvloop

from assay.domain import AssayError, Exit, UsageError
from assay.domain.programs import command
from assay.gateway.processor.server import serve, sockets
from assay.gateway.sockets import supervise


def main(arguments: Sequence[str] | None = None) -> int:
    """Run with command-line ``arguments``; returns the exit code. With several workers, one's end is everybody's:
    whoever supervises this process starts them afresh."""
    parser = argparse.ArgumentParser(prog="assay-processor", description=__doc__)
    parser.add_argument("--bundle", type=Path, required=True, help="the processor's part of the policy")
    parser.add_argument("--keys", type=Path, required=True, help="directory of keysets")
    parser.add_argument("--uds", type=Path, required=True, help="Unix socket to serve on")
    parser.add_argument("--workers", type=int, default=1, help="processes; the second serves on SOCKET.1, and so on")
    parser.add_argument("--stop-with-parent", action="store_true", help="stop when the process that started this ends")
    options = parser.parse_args(arguments)
    try:
        if options.workers < 1:
            raise UsageError("There must be at least one worker.", fix="use `--workers 1`")
        if options.workers == 1:
            parent = os.getppid() if options.stop_with_parent else None
            uvloop.run(serve(options.bundle, options.keys, options.uds, parent=parent))
            return Exit.OK
        return _share(options.bundle, options.keys, sockets(options.uds, options.workers))
    except AssayError as error:
        sys.stderr.write(error.diagnosis() + "\n")
        return error.exit


def _share(bundle: Path, keys: Path, paths: Sequence[Path]) -> int:
    worker = command("assay.gateway.processor", "--bundle", str(bundle), "--keys", str(keys))
    codes = supervise([[*worker, "--stop-with-parent", "--uds", str(path)] for path in paths])
    return next((c for c in codes if c > 0), Exit.INCOMPLETE) if codes else Exit.OK


if __name__ == "__main__":
    sys.exit(main())

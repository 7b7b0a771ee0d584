"""Runs one service of the zoo: ``python -m tests.zoo shop --flaws bola-read,alg-none --port 9001``.

Prints one line, ``listening http://127.0.0.1:PORT``, when it answers. SIGINT and SIGTERM end it cleanly.
Never run it where others can reach it: with flaws it is what it says, and it listens on loopback only.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.zoo.declared import INBOX, write
from tests.zoo.flaws import table
from tests.zoo.kit.serving import HOST, end, free_port, serve
from tests.zoo.services import DEFINITIONS, make


def main() -> int:
    """Runs the service; returns the exit code: 0 after a clean stop, 2 for wrong arguments, 3 if it cannot start."""
    options = _arguments()
    if options.list:
        sys.stdout.write(table())
        return 0
    if options.service is None:
        sys.stderr.write(f"which service? There are: {', '.join(DEFINITIONS)}; --list shows the flaws\n")
        return 2
    flaws = [flaw for flaw in options.flaws.split(",") if flaw]
    with tempfile.TemporaryDirectory(prefix="zoo-") as made:
        Path(made).chmod(0o711)  # PostgreSQL runs as another account where this is run by root
        try:
            port = free_port(options.port)
            service = make(options.service, flaws, folder=options.data or Path(made), store=options.store)
        except LookupError as error:
            sys.stderr.write(f"{error.args[0]}\n")
            return 2
        except (OSError, OverflowError) as error:
            sys.stderr.write(f"cannot start: {error}\n")
            return 3
        try:
            if options.declare:
                upstream = f"http://{HOST}:{port}"
                tokens = service.accounts.tokens
                key = tokens.key if tokens else None
                dsn = service.database.dsn
                write(options.service, options.declare, upstream=upstream, store=options.store, dsn=dsn, key=key)
                service.accounts.mail = options.declare / INBOX
            asyncio.run(serve(service.app(), port))
        finally:
            service.database.close()
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.zoo", description="Deliberately vulnerable services.")
    parser.add_argument("service", nargs="?", choices=sorted(DEFINITIONS))
    parser.add_argument("--flaws", default="", help="flaws to switch on, with commas; none: the safe twin")
    parser.add_argument("--port", type=int, default=0, help=f"port on {HOST}; 0 takes a free one (default)")
    parser.add_argument("--store", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--data", type=Path, help="existing folder for the store (default: a temporary one)")
    parser.add_argument("--declare", type=Path, help="also write a declaration of this service into this folder")
    parser.add_argument("--list", action="store_true", help="print the catalogue of flaws and exit")
    return parser.parse_args()


if __name__ == "__main__":
    end(main())

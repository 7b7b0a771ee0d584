"""One layer as a process: ``python -m tests.layers experience --calls https://…/orders --key-file FILE --ca FILE``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.layers.service import ROLES, Down, Layer, serve


def main() -> None:
    """Serves one layer on loopback until it is ended; says where it listens."""
    parser = argparse.ArgumentParser(prog="python -m tests.layers", description=__doc__)
    parser.add_argument("role", choices=ROLES)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--calls", help="URL of the API that it calls, at the gateway")
    parser.add_argument("--key-file", type=Path, help="file with its API key, read at each call")
    parser.add_argument("--ca", type=Path, help="PEM file of the gateway's authority")
    given = parser.parse_args()
    down = Down(given.calls, given.key_file, given.ca) if given.calls and given.key_file else None
    server = serve(Layer(given.role, down), given.port)
    sys.stdout.write(f"listening http://127.0.0.1:{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()

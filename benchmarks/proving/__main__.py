"""``python -m benchmarks.proving``: a full proof, verification of long logs, and the zoo; prints the page's section."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from benchmarks.proving import compare, page, verifying, whole


def main(argv: Sequence[str]) -> None:
    """Measures what is asked for; everything, unless said otherwise."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.proving", description=__doc__)
    parser.add_argument("--only", choices=("whole", "verify", "zoo"), help="one of the three")
    parser.add_argument("--seconds", type=int, default=compare.SECONDS, help="for each tool on each service of the zoo")
    parser.add_argument("--records", type=int, nargs="+", default=list(verifying.RECORDS), help="in the logs verified")
    parser.add_argument("--service", action="append", default=[], help="of the zoo; default: all three")
    parser.add_argument(
        "--note", action="append", default=[], help="said on the page, such as that the machine is busy"
    )
    args = parser.parse_args(argv)

    def wanted(part: str) -> bool:
        return args.only in (None, part)

    sys.stdout.write(
        page.section(
            whole.measure() if wanted("whole") else None,
            verifying.measure(args.records) if wanted("verify") else (),
            compare.compare(seconds=args.seconds, services=args.service, tell=_tell) if wanted("zoo") else None,
            args.note,
        )
    )


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    main(sys.argv[1:])

"""What the payload scanner finds, misses and raises falsely on its corpus, and how fast it reads (in processor time).

Run: ``python -m benchmarks.scanning``. The corpus is that of the tests: the figures are those that the tests hold.
"""

from __future__ import annotations

import json
import time

from tests.scanning.corpus.corpus import samples
from tests.scanning.corpus.measuring import Measured, measure

from assay.domain import Confidence
from assay.scanning import DETECTORS, scan_bytes

_ROUNDS = 5


def main() -> None:
    """Prints the table of detectors, then megabytes a second on three kinds of payload."""
    corpus = list(samples())
    medium, high = measure(corpus), measure(corpus, Confidence.HIGH)
    print(f"{len(corpus)} documents, {sum(len(s.expected) for s in corpus)} values marked\n")
    print(f"{'detector':<20} {'marked':>6}   {'at least medium':<19} {'high':<19}")
    print(f"{'':<20} {'':>6}   {'precision':<9} {'recall':<9} {'precision':<9} {'recall':<9}")
    for name in sorted(DETECTORS):
        one, sure = medium[name], high.get(name, Measured())
        marked = one.right + one.missed.total()
        figures = f"{one.precision:<9.3f} {one.recall:<9.3f} {sure.precision:<9.3f} {sure.recall:<9.3f}"
        print(f"{name:<20} {marked:>6}   {figures}")
    for words, only in (("of the corpus", ""), ("without anything to find", "hard"), ("of records", "named")):
        chosen = [s.document for s in corpus if s.kind.startswith(only)]
        data = json.dumps(chosen).encode()
        best = min(_seconds(data) for _ in range(_ROUNDS))
        print(
            f"\nJSON {words}: {len(data) / best / 1e6:.2f} MB/s, {len(chosen) / best:,.0f} documents a second", end=""
        )
    print()


def _seconds(data: bytes) -> float:
    start = time.process_time()
    scan_bytes(data, least=Confidence.MEDIUM)
    return time.process_time() - start


if __name__ == "__main__":
    main()

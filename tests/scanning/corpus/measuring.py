"""Precision and recall of each detector over the corpus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.scanning.corpus.sample import Sample

from assay.domain import Confidence
from assay.scanning import scan_value


@dataclass
class Measured:
    """Counts for one detector; ``missed`` and ``false`` by kind of sample."""

    right: int = 0
    missed: Counter[str] = field(default_factory=Counter)
    false: Counter[str] = field(default_factory=Counter)

    @property
    def precision(self) -> float:
        found = self.right + self.false.total()
        return self.right / found if found else 1.0

    @property
    def recall(self) -> float:
        there = self.right + self.missed.total()
        return self.right / there if there else 1.0


def measure(samples: Iterable[Sample], least: Confidence = Confidence.MEDIUM) -> dict[str, Measured]:
    """What is found with at least this confidence, held against what is marked."""
    counts: dict[str, Measured] = {}
    for sample in samples:
        scan = scan_value(sample.document, least=least)
        found = {(f.path if f.within == "value" else "*", f.detector) for f in scan.found}
        for pair in found | sample.expected:
            one = counts.setdefault(pair[1], Measured())
            if pair in found and pair in sample.expected:
                one.right += 1
            elif pair in found:
                one.false[sample.kind] += 1
            else:
                one.missed[sample.kind] += 1
    return counts

"""The adapter to Presidio, as far as it can be tested where Presidio is not installed: that it says so, and that
results of the documented form become findings. Against Presidio itself it is not tested."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

import pytest

from assay.domain import Confidence, IncompleteError, UsageError
from assay.scanning.presidio import analyzer, opinions


@dataclass
class Result:
    """The documented attributes of ``presidio_analyzer.RecognizerResult``."""

    entity_type: str
    start: int
    end: int
    score: float


class Engine:
    def __init__(self, *results, error=None):
        self.results, self.error = results, error

    def analyze(self, text, language):
        if self.error:
            raise self.error
        return list(self.results)


@pytest.mark.skipif(importlib.util.find_spec("presidio_analyzer") is not None, reason="Presidio is installed here")
def test_asking_for_presidio_where_it_is_not_says_how_to_get_it():
    with pytest.raises(UsageError) as raised:
        analyzer()
    assert "install" in raised.value.fix


def test_results_become_findings_that_are_never_validated():
    text = "Greta Lind lives in Umeå"
    engine = Engine(Result("PERSON", 0, 10, 0.85), Result("LOCATION", 20, 24, 0.6), Result("DATE_TIME", 0, 5, 0.9))
    found = opinions(engine, "/note", text)
    assert [(f.detector, f.category, f.confidence, f.shape) for f in found] == [
        ("presidio-person", "user.name", Confidence.HIGH, "Xxxxx Xxxx"),
        ("presidio-location", "user.contact.address", Confidence.MEDIUM, "Xxxx"),
    ]
    assert not any(f.validated for f in found)


def test_a_failing_engine_is_an_error_with_a_sentence():
    with pytest.raises(IncompleteError):
        opinions(Engine(error=RuntimeError("model")), "", "text")

"""Microsoft Presidio as a second opinion on free text, where it is installed.

It recognises names and places in prose by a language model, which the detectors here do not try. Its findings are never
``validated``: they are a model's.

The interface used is the documented one: ``AnalyzerEngine().analyze(text=…, language=…)`` returns results with
``entity_type``, ``start``, ``end`` and ``score``.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

from assay.domain import Confidence, IncompleteError, UsageError
from assay.scanning.found import Found, shape_of

CATEGORIES: Final[Mapping[str, str]] = {
    "CREDIT_CARD": "user.financial.credit_card",
    "DATE_OF_BIRTH": "user.demographic.date_of_birth",
    "EMAIL_ADDRESS": "user.contact.email",
    "IBAN_CODE": "user.financial.bank_account",
    "IP_ADDRESS": "user.device.ip_address",
    "LOCATION": "user.contact.address",
    "MEDICAL_LICENSE": "user.health_and_medical",
    "NRP": "user.demographic",
    "PERSON": "user.name",
    "PHONE_NUMBER": "user.contact.phone_number",
    "US_BANK_NUMBER": "user.financial.bank_account",
    "US_DRIVER_LICENSE": "user.government_id.drivers_license_number",
    "US_PASSPORT": "user.government_id.passport_number",
    "US_SSN": "user.government_id.national_identification_number",
}
"""Presidio's entities by fideslang category; others (dates, addresses in the web) say nothing about a person."""


class Analyzer(Protocol):
    """What is used of Presidio's ``AnalyzerEngine``."""

    def analyze(self, text: str, language: str) -> Iterable[Any]:
        """The entities in a text."""


def analyzer() -> Analyzer:
    """Presidio's engine with its own settings.

    Raises:
        UsageError: Presidio is not installed.
        IncompleteError: it is, and cannot start (mostly for want of a language model).
    """
    try:
        module = importlib.import_module("presidio_analyzer")
    except ImportError:
        raise UsageError(
            "Presidio was asked for and is not installed",
            fix="install `presidio-analyzer` and a spaCy model beside Assay, or leave `--presidio` out",
        ) from None
    try:
        engine: Analyzer = module.AnalyzerEngine()
    except Exception as error:
        raise IncompleteError(
            f"Presidio cannot start: {type(error).__name__}", fix="see that its language model is installed"
        ) from error
    return engine


def opinions(engine: Analyzer, path: str, text: str, *, language: str = "en") -> list[Found]:
    """What Presidio finds in one text. Its score becomes a confidence: 0.85 and up high, 0.5 and up medium.

    Raises:
        IncompleteError: Presidio failed on the text.
    """
    try:
        results = list(engine.analyze(text=text, language=language))
    except Exception as error:
        raise IncompleteError(f"Presidio failed: {type(error).__name__}", fix="leave `--presidio` out") from error
    found: list[Found] = []
    for result in results:
        category = CATEGORIES.get(result.entity_type)
        if category is not None and 0 <= result.start < result.end <= len(text):
            sure = (
                Confidence.HIGH
                if result.score >= 0.85
                else Confidence.MEDIUM
                if result.score >= 0.5
                else Confidence.LOW
            )
            name = f"presidio-{result.entity_type.lower().replace('_', '-')}"
            shape = shape_of(text[result.start : result.end])
            found.append(Found(path, result.start, result.end, name, category, sure, False, shape))
    return found


def _confidence(score: float) -> Confidence:
    if score >= 0.85:
        return Confidence.HIGH
    return Confidence.MEDIUM if score >= 0.5 else Confidence.LOW

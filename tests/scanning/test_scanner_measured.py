"""Precision and recall of every detector, held where they were measured.

Whoever makes a detector better changes the figure here; whoever makes one worse sees it.
"""

from __future__ import annotations

import pytest
from tests.scanning.corpus.corpus import samples
from tests.scanning.corpus.measuring import measure

from assay.domain import Confidence
from assay.scanning import DETECTORS

MEASURED = {
    "aws-access-key": (1.000, 1.000),
    "be-national-number": (1.000, 0.924),
    "br-cpf": (1.000, 0.924),
    "coordinates": (1.000, 1.000),
    "date-of-birth": (1.000, 1.000),
    "de-steuer-id": (0.988, 1.000),
    "email": (1.000, 1.000),
    "es-dni": (1.000, 0.620),
    "es-nie": (1.000, 0.620),
    "fr-nir": (1.000, 1.000),
    "github-token": (1.000, 1.000),
    "google-api-key": (1.000, 1.000),
    "iban": (1.000, 1.000),
    "in-aadhaar": (1.000, 0.924),
    "ip-address": (0.714, 1.000),
    "it-codice-fiscale": (1.000, 1.000),
    "jwt": (1.000, 1.000),
    "nl-bsn": (1.000, 0.620),
    "password": (1.000, 1.000),
    "password-hash": (1.000, 1.000),
    "payment-card": (1.000, 1.000),
    "person-name": (0.992, 1.000),
    "phone": (1.000, 1.000),
    "pl-pesel": (1.000, 0.620),
    "postal-code": (1.000, 1.000),
    "private-key": (1.000, 1.000),
    "se-personnummer": (1.000, 0.924),
    "secret": (1.000, 1.000),
    "slack-token": (1.000, 1.000),
    "street-address": (1.000, 1.000),
    "stripe-key": (1.000, 1.000),
    "uk-nino": (1.000, 0.924),
    "us-ssn": (1.000, 0.924),
}
"""Detector: precision and recall of findings that are at least of medium confidence."""


@pytest.fixture(scope="module")
def measured():
    return measure(samples())


@pytest.mark.parametrize("detector", DETECTORS)
def test_precision_and_recall_hold(measured, detector):
    precision, recall = MEASURED[detector]
    found = measured[detector]
    assert found.right >= 20
    assert found.precision >= precision - 0.0005, dict(found.false)
    assert found.recall >= recall - 0.0005, dict(found.missed)


def test_what_a_verdict_rests_on_is_hardly_ever_wrong():
    certain = measure(samples(), least=Confidence.HIGH)
    wrong = {name: dict(one.false) for name, one in certain.items() if one.false}
    assert wrong == {}

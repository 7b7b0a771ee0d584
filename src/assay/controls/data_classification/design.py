"""Tests of design: is all data labelled, do labels hold where it goes, and may it be processed?"""

from __future__ import annotations

from collections.abc import Iterator

from assay.controls.base import Context
from assay.controls.data_classification.blends import blends
from assay.controls.data_classification.facts import Facts
from assay.controls.data_classification.fields import fields
from assay.controls.data_classification.flows import flows
from assay.controls.data_classification.levels import levels
from assay.controls.data_classification.processing import processing
from assay.domain import Verdict


def design(context: Context) -> Iterator[Verdict]:
    """Judges every field, every flow, every principal, and everything that personal data needs by law."""
    if not context.declaration.model.data:
        return
    facts = Facts(context.declaration, context.today)
    yield from fields(facts)
    yield from levels(facts)
    yield from flows(facts)
    yield from blends(facts)
    yield from processing(facts)

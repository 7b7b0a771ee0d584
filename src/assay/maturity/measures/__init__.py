"""Measures: the value of a question's metric. ``data/measures.yaml`` says which question takes which."""

from __future__ import annotations

from collections.abc import Mapping

from assay.maturity.facts import Facts
from assay.maturity.measures.common import Arguments, Measure
from assay.maturity.measures.data import blends, fields, samples, surplus, third_parties
from assay.maturity.measures.governance import closing, exceptions, policy, tamper_evidence, unexpired
from assay.maturity.measures.privilege import credentials, excess, subject_tokens
from assay.maturity.measures.proofs import covered, held, rhythm, tested
from assay.maturity.measures.subjects import edges, shared_elements, subjects, verdicts

MEASURES: Mapping[str, Measure] = {
    m.__name__: m
    for m in (
        blends,
        closing,
        covered,
        credentials,
        edges,
        exceptions,
        excess,
        fields,
        held,
        policy,
        rhythm,
        samples,
        shared_elements,
        subject_tokens,
        subjects,
        surplus,
        tamper_evidence,
        tested,
        third_parties,
        unexpired,
        verdicts,
    )
}

__all__ = ["MEASURES", "Arguments", "Facts", "Measure"]

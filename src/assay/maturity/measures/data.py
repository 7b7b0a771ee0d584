"""Measures over data: labels, blends, surplus, samples, flows to third parties."""

from __future__ import annotations

from assay.domain import Outcome
from assay.maturity.facts import Facts
from assay.maturity.measures.common import (
    Arguments,
    backed,
    evidence,
    failed,
    many,
    names,
    nothing,
    oldest,
    percent,
    seconds,
    share,
    unproven,
)
from assay.maturity.words import Found


def fields(facts: Facts, arguments: Arguments) -> Found:
    """The share of fields of which something says what they are, and that is not a guess.

    What contracts have and no data set names (``unnamed``) counts as a field without a label, one for each finding.
    Level 4 wants payloads to have been looked through lately, without a contradiction.
    """
    missing: list[str] = []
    count = 0
    for name, data in facts.declaration.model.data.items():
        for field, said in data.fields.items():
            count += 1
            labelled = said.category or said.level or said.links or said.identifies or said.free_text
            if not labelled or said.guessed is not None:
                missing.append(f"data.{name}.fields.{field}")
    unnamed = [v for v in facts.verdicts(names(arguments, "unnamed")) if v.outcome is not Outcome.PASS]
    missing += [v.subject for v in unnamed]
    count += len(unnamed)
    if not count:
        return nothing("no data is declared")
    within, proofs = seconds(arguments, "within"), names(arguments, "contradictions")
    shown = [f for f in facts.concluded(proofs) if (facts.now - f.at).total_seconds() <= within]
    bad = failed(shown)
    told = f"{len(bad)} of {len(shown)} looks at payloads contradict a label" if shown else "no payload was looked at"
    good = count - len(missing)
    return Found(
        share(good, count),
        f"{good} of {many(count, 'fields')} labelled ({percent(share(good, count))})",
        population=count,
        sample=count,
        good=good,
        what="fields",
        proven=bool(shown) and not bad,
        at=oldest(shown),
        topped=bool(shown) and not bad,
        top_sentence=f"{told} in {int(within // 86400)} days",
        todo=tuple(dict.fromkeys((*missing, *(f.subject for f in bad)))),
        evidence=evidence(shown),
        awaits=not shown and unproven(facts, proofs).awaits,
    )


def blends(facts: Facts, arguments: Arguments) -> Found:
    """Whether the sensitivity of what everybody can put together is computed, and nobody is above their clearance."""
    del arguments
    found = facts.blends
    if not found.principals:
        return nothing("nobody is declared to reach declared data")
    open_ = tuple(dict.fromkeys((*found.above, *found.until_verified)))
    enforced = facts.applied.current
    told = f"computed for {many(found.principals, 'principals')}, {len(found.above)} above their clearance"
    later = [n for n in found.until_verified if n not in found.above]
    told += f", {len(later)} more until transformations are seen to work" if later else ""
    told += "" if enforced else "; what is declared is not what is applied"
    return Found(
        4.0 if enforced and not open_ else 3.0,
        told,
        population=found.principals,
        sample=found.principals,
        good=found.principals - len(open_),
        what="principals",
        proven=enforced and not open_,
        todo=open_,
    )


def surplus(facts: Facts, arguments: Arguments) -> Found:
    """Fields returned over fields to be seen, counted by answers: (answers + those with surplus) / answers."""
    proofs = names(arguments, "proofs")
    shown = facts.concluded(proofs)
    if not shown:
        return unproven(facts, proofs)
    bad = failed(shown)
    return Found(
        (len(shown) + len(bad)) / len(shown),
        f"{len(bad)} of {len(shown)} looks at answers found a field that the caller is not to see",
        population=len(facts.due(proofs)),
        sample=len(shown),
        good=len(shown) - len(bad),
        what="answers",
        proven=True,
        at=oldest(shown),
        todo=tuple(dict.fromkeys(f.subject for f in bad)),
        evidence=evidence(shown),
        age=facts.age_of(proofs),
    )


def samples(facts: Facts, arguments: Arguments) -> Found:
    """How many samples were looked through in which nothing raw was left; 0 as soon as one held a raw value."""
    model, proofs = facts.declaration.model, names(arguments, "proofs")
    declared = [f"apis.{n}.reveal" for n, api in model.apis.items() if api.reveal]
    declared += [f"flows.{n}.transforms" for n, flow in model.flows.items() if flow.transforms]
    shown = facts.concluded(proofs)
    if not declared and not shown:
        return nothing("no mask and no transformation is declared")
    bad = failed(shown)
    clean = 0 if bad else len(shown)
    told = (
        f"{len(shown)} samples, {len(bad)} of them with a raw value" if shown else "declared, and no sample looked at"
    )
    return Found(
        float(clean),
        told,
        population=len(facts.due(proofs)),
        sample=len(shown),
        good=clean,
        what="samples",
        proven=bool(shown),
        at=oldest(shown),
        todo=tuple(dict.fromkeys(f.subject for f in bad)),
        evidence=evidence(shown),
        age=facts.age_of(proofs),
        awaits=not shown and unproven(facts, proofs).awaits,
    )


def third_parties(facts: Facts, arguments: Arguments) -> Found:
    """The share of flows to systems that others run which say purpose and data, and may lawfully go there."""
    model = facts.declaration.model
    outside = {n for n, s in model.systems.items() if s.kind in ("third-party", "saas") or s.operator}
    flows = {f"flows.{n}": flow for n, flow in model.flows.items() if flow.to in outside}
    if not flows:
        return nothing("no flow to a third party is declared")
    bad = {v.subject for v in facts.verdicts(names(arguments, "checks")) if v.outcome is not Outcome.PASS}
    unsafe = {v.subject for v in facts.verdicts(names(arguments, "safeguards")) if v.outcome is not Outcome.PASS}
    open_ = [
        name
        for name, flow in flows.items()
        if name in bad or f"systems.{flow.to}" in unsafe or not flow.purpose or not flow.data
    ]
    good = len(flows) - len(open_)
    found = Found(
        share(good, len(flows)),
        f"{good} of {many(len(flows), 'flows')} to third parties with purpose, data and safeguard",
        population=len(flows),
        sample=len(flows),
        good=good,
        what="flows",
        todo=tuple(open_),
    )
    return backed(facts, found, ())

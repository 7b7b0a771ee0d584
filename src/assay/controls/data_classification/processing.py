"""May personal data be processed: purpose, legal basis, retention, place, and an impact assessment where one is due?"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from assay.controls.data_classification.facts import Facts, listed
from assay.declare.model import ReportFile
from assay.domain import Verdict
from assay.sensitivity.dpia import Assessment, dpia
from assay.sensitivity.personal import is_personal, outside, special_categories


def processing(facts: Facts) -> Iterator[Verdict]:
    """Judges every data set about people, and every system that holds one."""
    personal = [name for name in facts.model.data if is_personal(facts.model, name)]
    for name in personal:
        yield _record(facts, name)
        if special_categories(facts.model.data[name]):
            yield _condition(facts, name)
    if personal:
        yield _controller(facts)
    for name in facts.model.systems:
        held = [d for d in facts.closed.held.get(name, ()) if d in personal]
        if held:
            yield _transfer(facts, name, held)
    for assessment in dpia(facts.declaration, facts.closed):
        yield _dpia(facts, assessment)


def _record(facts: Facts, name: str) -> Verdict:
    """What the record of processing needs of a data set (GDPR Art. 30(1)(b), (c), (f); Art. 6(1))."""
    check, subject = "processing-record-incomplete", f"data.{name}"
    data, at = facts.model.data[name], facts.declaration.places.key("data", name)
    missing = [
        word
        for word, there in (
            ("subjects", data.subjects),
            ("purpose", data.purpose),
            ("legal_basis", data.legal_basis),
            ("retention", data.retention is not None),
        )
        if not there
    ]
    if missing:
        sentence = f"data set `{name}` is about people and does not say its {listed(missing)}"
        fix = "write " + ", ".join(f"`{word}:`" for word in missing) + " for the data set"
        return facts.judge.failed(check, subject, at, sentence, fix=fix)
    sentence = f"data set `{name}` says whom it is about, what for, by which right and for how long"
    return facts.judge.passed(check, subject, at, sentence)


def _condition(facts: Facts, name: str) -> Verdict:
    check, subject = "special-category-without-condition", f"data.{name}"
    data, special = facts.model.data[name], special_categories(facts.model.data[name])
    at = facts.declaration.places.key("data", name)
    if data.condition:
        sentence = f"`{name}` holds {listed(special)} by {data.condition}"
        return facts.judge.passed(check, subject, facts.declaration.locate("data", name, "condition"), sentence)
    sentence = f"data set `{name}` holds {listed(special)}, and nothing says why that may be processed"
    return facts.judge.failed(check, subject, at, sentence)


def _controller(facts: Facts) -> Verdict:
    check, subject = "controller-without-contact", "organisation"
    at = facts.declaration.places.key("organisation")
    organisation = facts.model.organisation
    if organisation.contact:
        sentence = f"the record of processing says how to reach {organisation.name}"
        return facts.judge.passed(check, subject, at, sentence)
    return facts.judge.failed(check, subject, at, f"nothing says how to reach {organisation.name}, the controller")


def _transfer(facts: Facts, name: str, held: list[str]) -> Verdict:
    check, subject = "transfer-without-safeguard", f"systems.{name}"
    system = facts.model.systems[name]
    at = facts.declaration.locate("systems", name, "location")
    away = outside(facts.model, system)
    if away is None:
        what = "where it is" if not system.location else "what its jurisdictions are"
        who = f"system `{name}`" if not system.location else "the organisation"
        sentence = f"`{name}` holds {listed(held)}, and {who} does not say {what}"
        fix = (
            "write `location:` for the system" if not system.location else "write `jurisdictions:` of the organisation"
        )
        place = facts.declaration.places.key("systems", name)
        return facts.judge.unclear("place-not-declared", subject, place, sentence, fix=fix)
    if not away:
        return facts.judge.passed(check, subject, at, f"`{name}` is in {system.location}, where the organisation is")
    if system.transfer:
        sentence = f"`{name}` is in {system.location}, by {system.transfer.safeguard}"
        return facts.judge.passed(check, subject, facts.declaration.locate("systems", name, "transfer"), sentence)
    homes = ", ".join(facts.model.organisation.jurisdictions)
    sentence = f"`{name}` holds {listed(held)} in {system.location}, outside of {homes}, and no safeguard is named"
    return facts.judge.failed(check, subject, at, sentence)


def _dpia(facts: Facts, found: Assessment) -> Verdict:
    check, subject = "impact-assessment-missing", f"data.{found.data}"
    at = facts.declaration.places.key("data", found.data)
    met = "; ".join(f"{c.name}: {c.reason}" for c in found.met)
    report = facts.model.data[found.data].dpia
    if report is not None:
        return _report(facts, found.data, report)
    if found.required:
        sentence = f"`{found.data}` meets {len(found.met)} of nine criteria and has no impact assessment ({met})"
        return facts.judge.failed(check, subject, at, sentence)
    if found.required is None:
        unknown = listed(str(c.path[-1]) for c in found.criteria if c.state == "unknown")
        sentence = f"`{found.data}` meets one criterion ({met}); whether it meets another depends on {unknown}"
        fix = f"write {unknown} under `processing:` of the data set"
        return facts.judge.unclear("impact-assessment-undecided", subject, at, sentence, fix=fix)
    sentence = f"`{found.data}` meets {len(found.met)} of nine criteria, so no impact assessment is required"
    return facts.judge.passed(check, subject, at, sentence)


def _report(facts: Facts, name: str, report: ReportFile) -> Verdict:
    """Whether the assessment that was declared is the file that is there."""
    check, subject = "impact-assessment-missing", f"data.{name}"
    at = facts.declaration.locate("data", name, "dpia", "file")
    try:
        content = (facts.declaration.root / report.file).read_bytes()
    except (OSError, ValueError):
        return facts.judge.failed(check, subject, at, f"the impact assessment of `{name}`, {report.file}, is not there")
    digest = hashlib.sha256(content).hexdigest()
    if digest != report.sha256.casefold():
        sentence = f"{report.file} is not the impact assessment of `{name}` that was declared: its digest differs"
        where = facts.declaration.locate("data", name, "dpia", "sha256")
        fix = f"if the new text was approved, write `sha256: {digest}`"
        return facts.judge.failed(check, subject, where, sentence, fix=fix)
    return facts.judge.passed(check, subject, at, f"the impact assessment of `{name}` is {report.file}, unchanged")

"""Does data stay as sensitive as it is declared, where it goes? And are the owners' own rules in force?"""

from __future__ import annotations

from collections.abc import Iterator

from assay.controls.data_classification.cycles import Cycles
from assay.controls.data_classification.facts import Facts
from assay.domain import Verdict
from assay.sensitivity import Label
from assay.sensitivity.levels import rank, within
from assay.sensitivity.pieces import joined


def levels(facts: Facts) -> Iterator[Verdict]:
    """Judges the computed label of everything that a system holds, and every compilation."""
    circling = Cycles(facts.model)
    for (system, data), labels in facts.closed.stored.items():
        if system in facts.model.systems:
            yield _computed(facts, system, data, labels.claimed)
            yield from _raised_by_cycle(facts, system, data, labels.claimed, circling)
    yield from _compilations(facts)


def _own(facts: Facts, data: str) -> Label:
    """The label of what a data set's own fields make together."""
    return Label(facts.closed.attributes.pieces[data], facts.closed.rules)


def _computed(facts: Facts, system: str, data: str, label: Label) -> Verdict:
    check, subject = "level-below-computed", f"systems.{system}.data.{data}"
    written, declared = facts.model.data[data].level, facts.model.data[data]
    at = facts.declaration.places.at("data", data, "level").value if written else None
    at = at or facts.declaration.places.key("data", data)
    least = written or _own(facts, data).level
    if label.rank <= rank(least):
        return facts.judge.passed(check, subject, at, f"data set `{data}` in `{system}` is {label.level}, as declared")
    last = [step for step in label.steps if rank(step.level) > rank(least)]
    why = last[-1].sentence if last else label.steps[-1].sentence
    said = f"declared {least}" if written or declared.fields else "without fields"
    sentence = f"data set `{data}` is {said}, but in `{system}` it becomes {label.level}: {why}"
    flows = sorted({f for p in label.pieces.values() for f in p.via})
    related = tuple(facts.declaration.places.key("flows", flow) for flow in flows[:4])
    fix = f"write `level: {label.level}` for the data set and protect it so, or reduce what comes together in it"
    return facts.judge.failed(check, subject, at, sentence, related=related, fix=fix)


def _raised_by_cycle(facts: Facts, system: str, data: str, label: Label, circling: Cycles) -> Iterator[Verdict]:
    """Data that comes back to where it was, with more than it left with."""
    own = _own(facts, data)
    if label.rank <= own.rank:
        return
    through = sorted({f for p in label.pieces.values() for f in p.via})
    back = [f for f in through if facts.model.flows[f].to == system and circling.passes(f, system)]
    if not back:
        return
    # What is there without anything that has left this system before.
    left = {f for f in through if facts.model.flows[f].from_ == system}
    stayed = {a: p for a, p in label.pieces.items() if left.isdisjoint(p.via)}
    others = [f for f in facts.into.get((system, data), ()) if not circling.passes(f, system)]
    first = joined(
        facts.closed.attributes.pieces[data], stayed, *(facts.closed.brings(f, (system, data)) for f in others)
    )
    without = Label(first, facts.closed.rules)
    if without.rank >= label.rank:
        return
    shown = " → ".join((*circling.way(back[0]), circling.way(back[0])[0]))
    sentence = (
        f"data set `{data}` becomes {label.level} in `{system}`, from {without.level}, by what left the system and"
        f" came back: {shown}"
    )
    at = facts.declaration.places.key("flows", back[0])
    yield facts.judge.failed("cycle-raises-level", f"systems.{system}.data.{data}", at, sentence)


def _compilations(facts: Facts) -> Iterator[Verdict]:
    for name, rule in facts.model.compilations.items():
        subject, at = f"compilations.{name}", facts.declaration.places.key("compilations", name)
        check = "compilation-not-in-force"
        if rule.expires and rule.expires < facts.today:
            where = facts.declaration.locate("compilations", name, "expires")
            sentence = f"compilation `{name}` expired on {rule.expires}; it counts until somebody decides"
            yield facts.judge.failed(check, subject, where, sentence)
        elif not rule.approved_by:
            sentence = f"nobody has approved compilation `{name}`; it counts all the same"
            yield facts.judge.failed(check, subject, at, sentence, fix="write who decided it as `approved_by:`")
        elif not any(_matches(rule.when, label) for label in _all(facts)):
            sentence = f"nothing in the declaration ever holds {' and '.join(rule.when)} together"
            yield facts.judge.failed(check, subject, at, sentence, fix="correct `when:`, or remove the compilation")
        else:
            yield facts.judge.passed(check, subject, at, f"compilation `{name}` is in force")


def _all(facts: Facts) -> Iterator[Label]:
    for labels in facts.closed.stored.values():
        yield labels.claimed
    for found in facts.blends.values():
        for one in found:
            yield one.claimed


def _matches(when: tuple[str, ...], label: Label) -> bool:
    present = {d for p in label.pieces.values() for d, _ in p.fields}
    present |= {f"{d}.{k}" for p in label.pieces.values() for d, k in p.fields}
    return all(part in present or any(within(c, part) for c in label.categories) for part in when)

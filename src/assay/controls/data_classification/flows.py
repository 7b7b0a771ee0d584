"""Do flows say what they move, and does what they do to it have an effect?"""

from __future__ import annotations

from collections.abc import Iterator

from assay.controls.data_classification.facts import Facts, listed
from assay.declare.model import Flow, Transform
from assay.domain import Verdict, did_you_mean
from assay.sensitivity.closure import moved
from assay.sensitivity.personal import is_personal
from assay.sensitivity.pieces import Piece
from assay.sensitivity.purposes import conflicts, may_serve
from assay.sensitivity.reductions import FEWEST, words


def flows(facts: Facts) -> Iterator[Verdict]:
    """Judges every flow and every declared join."""
    for name, flow in facts.model.flows.items():
        yield _names_its_data(facts, name, flow)
        yield _held_at_source(facts, name, flow)
        yield from _transforms(facts, name, flow)
        yield _arrival(facts, name, flow)
        yield _unverified(facts, name, flow)
        yield _purpose(facts, name, flow)
    for name, data in facts.model.data.items():
        if data.join:
            yield _joined_purposes(facts, name, data.join.of)


def _names_its_data(facts: Facts, name: str, flow: Flow) -> Verdict:
    check, subject, at = "flow-without-data", f"flows.{name}", facts.declaration.places.key("flows", name)
    if flow.data:
        return facts.judge.passed(check, subject, at, f"flow `{name}` says what it moves")
    everything = listed(data for _, data in moved(facts.model, flow))
    told = f"it is taken for everything that `{flow.from_}` holds: {everything}" if everything else "nothing is known"
    return facts.judge.unclear(check, subject, at, f"flow `{name}` does not say what it moves; {told}")


def _held_at_source(facts: Facts, name: str, flow: Flow) -> Verdict:
    """Whether what a flow takes along is where it takes it from, by declaration or by another flow."""
    check, subject = "flow-of-absent-data", f"flows.{name}"
    source = facts.model.systems.get(flow.from_)
    held = set(source.holds) if source else set()
    absent = [d for d in flow.data if d in facts.model.data and d not in held and not _arrives(facts, flow.from_, d)]
    if not absent:
        at = facts.declaration.places.key("flows", name)
        return facts.judge.passed(check, subject, at, f"what flow `{name}` moves is in `{flow.from_}`")
    at = facts.declaration.locate("flows", name, "data", flow.data.index(absent[0]))
    sentence = f"flow `{name}` moves {listed(absent)} out of `{flow.from_}`, which holds no such data"
    fix = f"write {listed(absent)} under `holds:` of `{flow.from_}`, or correct the flow"
    return facts.judge.failed(check, subject, at, sentence, fix=fix)


def _arrives(facts: Facts, system: str, data: str) -> bool:
    return data in facts.arrivals.get(system, ())


def _transforms(facts: Facts, name: str, flow: Flow) -> Iterator[Verdict]:
    moving = [data for _, data in moved(facts.model, flow)]
    known: dict[str, Piece] = {}
    for node in moved(facts.model, flow):
        for piece in facts.closed.claimed.get(node, {}).values():
            for data, key in piece.fields:
                known.setdefault(key, piece)
                known[f"{data}.{key}"] = piece
    for field, transform in flow.transforms.items():
        subject = f"flows.{name}.transforms.{field}"
        at = facts.declaration.places.key("flows", name, "transforms", field)
        piece_ = known.get(field)
        if piece_ is None:
            sentence = f"flow `{name}` transforms `{field}`, which is no field of {listed(moving) or 'what it moves'}"
            fix = did_you_mean(field, [k for d in moving for k in facts.model.data[d].fields], what="field")
            yield facts.judge.failed("transform-without-field", subject, at, sentence, fix=fix)
            continue
        sentence = f"`{field}`, which flow `{name}` transforms, is a field of what it moves"
        yield facts.judge.passed("transform-without-field", subject, at, sentence)
        yield _effect(facts, name, field, transform, piece_)


def _effect(facts: Facts, name: str, field: str, transform: Transform, piece: Piece) -> Verdict:
    check, subject = "transform-without-effect", f"flows.{name}.transforms.{field}"
    at = facts.declaration.locate("flows", name, "transforms", field)
    fix = ""
    if piece.secret and transform not in ("drop", "encrypt"):
        sentence = f"`{words(transform)}` takes nothing away from `{field}`: only a new one makes a secret worthless"
        fix = f"write `{field}: drop`"
    elif transform == "hash":
        sentence = f"a hash without a key takes nothing away from `{field}`: whoever has it can try all values"
        fix = f"write `{field}: hmac`, `{field}: {{tokenise: per-recipient}}` or `{field}: drop`"
    elif not isinstance(transform, str) and transform.aggregate and transform.aggregate.cells < FEWEST:
        sentence = (
            f"`{field}` is aggregated over {transform.aggregate.cells} people or more, which is fewer than {FEWEST}"
        )
        fix = f"aggregate over {FEWEST} people or more"
    elif transform == "encrypt":
        sentence = f"`{field}` is hidden from those who carry flow `{name}`; whoever receives it has the key"
        return facts.judge.passed(check, subject, at, sentence)
    else:
        return facts.judge.passed(check, subject, at, f"`{words(transform)}` takes something away from `{field}`")
    return facts.judge.failed(check, subject, at, sentence, fix=fix)


def _arrival(facts: Facts, name: str, flow: Flow) -> Verdict:
    """Whether what arrives is declared where it arrives."""
    check, subject = "arrival-not-declared", f"flows.{name}"
    at = facts.declaration.places.key("flows", name)
    target = facts.model.systems.get(flow.to)
    names = [flow.into or data for _, data in moved(facts.model, flow)]
    absent = [n for n in dict.fromkeys(names) if target is not None and n not in target.holds]
    if absent:
        sentence = f"flow `{name}` brings {listed(absent)} to `{flow.to}`, which does not say that it holds it"
        fix = f"write {listed(absent)} under `holds:` of `{flow.to}`"
        return facts.judge.failed(check, subject, at, sentence, fix=fix)
    if flow.into and flow.into in facts.model.data:
        extra = _undeclared(facts, name, flow, flow.into)
        if extra:
            sentence = f"flow `{name}` brings {listed(extra)} into `{flow.into}`, which names no such field"
            fix = f"write the fields under `data.{flow.into}.fields`, or `drop` them on the way"
            return facts.judge.failed(check, subject, at, sentence, fix=fix)
    return facts.judge.passed(check, subject, at, f"what flow `{name}` brings is declared where it arrives")


def _undeclared(facts: Facts, name: str, flow: Flow, into: str) -> list[str]:
    """Fields that arrive in a data set that does not name them. A token may arrive under a name of its own, in a field
    that links to where it comes from."""
    target = facts.model.data[into]
    linked = {f.links for f in target.fields.values() if f.links}
    found: list[str] = []
    for node in moved(facts.model, flow):
        for piece in facts.closed.claimed.get(node, {}).values():
            keys = {key for data, key in piece.fields if data == node[1]} or {key for _, key in piece.fields}
            if keys & target.fields.keys() or any(flow.transforms.get(k) == "drop" for k in keys):
                continue
            if any(flow.transforms.get(f"{node[1]}.{k}") == "drop" for k in keys):
                continue
            if any(_tokenised(flow.transforms.get(k)) for k in keys) and linked & {d for d, _ in piece.fields}:
                continue
            found.append(min(keys))
    return found


def _tokenised(transform: Transform | None) -> bool:
    return transform == "hmac" or (
        transform is not None and not isinstance(transform, str) and bool(transform.tokenise)
    )


def _unverified(facts: Facts, name: str, flow: Flow) -> Verdict:
    """Whether the label at the other end depends on transformations that no payload has confirmed."""
    check, subject = "unverified-reduction", f"flows.{name}"
    at = facts.declaration.places.key("flows", name, "transforms")
    if not flow.transforms:
        return facts.judge.not_applicable(check, subject, at, f"flow `{name}` transforms nothing")
    nodes = {(flow.to, flow.into or data) for _, data in moved(facts.model, flow)}
    relied = [facts.closed.stored[n] for n in sorted(nodes) if n in facts.closed.stored]
    worse = [labels for labels in relied if labels.verified.rank > labels.claimed.rank]
    if not worse:
        sentence = f"what flow `{name}` brings is no more sensitive if its transformations do not work"
        return facts.judge.passed(check, subject, at, sentence)
    told = worse[0]
    sentence = (
        f"the transformations of flow `{name}` ({len(flow.transforms)}) are declared, not verified: without them"
        f" `{flow.to}` holds {told.verified.level} data, not {told.claimed.level}"
    )
    return facts.judge.unclear(check, subject, at, sentence)


def _purpose(facts: Facts, name: str, flow: Flow) -> Verdict:
    check, subject = "incompatible-purpose", f"flows.{name}"
    at = facts.declaration.locate("flows", name, "purpose")
    names = [d for _, d in moved(facts.model, flow) if is_personal(facts.model, d)]
    if not names:
        return facts.judge.not_applicable(check, subject, at, f"flow `{name}` moves no personal data")
    uses = [flow.purpose] if flow.purpose else []
    target = facts.model.data.get(flow.into or "")
    uses += target.purpose if target else ()
    if not uses:
        sentence = f"flow `{name}` moves personal data and does not say for what purpose"
        return facts.judge.failed(check, subject, at, sentence, fix="write `purpose:` for the flow")
    for data in names:
        collected = facts.model.data[data].purpose
        wrong = [p for p in dict.fromkeys(uses) if collected and not may_serve(facts.purposes, collected, p)]
        if wrong:
            sentence = f"flow `{name}` uses `{data}` for {wrong[0]}, but it was collected for {', '.join(collected)}"
            related = (facts.declaration.locate("data", data, "purpose"),)
            return facts.judge.failed(check, subject, at, sentence, related=related)
    return facts.judge.passed(check, subject, at, f"flow `{name}` uses data for what it was collected for")


def _joined_purposes(facts: Facts, name: str, parts: tuple[str, ...]) -> Verdict:
    check, subject = "incompatible-purpose", f"data.{name}.join"
    at = facts.declaration.locate("data", name, "join", "of")
    pair = next(conflicts(facts.model, facts.purposes, [p for p in parts if p in facts.model.data]), None)
    if pair is None:
        return facts.judge.passed(check, subject, at, f"the purposes of what `{name}` joins go together")
    one, other = (f"`{d}` ({', '.join(facts.model.data[d].purpose)})" for d in pair)
    sentence = f"data set `{name}` joins {one} and {other}, whose purposes do not go together"
    return facts.judge.failed(check, subject, at, sentence)

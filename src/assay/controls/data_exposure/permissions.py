"""Tests of design on ``reveal``: does every entry have an effect, and the one that was meant?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from assay.controls._lib.judging import judge as _judge
from assay.controls._lib.subjects import api_subject
from assay.controls.data_exposure.responses import Responses
from assay.declare.declaration import Declaration
from assay.declare.model import Api, Consumer, Reveal
from assay.domain import Verdict, did_you_mean
from assay.sensitivity.bodies import FieldLabel
from assay.sensitivity.levels import rank, within
from assay.sensitivity.reveals import Reveals

_CONTROL = "data_exposure"


def permissions(declaration: Declaration, api_id: str, api: Api, responses: Responses) -> Iterator[Verdict]:
    """Judges every entry of ``reveal``: its classes, its roles, the clearance of its readers."""
    if not api.reveal:
        return
    carried = {
        item.label.name: item.label
        for operation in declaration.operations(api_id)
        for item in responses.carried(operation).fields
    }
    holders: dict[str, list[tuple[str, Consumer]]] = {}
    for name, consumer in declaration.model.consumers.items():
        for role in consumer.roles:
            holders.setdefault(role, []).append((name, consumer))
    for index, entry in enumerate(api.reveal):
        yield from _classes(declaration, api_id, index, entry, carried)
        for number, role in enumerate(entry.roles):
            yield _role(declaration, api_id, index, number, role, holders)
        if entry.form == "clear":
            yield from _clearance(declaration, api_id, index, entry, carried, holders)
            yield from _purpose(declaration, api_id, index, entry, carried)
    yield from _contradictions(declaration, api_id, api, carried)


def _classes(
    declaration: Declaration, api_id: str, index: int, entry: Reveal, carried: Mapping[str, FieldLabel]
) -> Iterator[Verdict]:
    judge, check, subject = _judge(_CONTROL), "reveal-unmatched", f"{api_subject(api_id)}.reveal.{index}"
    categories = {label.category for label in carried.values() if label.category}
    for number, class_ in enumerate(entry.classes):
        at = declaration.locate("apis", api_id, "reveal", index, "classes", number)
        if any(within(category, class_) for category in categories):
            yield judge.passed(check, subject, at, f"answers of API `{api_id}` carry data of class `{class_}`")
        else:
            sentence = f"no answer of API `{api_id}` carries confidential data of class `{class_}`"
            fix = did_you_mean(class_, categories, what="class") if categories else ""
            yield judge.failed(check, subject, at, sentence, fix=fix)


def _role(
    declaration: Declaration,
    api_id: str,
    index: int,
    number: int,
    role: str,
    holders: Mapping[str, list[tuple[str, Consumer]]],
) -> Verdict:
    judge, check, subject = _judge(_CONTROL), "reveal-without-reader", f"{api_subject(api_id)}.reveal.{index}"
    at = declaration.locate("apis", api_id, "reveal", index, "roles", number)
    if role in holders:
        return judge.passed(check, subject, at, f"role `{role}`, which API `{api_id}` reveals data to, is a consumer's")
    sentence = f"no consumer has the role `{role}` that API `{api_id}` reveals data to"
    return judge.failed(check, subject, at, sentence, fix=did_you_mean(role, holders, what="role"))


def _clearance(
    declaration: Declaration,
    api_id: str,
    index: int,
    entry: Reveal,
    carried: Mapping[str, FieldLabel],
    holders: Mapping[str, list[tuple[str, Consumer]]],
) -> Iterator[Verdict]:
    judge, check, subject = _judge(_CONTROL), "reveal-above-clearance", f"{api_subject(api_id)}.reveal.{index}"
    revealed = [f for f in carried.values() if any(within(f.category, c) for c in entry.classes) and f.category]
    for role in entry.roles:
        for name, consumer in holders.get(role, ()):
            at = declaration.locate("apis", api_id, "reveal", index, "form")
            above = [f for f in revealed if rank(f.level) > rank(consumer.clearance)]
            related = (declaration.locate("consumers", name, "clearance"),)
            if not above:
                sentence = f"consumer `{name}` is cleared for what API `{api_id}` reveals to role `{role}`"
                yield judge.passed(check, subject, at, sentence)
                continue
            highest = max(above, key=_rank)
            sentence = (
                f"API `{api_id}` reveals {highest.name} ({highest.level}) to role `{role}` in clear, but consumer"
                f" `{name}` is cleared for {consumer.clearance} data only"
            )
            yield judge.failed(check, subject, at, sentence, related=related)


def _rank(label: FieldLabel) -> int:
    return rank(label.level)


def _purpose(
    declaration: Declaration, api_id: str, index: int, entry: Reveal, carried: Mapping[str, FieldLabel]
) -> Iterator[Verdict]:
    judge, check, subject = _judge(_CONTROL), "revealed-without-purpose", f"{api_subject(api_id)}.reveal.{index}"
    sets = dict.fromkeys(
        label.data
        for label in carried.values()
        if label.category and any(within(label.category, c) for c in entry.classes)
    )
    for name in sets:
        at = declaration.places.key("data", name)
        if declaration.model.data[name].purpose:
            purposes = ", ".join(declaration.model.data[name].purpose)
            sentence = f"data set `{name}`, which API `{api_id}` reveals, is for {purposes}"
            yield judge.passed(check, subject, at, sentence)
        else:
            sentence = f"API `{api_id}` reveals data of data set `{name}`, which has no purpose"
            related = (declaration.locate("apis", api_id, "reveal", index),)
            yield judge.failed(check, subject, at, sentence, related=related)


def _contradictions(
    declaration: Declaration, api_id: str, api: Api, carried: Mapping[str, FieldLabel]
) -> Iterator[Verdict]:
    judge, check = _judge(_CONTROL), "reveal-contradiction"
    reveals, told = Reveals(api), set[tuple[str, int, int]]()
    for category in dict.fromkeys(label.category for label in carried.values()):
        for role, given in reveals.given(category).items():
            first = given[0]
            other = next((g for g in given if g.form != first.form), None)
            if other is None or (role, first.entry, other.entry) in told:
                continue
            told.add((role, first.entry, other.entry))
            sentence = (
                f"API `{api_id}` reveals {category} to role `{role}` both as `{first.form}` and as `{other.form}`;"
                f" `{first.form}` holds"
            )
            at = declaration.locate("apis", api_id, "reveal", other.entry)
            related = (declaration.locate("apis", api_id, "reveal", first.entry),)
            subject = f"{api_subject(api_id)}.reveal.{other.entry}"
            yield judge.failed(check, subject, at, sentence, related=related)
    if not told:
        at = declaration.places.key("apis", api_id, "reveal")
        sentence = f"every class of API `{api_id}` is revealed to each role in one form"
        yield judge.passed(check, api_subject(api_id), at, sentence)

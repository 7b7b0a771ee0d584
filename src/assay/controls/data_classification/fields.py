"""Is every field labelled, and is its label one that can be true?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from assay.controls.data_classification.facts import Facts, listed
from assay.declare.model import DataField, Level
from assay.domain import Edit, Severity, Verdict
from assay.sensitivity.attributes import folded
from assay.sensitivity.levels import implied, is_secret, is_special, level_of, rank
from assay.sensitivity.personal import about_somebody

_RESTRICTED = rank("restricted")


def fields(facts: Facts) -> Iterator[Verdict]:
    """Judges the fields of every data set."""
    used = _used(facts)
    names = _by_name(facts)
    for name, data in facts.model.data.items():
        yield _labelled(facts, name)
        yield _guessed(facts, name)
        yield _somewhere(facts, name, used)
        yield _measured(facts, name)
        for key, field in data.fields.items():
            if field.level and field.category:
                yield _against_the_law(facts, name, key, field)
            if field.free_text:
                yield _free_text(facts, name, key)
            if (others := names.get(folded(key))) and len(others) > 1:
                yield from _unlinked(facts, name, key, field, others)
    yield from _contradictions(facts)


def _labelled(facts: Facts, name: str) -> Verdict:
    data, subject = facts.model.data[name], f"data.{name}"
    at = facts.declaration.places.key("data", name)
    bare = [k for k, f in data.fields.items() if not (f.category or f.level or f.links or f.identifies or f.free_text)]
    check = "unlabelled-field"
    if bare:
        first = facts.declaration.places.key("data", name, "fields", bare[0])
        sentence = f"nothing says what {listed(bare)} of data set `{name}` is"
        return facts.judge.failed(check, subject, first, sentence)
    if not data.fields:
        return facts.judge.failed(check, subject, at, f"data set `{name}` names no field, so nothing is known about it")
    return facts.judge.passed(check, subject, at, f"every field of data set `{name}` has a category or a level")


def _guessed(facts: Facts, name: str) -> Verdict:
    check, subject = "unconfirmed-label", f"data.{name}"
    guesses = [key for key, field in facts.model.data[name].fields.items() if field.guessed]
    if not guesses:
        at = facts.declaration.places.key("data", name)
        return facts.judge.passed(check, subject, at, f"no label of data set `{name}` is a guess")
    at = facts.declaration.locate("data", name, "fields", guesses[0], "guessed")
    sentence = f"the labels of {listed(guesses)} of data set `{name}` are guesses, so they are claimed only"
    return facts.judge.unclear(check, subject, at, sentence)


def _against_the_law(facts: Facts, name: str, key: str, field: DataField) -> Verdict:
    """A written level below the one that the category has by law or by what it opens."""
    check, subject = "level-below-category", f"data.{name}.fields.{key}"
    at = facts.declaration.locate("data", name, "fields", key, "level")
    category, written = field.category or "", field.level or "internal"
    least: Level = implied(category)
    if least == "confidential":
        least = "internal"  # what narrows somebody down a little may be internal, but nothing about people is public
    if rank(written) >= rank(least):
        return facts.judge.passed(check, subject, at, f"field `{key}` of data set `{name}` is {written}, as {category}")
    law = " (GDPR Art. 9, 10)" if is_special(category) else ""
    sentence = f"field `{key}` of data set `{name}` is written as {written}, but {category} is {least}{law}"
    place = facts.declaration.places.at("data", name, "fields", key, "level")
    edits = (Edit(place.value.file, place.file_path, least),) if place.file_path else ()
    severity = Severity.HIGH if is_special(category) or is_secret(category) else None
    fix = f"write `level: {least}`, or the category that it really has"
    return facts.judge.failed(check, subject, at, sentence, severity=severity, fix=fix, edits=edits)


def _contradictions(facts: Facts) -> Iterator[Verdict]:
    """The same attribute of the same people, with two levels."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for field, attribute in facts.closed.attributes.of.items():
        groups.setdefault(attribute, []).append(field)
    for group in groups.values():
        declared = [(facts.model.data[d].fields[k], d, k) for d, k in group]
        same = [(f, d, k) for f, d, k in declared if f.category and f.category == declared[0][0].category]
        if len(same) < 2:
            continue
        ranked = sorted(same, key=_level)
        (low, data, key), (high, other, name) = ranked[0], ranked[-1]
        at = facts.declaration.places.key("data", data, "fields", key)
        subject, check = f"data.{data}.fields.{key}", "contradictory-labels"
        if level_of(low) == level_of(high):
            sentence = f"`{data}.{key}` has the same level wherever it stands"
            yield facts.judge.passed(check, subject, at, sentence)
            continue
        sentence = f"`{data}.{key}` is {level_of(low)}, but the same data is {level_of(high)} as `{other}.{name}`"
        related = (facts.declaration.places.key("data", other, "fields", name),)
        yield facts.judge.failed(check, subject, at, sentence, related=related)


def _level(entry: tuple[DataField, str, str]) -> tuple[int, str, str]:
    return rank(level_of(entry[0])), entry[1], entry[2]


def _free_text(facts: Facts, name: str, key: str) -> Verdict:
    at = facts.declaration.locate("data", name, "fields", key, "free_text")
    sentence = f"nobody has looked at what people write in `{key}` of data set `{name}`"
    return facts.judge.unclear("free-text-not-scanned", f"data.{name}.fields.{key}", at, sentence)


def _measured(facts: Facts, name: str) -> Verdict:
    check, subject = "identifier-without-bits", f"data.{name}"
    pieces = [(k, facts.closed.attributes.by_field[name, k]) for k in facts.model.data[name].fields]
    unknown = [key for key, piece in pieces if piece.unmeasured]
    nobody = [key for key, piece in pieces if piece.bits and piece.population is None]
    if unknown:
        at = facts.declaration.locate("data", name, "fields", unknown[0], "identifies")
        sentence = f"nobody says how far {listed(unknown)} of data set `{name}` narrows down who somebody is"
        return facts.judge.unclear(check, subject, at, sentence)
    at = facts.declaration.places.key("data", name)
    if nobody:
        sentence = f"nobody says how many people data set `{name}` is about, so nobody knows how many share a value"
        fix = "write `subjects:` under `organisation:`, or `count:` for the data set"
        return facts.judge.unclear(check, subject, at, sentence, fix=fix)
    return facts.judge.passed(check, subject, at, f"how far data set `{name}` narrows people down is known")


def _used(facts: Facts) -> frozenset[str]:
    """Data sets that a system holds, a flow moves, a join uses or an API's contract describes."""
    found = {data for _, data in facts.closed.stored}
    for api in facts.model.apis:
        found.update(facts.closed.answers.data(api))
    for data in facts.model.data.values():
        found.update(data.join.of if data.join else ())
        found.update(f.links for f in data.fields.values() if f.links)
    return frozenset(found)


def _somewhere(facts: Facts, name: str, used: frozenset[str]) -> Verdict:
    check, subject, at = "data-nowhere", f"data.{name}", facts.declaration.places.key("data", name)
    if name in used:
        return facts.judge.passed(check, subject, at, f"data set `{name}` is somewhere")
    return facts.judge.failed(
        check, subject, at, f"no system holds data set `{name}`, no flow moves it and no API describes it"
    )


def _by_name(facts: Facts) -> Mapping[str, list[tuple[str, str]]]:
    """Fields that are called like a key, by what they are called."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name, data in facts.model.data.items():
        for key in data.fields:
            word = folded(key)
            if word.endswith(("id", "key", "number", "token", "uuid")) and word not in ("id", "uuid", "key", "token"):
                found.setdefault(word, []).append((name, key))
    return found


def _unlinked(facts: Facts, name: str, key: str, field: DataField, others: list[tuple[str, str]]) -> Iterator[Verdict]:
    """A field that is called like a key in another data set and says nothing about it."""
    if field.links or field.category or field.identifies:
        return
    if any(o == name and k != key for o, k in others):
        return
    linked = [(d, k) for d, k in others if d != name]
    if any(facts.model.data[d].fields[k].links == name for d, k in linked):
        return  # the other side points here: it is this data set's own key
    about = [d for d, _ in linked if any(about_somebody(f) for f in facts.model.data[d].fields.values())]
    here = any(about_somebody(f) for f in facts.model.data[name].fields.values())
    if not about or (here and name == min((name, *about))):
        return
    at = facts.declaration.places.key("data", name, "fields", key)
    sentence = f"`{name}.{key}` is called like a key of {listed(about)}, but does not say whether it links to it"
    subject = f"data.{name}.fields.{key}"
    fix = f"write `links: {about[0]}` for the field if it does, or a `category:` if it does not"
    yield facts.judge.unclear("link-not-declared", subject, at, sentence, fix=fix)

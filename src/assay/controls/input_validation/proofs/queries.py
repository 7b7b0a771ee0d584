"""SQL, NoSQL and LDAP injection: what is true, what is false, and both again with other numbers.

A status alone says nothing here. An injection is believed when two inputs that differ in nothing but the truth of a
condition are answered differently, each time alike, after what an answer merely repeats was taken out of it. Others use
the service meanwhile, so what is not clear at once is asked again, in the other order.
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from assay.controls._lib.attempts import (
    BUSY,
    Met,
    Ready,
    attempt,
    ready,
    tester,
    weakest,
)
from assay.controls._lib.inputs import Place, admits, changed, speaks_json, value_of
from assay.controls._lib.telling import Round, Signature, signature, told
from assay.controls.input_validation.proofs.asking import order, said
from assay.controls.input_validation.proofs.planned import case, guarded, inputs, last, summary
from assay.controls.input_validation.proofs.siblings import ALONE, Lot
from assay.controls.input_validation.proofs.sorting import ordered, orders
from assay.controls.input_validation.proofs.usual import Usual, usual_of
from assay.prove.case import Case, Draft, Judged, Lab, NotReached, beside_the_point, broken, held, unclear
from assay.prove.surface import Persona, Surface, Target

PLACES = 4
"""Inputs that are tried for one operation."""
_READS = frozenset(
    [
        "search",
        "find",
        "query",
        "filter",
        "lookup",
        "login",
        "signin",
        "verify",
        "check",
        "validate",
        "valid",
        "exists",
        "count",
        "estimate",
    ]
)
_WORDS = re.compile(r"[A-Z]?[a-z]+")
_JUDGING = "input_validation/injection"
"""What refuses a text for what it says; any other refusal would meet every spelling of it."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two inputs that differ in the truth of a condition only."""

    words: str
    true: Any
    false: Any


def plan(surface: Surface, target: Target, lot: Lot = ALONE) -> Iterator[Case]:
    """One case of SQL for every operation with text or numbers in it, one of operators for JSON bodies and queries."""
    found = _tried(surface, target)
    if found:
        chosen = _chosen(surface, found, lot)
        yield case(surface, target, "sql-injection", _sql(surface, target, chosen), requests=6 + 10 * len(chosen))
    operators = lot.pick([p for p in found if p.kind in ("body", "query")])
    if operators and looks(target):
        run = _nosql(surface, target, operators)
        requests = 3 + 4 * len(operators)
        yield case(surface, target, "nosql-injection", run, requests=requests, persona=_asker(surface, target))


def _tried(surface: Surface, target: Target) -> tuple[Place, ...]:
    found = [p for p in inputs(surface, target) if (p.is_text or p.is_number or orders(p)) and len(p.path) < 3]
    return tuple(sorted(found, key=lambda p: (not p.is_text, p.kind == "body")))[:PLACES]


def _chosen(surface: Surface, found: tuple[Place, ...], lot: Lot) -> tuple[Place, ...]:
    """The places that are tried. Where the gateway holds the contract, one that admits no such text is covered by that
    (``contract-not-enforced``), so it is tried only where there is no other."""
    if not guarded(surface):
        return found
    return lot.pick([p for p in found if _admitted(p)]) or lot.pick(found)[:1]


def _admitted(place: Place) -> bool:
    """Whether the contract lets a text with a quote stand at a place."""
    if place.kind == "body":
        return place.is_text and "pattern" not in place.schema
    return admits(place, "assay' AND '1234'='1234") is not False


def looks(target: Target) -> bool:
    """Whether the operation looks something up, so that a condition that is always true changes nothing but the answer.

    Conditions that are always true are never sent to operations that change what they find.
    """
    operation = target.operation
    if operation.method.upper() in ("GET", "HEAD"):
        return True
    words = {w.lower() for w in _WORDS.findall(f"{operation.id} {operation.path}")}
    return operation.method.upper() == "POST" and bool(words & _READS)


def pairs(place: Place, now: Any, chance: random.Random, *, wide: bool) -> Iterator[Pair]:
    """What to try at a place, for the value that stands there now. ``wide``: conditions that are always true, too.

    The two inputs of a pair are of the same length, since an answer may well tell how long its input was.
    """
    a, other = chance.randint(1_000, 9_999), chance.randint(1_000, 9_999)
    b = other if other != a else a + 1
    word = "".join(chance.choices(string.ascii_lowercase, k=8))
    digits = str(now) if isinstance(now, int) or (isinstance(now, str) and now.isdigit()) else ""
    if wide and place.is_text:
        yield Pair("`' OR`", f"{word}' OR {a}={a} -- ", f"{word}' OR {a}={b} -- ")
        yield Pair("`') OR`", f"{word}') OR {a}={a} -- ", f"{word}') OR {a}={b} -- ")
        yield Pair("a directory filter", "*)(objectClass=*", f"*)(objectClass={word[0]}")
    if isinstance(now, str) and now and place.is_text:
        yield Pair("`' AND`", f"{now}' AND '{a}'='{a}", f"{now}' AND '{a}'='{b}")
    if digits:
        yield Pair("a number `AND`", f"{digits} AND {a}={a}", f"{digits} AND {a}={b}")
    if wide and (place.is_number or digits):
        yield Pair("a number `OR`", f"-{a} OR {a}={a}", f"-{a} OR {a}={b}")


def _sql(surface: Surface, target: Target, chosen: tuple[Place, ...]) -> Any:
    persona = tester(surface, target)

    async def run(lab: Lab) -> Judged:
        able = await _able(lab, target, persona)
        usual = await usual_of(lab, able)
        wide = looks(target)
        if not usual.ok and not wide:
            return unclear(_unheard(usual), usual.shown)
        met: list[Met] = []
        torn: dict[str, Met] = {}
        for place in chosen:
            if place.kind == "body" and not speaks_json(able.draft):
                continue
            now = value_of(able.draft, place)
            looked = place.is_text and (not guarded(surface) or _admitted(place))
            if looked and (found_torn := await _torn(lab, able, place)) is not None:
                torn[place.words] = found_torn
            if target.writes and not wide and place.kind == "body":
                found = await _computed(lab, able, place, met)
            elif place.kind == "query" and "enum" in place.schema:
                found = await ordered(lab, able, place, usual, met)
            else:
                found = await _triples(lab, able, place, now, wide, usual, met)
            if found is not None:
                return found
        return _conclusion(usual, met, "SQL", torn)

    return run


async def _torn(lab: Lab, able: Ready, place: Place) -> Met | None:
    """The failure over a text with one quote, when the same with two quotes is no failure: a sign, and no proof."""
    word = "".join(lab.random.choices(string.ascii_lowercase, k=8))
    one = await attempt(lab, able.call(lab, changed(able.draft, place, f"{word}'"), f"one quote in {place.words}"))
    if not one.crashed:
        return None
    two = await attempt(lab, able.call(lab, changed(able.draft, place, f"{word}''"), f"two quotes in {place.words}"))
    return one if two.seen.ok or (400 <= two.seen.status < 500 and not two.policy) else None


async def _something(lab: Lab, target: Target) -> None:
    """Sees to it that there is something to find: a condition that is always true finds nothing in an empty store."""
    below = f"{target.operation.path.rstrip('/')}/{{"
    for other in lab.surface.targets:
        path = other.operation.path
        if other.api == target.api and not other.writes and path.startswith(below) and path.count("{") == 1:
            owner = tester(lab.surface, other)
            if owner is not None:
                with suppress(NotReached):
                    await lab.owned(other, owner)
            return


async def _able(lab: Lab, target: Target, persona: Persona | None) -> Ready:
    """As :func:`ready`; where no real value of the only path parameter is known, any will do for looking things up."""
    if "{" not in target.operation.path and looks(target):
        await _something(lab, target)
    try:
        able = await ready(lab, target, persona, own=target.writes)
    except NotReached:
        names = [p.name for p in target.operation.parameters if p.location == "path"]
        if len(names) != 1 or target.writes:
            raise
        who = await lab.act(persona) if persona else None
        able = Ready(target, persona, who, Draft({names[0]: "1"}))
    if able.who and able.who.subject and speaks_json(able.draft):
        draft, subject = able.draft, able.who.subject
        for place in inputs(lab.surface, target):
            if (
                place.kind == "body"
                and place.is_text
                and "pattern" in place.schema
                and admits(place, subject, draft.body)
            ):
                draft = changed(draft, place, subject)
        able = replace(able, draft=draft)
    return able


def _unheard(usual: Usual) -> str:
    status = usual.shown.status if usual.shown else 0
    return f"the valid request was answered {status}, so what was tried cannot be compared with anything"


def _conclusion(usual: Usual, met: list[Met], what: str, torn: Mapping[str, Met] | None = None) -> Judged:
    """What it means that nothing was shown. ``torn``: places with a sign of an injection."""
    if not met:
        return beside_the_point("no input of this operation could be tried")
    shown = last(met)
    if not usual.ok and not all(m.policy for m in met):
        return unclear(_unheard(usual), usual.shown)
    for words, one in (torn or {}).items():
        sign = f"one quote in {words} makes the service fail ({one.seen.status}), and two do not"
        if any(m.policy for m in met):
            return held(
                f"{_nothing(met, what)}; the service behind may be open to it, since {sign}", one.seen, sign=words
            )
        return unclear(
            f"{sign}: a sign of an injection, but no condition decided what was answered", one.seen, sign=words
        )
    if unheard := [m for m in met if m.seen.status in BUSY and not m.policy]:
        status = unheard[0].seen.status
        sentence = f"the service could not answer {len(unheard)} of {len(met)} {what} inputs ({status})"
        return unclear(f"{sentence}, so what they do is not known", unheard[0].seen)
    return held(_nothing(met, what), shown.seen if shown else None, tried=len(met))


def _nothing(met: list[Met], what: str) -> str:
    if all(m.policy for m in met):
        return f"{len(met)} {what} inputs: {summary(met)}"
    return f"{len(met)} {what} inputs showed no effect on these inputs ({summary(met)})"


async def _triples(
    lab: Lab, able: Ready, place: Place, now: Any, wide: bool, usual: Usual, met: list[Met]
) -> Judged | None:
    """Tries the pairs at a place; a judgement when one of them shows an injection."""
    for number, pair in enumerate(pairs(place, now, lab.random, wide=wide)):
        words = f"{pair.words} in {place.words}"
        true = await said(lab, able, place, pair.true, f"true: {words}", usual, met)
        if true is None:
            if number == 0 and met[-1].policy.startswith(_JUDGING):
                continue
            return None  # two spellings refused at the gateway: more of the same tell nothing
        shown = met[-1]
        rounds: list[Round] = [(true, await said(lab, able, place, pair.false, f"false: {words}", usual, met))]
        while (apart := told(rounds)) is None:
            again = next(p for p in pairs(place, now, lab.random, wide=wide) if p.words == pair.words)
            heard: dict[bool, Signature | None] = {}
            for truth in order(rounds):
                value, which = (again.true, "true") if truth else (again.false, "false")
                heard[truth] = await said(lab, able, place, value, f"{which}, once more: {words}", usual, met)
                shown = met[-1] if truth else shown
            rounds.append((heard[True], heard[False]))
        if apart:
            return _is_statement(place, pair, rounds, shown)
    return None


def _is_statement(place: Place, pair: Pair, rounds: list[Round], shown: Met) -> Judged:
    statuses = [sorted({one.status for one in answers if one}) for answers in zip(*rounds, strict=True)]
    true, false = (" or ".join(map(str, found)) for found in statuses)
    return broken(
        f"{place.words} is part of an SQL statement: with {pair.words}, a condition that is true and one that"
        f" is false are answered differently ({true} and {false}), {_often(rounds)} alike",
        shown.seen,
        place=place.words,
    )


def _often(rounds: list[Round]) -> str:
    return "both times" if len(rounds) == 2 else f"in {len(rounds)} rounds"


async def _computed(lab: Lab, able: Ready, place: Place, met: list[Met]) -> Judged | None:
    """For operations that write: whether the database computes what is stored, which harms nothing but this value."""
    chance = lab.random
    a, b, c = ("".join(chance.choices(string.ascii_lowercase, k=5)) for _ in range(3))
    for value in (f"{a}'||upper('{b}')||'{c}", f"{a}'+upper('{b}')+'{c}"):
        one = await attempt(
            lab, able.call(lab, changed(able.draft, place, value), f"an SQL expression in {place.words}")
        )
        met.append(one)
        if f"{a}{b.upper()}{c}" in one.seen.text:
            sentence = f"{place.words} is part of an SQL statement: the database computed `{value}` before it stored it"
            return broken(sentence, one.seen, place=place.words)
        if one.policy:
            return None
    return None


def _asker(surface: Surface, target: Target) -> Persona | None:
    """Who asks for things by a body: by preference somebody of the many whom things belong to, for who serves them all
    has none."""
    return weakest(surface, target) if target.writes else tester(surface, target)


def _nosql(surface: Surface, target: Target, chosen: tuple[Place, ...]) -> Any:
    persona = _asker(surface, target)

    async def run(lab: Lab) -> Judged:
        able = await _able(lab, target, persona)
        usual = await usual_of(lab, able)
        met: list[Met] = []
        for place in chosen:
            if place.kind == "body" and not speaks_json(able.draft):
                continue
            found = await _operators(lab, able, place, usual, met)
            if found is not None:
                return found
        return _conclusion(usual, met, "operator")

    return run


async def _operators(lab: Lab, able: Ready, place: Place, usual: Usual, met: list[Met]) -> Judged | None:
    """`not equal to something random` finds everything, `equal to it` nothing, where operators are obeyed."""

    async def ask(rounds: list[Round]) -> Round:
        word = "".join(lab.random.choices(string.ascii_lowercase, k=10))
        heard: dict[bool, Signature | None] = {True: None, False: None}
        for truth in order(rounds):
            operator, which = ("$ne", "true") if truth else ("$eq", "false")
            draft = _operator(able.draft, place, operator, word)
            one = await attempt(lab, able.call(lab, draft, f"{which}: operator `{operator}` in {place.words}"))
            met.append(one)
            if one.policy:
                break
            heard[truth] = signature(one.seen, word, await usual.volatile())
        return heard[True], heard[False]

    rounds = [await ask([])]
    shown = met[-2:][0]
    true, false = rounds[0]
    if true is None or not 200 <= true.status < 300:
        return None
    while (apart := told(rounds)) is None:
        rounds.append(await ask(rounds))
    if apart and false is not None:
        sentence = (
            f"{place.words} takes query operators: `$ne` and `$eq` with the same random word are answered differently"
            f" ({true.status} and {false.status}), {_often(rounds)} alike"
        )
        return broken(sentence, shown.seen, place=place.words)
    return None


def _operator(draft: Draft, place: Place, operator: str, word: str) -> Draft:
    if place.kind == "body":
        return changed(draft, place, {operator: word})
    kept = tuple((n, v) for n, v in draft.query if n != place.name)
    return replace(draft, query=(*kept, (f"{place.name}[{operator}]", word)))

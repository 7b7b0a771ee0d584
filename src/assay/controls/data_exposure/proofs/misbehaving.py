"""A service that answers in a form nobody expects: what is hidden from a caller stays hidden in any of them.

The value to be hidden is a marker of the case, so that it is found wherever it comes out. Whether the gateway refuses
such an answer or masks it is its own affair; what counts is that the marker reaches nobody.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

from assay.controls._lib.answers import doubtful
from assay.controls._lib.attempts import Ready, name_of, ready, tester
from assay.controls._lib.behind import mirrored, ordinary, played, readers
from assay.controls.data_exposure.proofs.forms import Promise, promised
from assay.controls.data_exposure.proofs.planned import case
from assay.controls.data_exposure.responses import Responses
from assay.declare.shapes import ANY, Path
from assay.prove.case import Case, Judged, Lab, NotReached, Run, broken, held, unclear
from assay.prove.played import Behind, Played
from assay.prove.surface import Persona, Surface, Target
from assay.sensitivity.bodies import Labelled, labels

_JSON = ("content-type", "application/json")
_OPERATIONS = 2
_LARGE = 3 * 1024 * 1024
_UNNAMED = "assay_unnamed"
_ERRORS = (500, 502, 503)


def plan(surface: Surface, targets: tuple[Target, ...]) -> Iterator[Case]:
    """Two reading operations of each API with something to hide; errors of one."""
    if not mirrored(surface):
        return
    for target in readers(surface):
        identity = name_of(tester(surface, target))
        yield case(target, "upstream-error-shown", _errors(surface, target), identity, requests=1 + len(_ERRORS))
    for api in dict.fromkeys(t.api for t in targets):
        for promise, persona in _hiding(surface, [t for t in targets if t.api == api])[:_OPERATIONS]:
            target = promise.target
            run = _unreadable(promise, persona)
            yield case(target, "unreadable-answer-shown", run, persona.name, requests=2 + len(_FORMS))
            run = _unnamed(surface, promise, persona)
            yield case(target, "unnamed-property-passed", run, persona.name, requests=2)


def _hiding(surface: Surface, targets: list[Target]) -> list[tuple[Promise, Persona]]:
    """Reading operations with a caller who must not see some field of theirs; those without an object first."""
    found: list[tuple[Promise, Persona]] = []
    for target in sorted(targets, key=lambda t: (t.operation.path.count("{"), t.id)):
        promise = promised(surface, target) if target.operation.method.upper() == "GET" else None
        blind = [p for p in surface.permitted(target) if promise and _hidden(promise, p)]
        if promise is not None and blind:
            found.append((promise, min(blind, key=lambda p: (doubtful(surface, target, p), len(p.ways), p.name))))
    return found


def _hidden(promise: Promise, persona: Persona) -> tuple[Labelled, ...]:
    return tuple(i for i in promise.hidden(persona) if i.path and i.path[-1] != ANY)


def nested(path: Path, value: Any, **beside: Any) -> Any:
    """A JSON value with ``value`` at a path (``*``: the one item of a list), and members beside it."""
    if not path:
        return value
    if path[0] == ANY:
        return [nested(path[1:], value, **beside)]
    inner = {path[0]: nested(path[1:], value, **beside)}
    return {**inner, **beside} if len(path) == 1 else inner


def _document(path: Path, value: Any) -> bytes:
    return json.dumps(nested(path, value)).encode()


def _twice(path: Path, value: str) -> bytes:
    """The member twice: which of the two counts is different from reader to reader (RFC 8259 section 4)."""
    name = json.dumps(path[-1])
    return _document(path, "\x00").replace(
        f'{name}: "\\u0000"'.encode(), f'{name}: "", {name}: {json.dumps(value)}'.encode()
    )


_FORMS = (
    "a member that is there twice",
    "an object in its place",
    "a list in its place",
    "text that is no JSON",
    "no media type",
    "JSON that ends too early",
    "compression nobody asked for",
    "UTF-16",
    "a part of a document",
    "an error with the record in it",
    "a body beyond any bound",
)


def forms(path: Path, value: str) -> dict[str, Played]:
    """Answers that hold ``value`` at a path, each in a form that is not quite what the contract promises."""
    plain = _document(path, value)
    text = plain.decode()
    made = (
        Played(headers=(_JSON,), body=_twice(path, value)),
        Played(headers=(_JSON,), body=_document(path, {"inner": value})),
        Played(headers=(_JSON,), body=_document(path, [value])),
        Played(headers=(("content-type", "text/plain"),), body=text.encode()),
        Played(headers=(), body=plain),
        Played(headers=(_JSON,), body=plain[: plain.rindex(value.encode()) + len(value)]),
        Played(headers=(_JSON, ("content-encoding", "gzip")), body=gzip.compress(plain)),
        Played(headers=(("content-type", "application/json; charset=utf-16"),), body=text.encode("utf-16")),
        Played(status=206, headers=(_JSON, ("content-range", f"bytes 0-{len(plain) - 1}/9999")), body=plain),
        Played(status=404, headers=(_JSON,), body=plain),
        Played(headers=(_JSON,), body=plain + b" " * _LARGE),
    )
    return dict(zip(_FORMS, made, strict=True))


def shows(found: Behind, value: str) -> bool:
    """Whether the caller can read the value anywhere in the answer."""
    seen = found.seen
    encodings = (value.encode(), value.encode("utf-16-le"), value.encode("utf-16-be"))
    return any(e in seen.body for e in encodings) or any(value in v for v in seen.headers.values())


async def _hides_plainly(lab: Lab, able: Ready, path: Path) -> Behind:
    """The positive control: the ordinary answer passes."""
    return await ordinary(lab, able, Played(body=_document(path, lab.nonce)))


def _unreadable(promise: Promise, persona: Persona) -> Run:
    item = _hidden(promise, persona)[0]
    name = ".".join(item.path)

    async def run(lab: Lab) -> Judged:
        able = await ready(lab, promise.target, persona)
        found = await _hides_plainly(lab, able, item.path)
        if shows(found, lab.nonce):
            return broken(f"`{persona.name}` sees `{name}` in clear", found.seen, **found.facts)
        statuses: dict[str, int] = {}
        for words, answer in forms(item.path, lab.nonce).items():
            found = await played(lab, able, answer, f"the service answers with {words}")
            statuses[words] = found.seen.status
            if shows(found, lab.nonce):
                sentence = f"`{persona.name}` sees `{name}` in clear when the service answers with {words}"
                return broken(sentence, found.seen, form=words, **found.facts)
        sentence = f"`{name}` stayed hidden from `{persona.name}` in {len(statuses)} forms that nobody expects"
        return held(sentence, found.seen, statuses=statuses, **found.facts)

    return run


def _unnamed(surface: Surface, promise: Promise, persona: Persona) -> Run:
    item = _hidden(promise, persona)[0]
    target = promise.target
    carried = Responses(surface.contract(target), labels(surface.declaration, target.api)).carried(target.operation)
    closed = surface.api(target).strict.body and carried.known is not None

    async def run(lab: Lab) -> Judged:
        able = await ready(lab, target, persona)
        await _hides_plainly(lab, able, item.path)
        body = json.dumps(nested(item.path, "", **{_UNNAMED: lab.nonce})).encode()
        found = await played(lab, able, Played(body=body), "the same value in a property that the contract lacks")
        if not shows(found, lab.nonce):
            return held("a property that the contract does not name did not come out", found.seen, **found.facts)
        if not closed:
            sentence = (
                "the contract lets answers hold what it does not name, and so it came out: nothing there is hidden"
            )
            return unclear(sentence, found.seen, **found.facts)
        sentence = f"a property that the contract does not name reached `{persona.name}` with its value"
        return broken(sentence, found.seen, **found.facts)

    return run


def _errors(surface: Surface, target: Target) -> Run:
    persona = tester(surface, target)

    async def run(lab: Lab) -> Judged:
        able = await ready(lab, target, persona)
        found = await ordinary(lab, able)
        trace = f'Traceback (most recent call last):\n  File "/srv/{lab.nonce}.py", line 7, in <module>\nKeyError'
        for status in _ERRORS:
            kind = "text/html" if status == _ERRORS[0] else "application/json"
            body = json.dumps({"detail": trace, "title": trace}) if status != _ERRORS[0] else f"<pre>{trace}</pre>"
            answer = Played(status=status, headers=(("content-type", kind),), body=body.encode())
            found = await played(lab, able, answer, f"the service fails with {status} and tells why")
            if shows(found, lab.nonce):
                sentence = f"the service failed with {status}, and the caller reads its stack trace"
                return broken(sentence, found.seen, status=status, **found.facts)
            if found.seen.ok:
                raise NotReached(f"the service failed with {status}, and the caller got {found.seen.status}")
        words = ", ".join(map(str, _ERRORS))
        return held(
            f"of failures of the service ({words}) callers see no more than that it failed", found.seen, **found.facts
        )

    return run

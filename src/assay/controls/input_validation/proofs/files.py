"""Names of files that lead elsewhere, and uploads that are not what they are said to be."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from assay.controls._lib.attempts import Met, Ready, attempt, ready, tester
from assay.controls._lib.inputs import Place, admits, changed, speaks_json
from assay.controls.input_validation.proofs.planned import case, guarded, inputs, last, summary, texts
from assay.declare.media import essence
from assay.prove.case import Call, Case, Draft, Judged, Lab, NotReached, broken, held, unclear
from assay.prove.surface import Persona, Surface, Target

PLACES = 2
MARKER = "marker.txt"
"""A file with nothing secret in it, to be laid above the folder that a service serves: seen, it shows a way out."""
_FILEISH = re.compile(
    r"file|path|page|doc|template|theme|name|key|image|lang|locale|report|asset|folder|dir", re.IGNORECASE
)
_PASSWD = re.compile(r"^root:[^:\n]*:0:0:", re.MULTILINE)
_UP = "../" * 8
_MAGIC = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF8",
    "application/pdf": b"%PDF-",
}


def plan(surface: Surface, target: Target) -> Iterator[Case]:
    """Ways out of a folder for reading operations with inputs that may name a file; types and names of uploads."""
    found = _places(surface, target)
    if found:
        yield case(surface, target, "path-traversal", _traversal(surface, target), requests=1 + 6 * len(found))
    if any(essence(b.media_type) in _MAGIC for b in target.operation.body):
        yield case(surface, target, "upload-unchecked", _upload(surface, target), requests=3)


def _places(surface: Surface, target: Target) -> tuple[Place, ...]:
    if target.writes and target.operation.method.upper() != "POST":
        return ()
    found = [p for p in texts(surface, target) if _FILEISH.search(p.name) and p.kind in ("path", "query", "body")]
    if target.writes:
        found = [p for p in found if re.search(r"file|path|template|page", p.name, re.IGNORECASE)]
    if guarded(surface):
        # What the contract's patterns exclude is held by the contract; that it is, contract-not-enforced shows.
        found = [p for p in found if p.kind == "body" or admits(p, f"{_UP}etc/passwd") is not False]
    return tuple(found[:PLACES])


def _traversal(surface: Surface, target: Target) -> Any:
    persona = tester(surface, target)

    async def run(lab: Lab) -> Judged:
        able = await _able(lab, target, persona)
        first = await attempt(lab, able.call(lab, able.draft, "a valid request"))
        met: list[Met] = []
        for place in _places(surface, target):
            if place.kind == "body" and not speaks_json(able.draft):
                continue
            for way in (f"{_UP}etc/passwd", "/etc/passwd", f"{'....//' * 8}etc/passwd"):
                one = await _sent(lab, able, place, way, met)
                if _PASSWD.search(_unescaped(one)) and not _PASSWD.search(_unescaped(first)):
                    return broken(
                        f"{place.words} leads out of its folder: `{way}` was served", one.seen, place=place.words
                    )
            for up in ("../", "../../"):
                one = await _sent(lab, able, place, up + MARKER, met)
                if not one.seen.ok or not one.seen.body:
                    continue
                other = await _sent(lab, able, place, f"{up}{lab.nonce}.txt", met)
                here = await _sent(lab, able, place, MARKER, met)
                if not other.seen.ok and not here.seen.ok:
                    sentence = f"{place.words} leads out of its folder: `{up}{MARKER}` was served"
                    return broken(sentence, one.seen, place=place.words)
        if not met:
            return unclear("no input of this operation could be tried")
        if not first.seen.ok and not all(m.policy for m in met):
            return unclear(
                f"no name that exists is known: the valid request was answered {first.seen.status}", first.seen
            )
        shown = last(met)
        return held(f"no way out of a folder was found: {summary(met)}", shown.seen if shown else None)

    return run


async def _able(lab: Lab, target: Target, persona: Persona | None) -> Ready:
    try:
        return await ready(lab, target, persona)
    except NotReached:
        names = [p.name for p in target.operation.parameters if p.location == "path"]
        if len(names) != 1 or target.writes:
            raise
        return Ready(target, persona, await lab.act(persona) if persona else None, Draft({names[0]: lab.nonce}))


async def _sent(lab: Lab, able: Ready, place: Place, value: str, met: list[Met]) -> Met:
    purpose = f"a way out of the folder in {place.words}"
    if place.kind == "path":
        # The whole value in one segment: slashes that were not escaped would be another path.
        call = able.call(lab, changed(able.draft, place, lab.nonce), purpose)
        call = replace(call, target=call.target.replace(lab.nonce, quote(value, safe="").replace(".", "%2e"), 1))
    else:
        call = able.call(lab, changed(able.draft, place, value), purpose)
    one = await attempt(lab, call)
    met.append(one)
    return one


def _unescaped(met: Met) -> str:
    return met.seen.text.replace("\\n", "\n").replace('"', "\n")


def png() -> bytes:
    """The smallest picture there is: one grey pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return _MAGIC["image/png"] + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


def _upload(surface: Surface, target: Target) -> Any:
    persona = tester(surface, target)
    media = next(essence(b.media_type) for b in target.operation.body if essence(b.media_type) in _MAGIC)
    real = png() if media == "image/png" else _MAGIC[media] + b"assay"
    name = next((p for p in inputs(surface, target) if p.kind == "query" and "name" in p.name.lower()), None)

    async def run(lab: Lab) -> Judged:
        try:
            able = await ready(lab, target, persona, own=True)
        except NotReached:
            if "{" in target.operation.path:
                raise
            able = Ready(target, persona, await lab.act(persona) if persona else None, Draft({}))
        if name is not None and name.required:
            able = replace(able, draft=changed(able.draft, name, f"{lab.nonce[:8]}.png"))

        def call(draft: Draft, body: bytes, purpose: str) -> Call:
            return replace(able.call(lab, draft, purpose), body=body, content_type=media)

        good = await attempt(lab, call(able.draft, real, f"a real file of type {media}"))
        if not good.seen.ok:
            return unclear(f"a real file of type {media} was answered {good.seen.status}", good.seen)
        wrong = await attempt(lab, call(able.draft, b"assay: this is text\n", f"text that is called {media}"))
        if wrong.seen.ok:
            return broken(f"text that is called {media} was taken for a file of that type", wrong.seen)
        met = [wrong]
        if name is not None:
            bad = await attempt(
                lab, call(changed(able.draft, name, f"../{lab.nonce[:8]}.png"), real, "a name that leads up")
            )
            if bad.seen.ok and f"../{lab.nonce[:8]}.png" in bad.seen.text:
                return broken("a file was stored under a name that leads out of its folder", bad.seen)
            met.append(bad)
        return held(f"uploads are looked at: {summary(met)}", wrong.seen)

    return run

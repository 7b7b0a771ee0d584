"""Files larger than allowed: one byte above what is declared, and whether it was taken and kept."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from assay.controls._lib.attempts import Ready, ready, tester
from assay.controls._lib.inputs import Place, changed, flat, json_body
from assay.controls._lib.readback import params_of, reader_of
from assay.controls.input_validation.proofs.files import png
from assay.controls.input_validation.proofs.outbound import document
from assay.controls.input_validation.proofs.planned import case, guarded, inputs
from assay.controls.input_validation.proofs.sizes import limit_of
from assay.declare.contract import Body
from assay.declare.media import essence
from assay.domain import DeclarationError
from assay.prove.case import Case, Draft, Family, Judged, Lab, NotReached, Seen, broken, held, unclear
from assay.prove.surface import Surface, Target

MOST = 8 * 1024 * 1024
"""The largest body that a run sends, bytes."""
_XML = re.compile(r"(?:application|text)/(?:[a-z0-9.+-]+\+)?xml")
_FORM = "multipart/form-data"
_END = 12
"""Bytes of a PNG chunk beside its data: length, type, checksum (ISO/IEC 15948 section 5.3)."""


@dataclass(frozen=True, slots=True)
class File:
    """How files of one operation are written, and how large one may be.

    Attributes:
        most: bytes: of the file where ``own``, of the whole body otherwise.
        own: the contract bounds this very file, rather than the API every body.
        part: the part of a form that holds the file; empty: the body is the file.
    """

    media: str
    most: int
    own: bool
    part: str = ""

    @property
    def words(self) -> str:
        """What bounds it, for a sentence."""
        return f"the contract's `maxLength` of {self.most} bytes" if self.own else f"the limit of {self.most} bytes"


def plan(surface: Surface, target: Target) -> Iterator[Case]:
    """One case for every operation that takes a file whose size something bounds.

    Behind our gateway, the bound of every body is that of the operation on which ``body-size-unbounded`` shows it.
    """
    found = file_of(surface, target)
    if found is None or (guarded(surface) and not found.own and _shown_elsewhere(surface, target)):
        return
    yield case(
        surface, target, "upload-size-unbounded", _run(surface, target, found), requests=5, family=Family.EXHAUSTION
    )


def file_of(surface: Surface, target: Target) -> File | None:
    """The file that an operation takes; None: it takes none that can be written here, or nothing bounds it."""
    for body in target.operation.body:
        media = essence(body.media_type)
        schema = _schema(surface, target, body)
        part = ""
        if media == _FORM:
            part, schema = _part(schema)
            if not part:
                continue
        elif not (media == "image/png" or _XML.fullmatch(media) or media == "application/octet-stream"):
            continue
        own = schema.get("maxLength")
        if isinstance(own, int) and not isinstance(own, bool):
            # Of unencoded binary, `maxLength` counts octets (OpenAPI 3.1.1, "Working with Binary Data"). It speaks of
            # this file alone, so it stands before the bound of every body.
            return File(media, own, True, part)
        declared = limit_of(surface, target)
        return File(media, declared, False, part) if declared is not None else None
    return None


def _schema(surface: Surface, target: Target, body: Body) -> Mapping[str, Any]:
    if body.schema is None:
        return {}
    try:
        whole = surface.contract(target).json_schema(body.schema, direction="request", closed=False)
    except DeclarationError:
        return {}
    return flat(whole, whole)


def _part(schema: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The part of a form that is a file, by what its schema says of it (OpenAPI 3.0 ``binary``, 3.1 media types)."""
    properties = schema.get("properties")
    for name, raw in properties.items() if isinstance(properties, dict) else ():
        one = flat(raw, schema) if isinstance(raw, dict) else {}
        binary = one.get("format") == "binary" or "contentMediaType" in one
        if binary and "contentEncoding" not in one and "pattern" not in one:
            return str(name), one
    return "", {}


def _shown_elsewhere(surface: Surface, target: Target) -> bool:
    return any(
        t.api == target.api and json_body(t) is not None and t.operation.method.upper() != "DELETE"
        for t in surface.targets
    )


def sized_png(size: int) -> bytes:
    """A picture of exactly so many bytes: the smallest one, with a private chunk in it that no reader looks at."""
    small = png()
    data = b"\0" * max(0, size - len(small) - _END)
    kind = b"asSy"  # ancillary, private, safe to copy: section 5.4
    chunk = struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    end = len(small) - _END
    return small[:end] + chunk + small[end:]


def sized_xml(size: int) -> bytes:
    """A document of exactly so many bytes: a small one, with white space after its root element."""
    return document("first").ljust(size, b"\n")


def _written(media: str, size: int) -> bytes:
    if media == "image/png":
        return sized_png(size)
    return sized_xml(size) if _XML.fullmatch(media) else b"a" * size


def _run(surface: Surface, target: Target, file: File) -> Any:
    over_by_one = file.most + 1
    bound: dict[str, Any] = {"bytes": over_by_one, "declared": file.most}

    async def run(lab: Lab) -> Judged:
        if file.most >= MOST:
            return unclear(f"{file.words} is more than a run sends ({MOST} bytes)", declared=file.most)
        sender = await _sender(lab, surface, target, file)
        small = min(1024, file.most)
        good = await sender.send(small, "a file within the limit")
        if not good.ok:
            raise NotReached(f"a small file was answered {good.status or good.error}")
        over = await sender.send(over_by_one, f"a file of {over_by_one} bytes")
        if over.status in (401, 403, 404, 429):
            raise NotReached(f"the large file was answered {over.status} before its size was looked at")
        kept = await _kept(lab, surface, target, sender, over) if over.ok else None
        after = await sender.send(small, "a small file afterwards")
        if not after.ok:
            return broken(
                f"after a file of {over_by_one} bytes, a small one is answered {after.status}", after, **bound
            )
        if over.status in (0, 413):
            how = "413" if over.status else "the connection ended"
            return held(f"a file of {over_by_one} bytes was refused ({how}), and small ones are taken", over, **bound)
        if over.refused:
            within = file.most if file.own else max(file.most - 1024, small)
            under = await sender.send(within, "a file just within the limit")
            if under.ok:
                words = f"a file of {over_by_one} bytes was refused ({over.status}), one within the limit was taken"
                return held(words, over, **bound)
            return unclear(f"files within the limit and beyond it were both refused ({over.status})", over, **bound)
        if over.status >= 500:
            return broken(f"the service answers {over.status} to a file of {over_by_one} bytes", over, **bound)
        if kept is False or not over.ok:
            return unclear(f"a file of {over_by_one} bytes was answered {over.status}, and not kept", over, **bound)
        effect = "was taken and kept" if kept else "was taken"
        return broken(f"a file of {over_by_one} bytes {effect}, beyond {file.words}", over, **bound)

    return run


@dataclass
class Sender:
    """Sends files of a size, each under a name of its own. ``draft``: the last request, without its body."""

    lab: Lab
    file: File
    able: Ready
    name: Place | None
    draft: Draft
    count: int = 0

    async def send(self, size: int, purpose: str) -> Seen:
        """One file of exactly so many bytes."""
        self.count += 1
        draft, file = self.able.draft, self.file
        if self.name is not None:
            ending = ".png" if file.media == "image/png" else ".txt"
            draft = changed(draft, self.name, f"{self.lab.nonce[:8]}{self.count}{ending}")
        self.draft = replace(draft, body=None, content_type=None)
        if file.part:
            form = replace(draft, body={**draft.body, file.part: "a" * size}, content_type=_FORM)
            return await self.lab.call(self.able.call(self.lab, form, purpose))
        call = self.able.call(self.lab, self.draft, purpose)
        return await self.lab.call(replace(call, body=_written(file.media, size), content_type=file.media))


async def _sender(lab: Lab, surface: Surface, target: Target, file: File) -> Sender:
    """The operation's tester, with whatever the operation needs beside the file.

    Raises:
        NotReached: nobody can call it, or its other parts cannot be made.
    """
    persona = tester(surface, target)
    try:
        able = await ready(lab, target, persona, own=True)
    except NotReached:
        if "{" in target.operation.path or file.part:
            raise
        able = Ready(target, persona, await lab.act(persona) if persona else None, Draft({}))
    if file.part and not isinstance(able.draft.body, Mapping):
        raise NotReached("the other parts of the form cannot be made")
    names = (p for p in inputs(surface, target) if p.kind == "query" and p.required and "name" in p.name.lower())
    return Sender(lab, file, able, next(names, None), able.draft)


async def _kept(lab: Lab, surface: Surface, target: Target, sender: Sender, over: Seen) -> bool | None:
    """Whether what was made of the file is there afterwards; None: there is no place to look."""
    reader = reader_of(surface, target)
    params = params_of(reader, sender.draft, over) if reader else None
    if reader is None or params is None:
        return None
    call = lab.request(reader, Draft(params), sender.able.who, purpose="whether it was kept")
    return (await lab.call(call)).ok

"""What makes a service call somebody: URLs in its input (SSRF), and entities in XML. Shown by a listener of our own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from assay.controls._lib.attempts import Met, attempt, ready, tester
from assay.controls._lib.inputs import Place, changed, speaks_json
from assay.controls.input_validation.proofs.planned import case, last, summary, texts
from assay.declare.media import essence
from assay.prove.case import Case, Draft, Judged, Lab, NotReached, broken, held, unclear
from assay.prove.surface import Surface, Target

PLACES = 3
_URLISH = re.compile(
    r"ur[il]|href|link|callback|webhook|redirect|endpoint|avatar|feed|proxy|site|host|domain|(?:^|_)(?:image|img|source|"
    r"src|dest|destination|target|next|return)(?:$|_)",
    re.IGNORECASE,
)
_XML = re.compile(r"(?:application|text)/(?:[a-z0-9.+-]+\+)?xml|image/svg\+xml")
_EXPANDED = 2_000


def plan(surface: Surface, target: Target) -> Iterator[Case]:
    """SSRF for inputs that are called or formatted like addresses; entities for XML."""
    found = _places(surface, target)
    if found:
        run = _fetched(surface, target)
        yield case(surface, target, "server-side-request", run, requests=1 + 3 * len(found), seconds=1.0)
    if any(_XML.fullmatch(essence(b.media_type)) for b in target.operation.body):
        yield case(surface, target, "xml-entities-obeyed", _entities(surface, target), requests=4, seconds=1.0)


def _places(surface: Surface, target: Target) -> tuple[Place, ...]:
    found = [p for p in texts(surface, target) if _URLISH.search(p.name) or p.schema.get("format") in ("uri", "url")]
    return tuple(found[:PLACES])


def written(url: str) -> tuple[str, ...]:
    """An address on this machine in spellings that simple filters overlook."""
    parts = urlsplit(url)
    port, rest = parts.port or 80, parts.path
    return url, f"http://localhost:{port}{rest}", f"http://2130706433:{port}{rest}"


def _fetched(surface: Surface, target: Target) -> Any:
    persona = tester(surface, target)

    async def run(lab: Lab) -> Judged:
        able = await ready(lab, target, persona, own=target.writes)
        met: list[Met] = []
        for place in _places(surface, target):
            if place.kind == "body" and not speaks_json(able.draft):
                continue
            canary = await lab.listen()
            for url in written(canary.url):
                one = await attempt(
                    lab, able.call(lab, changed(able.draft, place, url), f"our own address in {place.words}")
                )
                met.append(one)
                if await lab.heard(canary, within=0.4):
                    sentence = (
                        f"the service fetched the address that was given it in {place.words}: {url.split('/')[2]}"
                    )
                    return broken(sentence, one.seen, place=place.words)
        if not met:
            return unclear("no input of this operation could be tried")
        if not all(m.policy for m in met) and not any(m.seen.ok for m in met):
            await _reached(lab, target, able)
        shown = last(met)
        return held(f"nobody fetched our address: {summary(met)}", shown.seen if shown else None)

    return run


async def _reached(lab: Lab, target: Target, able: Any) -> None:
    """A refusal means something only if the request would be taken otherwise, or if the service judged the address."""
    seen = (await attempt(lab, able.call(lab, able.draft, "a valid request"))).seen
    if seen.status in (401, 403, 404, 405) or seen.status >= 500:
        raise NotReached(f"the valid request was answered {seen.status}, so the input may not have been used")


def document(inside: str, declared: str = "") -> bytes:
    """A small XML document. Its elements are called as most lists are; entities are expanded wherever they stand."""
    kind = f"<!DOCTYPE names [{declared}]>" if declared else ""
    return f'<?xml version="1.0"?>{kind}<names><name>{inside}</name><name>second</name></names>'.encode()


def _entities(surface: Surface, target: Target) -> Any:
    persona = tester(surface, target)
    media = next(b.media_type for b in target.operation.body if _XML.fullmatch(essence(b.media_type)))

    async def run(lab: Lab) -> Judged:
        able = await _xml_ready(lab, target, persona)

        async def send(body: bytes, purpose: str) -> Met:
            call = replace(able.call(lab, able.draft, purpose), body=body, content_type=media)
            return await attempt(lab, call)

        plain = await send(document("first"), "a document without entities")
        canary, other = await lab.listen(), await lab.listen()
        declared = f'<!ENTITY % outer SYSTEM "{other.url}"> %outer; <!ENTITY outer SYSTEM "{canary.url}">'
        outside = await send(document("&outer;", declared), "an entity at our own address")
        if await lab.heard(canary, within=0.5) or await lab.heard(other, within=0.1):
            return broken("the XML parser fetched an external entity from an address in the document", outside.seen)
        bomb = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 8}">' for n in range(1, 4))
        declared = f'<!ENTITY e0 "{lab.nonce}">{bomb}'
        inner = await send(document("&e3;", declared), "a small bounded expansion of entities")
        if inner.seen.ok and _grew(lab.nonce, plain, inner):
            return broken("the XML parser expands entities that a document declares, as many as it likes", inner.seen)
        met = [outside, inner]
        if not plain.seen.ok and not all(m.policy for m in met):
            return unclear(f"a plain document was answered {plain.seen.status}, so its shape may be wrong", plain.seen)
        return held(f"entities were not obeyed: {summary(met)}", outside.seen)

    return run


async def _xml_ready(lab: Lab, target: Target, persona: Any) -> Any:
    try:
        return await ready(lab, target, persona, own=target.writes)
    except NotReached:
        from assay.controls._lib.attempts import Ready

        who = await lab.act(persona) if persona else None
        if "{" in target.operation.path:
            raise
        return Ready(target, persona, who, Draft({}))


def _grew(nonce: str, plain: Met, inner: Met) -> bool:
    """Whether an answer shows the expanded text, or a figure that only the expanded text explains."""
    if nonce in inner.seen.text:
        return True
    numbers = {int(n) for n in re.findall(r"\d{4,9}", inner.seen.text)} - {
        int(n) for n in re.findall(r"\d{4,9}", plain.seen.text)
    }
    return any(_EXPANDED <= n <= 100_000 for n in numbers) and len(inner.seen.text) < 1_000

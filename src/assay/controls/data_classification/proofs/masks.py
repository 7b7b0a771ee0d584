"""A field that a caller must not see in clear is gone from what that caller gets, in every form that could be undone.

Marked values are written by somebody who sees them in clear, and read by each kind of caller who must not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from assay.controls._lib.answers import works
from assay.controls._lib.attempts import spoils
from assay.controls._lib.readback import params_of, reader_of
from assay.controls.data_classification.proofs.planned import answered, case, clearest, form, sent
from assay.controls.data_classification.proofs.written import Written, digests, write
from assay.declare.shapes import Path
from assay.prove.case import Case, Draft, Judged, Lab, Run, Seen, broken, held, unclear
from assay.prove.needles import forms
from assay.prove.surface import Persona, Surface, Target
from assay.sensitivity.bodies import Labelled

_LAST = 4
_LONG_ENOUGH = 6


def plan(surface: Surface, targets: tuple[Target, ...]) -> Iterator[Case]:
    """For each operation that reads back what another one created, every caller who must not see all of it in clear."""
    done: set[tuple[str, str]] = set()
    for writer in targets:
        reader = (
            reader_of(surface, writer) if writer.operation.method.upper() == "POST" and not spoils(writer) else None
        )
        fields = sent(surface, writer)
        if reader is None or not fields or (reader.api, reader.id) in done:
            continue
        back = {item.label.name: item for item in answered(surface, reader).values() if not item.absent}
        persona = clearest(surface, reader, tuple(back.values()))
        if persona is None or not surface.allows(writer, persona):
            continue
        done.add((reader.api, reader.id))
        written = {item.label.name for item in fields.values()} & back.keys()
        for other in surface.permitted(reader):
            hidden = {n: f for n in written if (f := form(surface, reader, back[n], other)) != "clear"}
            if not hidden or other.name == persona.name or surface.owns(reader, other):
                continue
            run = _gone(writer, reader, persona, other, fields, hidden)
            yield case(reader, "masked-value-readable", run, other.name, requests=4, writes=1)


def _gone(
    writer: Target,
    reader: Target,
    persona: Persona,
    other: Persona,
    fields: Mapping[Path, Labelled],
    hidden: Mapping[str, str],
) -> Run:
    async def run(lab: Lab) -> Judged:
        written = await write(lab, writer, persona, fields, hidden.keys())
        params = params_of(reader, written.able.draft, written.seen)
        if params is None:
            return unclear("nothing says under which id the written object can be read", written.seen)
        own = await works(lab, lab.request(reader, Draft(params), written.able.who, purpose=f"as `{persona.name}`"))
        there = {name: text for name, text in written.values.items() if text in own.text}
        if not there:
            return unclear(f"`{persona.name}` does not see what it wrote either, so nothing is compared", own)
        who = await lab.act(other)
        seen = await works(
            lab, lab.request(reader, Draft(params), who, purpose=f"as `{other.name}`, who must not see it")
        )
        whole = seen.text + str(dict(seen.headers))
        readable = {name: how for name, text in there.items() if (how := _readable(text, whole, hidden[name]))}
        facts: dict[str, Any] = {"fields": {n: hidden[n] for n in sorted(there)}, "readable": readable}
        if readable:
            words = ", ".join(f"`{name}` {how}" for name, how in sorted(readable.items()))
            return broken(f"`{other.name}` reads {words}", seen, **facts)
        if not _same(written, params, seen):
            return unclear("the answer does not show the object that was written", seen, **facts)
        words = ", ".join(f"`{name}` ({hidden[name]})" for name in sorted(there))
        return held(f"`{other.name}` gets nothing from which {words} could be read", seen, **facts)

    return run


def _readable(text: str, answer: str, shown_as: str) -> str:
    """In which way a text can be read from an answer; empty: in none."""
    if text in answer:
        return "as it was written"
    data = answer.encode()
    if any(one in data for one in forms(text.encode())):
        return "in another encoding"
    lower = answer.lower()
    if any(digest.hex() in lower for digest in digests(text)):
        return "as a digest without a key"
    most = text[:-_LAST]
    if shown_as == "last4" and len(most) >= _LONG_ENOUGH and most in answer:
        return "all but its end"
    return ""


def _same(written: Written, params: Mapping[str, str], seen: Seen) -> bool:
    """Whether an answer is about what was written: it names it, or holds what has no label."""
    new = [v for k, v in params.items() if k not in written.able.draft.params]
    return any(text in seen.text for text in (*written.others, *new))

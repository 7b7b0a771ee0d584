"""What a flow declares to do to a field is done before it arrives: the raw value is nowhere in the target's store.

A value that is not found proves nothing while nothing moves. So a value that the flow takes along as it is, written in
the same request, must arrive first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from assay.controls._lib.attempts import name_of, spoils
from assay.controls.data_classification.proofs.planned import case, clearest, sent
from assay.controls.data_classification.proofs.written import Written, digests, write
from assay.declare.model import Flow, Transform
from assay.declare.shapes import Path
from assay.prove.case import Case, Judged, Lab, Run, broken, held, unclear
from assay.prove.surface import Persona, Surface, Target
from assay.sensitivity.bodies import Labelled
from assay.sensitivity.closure import moved as taken_along
from assay.sensitivity.closure import stores_behind
from assay.sensitivity.reductions import words

_PAUSES: Final = (0.0, 0.3, 1.0, 2.0)
_SHORTEST: Final = 8
_LOOKED_FOR: Final = frozenset({"drop", "hmac", "last4"})


@dataclass(frozen=True, slots=True)
class Moved:
    """A flow as it can be tested: which fields it changes, and which it takes along as they are.

    Attributes:
        changed: by field (``DATA.FIELD``), the name under ``transforms`` and what is declared there.
        kept: fields that arrive as they are.
    """

    name: str
    flow: Flow
    changed: Mapping[str, tuple[str, Transform]]
    kept: frozenset[str]


def plan(surface: Surface, targets: tuple[Target, ...]) -> Iterator[Case]:
    """One case for each flow with transformations whose source is written through an API and whose target can be
    looked into."""
    model = surface.declaration.model
    writers: dict[str, list[Target]] = {}
    for target in targets:
        if target.operation.method.upper() in ("POST", "PUT") and target.operation.body and not spoils(target):
            for system in stores_behind(model, target.api):
                writers.setdefault(system, []).append(target)
    for name, flow in model.flows.items():
        recipient = model.systems.get(flow.to)
        if not flow.transforms or flow.from_ not in writers or recipient is None or recipient.connection is None:
            continue  # that nobody has seen them work is said by the design (`unverified-reduction`)
        taken = _moved(surface, name, flow)
        best = _writer(surface, writers[flow.from_], taken)
        if best is None:
            continue
        target, fields = best
        persona = clearest(surface, target, tuple(fields.values()))
        if persona is None:
            continue
        run = _arrives(taken, target, persona, fields)
        yield case(
            target,
            "transform-not-applied",
            run,
            name_of(persona),
            requests=2,
            writes=1,
            variant=name,
            subject=f"flows.{name}",
            at=surface.declaration.locate("flows", name, "transforms"),
            seconds=sum(_PAUSES),
        )


def _moved(surface: Surface, name: str, flow: Flow) -> Moved:
    model = surface.declaration.model
    changed: dict[str, tuple[str, Transform]] = {}
    kept: set[str] = set()
    for _, data in taken_along(model, flow):
        for key in model.data[data].fields:
            full = f"{data}.{key}"
            said = next((n for n in (full, key) if n in flow.transforms), None)
            if said is None:
                kept.add(full)
            else:
                changed[full] = said, flow.transforms[said]
    return Moved(name, flow, changed, frozenset(kept))


def _writer(surface: Surface, writers: list[Target], moved: Moved) -> tuple[Target, dict[Path, Labelled]] | None:
    """The operation that writes most of the changed fields; one that creates before one that changes."""
    best: tuple[int, Target, dict[Path, Labelled]] | None = None
    for target in writers:
        fields = sent(surface, target)
        count = sum(item.label.name in moved.changed for item in fields.values())
        if count and (best is None or count > best[0]):
            best = count, target, fields
    return best[1:] if best else None


def _arrives(moved: Moved, target: Target, persona: Persona, fields: Mapping[Path, Labelled]) -> Run:
    async def run(lab: Lab) -> Judged:
        wanted = {*moved.changed, *moved.kept}
        written = await write(lab, target, persona, fields, wanted)
        changed = {n: t for n, t in written.values.items() if n in moved.changed}
        kept = {n: t for n, t in written.values.items() if n in moved.kept}
        if not changed:
            return unclear("no changed field of this flow takes a text that could be looked for", written.seen)
        arrived = await _arrived(lab, moved, kept)
        raw = {n: how for n, text in changed.items() if (how := await _raw(lab, moved, n, text))}
        facts = _facts(moved, written, changed, raw, arrived)
        where = f"`{moved.flow.to}`"
        if raw:
            said = ", ".join(f"`{n}` ({words(moved.changed[n][1])}) {how}" for n, how in sorted(raw.items()))
            return broken(f"{where} holds {said}", written.seen, **facts)
        if not kept:
            reason = "every field that was written is changed on the way, so nothing shows that anything moved"
            return unclear(reason, written.seen, **facts)
        if not arrived:
            reason = f"what was written did not arrive in {where} within {sum(_PAUSES):.0f} s: nothing moved meanwhile"
            return unclear(reason, written.seen, **facts)
        said = ", ".join(f"`{n}` ({words(moved.changed[n][1])})" for n in sorted(changed))
        return held(f"{said} did not arrive in {where}, and {arrived} did", written.seen, **facts)

    return run


async def _arrived(lab: Lab, moved: Moved, kept: Mapping[str, str]) -> str:
    """The field by which the record is known to have arrived; empty: none was found in time."""
    for pause in _PAUSES if kept else ():
        if pause:
            await lab.wait(pause)
        for name, text in kept.items():
            if await lab.stored(text.encode(), system=moved.flow.to):
                return f"`{name}`"
    return ""


async def _raw(lab: Lab, moved: Moved, name: str, text: str) -> str:
    """In which readable form a value lies in the target's store; empty: in none."""
    transform = moved.changed[name][1]
    if transform == "encrypt":
        return ""  # the recipient may have the key, and keep it as it likes
    if await lab.stored(text.encode(), system=moved.flow.to):
        return "as it was written"
    if transform == "hash":
        return ""  # a digest is what was declared; that it hides nothing is a finding of the design
    for digest in digests(text):
        if await lab.stored(digest, system=moved.flow.to):
            return "as a digest without a key"
    if (
        transform == "last4"
        and len(text) - 4 >= _SHORTEST
        and await lab.stored(text[:-4].encode(), system=moved.flow.to)
    ):
        return "all but its end"
    return ""


def _facts(
    moved: Moved, written: Written, changed: Mapping[str, str], raw: Mapping[str, str], arrived: str
) -> dict[str, Any]:
    transforms = []
    for name, (said, transform) in sorted(moved.changed.items()):
        looked = bool(arrived) and name in changed and name not in raw
        seen = looked and _shown(transform, written.values[name])
        transforms.append({"field": said, "of": name, "text": words(transform), "verified": seen})
    return {"flow": moved.name, "system": moved.flow.to, "transforms": transforms, "readable": dict(raw)}


def _shown(transform: Transform, text: str) -> bool:
    """Whether the absence of a value shows that a transformation does all that it is declared to.

    That nothing of a value arrives shows that it is dropped or replaced by a token under a key. It does not show how
    coarse a generalisation is, how many people an aggregate covers, or that each recipient has a token of its own.
    """
    if isinstance(transform, str):
        return transform in _LOOKED_FOR and (transform != "last4" or len(text) - 4 >= _SHORTEST)
    return transform.tokenise == "deterministic"

"""Compares two policies: what an application would tighten, loosen, or merely change.

One comparator per kind of piece, in :data:`COMPARATORS`. A difference whose effect cannot be shown counts as loosening
and says so; a difference no comparator put into words is told in general words, so that nothing vanishes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from assay.domain import Location
from assay.gateway import ir
from assay.gateway.assemble import Policy, identity
from assay.gateway.compare import bounds, callers, exposure, requests, surface
from assay.gateway.compare.drafts import ON, Comparator, Context, Draft
from assay.gateway.compare.schemas import monotonic, parse
from assay.gateway.plan import Change, Observing, Plan

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """How one kind of piece is compared: what it is called, what belongs together, and the comparator."""

    named: Callable[[Any], str]
    compare: Comparator[Any]
    key: Callable[[Any], Key] = identity


def _operation(piece: ir.Route) -> str:
    return f"`{piece.operation}` of {piece.api}"


def _api(piece: ir.Upstream) -> str:
    return piece.api


def _limit(piece: ir.Limit) -> str:
    whose = f" for {piece.consumer}" if piece.consumer else ""
    return f"limit `{piece.name}` of {piece.api or 'every API'}{whose}"


def _network(piece: ir.NetworkRule) -> str:
    return piece.api or "the gateway"


COMPARATORS: dict[type[ir.Piece], Entry] = {
    ir.Listener: Entry(lambda p: "the gateway", surface.listener),
    ir.Upstream: Entry(_api, surface.upstream),
    ir.Route: Entry(_operation, surface.route),
    ir.TokenIssuer: Entry(lambda p: f"the issuer `{p.issuer}`", callers.issuer),
    ir.Caller: Entry(lambda p: f"consumer `{p.consumer}`", callers.caller),
    ir.Authentication: Entry(_operation, callers.authentication),
    ir.AccessRule: Entry(_operation, callers.access, lambda p: ("AccessRule", p.api, p.operation)),
    ir.Limit: Entry(_limit, bounds.limit),
    ir.NetworkRule: Entry(_network, bounds.network),
    ir.Admission: Entry(_network, callers.admission),
    ir.SizeLimit: Entry(_operation, bounds.size_limit),
    ir.SchemaLibrary: Entry(_api, requests.library),
    ir.Inspection: Entry(_operation, requests.inspection),
    ir.FieldEncryption: Entry(_operation, exposure.encryption, lambda p: ("FieldEncryption", p.api, p.operation)),
    ir.Masking: Entry(_operation, exposure.masking),
    ir.ErrorMasking: Entry(_api, surface.errors),
    ir.ResponseHeaders: Entry(_api, surface.headers),
    ir.Lifecycle: Entry(_api, surface.lifecycle),
    ir.Retired: Entry(lambda p: f"`{p.name}` of {p.api}", surface.retired),
    ir.AccessLog: Entry(lambda p: f"the log `{p.name}`", surface.log),
}
"""Every kind of piece, and how it is compared; a test asserts that none is missing."""


def compare(old: Policy | None, new: Policy, *, production: Iterable[str] | None = None) -> Plan:
    """What applying ``new`` over ``old`` changes.

    Args:
        old: the applied policy; None when nothing was applied yet.
        new: the policy to apply.
        production: ids of the APIs in an environment of the production tier. None, the default, means that it is not
            known, and every API counts as one. What belongs to the whole gateway counts when any API does.
    """
    known = None if production is None else frozenset(production)
    changes = tuple(_first(new, known) if old is None else _differences(old, new, known))
    return Plan("" if old is None else old.digest, new.digest, changes, observing(new), len(new.operations))


def observing(policy: Policy) -> tuple[Observing, ...]:
    """The pieces that only watch, grouped by control and API."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    whole: set[tuple[str, str]] = set()  # a piece that names no operation is for all of them
    for piece in policy.pieces:
        if piece.mode is ir.Mode.OBSERVE:
            key = (piece.control, _api_of(piece))
            operations = dict.fromkeys(_operations_of(piece))
            found.setdefault(key, {}).update(operations)
            if not operations:
                whole.add(key)
    return tuple(Observing(*key, () if key in whole else tuple(ops)) for key, ops in sorted(found.items()))


def _operations_of(piece: ir.Piece) -> tuple[str, ...]:
    operation = getattr(piece, "operation", None)
    return (operation,) if isinstance(operation, str) else getattr(piece, "operations", ())


def _api_of(piece: ir.Piece) -> str:
    return getattr(piece, "api", "") or ""


def _first(new: Policy, production: frozenset[str] | None) -> Iterator[Change]:
    """Nothing was applied, so there is nothing to loosen: what is served is told, and weighed as neutral."""
    for operation in new.operations:
        for draft in surface.route((), (operation.route,), Context()):
            yield _change(replace(draft, effect="neutral"), operation.route, production)


def _differences(old: Policy, new: Policy, production: frozenset[str] | None) -> Iterator[Change]:
    before, after = _grouped(old), _grouped(new)
    came = {(o.route.api, o.route.operation) for o in new.operations}
    went = {(o.route.api, o.route.operation) for o in old.operations}
    elsewhere = came ^ went
    context = _context(old, new)
    # The order of the new policy, then what it lacks: stable, and without sorting everything again.
    for key in (*after, *(k for k in before if k not in after)):
        was: Sequence[ir.Piece] = before.get(key, [])
        will: Sequence[ir.Piece] = after.get(key, [])
        if callers.unchanged(was, will):
            continue
        piece = (will or was)[0]
        if not isinstance(piece, ir.Route) and _travels(piece, elsewhere):
            continue
        for draft in _drafts(was, will, context):
            yield _change(draft, piece, production)


def _travels(piece: ir.Piece, elsewhere: set[tuple[str, str]]) -> bool:
    """Whether a piece comes or goes with its whole operation, which is told already."""
    operation = getattr(piece, "operation", None)
    return isinstance(operation, str) and (_api_of(piece), operation) in elsewhere


def _drafts(was: Sequence[ir.Piece], will: Sequence[ir.Piece], context: Context) -> Iterator[Draft]:
    found = False
    for draft in COMPARATORS[type((will or was)[0])].compare(was, will, context):
        found = True
        yield draft
    if found:
        return
    if was and will:
        yield Draft("loosening", f"{ON} changes in a way that cannot be shown to be tighter", certain=False)
    else:
        yield Draft("neutral", f"{ON} {'gets' if will else 'loses'} a setting without effect")


def _grouped(policy: Policy) -> dict[Key, list[ir.Piece]]:
    found: dict[Key, list[ir.Piece]] = {}
    for piece in policy.pieces:
        found.setdefault(COMPARATORS[type(piece)].key(piece), []).append(piece)
    return found


def _context(old: Policy, new: Policy) -> Context:
    return Context(_encrypted(old), _encrypted(new), _not_monotonic(old) | _not_monotonic(new))


def _encrypted(policy: Policy) -> frozenset[tuple[str, str]]:
    return frozenset(
        (piece.api, protected.name)
        for operation in policy.operations
        for piece in operation.encryption
        for protected in (*piece.request, *piece.response)
    )


def _not_monotonic(policy: Policy) -> frozenset[str]:
    """APIs in whose schemas a tighter part may make the whole accept more."""
    found = {lib.api for lib in policy.libraries if not monotonic(parse(lib.definitions))}
    for operation in policy.operations:
        inspection = operation.inspection
        if inspection is None or inspection.api in found:
            continue
        texts = {b.schema for b in inspection.bodies} | {p.schema for p in inspection.parameters}
        # Most schemas of an operation are a reference or a few bounds: look before parsing.
        suspects = [t for t in texts if '"not"' in t or "Of" in t or '"if"' in t or "ontains" in t or "dynamic" in t]
        if any(not monotonic(parse(t)) for t in suspects):
            found.add(inspection.api)
    return frozenset(found)


def _change(draft: Draft, piece: ir.Piece, production: frozenset[str] | None) -> Change:
    told = draft.piece or piece
    api = _api_of(piece)
    concerned = production is None or (api in production if api else bool(production))
    return Change(
        effect=draft.effect,
        control=told.control,
        subject=_subject(piece),
        headline=draft.headline,
        on=COMPARATORS[type(piece)].named(piece),
        source=location(told.source),
        before=draft.before,
        after=draft.after,
        mode=told.mode,
        production=concerned,
        certain=draft.certain,
    )


def _subject(piece: ir.Piece) -> str:
    api, operation = _api_of(piece), getattr(piece, "operation", None)
    if isinstance(operation, str):
        return f"{api}/{operation}"
    if api:
        return api
    return " ".join(p for p in identity(piece) if p)  # type: ignore[arg-type]


def location(source: str) -> Location:
    """A piece's ``source`` (``FILE:LINE:COLUMN``, or just ``FILE``) as a location."""
    file, _, rest = source.rpartition(":")
    file, _, line = file.rpartition(":")
    if file and line.isdecimal() and rest.isdecimal():
        return Location(file, int(line), int(rest))
    return Location(source)


__all__ = ["COMPARATORS", "Entry", "compare", "location", "observing"]

"""How much, how large and from where: limits, body sizes, networks."""

from __future__ import annotations

from collections.abc import Iterator

from assay.gateway import ir
from assay.gateway.compare.callers import allowed
from assay.gateway.compare.drafts import ON, Context, Draft, coverage, members, neutral, number, opaque, single, switch

_UNITS = {1: "second", 60: "minute", 3600: "hour", 86400: "day"}


def rate(requests: int, seconds: int) -> str:
    """A limit as people write it: ``60/minute``."""
    return f"{requests}/{_UNITS.get(seconds, f'{seconds} s')}"


def _limit(old: ir.Limit, new: ir.Limit, _: Context) -> Iterator[Draft]:
    before, after = rate(old.requests, old.seconds), rate(new.requests, new.seconds)
    if before != after:
        burst = (new.requests > old.requests) - (new.requests < old.requests)
        left, right = new.requests * old.seconds, old.requests * new.seconds
        sustained = (left > right) - (left < right)
        if burst * sustained < 0:
            # A bucket of r per s admits at most r(1 + T/s) in any time T: neither is below the other for every T.
            yield from opaque(f"{ON}", before, after)
        else:
            rises = burst + sustained > 0
            effect: tuple[str, str] = ("rises", "loosening") if rises else ("falls", "tightening")
            yield Draft(
                "loosening" if rises else "tightening", f"{ON} {effect[0]} from {before} to {after}", before, after
            )
    yield from opaque(f"whom {ON} counts", old.per, new.per)
    yield from opaque(f"the consumer of {ON}", old.consumer, new.consumer)
    yield from _scope(old.operations, new.operations, "operation")
    yield from _scope(old.methods, new.methods, "method")


def _scope(old: tuple[str, ...], new: tuple[str, ...], what: str) -> Iterator[Draft]:
    if bool(old) != bool(new):
        yield from switch(
            not old,
            not new,
            on=f"{ON} covers every {what}",
            off=f"{ON} covers only the {what}s {', '.join(new)}",
            turning_on="tightening",
        )
        return
    yield from members(
        old,
        new,
        more="tightening",
        added=lambda n: f"{ON} covers the {what} {n} too",
        removed=lambda n: f"{ON} no longer covers the {what} {n}",
    )
    if old != new and set(old) == set(new):
        yield from neutral(f"the order of {what}s in {ON}", old, new)


def _limit_added(piece: ir.Limit, _: Context) -> Iterator[Draft]:
    text = rate(piece.requests, piece.seconds)
    yield Draft("tightening", f"{ON} is introduced: {text}", "", text)


def _limit_removed(piece: ir.Limit, _: Context) -> Iterator[Draft]:
    text = rate(piece.requests, piece.seconds)
    yield Draft("loosening", f"{ON} is removed; it was {text}", text, "")


def _network(old: ir.NetworkRule, new: ir.NetworkRule, _: Context) -> Iterator[Draft]:
    yield from allowed(old.allow, new.allow)
    more, fewer = coverage(old.deny, new.deny)
    yield from _denied(more, fewer)
    if old.deny != new.deny and not more and not fewer:
        yield Draft("neutral", f"the denied networks of {ON} are told differently and mean the same")


def _denied(more: tuple[str, ...], fewer: tuple[str, ...]) -> Iterator[Draft]:
    for networks, effect, verb in ((more, "tightening", "denied"), (fewer, "loosening", "no longer denied")):
        if networks:
            text = ", ".join(networks[:3]) + (f" and {len(networks) - 3} more networks" if len(networks) > 3 else "")
            yield Draft(
                "tightening" if effect == "tightening" else "loosening",
                f"calls to {ON} from {text} are {verb}",
                "" if effect == "tightening" else text,
                text if effect == "tightening" else "",
            )


def _anywhere(piece: ir.NetworkRule) -> ir.NetworkRule:
    return ir.NetworkRule(control=piece.control, source=piece.source, api=piece.api, name=piece.name)


def _network_added(piece: ir.NetworkRule, context: Context) -> Iterator[Draft]:
    found = list(_network(_anywhere(piece), piece, context))
    yield from found or [Draft("neutral", f"an empty network rule is added to {ON}")]


def _network_removed(piece: ir.NetworkRule, context: Context) -> Iterator[Draft]:
    found = list(_network(piece, _anywhere(piece), context))
    yield from found or [Draft("neutral", f"an empty network rule is removed from {ON}")]


def size(value: float) -> str:
    """A number of bytes as people write it."""
    for unit, name in ((1 << 20, "MiB"), (1 << 10, "KiB")):
        if value >= unit and value % unit == 0:
            return f"{value / unit:g} {name}"
    return f"{value:g} bytes"


def _size(old: ir.SizeLimit, new: ir.SizeLimit, _: Context) -> Iterator[Draft]:
    yield from number(f"the largest body of {ON}", old.body_bytes, new.body_bytes, higher="loosening", show=size)


limit = single(_limit, _limit_added, _limit_removed)
network = single(_network, _network_added, _network_removed)
size_limit = single(
    _size,
    lambda p, _: iter((Draft("tightening", f"bodies of {ON} are limited to {size(p.body_bytes)}"),)),
    lambda p, _: iter((Draft("loosening", f"the size of bodies of {ON} is no longer limited"),)),
)

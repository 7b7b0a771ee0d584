"""What comparators write, and the few comparisons they share."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Generic, TypeVar

from assay.gateway import ir
from assay.gateway.plan import ON, Effect

P = TypeVar("P", bound=ir.Piece)

__all__ = ["ON", "Comparator", "Context", "Draft", "P", "coverage", "number", "opaque", "same", "single", "switch"]


@dataclass(frozen=True, slots=True)
class Draft:
    """A change before it is known on what: ``headline`` has :data:`ON` where the subject's name goes.

    ``piece`` is where the change was declared, when it is not the piece being compared.
    """

    effect: Effect
    headline: str
    before: str = ""
    after: str = ""
    certain: bool = True
    piece: ir.Piece | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """What a comparator may need to know of the two policies beside the pieces in hand.

    Attributes:
        encrypted: (API, field) pairs that were kept encrypted before, and those that will be.
        monotonic: per API and side, whether a narrower definition anywhere in its schemas makes every schema narrower.
    """

    encrypted_before: frozenset[tuple[str, str]] = frozenset()
    encrypted_after: frozenset[tuple[str, str]] = frozenset()
    not_monotonic: frozenset[str] = field(default_factory=frozenset)


Comparator = Callable[[Sequence[P], Sequence[P], Context], Iterator[Draft]]
"""Compares the old and the new pieces that share one key; either side may be empty, never both."""


def opposite(effect: Effect) -> Effect:
    """The effect of the same change made the other way round."""
    if effect == "neutral":
        return effect
    return "loosening" if effect == "tightening" else "tightening"


def number(what: str, old: float, new: float, *, higher: Effect, show: Callable[[float], str] = str) -> Iterator[Draft]:
    """A bound that moved. ``higher`` is the effect of a larger value."""
    if old == new:
        return
    verb = "rises" if new > old else "falls"
    yield Draft(
        higher if new > old else opposite(higher),
        f"{what} {verb} from {show(old)} to {show(new)}",
        show(old),
        show(new),
    )


def switch(old: bool, new: bool, *, on: str, off: str, turning_on: Effect) -> Iterator[Draft]:
    """Something switched on or off; ``on`` and ``off`` are the sentences."""
    if old != new:
        yield Draft(turning_on if new else opposite(turning_on), on if new else off, _yes(old), _yes(new))


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def members(
    old: Iterable[str], new: Iterable[str], *, more: Effect, added: Callable[[str], str], removed: Callable[[str], str]
) -> Iterator[Draft]:
    """Names that joined or left a set; ``more`` is the effect of one more."""
    before, after = set(old), set(new)
    for name in sorted(after - before):
        yield Draft(more, added(name), "", name)
    for name in sorted(before - after):
        yield Draft(opposite(more), removed(name), name, "")


def opaque(what: str, old: object, new: object) -> Iterator[Draft]:
    """A difference whose effect cannot be told from the values: treated as loosening, and said so."""
    if old != new:
        before, after = _short(old), _short(new)
        yield Draft(
            "loosening",
            f"{what} changes from {before} to {after}, which cannot be shown to be tighter",
            before,
            after,
            certain=False,
        )


def neutral(what: str, old: object, new: object) -> Iterator[Draft]:
    """A difference worth knowing that neither tightens nor loosens."""
    if old != new:
        before, after = _short(old), _short(new)
        yield Draft("neutral", f"{what} changes from {before} to {after}", before, after)


def _short(value: object) -> str:
    if value is None or value in ("", ()):
        return "none"
    if isinstance(value, tuple):
        return ", ".join(str(v) for v in value)
    text = str(value)
    return text if len(text) <= 80 else text[:79] + "…"


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@lru_cache(maxsize=4096)
def _networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    nets = [ipaddress.ip_network(t, strict=False) for t in texts]
    v4 = ipaddress.collapse_addresses(n for n in nets if isinstance(n, ipaddress.IPv4Network))
    v6 = ipaddress.collapse_addresses(n for n in nets if isinstance(n, ipaddress.IPv6Network))
    return (*v4, *v6)


def coverage(old: tuple[str, ...], new: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Networks that are in ``new`` and not wholly in ``old``, and the other way round.

    Compared as sets of addresses: two halves equal their whole, and neighbours are joined before they are compared.
    """
    before, after = _networks(old), _networks(new)
    return _outside(after, before), _outside(before, after)


def _outside(some: tuple[Network, ...], others: tuple[Network, ...]) -> tuple[str, ...]:
    # Both are collapsed: disjoint, and no two of them join into one. So a network is inside the union of others exactly
    # when it is inside one of them.
    known = {(n.version, n.prefixlen, int(n.network_address)) for n in others}
    lengths = {v: sorted({p for w, p, _ in known if w == v}) for v in (4, 6)}

    def inside(network: Network) -> bool:
        for length in lengths[network.version]:
            if length > network.prefixlen:
                return False
            start = int(network.supernet(new_prefix=length).network_address)
            if (network.version, length, start) in known:
                return True
        return False

    return tuple(str(n) for n in some if not inside(n))


_WITHOUT_SOURCE: dict[type, tuple[str, ...]] = {}


def same(old: ir.Piece, new: ir.Piece) -> bool:
    """Whether two pieces say the same, wherever they were written."""
    if old == new:
        return True
    kind = type(old)
    if kind is not type(new):
        return False
    names = _WITHOUT_SOURCE.get(kind)
    if names is None:
        names = _WITHOUT_SOURCE[kind] = tuple(f for f in kind.__struct_fields__ if f != "source")
    return all(getattr(old, n) == getattr(new, n) for n in names)


@dataclass(frozen=True, slots=True)
class _Single(Generic[P]):
    changed: Callable[[P, P, Context], Iterator[Draft]]
    added: Callable[[P, Context], Iterator[Draft]]
    removed: Callable[[P, Context], Iterator[Draft]]
    modeless: bool
    permission: bool

    def __call__(self, old: Sequence[P], new: Sequence[P], context: Context) -> Iterator[Draft]:
        before, after = (old[0] if old else None), (new[0] if new else None)
        if before is None and after is not None:
            yield from self._weigh(self.added(after, context), self.permission or _enforces(after))
        elif after is None and before is not None:
            yield from self._weigh(self.removed(before, context), self.permission or _enforces(before))
        elif before is not None and after is not None and not same(before, after):
            yield from mode_change(after.control, before.mode, after.mode)
            yield from neutral(f"the control that asks for {ON}", before.control, after.control)
            yield from self._weigh(self.changed(before, after, context), _enforces(before) and _enforces(after))

    def _weigh(self, drafts: Iterator[Draft], effective: bool) -> Iterator[Draft]:
        yield from drafts if self.modeless or effective else observed(drafts)


def _enforces(piece: ir.Piece) -> bool:
    return piece.mode is ir.Mode.ENFORCE


def mode_change(control: str, old: ir.Mode, new: ir.Mode) -> Iterator[Draft]:
    """A control that starts or stops to enforce; it is named, since whoever approves has to know what ends."""
    if old is new:
        return
    if new is ir.Mode.ENFORCE:
        yield Draft("tightening", f"{control} on {ON} is enforced, and no longer only observed", str(old), str(new))
    else:
        yield Draft("loosening", f"{control} on {ON} is only observed, and no longer enforced", str(old), str(new))


def observed(drafts: Iterable[Draft]) -> Iterator[Draft]:
    """What changes in a piece that refuses nothing before or after has no effect yet."""
    for draft in drafts:
        yield replace(draft, effect="neutral", headline=f"{draft.headline} (observing only)", certain=True)


def single(
    changed: Callable[[P, P, Context], Iterator[Draft]],
    added: Callable[[P, Context], Iterator[Draft]],
    removed: Callable[[P, Context], Iterator[Draft]],
    *,
    modeless: bool = False,
    permission: bool = False,
) -> Comparator[P]:
    """A comparator for pieces that come one to a key.

    Args:
        changed, added, removed: what to say in each case.
        modeless: the piece has its effect in either mode (a listener cannot be "only observed").
        permission: the piece lets callers in, so that its mere presence matters also while it only observes.
    """
    return _Single(changed, added, removed, modeless, permission)

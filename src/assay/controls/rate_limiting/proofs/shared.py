"""A limit is not escaped by looking different, and not forgotten when many others call in between."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

from assay.controls.rate_limiting.proofs.bounds import Bound
from assay.controls.rate_limiting.proofs.exact import SPOOFS
from assay.controls.rate_limiting.proofs.spending import Spender, another, spender
from assay.prove.case import Call, Identity, Judged, Lab, NotReached, Seen, broken, held, unclear
from assay.prove.surface import Surface

_FEWEST = 25
"""Envoy keeps 20 buckets unless told otherwise: with fewer callers than this, nothing would be forgotten."""


@dataclass(frozen=True, slots=True)
class Guise:
    """A way to look like somebody or something else."""

    words: str
    call: Call


def escaping(bound: Bound) -> Callable[[Lab], Awaitable[Judged]]:
    """The case that tries each guise after the limit is used up. One counts when it passes twice."""

    async def run(lab: Lab) -> Judged:
        many = await spender(lab, bound)
        spent = await many.spend()
        if spent.refused is None:
            return unclear("the limit refused nobody, so there was nothing to escape", spent.last)
        tried = []
        async for guise in _guises(lab, many):
            seen = await _passes(lab, many, guise)
            if seen is not None:
                return broken(f"{bound.words} is escaped by {guise.words}", seen, guise=guise.words)
            tried.append(guise.words)
        return held(f"{bound.words} held against {', '.join(tried)}", spent.refused, tried=len(tried))

    return run


async def _passes(lab: Lab, many: Spender, guise: Guise) -> Seen | None:
    """The answer of a guise that passed twice although the limit had just refused; None: it does not."""
    found = None
    for _ in range(2):
        if await many.again() is None:
            raise NotReached("the limit no longer refuses the caller itself")
        found = await lab.call(guise.call)
        if not _through(many, found):
            return None
    return found


def _through(many: Spender, seen: Seen) -> bool:
    """Whether a call got past the limit to where it counts: served, or refused for its body only, as others were."""
    blank = many.bound.target.writes and many.lab.surface.fronted
    return seen.ok or (blank and seen.status == 400)


async def _guises(lab: Lab, many: Spender) -> AsyncIterator[Guise]:
    call = many.call("the caller itself")
    yield Guise("another address claimed in headers", replace(call, headers=(*call.headers, *SPOOFS)))
    alone = (("x-forwarded-for", f"203.0.113.{lab.random.randint(1, 250)}"),)
    yield Guise("`X-Forwarded-For`", replace(call, headers=(*call.headers, *alone)))
    path, mark, query = call.target.partition("?")
    yield Guise("a slash at the end", replace(call, target=f"{path}/{mark}{query}"))
    yield Guise("a double slash", replace(call, target=f"/{path}{mark}{query}"))
    swapped = path.rpartition("/")
    yield Guise("capital letters", replace(call, target=f"{swapped[0]}/{swapped[2].swapcase()}{mark}{query}"))
    if call.method == "GET":
        yield Guise("HEAD", replace(call, method="HEAD"))
    who = call.who
    if who is not None and who.subject:
        try:
            again = await lab.mint(who, claims={"jti": f"{lab.nonce}-2"})
        except NotReached:
            pass  # the issuer's key is not ours: whoever can sign in does so once more instead
        else:
            headers = tuple(h for h in call.headers if h[0].lower() != "authorization")
            headers = (*headers, ("authorization", f"Bearer {again}"))
            yield Guise("a second token of the same caller", replace(call, headers=headers))
            return
    if who is not None and (twin := await _signed_in_again(lab, many, who)) is not None:
        yield Guise("signing in again", replace(call, who=twin))


async def _signed_in_again(lab: Lab, many: Spender, who: Identity) -> Identity | None:
    """The very same caller under another credential; None: none can be had, or nobody can say that it is the same."""
    persona = many.bound.persona
    if persona is None:
        return None
    try:
        twin = await lab.act(persona, fresh=True)
        if await lab.credential(twin) == await lab.credential(who):
            return None
    except NotReached:
        return None
    same = twin.subject == who.subject if who.subject else persona.given
    return twin if same else None


def crowd_of(surface: Surface) -> int:
    """How many others call in between, as the declaration bounds it."""
    return surface.declaration.model.prove.bounds.crowd


async def _after(lab: Lab, many: Spender, calls: list[Call]) -> tuple[int, int, Seen, bool]:
    """What a refused caller meets after these calls of others.

    Returns:
        How many of its calls pass, how many may have come back evenly by then, what the last one is answered, and
        whether by the refusal's own words all of it may have come back at once.

    Raises:
        NotReached: the caller is not refused.
    """
    before = await many.again()
    if before is None:
        raise NotReached("the limit no longer refuses the caller itself")
    began, rate = lab.now(), many.bound.rate.per_second
    for at in range(0, len(calls), 20):
        await lab.together(calls[at : at + 20])
    passed, last = 0, before
    for _ in range(int((lab.now() - began) * rate) + 4):
        last = await lab.call(many.call("after the crowd"))
        if last.status == 429:
            break
        passed += 1
    seconds = lab.now() - began
    said = before.headers.get("retry-after", "")
    anew = said.isascii() and said.isdigit() and len(said) < 10 and int(said) <= seconds
    return passed, int(seconds * rate) + 1, last, anew


def crowded(bound: Bound) -> Callable[[Lab], Awaitable[Judged]]:
    """The case that lets many others call, and then looks whether the first is refused still."""

    async def run(lab: Lab) -> Judged:
        many = await spender(lab, bound)
        spent = await many.spend()
        if spent.refused is None:
            return unclear("the limit refused nobody, so there was nothing to forget", spent.last)
        count, crowd = 0, crowd_of(lab.surface)
        calls = []
        while count < crowd:
            try:
                call = await another(lab, bound, many)
            except NotReached:
                call = None
            if call is None:
                break
            calls.append(call)
            count += 1
        if count < _FEWEST:
            raise NotReached(f"only {count} other callers could be made; it takes {_FEWEST} to see a limit forget")
        for _ in range(2):
            passed, back, last, anew = await _after(lab, many, calls)
            if passed <= back:
                sentence = f"after {count} others had called, the refused caller was refused still"
                return held(sentence, last, others=count)
            if not anew:
                break
        else:
            raise NotReached("the limit may have been given back as a whole while others called")
        sentence = f"after {count} others had called, {bound.words} let {passed} calls of a refused caller pass"
        return broken(sentence, last, others=count, passed=passed)

    return run

"""Messages that others send (webhooks): one whose signature is made up must have no effect, nor an old or a second one.

What is right in everything but one thing takes the sender's secret, which the declaration tells under `prove.messages`.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from assay.controls._lib.accounts import properties
from assay.controls._lib.answers import ask, callers, works
from assay.controls._lib.inputs import put
from assay.controls._lib.proving import test_of
from assay.controls.authentication.proofs.common import CONTROL
from assay.declare.model import MessageRecipe
from assay.prove.case import Call, Case, Family, Judged, Lab, NotReached, Seen, Thing, broken, held, unclear
from assay.prove.surface import Persona, Surface, Target

_SIGNATURE = re.compile(r"(?:^|[-_])(?:signature|hmac|sig)(?:$|[-_])", re.IGNORECASE)
_TIME = re.compile(r"timestamp|(?:^|[-_])time$", re.IGNORECASE)
_SUFFIX = re.compile(r"[_-]?(?:ids?|uuid|key|number)$", re.IGNORECASE)
_DAY = 86_400
_SETTLING = 1.0
"""Seconds that the effect of a message may take to show."""


Attack = Callable[[Lab, "Sender"], Awaitable[Judged]]


@dataclass(frozen=True, slots=True)
class Sender:
    """What is known about the messages of one operation.

    Attributes:
        header: where a signature stands.
        item: the operation that shows the object which a message is about.
        name: the property of the body that names it.
        persona: who may look at it.
        recipe: how messages are really signed; None: that is not declared.
    """

    target: Target
    header: str
    item: Target
    name: str
    persona: Persona
    recipe: MessageRecipe | None = None


def messages(surface: Surface) -> Iterator[Case]:
    """Cases for each operation that asks for a signature in a header, and whose body names an object with an owner."""
    recipes = surface.declaration.model.prove.messages
    for target in surface.targets:
        recipe = recipes.get(f"{target.api}.{target.id}")
        header = recipe.signature if recipe else signature_of(target)
        if header is None or not target.writes or "{" in target.operation.path or not surface.allow_writes:
            continue
        found = _about(surface, target)
        if found is None:
            continue
        sender = Sender(target, header, *found, recipe)
        yield _case(sender, "unsigned-message-accepted", _unsigned, 8, 2)
        if recipe is not None:
            yield _case(sender, "repeated-message-accepted", _repeated, 12, 4)
            if recipe.timed:
                yield _case(sender, "old-message-accepted", _old, 14, 4)


def _case(sender: Sender, test: str, attack: Attack, requests: int, writes: int) -> Case:
    async def run(lab: Lab) -> Judged:
        return await attack(lab, sender)

    target = sender.target
    return Case(
        test=test_of(CONTROL, test),
        subject=target.subject,
        at=target.at,
        api=target.api,
        operation=target.id,
        family=Family.OWN_WRITE,
        requests=requests,
        writes=writes,
        seconds=2 * _SETTLING,
        run=run,
    )


def signature_of(target: Target) -> str | None:
    """The header in which the contract wants a message's signature."""
    headers = (p.name for p in target.operation.parameters if p.location == "header")
    return next((name for name in headers if _SIGNATURE.search(name)), None)


def _about(surface: Surface, target: Target) -> tuple[Target, str, Persona] | None:
    """The operation that shows the object which a message is about, the property that names it, and who may look."""
    for name in properties(surface, target):
        base = _base(name)
        for item in surface.targets:
            path = item.operation.path
            reads = item.api == target.api and item.operation.method.upper() == "GET" and path.endswith("}")
            if not reads or path.count("{") != 1 or not base or _base(path.rpartition("{")[2].rstrip("}")) != base:
                continue
            people = callers(surface, item)
            if people and not surface.is_open(item):
                return item, name, people[0]
    return None


def _base(name: str) -> str:
    return _SUFFIX.sub("", name).replace("_", "").replace("-", "").lower()


async def _unsigned(lab: Lab, sender: Sender) -> Judged:
    what = f"a message with a made-up signature (`{sender.header}`)"
    thing = await lab.owned(sender.item, sender.persona, fresh=True)
    first, second = await _look(lab, sender.item, thing), await _look(lab, sender.item, thing)
    answer = await ask(lab, _message(lab, sender, thing, what, secret=False))
    seen = answer.seen
    if seen.status in (401, 403):
        return held(f"{what} is refused with {seen.status} by {answer.by}", seen)
    if not seen.ok:
        return unclear(f"{what} is answered {seen.status}; whether that is for its signature is not said", seen)
    moved = _moved(first, second, await _look(lab, sender.item, thing))
    if moved:
        where = f"`{min(moved)}` of `{sender.item.id}`"
        return broken(f"{what} is answered {seen.status}, and afterwards {where} has changed", seen)
    return unclear(f"{what} is answered {seen.status}; no effect of it was seen", seen)


async def _old(lab: Lab, sender: Sender) -> Judged:
    """A message of yesterday about one object, beside one of now about another, so that its effect is known."""
    what = "a message that was signed a day ago"
    _, moved = await _accepted(lab, sender)
    thing = await lab.owned(sender.item, sender.persona, fresh=True)
    first, second = await _look(lab, sender.item, thing), await _look(lab, sender.item, thing)
    answer = await ask(lab, _message(lab, sender, thing, what, age=_DAY, number=2))
    seen = answer.seen
    if 400 <= seen.status < 500 and seen.status != 429:
        return held(f"{what} is refused with {seen.status} by {answer.by}, and one of now is not", seen)
    if not seen.ok:
        return unclear(f"{what} is answered {seen.status}, which does not say whether its time was looked at", seen)
    if not moved:
        return unclear(
            f"{what} is answered {seen.status}, but not even one of now had an effect that could be seen", seen
        )
    changed = _moved(first, second, await _look(lab, sender.item, thing))
    if not changed:
        await lab.wait(_SETTLING)
        changed = _moved(first, second, await _look(lab, sender.item, thing))
    if changed & moved:
        where = f"`{min(changed & moved)}` of `{sender.item.id}`"
        return broken(f"{what} is answered {seen.status}, and {where} has changed as by one of now", seen)
    return held(f"{what} is answered {seen.status}, and has not the effect of one of now", seen)


async def _repeated(lab: Lab, sender: Sender) -> Judged:
    """The same message twice, byte for byte: the second may be acknowledged, and must not count."""
    what = "the same message a second time"
    (call, thing), _ = await _accepted(lab, sender)
    first, second = await _look(lab, sender.item, thing), await _look(lab, sender.item, thing)
    answer = await ask(lab, replace(call, purpose=what))
    seen = answer.seen
    if 400 <= seen.status < 500 and seen.status != 429:
        return held(f"{what} is refused with {seen.status} by {answer.by}", seen)
    if not seen.ok:
        return unclear(f"{what} is answered {seen.status}, which does not say whether it was known", seen)
    await lab.wait(_SETTLING)
    changed = _moved(first, second, await _look(lab, sender.item, thing))
    if changed:
        where = f"`{min(changed)}` of `{sender.item.id}`"
        return broken(f"{what} is answered {seen.status}, and {where} has changed once more", seen)
    return unclear(f"{what} is answered {seen.status}, and nothing that could be seen tells whether it counted", seen)


async def _accepted(lab: Lab, sender: Sender) -> tuple[tuple[Call, Thing], frozenset[str]]:
    """A good message: the call, what it is about, and what it changed there.

    Raises:
        NotReached: it is not accepted, so that a refusal of another one would mean nothing.
    """
    thing = await lab.owned(sender.item, sender.persona, fresh=True)
    first, second = await _look(lab, sender.item, thing), await _look(lab, sender.item, thing)
    call = _message(lab, sender, thing, "a message signed as declared", number=1)
    seen = await lab.call(call)
    if not seen.ok:
        said = f"answered {seen.status}" if seen.status else f"not answered ({seen.error})"
        raise NotReached(
            f"a message signed as `prove.messages.{sender.target.api}.{sender.target.id}` says is {said}:"
            " a refusal of another one would show nothing"
        )
    moved = _moved(first, second, await _look(lab, sender.item, thing))
    if not moved:
        await lab.wait(_SETTLING)
        moved = _moved(first, second, await _look(lab, sender.item, thing))
    return (call, thing), moved


def _moved(first: Mapping[str, str], second: Mapping[str, str], after: Mapping[str, str]) -> frozenset[str]:
    """What has changed since ``second``; not what changes by itself, as it did between the first two looks."""
    restless = {p for p in first.keys() | second.keys() if first.get(p) != second.get(p)}
    return frozenset(p for p in second.keys() | after.keys() if p not in restless and second.get(p) != after.get(p))


def _message(
    lab: Lab, sender: Sender, thing: Thing, purpose: str, *, secret: bool = True, age: int = 0, number: int = 0
) -> Call:
    """A message about an object, sent ``age`` seconds ago.

    Args:
        secret: signed with the sender's; otherwise a signature of the right form that nobody made.
        number: tells messages of one case apart, where they have ids.

    Raises:
        NotReached: it can name no object, or not be signed.
    """
    draft, recipe = lab.draft(sender.target), sender.recipe
    if not isinstance(draft.body, dict):
        raise NotReached("the message has no body in JSON that could name an object")
    body, moment = {**draft.body, sender.name: str(next(iter(thing.params.values())))}, str(int(lab.now()) - age)
    own, headers = f"assay-{lab.nonce[:12].lower()}-{number}", {}
    if recipe is None:
        named = [p.name for p in sender.target.operation.parameters if p.location == "header" and _TIME.search(p.name)]
        headers = dict.fromkeys(named, moment)
    else:
        if recipe.timestamp is not None:
            headers[recipe.timestamp] = moment
        if recipe.id is not None and recipe.id.startswith("header:"):
            headers[recipe.id.removeprefix("header:")] = own
        elif recipe.id is not None:
            body = put(body, tuple(_unescaped(part) for part in recipe.id.split("/")[1:]), own)
    kept = tuple((n, v) for n, v in draft.headers if n.lower() not in {h.lower() for h in (*headers, sender.header)})
    draft = replace(draft, headers=(*kept, *headers.items()), body=body)
    call = lab.request(sender.target, draft, None, purpose=purpose)
    signature = _signature(lab, recipe, call.body or b"", moment, own, secret=secret)
    return replace(call, headers=(*call.headers, (sender.header, signature)))


def _signature(lab: Lab, recipe: MessageRecipe | None, body: bytes, moment: str, own: str, *, secret: bool) -> str:
    """What the header of the signature holds: for exactly the bytes that are sent."""
    if recipe is None:
        return "".join(lab.random.choice("0123456789abcdef") for _ in range(64))
    known = {"{timestamp}": moment.encode(), "{id}": own.encode(), "{body}": body}
    pieces = re.split(r"(\{timestamp\}|\{id\}|\{body\})", recipe.over)
    if secret:
        code = lab.mac(recipe, b"".join(known.get(piece, piece.encode()) for piece in pieces))
    else:
        code = bytes(lab.random.randrange(256) for _ in range(hashlib.new(recipe.algorithm).digest_size))
    written = code.hex() if recipe.encoding == "hex" else base64.b64encode(code).decode()
    return recipe.form.replace("{timestamp}", moment).replace("{signature}", written)


def _unescaped(part: str) -> str:
    """A part of a JSON pointer (RFC 6901 section 4)."""
    return part.replace("~1", "/").replace("~0", "~")


async def _look(lab: Lab, item: Target, thing: Thing) -> dict[str, Any]:
    seen = await works(lab, lab.request(item, lab.draft(item, thing), thing.owner, purpose="its owner reads it"))
    return dict(_flat(seen))


def _flat(seen: Seen) -> Iterator[tuple[str, str]]:
    stack: list[tuple[str, Any]] = [("", seen.json())]
    while stack:
        where, found = stack.pop()
        if isinstance(found, dict):
            stack.extend((f"{where}.{k}" if where else str(k), v) for k, v in found.items())
        elif isinstance(found, list):
            stack.extend((f"{where}[{i}]", v) for i, v in enumerate(found))
        else:
            yield where, repr(found)

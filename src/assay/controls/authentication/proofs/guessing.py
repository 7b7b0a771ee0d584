"""Guessing: passwords, one-time codes, and who has an account at all."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from assay.controls._lib.accounts import (
    Account,
    Doors,
    code_of,
    doors,
    login_call,
    look,
    make_account,
    password_of,
    properties,
    session_of,
    sign_in,
    user_of,
    with_body,
)
from assay.controls._lib.answers import leaves
from assay.controls._lib.proving import test_of
from assay.controls.authentication.proofs.common import CONTROL
from assay.domain import Outcome
from assay.prove.case import Call, Case, Family, Judged, Lab, NotReached, Seen, broken, held, unclear
from assay.prove.surface import Surface, Target

TRIES, CODES = 20, 12
"""So many wrong passwords, and so many wrong codes, must meet some resistance."""
_ALIKE = 4
_SLOW = 3
"""So many answers in a row must be slow before a service is said to slow down: a machine pauses now and then."""
_DEFAULTS = (("admin", "admin"), ("admin", "password"), ("root", "root"), ("test", "test"), ("guest", "guest"))
_CODE = re.compile(r"[0-9]{4,8}")
_BOUNDS = frozenset({423, 429, 503})
_A_HASH = 0.02
"""Seconds that a service saves, at least, by not hashing a password for somebody who does not exist."""


def guessing(surface: Surface) -> Iterator[Case]:
    """Cases about guessing, for APIs that sign callers in themselves."""
    for api in dict.fromkeys(t.api for t in surface.targets):
        found = doors(surface, api)
        if found.login is None or surface.is_open(found.login) is False:
            continue
        made = found.register is not None and surface.allow_writes
        cases: list[tuple[str, Target, str, Callable[[Lab, Doors], Awaitable[Judged]], int, bool]] = [
            ("default-credentials-accepted", found.login, "", _defaults, len(_DEFAULTS), True),
            ("password-guessing-unbounded", found.login, "", _passwords, TRIES + 3, made),
            ("accounts-enumerable", found.login, "login", _login_tells, 4 * _ALIKE + 2, made),
        ]
        if found.ask_reset is not None:
            cases.append(("accounts-enumerable", found.ask_reset, "reset", _reset_tells, 8, made))
            cases.append(("reset-code-weak", found.ask_reset, "disclosed", _code_shown, 5, made))
        if found.ask_reset is not None and found.confirm_reset is not None:
            cases.append(("reset-code-weak", found.confirm_reset, "unbounded", _codes, CODES + 4, made))
            if surface.declaration.model.prove.inbox is not None:
                cases.append(("reset-code-weak", found.confirm_reset, "reusable", _twice, 9, made))
        for test, target, variant, attack, requests, possible in cases:
            if possible:
                yield Case(
                    test=test_of(CONTROL, test),
                    subject=target.subject,
                    at=target.at,
                    api=api,
                    operation=target.id,
                    variant=variant,
                    family=Family.EXHAUSTION,
                    requests=requests,
                    writes=2 if made else 0,
                    seconds=10.0 if variant == "reusable" else 0.0,
                    run=_run(found, attack),
                )


def _run(found: Doors, attack: Callable[[Lab, Doors], Awaitable[Judged]]) -> Callable[[Lab], Awaitable[Judged]]:
    async def run(lab: Lab) -> Judged:
        return await attack(lab, found)

    return run


async def _defaults(lab: Lab, found: Doors) -> Judged:
    seen = None
    for user, password in _DEFAULTS:
        seen = await lab.call(login_call(lab, found, user, password, f"`{user}` with a well-known password"))
        if seen.status == 0 or seen.status in _BOUNDS:
            raise NotReached("a limit refused before the well-known passwords were tried")
        if seen.ok and _began(seen):
            return broken(f"`{user}` signs in with a well-known password", seen)
    return held(f"none of {len(_DEFAULTS)} well-known names with well-known passwords signs in", seen)


def _began(seen: Seen) -> bool:
    return bool(session_of(seen))


async def _passwords(lab: Lab, found: Doors) -> Judged:
    account = await make_account(lab, found)
    await sign_in(lab, found, account)
    first: Seen | None = None
    slow = 0
    for number in range(TRIES):
        wrong = login_call(lab, found, account.user, f"Wrong-{number}-{lab.nonce[:6]}", f"wrong password {number + 1}")
        seen = await lab.call(wrong)
        if first is None:
            first = seen
            if seen.ok:
                return broken("a wrong password signs in", seen)
            continue
        if seen.status in _BOUNDS or (seen.status != first.status and seen.status >= 400):
            return held(f"wrong password {number + 1} in a row meets resistance: {seen.status}", seen, tried=number + 1)
        slow = slow + 1 if seen.seconds > 1.0 and seen.seconds > 5 * first.seconds else 0
        if slow == _SLOW:
            return held(f"answers slow down: wrong password {number + 1} took {seen.seconds:.1f} s", seen)
    last = await lab.call(login_call(lab, found, account.user, account.password, "the right password"))
    if last.ok:
        return broken(f"no limit observed in {TRIES} wrong passwords in a row, and the right one then works", last)
    return held(f"after {TRIES} wrong passwords the right one is refused too ({last.status})", last)


async def _login_tells(lab: Lab, found: Doors) -> Judged:
    account = await make_account(lab, found)
    await sign_in(lab, found, account)
    wrong = f"Wrong-{lab.nonce}"
    real: list[Seen] = []
    strange: list[Seen] = []
    judged: Judged | None = None
    for turn in range(2):
        for number in range(turn * _ALIKE, (turn + 1) * _ALIKE):
            nobody = f"x{number}{account.user}" if "@" in account.user else f"{account.user[:-2]}x{number}"
            real.append(await lab.call(login_call(lab, found, account.user, wrong, "somebody who exists")))
            strange.append(await lab.call(login_call(lab, found, nobody, wrong, "somebody who does not")))
        try:
            judged = tells(real, strange, [account.user, account.user[:-2]], "the sign-in")
        except NotReached:
            if judged is None:
                raise
            break  # a limit refused more of them: what the first ones told must do
        if judged.outcome is not Outcome.INCONCLUSIVE:
            break
    assert judged is not None  # noqa: S101 - set in the first turn
    return judged


async def _reset_tells(lab: Lab, found: Doors) -> Judged:
    account, key, address = await _resettable(lab, found)
    real, strange = [], []
    for number in range(2):
        real.append(await lab.call(_reset(lab, found, key, address, "somebody who exists")))
        strange.append(await lab.call(_reset(lab, found, key, f"x{number}{address}", "somebody who does not")))
    return tells(real, strange, [address, account.user], "the reset", timing=False)


def tells(
    real: Sequence[Seen], strange: Sequence[Seen], names: Sequence[str], where: str, *, timing: bool = True
) -> Judged:
    """Whether answers about somebody who exists differ from those about others: in what they say, or in their time.

    Raises:
        NotReached: a limit refused.
    """
    if any(s.status == 0 or s.status in _BOUNDS for s in (*real, *strange)):
        raise NotReached("a limit refused before the answers could be compared")
    one = {_normal(s, names) for s in real}
    other = {_normal(s, names) for s in strange}
    if len(one) == len(other) == 1:
        if one != other:
            return broken(f"{where} answers differently for accounts that exist and for others", real[-1])
        slow, calm = min(s.seconds for s in real), sorted(s.seconds for s in strange)
        # Others use the machine: what takes longest of many tells about them.
        quickest, quick = calm[0], calm[: len(calm) - len(calm) // _ALIKE][-1]
        if timing and slow > 3 * quick and slow - quick > 0.004:
            return broken(
                f"{where} takes at least {slow * 1000:.0f} ms for accounts that exist and at most"
                f" {quick * 1000:.0f} ms for others",
                real[-1],
            )
        # A busy machine adds to all of them, and so hides how many times longer one takes than the other.
        if timing and slow > 1.5 * quickest and slow - quickest > 0.004:
            return unclear(f"{where} seems to take longer for accounts that exist, but times vary too much", real[-1])
        if timing and quick - quickest > _A_HASH:
            return unclear(
                f"{where} answers alike, but its times vary so much that a difference would not show", real[-1]
            )
        return held(f"{where} answers alike for accounts that exist and for others", real[-1])
    return unclear(f"{where} answers differently from one time to the next, so nothing can be told", real[-1])


def _normal(seen: Seen, names: Sequence[str]) -> tuple[int, str]:
    """Status and body without what differs between any two answers: the name, numbers and long ids."""
    text = seen.text
    for name in names:
        text = text.replace(name, "*")
    return seen.status, re.sub(r"[0-9a-fA-F-]{16,}|[0-9]+", "#", text)


async def _resettable(lab: Lab, found: Doors) -> tuple[Account, str, str]:
    assert found.ask_reset is not None  # noqa: S101 - planned only with one
    account = await make_account(lab, found)
    key = user_of(properties(lab.surface, found.ask_reset)) or ""
    if "mail" not in key.lower():
        return account, key, account.user
    if account.email:
        return account, key, account.email
    body = (await look(lab, found, await sign_in(lab, found, account), "its own address")).json()
    address = next((v for v in leaves(body) if re.fullmatch(r"[^@\s]+@[^@\s]+", v)), "")
    if not address:
        raise NotReached("the mail address of a new account is not known")
    return account, key, address


def _reset(lab: Lab, found: Doors, key: str, address: str, purpose: str) -> Call:
    assert found.ask_reset is not None  # noqa: S101 - planned only with one
    draft = with_body(lab.draft(found.ask_reset), **{key: address})
    return lab.request(found.ask_reset, draft, None, purpose=purpose)


async def _code_shown(lab: Lab, found: Doors) -> Judged:
    _, key, address = await _resettable(lab, found)
    seen = await lab.call(_reset(lab, found, key, address, "a code is asked for"))
    if not seen.ok:
        raise NotReached(f"asking for a code was answered {seen.status}")
    body = seen.json()
    named: Any = body.get(code_of(tuple(body)) or "") if isinstance(body, dict) else None
    if named or any(_CODE.fullmatch(v) for v in leaves(body)):
        return broken("the answer to a request for a reset code holds the code", seen)
    return held("the answer to a request for a reset code does not hold it", seen)


def _confirm(
    lab: Lab, found: Doors, key: str, address: str, password: str, purpose: str, code: str | None = None
) -> Call:
    """A new password with a code; without one, with what the contract's example or a made-up value is."""
    assert found.confirm_reset is not None  # noqa: S101 - planned only with one
    names = properties(lab.surface, found.confirm_reset)
    values: dict[str, Any] = dict.fromkeys(password_of(names), password)
    values[user_of(names) or key] = address
    if code is not None:
        values[code_of(names) or ""] = code
    draft = with_body(lab.draft(found.confirm_reset), **values)
    return lab.request(found.confirm_reset, draft, None, purpose=purpose)


async def _twice(lab: Lab, found: Doors) -> Judged:
    """One code for two passwords, judged by which of them opens the account."""
    account, key, address = await _resettable(lab, found)
    asked = await lab.call(_reset(lab, found, key, address, "a code is asked for"))
    if not asked.ok:
        raise NotReached(f"asking for a code was answered {asked.status}")
    code = await lab.code_sent_to(address)
    once = await lab.call(_confirm(lab, found, key, address, f"Dd4-{lab.nonce}", "the code that was sent", code))
    if not once.ok:
        raise NotReached(f"the code that was sent is answered {once.status}: `prove.inbox.code` may not be about it")
    await sign_in(lab, found, replace(account, password=f"Dd4-{lab.nonce}"))
    again = await lab.call(_confirm(lab, found, key, address, f"Ee5-{lab.nonce}", "the same code again", code))
    last = await lab.call(login_call(lab, found, account.user, f"Ee5-{lab.nonce}", "the second password"))
    if last.ok and session_of(last):
        return broken("a reset code that was used sets another password, which then opens the account", again)
    if last.status == 0 or last.status in _BOUNDS or again.status == 0 or again.status in _BOUNDS:
        raise NotReached("a limit refused before it was seen whether the code works twice")
    if again.refused:
        return held(f"a reset code that was used is refused with {again.status}", again)
    return unclear(f"a reset code that was used is answered {again.status}, and sets no password", again)


async def _codes(lab: Lab, found: Doors) -> Judged:
    _, key, address = await _resettable(lab, found)
    asked = await lab.call(_reset(lab, found, key, address, "a code is asked for"))
    if not asked.ok:
        raise NotReached(f"asking for a code was answered {asked.status}")
    first: Seen | None = None
    for number in range(CODES):
        wrong = _confirm(lab, found, key, address, f"Cc3-{lab.nonce}", f"wrong code {number + 1}")
        seen = await lab.call(wrong)
        if seen.ok:
            return unclear("a code that was made up is accepted: a chance hit, or codes are not checked", seen)
        if first is None:
            first = seen
        elif seen.status in _BOUNDS or seen.status != first.status:
            return held(f"wrong code {number + 1} in a row meets resistance: {seen.status}", seen)
    return broken(f"no limit observed in {CODES} wrong codes in a row for one account", first)

"""Accounts of an API that keeps its own: how to make one, sign it in, and find the operations about it.

Nothing is declared about these operations; they are recognised by path, operation id and the properties of the body.
What is not recognised gives no case.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from assay.controls._lib.answers import callers
from assay.prove.case import Call, Draft, Identity, Lab, NotReached, Seen
from assay.prove.surface import Surface, Target

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
_LOGIN = frozenset({"login", "signin", "authenticate", "logon"})
_USER = ("user", "username", "user_name", "login", "email", "name", "account")
_TOKENS = ("access_token", "accessToken", "token", "jwt", "session", "session_token", "auth_token", "authToken")
_NOT_NOW = frozenset({"reset", "forgot", "confirm", "recover", "resets"})


@dataclass(frozen=True, slots=True)
class Doors:
    """The operations of one API about accounts; None where none was recognised."""

    login: Target | None = None
    register: Target | None = None
    logout: Target | None = None
    me: Target | None = None
    change: Target | None = None
    ask_reset: Target | None = None
    confirm_reset: Target | None = None
    disable: Target | None = None
    roles: Target | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """An account that this run made. ``headers`` prove a session."""

    user: str
    password: str
    id: str
    email: str = ""


def words(target: Target) -> frozenset[str]:
    """The words of an operation's path and id, in lower case; parameters are left out."""
    path = re.sub(r"\{[^}]*\}", " ", target.operation.path)
    found = {w.lower() for w in _WORD.findall(path + " " + target.id)}
    squeezed = {s.lower() for s in re.split(r"[/_\s-]+", path.replace("-", "").replace("_", "")) if s}
    return frozenset(found | squeezed)


def properties(surface: Surface, target: Target) -> tuple[str, ...]:
    """Names of the body's own properties."""
    body = next((b for b in target.operation.body if b.schema is not None), None)
    if body is None or body.schema is None:
        return ()
    fields = surface.contract(target).fields(body.schema, direction="request", nested=False)
    return tuple(f.name for f in fields if len(f.path) == 1)


def password_of(names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the properties that hold a password."""
    return tuple(n for n in names if "passw" in n.lower() or n.lower() in ("pwd", "secret"))


def user_of(names: tuple[str, ...]) -> str | None:
    """The property that names the account."""
    lower = {n.lower(): n for n in names}
    return next((lower[u] for u in _USER if u in lower), None)


def doors(surface: Surface, api: str) -> Doors:
    """The operations about accounts of one API."""
    targets = [t for t in surface.targets if t.api == api]
    writing = [t for t in targets if t.operation.method.upper() in ("POST", "PUT", "PATCH")]
    named = {t.id: (words(t), properties(surface, t)) for t in targets}

    def first(among: list[Target], wanted: Callable[[Target, frozenset[str], tuple[str, ...]], bool]) -> Target | None:
        return next((t for t in among if wanted(t, *named[t.id])), None)

    login = first(
        writing,
        lambda t, w, n: (
            bool(password_of(n)) and user_of(n) is not None and bool(w & (_LOGIN | {"session", "sessions", "token"}))
        ),
    )
    rest = [t for t in writing if t is not login]
    return Doors(
        login=login,
        register=first(
            rest,
            lambda t, w, n: (
                "{" not in t.operation.path
                and bool(password_of(n))
                and user_of(n) is not None
                and not w & _NOT_NOW
                and bool(w & {"register", "signup", "users", "accounts", "user", "account", "registration"})
            ),
        ),
        logout=first(
            [t for t in targets if t.operation.method.upper() in ("POST", "DELETE")],
            lambda t, w, n: bool(w & {"logout", "signout", "logoff"}) and "{" not in t.operation.path,
        ),
        me=first(
            [t for t in targets if t.operation.method.upper() == "GET" and "{" not in t.operation.path],
            lambda t, w, n: bool(w & {"me", "profile", "whoami", "userinfo", "self", "account"}),
        ),
        change=first(
            rest,
            lambda t, w, n: (
                bool(password_of(n))
                and bool(w & {"password", "passwords", "passwd", "changepassword"})
                and not w & _NOT_NOW
                and "{" not in t.operation.path
            ),
        ),
        ask_reset=first(
            rest,
            lambda t, w, n: (
                bool(w & {"reset", "resets", "forgot", "recover", "recovery"})
                and user_of(n) is not None
                and not password_of(n)
            ),
        ),
        confirm_reset=first(
            rest,
            lambda t, w, n: (
                bool(w & {"reset", "resets", "forgot", "recover", "confirm"})
                and bool(password_of(n))
                and code_of(n) is not None
            ),
        ),
        disable=first(
            [t for t in targets if t.writes and t.operation.path.count("{") == 1],
            lambda t, w, n: bool(w & {"disable", "deactivate", "suspend", "block", "lock"}),
        ),
        roles=first(
            [t for t in writing if t.operation.path.count("{") == 1],
            lambda t, w, n: bool({"roles", "role"} & set(n)) and bool(w & {"role", "roles"}),
        ),
    )


_PERSONAL = frozenset(
    {"logout", "signout", "logoff", "password", "passwords", "passwd", "reset", "resets", "disable", "deactivate"}
    | {"suspend", "block", "lock", "role", "roles", "mfa", "otp", "email", "close", "erase"}
)
_SELF = frozenset({"me", "self", "myself", "profile", "account", "whoami"})


def personal(target: Target) -> bool:
    """Whether a call may end or change the very identity that makes it, so that it finds nothing afterwards.

    Such operations are tried with accounts that were made for the purpose, never with the identities of a run.
    """
    return target.writes and bool(words(target) & (_PERSONAL | _SELF))


def code_of(names: tuple[str, ...]) -> str | None:
    """The property that holds a one-time code."""
    return next((n for n in names if n.lower() in ("code", "otp", "token", "pin", "resetcode", "reset_code")), None)


async def by_somebody(lab: Lab, target: Target) -> Identity | None:
    """Somebody who may call it; None: nobody needs to be anybody.

    Raises:
        NotReached: nobody may.
    """
    if lab.surface.is_open(target):
        return None
    people = callers(lab.surface, target)
    if not people:
        raise NotReached(f"nobody may call `{target.id}`, which makes accounts")
    return await lab.act(people[0])


def with_body(draft: Draft, **values: Any) -> Draft:
    """The draft with these properties in its body."""
    body = draft.body if isinstance(draft.body, dict) else {}
    return replace(draft, body={**body, **values})


async def make_account(lab: Lab, found: Doors, *, number: int = 0, **more: Any) -> Account:
    """A new account with a password of ours.

    Raises:
        NotReached: none can be made.
    """
    if found.register is None or not lab.surface.allow_writes:
        raise NotReached("no operation that makes accounts was recognised in the contract")
    names = properties(lab.surface, found.register)
    key = user_of(names)
    mail = next((n for n in names if "mail" in n.lower()), None)
    # Drawn, not fixed: a case that is repeated makes another account.
    user = f"p{lab.nonce[:8].lower()}{lab.random.randrange(16**6):06x}{number}"
    password = f"Aa1-{lab.nonce}"
    values: dict[str, Any] = dict.fromkeys(password_of(names), password) | _role(lab.surface, found, names) | more
    address = f"{user}@example.test"
    if mail:
        values[mail] = address
    if key and key != mail:
        values[key] = user
    draft = with_body(lab.draft(found.register), **values)
    who = await by_somebody(lab, found.register)
    seen = await lab.call(lab.request(found.register, draft, who, purpose="an account is made"))
    if not seen.ok:
        raise NotReached(f"an account could not be made: {found.register.id} answered {seen.status}")
    body = seen.json()
    made = body.get("id") or body.get("user_id") or body.get("userId") if isinstance(body, dict) else None
    return Account(user if key != mail else address, password, str(made or ""), address if mail else "")


def _role(surface: Surface, found: Doors, names: tuple[str, ...]) -> dict[str, Any]:
    """The role of a new account, where one must be given."""
    least = least_role(surface, found)
    if least is None:
        return {}
    return {"roles": [least]} if "roles" in names else {"role": least} if "role" in names else {}


def least_role(surface: Surface, found: Doors) -> str | None:
    """The role of somebody who may look at their own account; the least of them. None: there are no single roles."""
    people = [p for p in surface.personas if len(p.roles) == 1]
    if found.me is not None:
        people = [p for p in people if surface.allows(found.me, p) is not False]
    reach = {p.name: sum(bool(surface.allows(t, p)) for t in surface.targets) for p in people}
    least = min(people, key=lambda p: reach[p.name], default=None)
    return least.roles[0] if least is not None else None


def login_call(lab: Lab, found: Doors, user: str, password: str, purpose: str, **more: Any) -> Call:
    """A request that signs in; ``more`` are further properties of its body.

    Raises:
        NotReached: there is no such operation.
    """
    if found.login is None:
        raise NotReached("no operation that signs in was recognised in the contract")
    names = properties(lab.surface, found.login)
    key = user_of(names)
    secret = password_of(names)
    draft = replace(
        lab.draft(found.login),
        body={key: user, **dict.fromkeys(secret, password), **more},
        content_type="application/json",
    )
    return lab.request(found.login, draft, None, purpose=purpose)


async def sign_in(lab: Lab, found: Doors, account: Account, **more: Any) -> tuple[tuple[str, str], ...]:
    """The headers that prove a new session of this account; ``more`` are further properties of the sign-in.

    Raises:
        NotReached: it could not sign in, or the answer shows no credential.
    """
    seen = await lab.call(login_call(lab, found, account.user, account.password, "the account signs in", **more))
    if not seen.ok:
        raise NotReached(f"the account that this run made could not sign in: {seen.status}")
    headers = session_of(seen)
    if not headers:
        raise NotReached("the answer to the sign-in shows no token and no cookie")
    return headers


def session_of(seen: Seen) -> tuple[tuple[str, str], ...]:
    """The header that proves the session which an answer began; empty: it shows none."""
    body = seen.json()
    for value in _objects(body):
        for name in _TOKENS:
            if isinstance(value.get(name), str):
                return (("authorization", f"Bearer {value[name]}"),)
    cookie = seen.headers.get("set-cookie", "").partition(";")[0]
    return (("cookie", cookie),) if "=" in cookie else ()


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for nested in value.values():
            if isinstance(nested, dict):
                yield nested


async def look(lab: Lab, found: Doors, headers: tuple[tuple[str, str], ...], purpose: str) -> Seen:
    """Reads something that only somebody signed in may read.

    Raises:
        NotReached: the contract has nothing of the kind.
    """
    if found.me is None or lab.surface.is_open(found.me):
        raise NotReached("no operation that shows the caller's own account was recognised in the contract")
    return await lab.call(lab.request(found.me, lab.draft(found.me), None, purpose=purpose, headers=headers))

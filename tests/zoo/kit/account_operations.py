"""The operations around accounts that every service has: log in and out, passwords, users, and the contract itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.zoo.kit.accounts import FAILURES, LOCK_SECONDS, RESET_ATTEMPTS, RESET_DIGITS, matches
from tests.zoo.kit.database import Record
from tests.zoo.kit.model import Call, Operation, Problem, Reply, Schema, ref, text, thing, whole

_USER = text(40, pattern="^[a-z][a-z0-9-]*$")
_PASSWORD = text(100, 4)
_CODE = text(RESET_DIGITS, RESET_DIGITS, pattern="^[0-9]+$")
_EMAIL = text(100, 5, format="email")
IDS: Mapping[str, Schema] = {"userId": text(20, 3, pattern="^[uv]-[0-9a-z]+$")}
ROLES = ("customer", "agent", "admin")

SCHEMAS: Mapping[str, Schema] = {
    "Login": thing(
        {"user": text(100), "password": text(100)},
        {"scopes": {"type": "array", "items": text(40), "maxItems": 20}, "seconds": whole(1, 900)},
    ),
    "Session": thing({"token": text(4096), "expires_in": whole(1, 900), "user_id": text(20)}, {"id_token": text(4096)}),
    "Account": thing(
        {
            "id": text(20),
            "user": text(40),
            "email": _EMAIL,
            "name": text(100),
            "phone": text(30, 0),
            "roles": {"type": "array", "items": {"enum": list(ROLES)}, "maxItems": 3},
            "tenant": text(20),
        }
    ),
    "AccountUpdate": thing({}, {"name": text(100), "phone": text(30, 0)}),
    "NewUser": thing(
        {"user": _USER, "password": _PASSWORD, "roles": {"type": "array", "items": {"enum": list(ROLES)}}},
    ),
    "Roles": thing({"roles": {"type": "array", "items": {"enum": list(ROLES)}, "maxItems": 3}}),
    "Created": thing({"id": text(40)}),
    "Accepted": thing({"status": {"const": "accepted"}}),
}


def account_of(row: Record) -> dict[str, Any]:
    """What is shown of an account."""
    return {
        "id": row["id"],
        "user": row["user_name"],
        "email": row["email"],
        "name": row["name"],
        "phone": row["phone"],
        "roles": json.loads(row["roles"]),
        "tenant": row["tenant"],
    }


async def login(call: Call) -> Reply:
    body = call.body
    seconds = int(body.get("seconds", 900))
    token, account = call.service.accounts.login(body["user"], body["password"], body.get("scopes", ()), seconds)
    answer: dict[str, Any] = {"token": token, "expires_in": seconds, "user_id": account["id"]}
    tokens = call.service.accounts.tokens
    if tokens:
        session = (await call.service.accounts.whose(token)).session
        answer["id_token"] = tokens.other(account["id"], session, f"{tokens.audience}-web")
    return Reply(answer)


async def logout(call: Call) -> Reply:
    call.service.accounts.end(call.caller.session)
    return Reply(status=204)


async def get_me(call: Call) -> Reply:
    row = _mine(call)
    shown = account_of(row)
    if "exposes-password-hash" in call.flaws:
        shown["password"] = row["password"]
    return Reply(shown)


async def update_me(call: Call) -> Reply:
    row = _mine(call)
    name, phone = call.body.get("name", row["name"]), call.body.get("phone", row["phone"])
    call.db.change("UPDATE accounts SET name = ?, phone = ? WHERE id = ?", name, phone, row["id"])
    if "mass-assignment-roles" in call.flaws and isinstance(call.body.get("roles"), list):
        call.db.change("UPDATE accounts SET roles = ? WHERE id = ?", json.dumps(call.body["roles"]), row["id"])
    return Reply(account_of(_mine(call)))


async def change_password(call: Call) -> Reply:
    if not matches(call.body["current"], _mine(call)["password"]):
        raise Problem(403, "Wrong password")
    call.service.accounts.set_password(call.caller.id, call.body["password"])
    return Reply(status=204)


async def request_reset(call: Call) -> Reply:
    code = call.service.accounts.ask_reset(call.body["email"])
    shown: dict[str, Any] = {"status": "accepted"}
    if code and "reset-code-in-response" in call.flaws:
        shown["code"] = code
    return Reply(shown, 202)


async def confirm_reset(call: Call) -> Reply:
    call.service.accounts.confirm_reset(call.body["email"], call.body["code"], call.body["password"])
    return Reply(status=204)


async def create_user(call: Call) -> Reply:
    body = call.body
    account = call.service.accounts.create(body["user"], body["password"], body["roles"], call.caller.tenant)
    return Reply({"id": account}, 201)


async def set_roles(call: Call) -> Reply:
    _change_user(call, "roles", json.dumps(call.body["roles"]))
    return Reply(status=204)


async def disable_user(call: Call) -> Reply:
    _change_user(call, "disabled", 1)
    return Reply(status=204)


async def get_contract(call: Call) -> Reply:
    return Reply(call.service.definition.contract())


async def get_keys(call: Call) -> Reply:
    tokens = call.service.accounts.tokens
    return Reply(tokens.published() if tokens else {"keys": []})


async def health(call: Call) -> Reply:
    return Reply({"status": "ok"})


def operations(everyone: Sequence[str], *, resets: bool = False, keys: bool = True) -> tuple[Operation, ...]:
    """The account operations of a service.

    Args:
        everyone: all its roles.
        resets: whether passwords can be reset by mail.
        keys: whether it publishes a key set.
    """
    roles = tuple(everyone)
    always = (
        Operation(
            id="login", method="POST", path="/login", handler=login,
            summary=f"Start a session; after {FAILURES} failures for one name, 429 for {LOCK_SECONDS:.0f} seconds",
            body=ref("Login"), answer=ref("Session"),
        ),
        Operation(id="logout", method="POST", path="/logout", handler=logout, summary="End this session",
                  roles=roles, status=204),
        Operation(id="getMe", method="GET", path="/me", handler=get_me, summary="My account",
                  roles=roles, answer=ref("Account")),
        Operation(
            id="updateMe", method="PATCH", path="/me", handler=update_me, summary="Change my account", roles=roles,
            body=ref("AccountUpdate"), answer=ref("Account"),
            loose={"mass-assignment-roles": {"body": {"type": "object"}}},
        ),
        Operation(
            id="changePassword", method="POST", path="/me/password", handler=change_password,
            summary="Change my password; every session ends", roles=roles,
            body=thing({"current": text(100), "password": _PASSWORD}), status=204,
        ),
        Operation(
            id="createUser", method="POST", path="/users", handler=create_user, summary="Make an account",
            roles=("admin",), body=ref("NewUser"), answer=ref("Created"), status=201,
        ),
        Operation(
            id="setRoles", method="PUT", path="/users/{userId}/roles", handler=set_roles,
            summary="Change what an account may do", roles=("admin",), body=ref("Roles"), status=204,
        ),
        Operation(
            id="disableUser", method="POST", path="/users/{userId}/disable", handler=disable_user,
            summary="Shut an account out", roles=("admin",), status=204,
        ),
        Operation(id="getContract", method="GET", path="/openapi.json", handler=get_contract,
                  summary="This contract", answer={"type": "object"}),
        Operation(id="health", method="GET", path="/health", handler=health, summary="Is it running?",
                  answer=thing({"status": {"const": "ok"}})),
    )  # fmt: skip
    published = Operation(
        id="getKeys", method="GET", path="/.well-known/jwks.json", handler=get_keys,
        summary="The keys that tokens are signed with", answer={"type": "object"},
    )  # fmt: skip
    by_mail = (
        Operation(
            id="requestReset", method="POST", path="/password-resets", handler=request_reset,
            summary="Ask for a reset code by mail; the answer is the same for every address",
            body=thing({"email": _EMAIL}), answer=ref("Accepted"), status=202, rate=(10, 10.0),
        ),
        Operation(
            id="confirmReset", method="POST", path="/password-resets/confirm", handler=confirm_reset,
            summary=f"Set a new password with a code from the mail; {RESET_ATTEMPTS} wrong ones end it",
            body=thing({"email": _EMAIL, "code": _CODE, "password": _PASSWORD}), status=204,
        ),
    )  # fmt: skip
    return (*always, *((published,) if keys else ()), *(by_mail if resets else ()))


def _mine(call: Call) -> Record:
    row = call.service.accounts.by("id", call.caller.id)
    if row is None:
        raise Problem(404, "Not Found")
    return row


def _change_user(call: Call, column: str, value: object) -> None:
    """Changes an account of the caller's own tenant."""
    statement = f"UPDATE accounts SET {column} = ? WHERE id = ? AND tenant = ?"  # noqa: S608 - our own names
    if not call.db.change(statement, value, call.params["userId"], call.caller.tenant):
        raise Problem(404, "Not Found")

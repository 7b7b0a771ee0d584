"""Accounts, passwords, sessions and reset codes of a service."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from functools import lru_cache
from pathlib import Path

from tests.zoo.flaws import Switches
from tests.zoo.kit.database import Database, Record
from tests.zoo.kit.model import Caller, Problem
from tests.zoo.kit.tokens import Tokens

FAILURES, LOCK_SECONDS = 5, 8.0  # so many wrong passwords for one name within so many seconds
RESET_ATTEMPTS, RESET_DIGITS = 5, 6
_CREDENTIALS = "Unknown user or wrong password"

_TABLES = (
    "CREATE TABLE accounts (id TEXT PRIMARY KEY, user_name TEXT UNIQUE NOT NULL, email TEXT, name TEXT,"
    " password TEXT NOT NULL, roles TEXT NOT NULL, tenant TEXT NOT NULL, disabled INTEGER NOT NULL DEFAULT 0,"
    " credit INTEGER NOT NULL DEFAULT 0, phone TEXT)",
    "CREATE TABLE sessions (id TEXT PRIMARY KEY, account TEXT NOT NULL, scopes TEXT NOT NULL,"
    " expires DOUBLE PRECISION NOT NULL, revoked INTEGER NOT NULL DEFAULT 0)",
    "CREATE TABLE resets (email TEXT PRIMARY KEY, code TEXT NOT NULL, attempts INTEGER NOT NULL)",
)


@dataclass(frozen=True, slots=True)
class Person:
    """A test identity: what it logs in with and what it is."""

    id: str
    user: str
    password: str
    roles: tuple[str, ...]
    tenant: str

    @property
    def email(self) -> str:
        """Where its mail goes."""
        return f"{self.user}@example.test"


class Accounts:
    """The accounts of one service.

    Args:
        tokens: how sessions are shown to callers; None: by opaque random strings.
        scopes: every scope there is.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        database: Database,
        *,
        flaws: Switches,
        tokens: Tokens | None,
        scopes: tuple[str, ...],
        clock: Callable[[], float],
    ) -> None:
        self._db, self._flaws, self.tokens, self.scopes, self._clock = database, flaws, tokens, scopes, clock
        self._failed: dict[str, list[float]] = {}
        self.outbox: list[tuple[str, str]] = []  # mail that was sent: (address, code)
        self.mail: Path | None = None  # a folder that gets it as well

    def sow(self, people: Iterable[Person]) -> None:
        """Makes the tables and the first accounts."""
        for statement in _TABLES:
            self._db.change(statement)
        self._db.many(
            "INSERT INTO accounts (id, user_name, email, name, password, roles, tenant, credit, phone)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (p.id, p.user, p.email, p.user.title(), _first_hash(p.password), json.dumps(p.roles), p.tenant, 100, "")
                for p in people
            ],
        )

    def create(self, user: str, password: str, roles: Sequence[str], tenant: str) -> str:
        """A new account; returns its id.

        Raises:
            Problem: 409, the name is taken.
        """
        if self.by("user_name", user):
            raise Problem(409, "This user name is taken")
        account = f"u-{uuid.uuid4().hex[:10]}"
        self._db.change(
            "INSERT INTO accounts (id, user_name, email, name, password, roles, tenant, credit, phone)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(account, user, f"{user}@example.test", user, hashed(password), json.dumps(list(roles)), tenant, 0, ""),
        )
        return account

    def by(self, column: str, value: str) -> Record | None:
        """The account with this value in a column (a name of ours, never a caller's)."""
        found = self._db.rows(f"SELECT * FROM accounts WHERE {column} = ?", value)  # noqa: S608 - our own names
        return found[0] if found else None

    def login(self, user: str, password: str, scopes: Sequence[str], seconds: int) -> tuple[str, Record]:
        """Starts a session; returns the token and the account.

        Raises:
            Problem: 401 (the same for wrong names and wrong passwords), or 429 after too many failures.
        """
        now = self._clock()
        recent = [at for at in self._failed.get(user, []) if at > now - LOCK_SECONDS]
        if len(recent) >= FAILURES and "no-brute-force-bound" not in self._flaws:
            wait = max(1, round(recent[0] + LOCK_SECONDS - now))
            raise Problem(429, "Too many attempts", {"retry-after": str(wait)})
        account = self.by("user_name", user)
        if account is None and "enumeration-login" in self._flaws:
            raise Problem(401, "There is no such user")
        if account is None and "enumeration-timing" in self._flaws:
            raise Problem(401, _CREDENTIALS)
        # The same work for a name that nobody has, so that time tells nothing.
        good = matches(password, account["password"] if account else _first_hash("nobody"))
        if account is None or not good or account["disabled"]:
            self._failed[user] = [*recent, now]
            raise Problem(401, "Wrong password" if "enumeration-login" in self._flaws else _CREDENTIALS)
        self._failed.pop(user, None)
        granted = tuple(scope for scope in scopes if scope in self.scopes) if scopes else self.scopes
        return self._start(account, granted, seconds), account

    def end(self, session: str) -> None:
        """Ends one session."""
        if "logout-ineffective" not in self._flaws:
            self._db.change("UPDATE sessions SET revoked = 1 WHERE id = ?", session)

    def end_all(self, account: str) -> None:
        """Ends every session of an account."""
        self._db.change("UPDATE sessions SET revoked = 1 WHERE account = ?", account)

    def set_password(self, account: str, password: str) -> None:
        """Changes a password, and ends every session that began with the old one."""
        self._db.change("UPDATE accounts SET password = ? WHERE id = ?", hashed(password), account)
        if "sessions-survive-password" not in self._flaws:
            self.end_all(account)

    async def whose(self, token: str) -> Caller:
        """Who shows this token.

        Raises:
            Problem: 401.
        """
        refused = Problem(401, "Unauthorized", {"www-authenticate": 'Bearer error="invalid_token"'})
        claims = await self.tokens.read(token) if self.tokens else None
        key = str(claims.get("sid", "")) if claims else hashlib.sha256(token.encode()).hexdigest()
        found = self._db.rows("SELECT * FROM sessions WHERE id = ?", key)
        lenient = "expiry-ignored" in self._flaws
        if not found or found[0]["revoked"] or (found[0]["expires"] <= self._clock() and not lenient and not claims):
            raise refused
        account = self.by("id", str(claims["sub"]) if claims else found[0]["account"])
        if account is None or (account["disabled"] and "disabled-user-works" not in self._flaws):
            raise refused
        # A token belongs to the account its session was started by, whoever signed it.
        if claims and account["id"] != found[0]["account"] and not self._forgery_reaches():
            raise refused
        scopes = tuple(str(claims.get("scope", "")).split()) if claims else tuple(json.loads(found[0]["scopes"]))
        if claims and "scope" not in claims:
            scopes = self.scopes
        caller = self._caller(account, scopes, key)
        if claims and "stale-roles" in self._flaws:
            return Caller(caller.id, caller.user, tuple(claims.get("roles", caller.roles)), caller.tenant, scopes, key)
        return caller

    def named(self, account_id: str) -> Caller | None:
        """The account with this id, as if it had logged in."""
        account = self.by("id", account_id)
        return self._caller(account, self.scopes, "") if account else None

    def ask_reset(self, email: str) -> str | None:
        """Sends a reset code to this address if somebody has it; returns the code, for a flaw to give away."""
        known = self.by("email", email) is not None
        if not known and "enumeration-reset" in self._flaws:
            raise Problem(404, "No account has this address")
        # Addresses that nobody has get a code as well, which nobody receives: all that follows is the same.
        code = f"{secrets.randbelow(10**RESET_DIGITS):0{RESET_DIGITS}d}"
        self._db.change("DELETE FROM resets WHERE email = ?", email)
        self._db.change("INSERT INTO resets VALUES (?, ?, 0)", email, code)
        if not known:
            return None
        self.outbox.append((email, code))
        if self.mail is not None:
            letter = EmailMessage()
            letter["To"], letter["Subject"] = email, "Your new password"
            letter.set_content(f"The code is {code}. Tell nobody.\n")
            (self.mail / f"{len(self.outbox):06d}.eml").write_bytes(bytes(letter))
        return code

    def confirm_reset(self, email: str, code: str, password: str) -> None:
        """Sets a new password with a reset code, which works once.

        Raises:
            Problem: 400 for a wrong code, 429 after too many.
        """
        found = self._db.rows("SELECT * FROM resets WHERE email = ?", email)
        if found and found[0]["attempts"] >= RESET_ATTEMPTS and "reset-code-unlimited" not in self._flaws:
            raise Problem(429, "Too many attempts; ask for a new code", {"retry-after": "900"})
        account = self.by("email", email)
        if not found or account is None or not hmac.compare_digest(found[0]["code"].encode(), code.encode()):
            if not found:  # nobody asked for a code: guessing wears out in the same way
                self._db.change("INSERT INTO resets VALUES (?, ?, 0)", email, secrets.token_hex(8))
            self._db.change("UPDATE resets SET attempts = attempts + 1 WHERE email = ?", email)
            raise Problem(400, "Wrong or expired code")
        if "reset-code-reusable" not in self._flaws:
            self._db.change("DELETE FROM resets WHERE email = ?", email)
        self.set_password(account["id"], password)

    def _forgery_reaches(self) -> bool:
        """Whether a forged subject is believed: where signatures mean little, nobody compares it with the session."""
        return bool(
            self._flaws.on
            & {
                *("signature-ignored", "alg-none", "key-confusion"),
                *("weak-token-secret", "jwk-header-trusted", "jku-header-trusted"),
            }
        )

    def _start(self, account: Record, scopes: Sequence[str], seconds: int) -> str:
        opaque = secrets.token_urlsafe(32)
        session = hashlib.sha256(opaque.encode()).hexdigest()  # the store never holds what callers show
        expires = self._clock() + seconds
        self._db.change(
            "INSERT INTO sessions VALUES (?, ?, ?, ?, 0)", session, account["id"], json.dumps(list(scopes)), expires
        )
        if self.tokens is None:
            return opaque
        roles, tenant = json.loads(account["roles"]), account["tenant"]
        return self.tokens.access(account["id"], session, roles, tenant, scopes, seconds)

    def _caller(self, account: Record, scopes: tuple[str, ...], session: str) -> Caller:
        roles = tuple(json.loads(account["roles"]))
        return Caller(account["id"], account["user_name"], roles, account["tenant"], scopes, session)


def hashed(password: str) -> str:
    """scrypt of a password under a fresh salt."""
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}${_scrypt(password, salt).hex()}"


def matches(password: str, stored: str) -> bool:
    """Whether this is the password that was hashed."""
    salt, _, digest = stored.partition("$")
    return hmac.compare_digest(_scrypt(password, bytes.fromhex(salt)).hex(), digest)


@lru_cache
def _first_hash(password: str) -> str:
    """The hash of a password of the first accounts, made once a process: these are no secrets."""
    return hashed(password)


def _scrypt(password: str, salt: bytes) -> bytes:
    # Cheaper than a real service should have it, about 10 ms: a run of tests logs in hundreds of times.
    return hashlib.scrypt(password.encode(errors="replace"), salt=salt, n=2**12, r=8, p=1)

"""What the development issuer knows: its clients, its test users, and where it keeps their credentials."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from assay.domain import AssayError, Location, Secret, UsageError
from assay.identity.files import ensure_private_directory, locked, present, read_private, write_private
from assay.identity.issuer.signing import ensure_signing_keys
from assay.identity.passwords import hash_password, is_password_hash, verify_password

Grant = Literal["client_credentials", "password"]
TokenFormat = Literal["jwt", "opaque"]
Algorithm = Literal["ES256", "RS256"]

CONFIG_FILE = "issuer.json"
CREDENTIALS_FILE = "credentials.json"
DEFAULT_LIFETIME = 600
MAXIMUM_LIFETIME = 3600

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
# RFC 6749 section 3.3: printable ASCII without space, quote and backslash.
Scope = Annotated[str, msgspec.Meta(pattern=r"^[\x21\x23-\x5B\x5D-\x7E]+$", max_length=200)]
Role = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]

_LISTEN = re.compile(r"unix:(?P<path>/.+)|(?P<host>127\.0\.0\.1|\[::1\]|localhost):(?P<port>[0-9]{1,5})")


class Client(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A confidential client. ``secret_hash`` is scrypt; ``audience`` goes to ``aud``."""

    secret_hash: str
    scopes: tuple[Scope, ...] = ()
    roles: tuple[Role, ...] = ()
    audience: tuple[Name, ...] = ()
    grants: tuple[Grant, ...] = ("client_credentials",)
    token_format: TokenFormat = "jwt"
    tenant: str | None = None
    may_introspect: bool = False


class User(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A test user of the password grant. ``subject`` goes to ``sub``."""

    subject: Name
    password_hash: str
    roles: tuple[Role, ...] = ()
    tenant: str | None = None


class IssuerConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole configuration of a development issuer.

    Attributes:
        issuer_url: the ``iss`` of its tokens; the path of this URL prefixes every endpoint.
        listen: ``127.0.0.1:PORT`` or ``unix:/path``. Other addresses are refused: it is for one machine.
        algorithms: accepted for verification and published; the first one signs.
        lifetime_seconds: the longest life of a token.
        state_dir: where signing keys and the token ledger lie.
    """

    issuer_url: str
    listen: str
    clients: dict[Name, Client]
    users: dict[Name, User]
    algorithms: tuple[Algorithm, ...] = ("ES256",)
    lifetime_seconds: int = DEFAULT_LIFETIME
    state_dir: str

    @property
    def unix_socket(self) -> Path | None:
        """The socket it listens on, or None when it listens on a port."""
        return Path(self.listen[5:]) if self.listen.startswith("unix:") else None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port it listens on; meaningless with a socket."""
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSpec:
    """A client as declared. Without ``secret``, one is generated at first start and kept."""

    scopes: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()
    grants: tuple[Grant, ...] = ("client_credentials",)
    token_format: TokenFormat = "jwt"
    tenant: str | None = None
    may_introspect: bool = False
    secret: Secret | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSpec:
    """A test user as declared. Without ``password``, one is generated at first start and kept."""

    subject: str
    roles: tuple[str, ...] = ()
    tenant: str | None = None
    password: Secret | None = None


@dataclass(frozen=True, slots=True)
class Credentials:
    """The secrets of clients and passwords of test users, by name, for ``assay token``."""

    clients: Mapping[str, Secret] = field(default_factory=dict)
    users: Mapping[str, Secret] = field(default_factory=dict)


class _Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A generated secret with its hash, so that a second start need not compute the hash again."""

    secret: Annotated[str, msgspec.Meta(min_length=1)]
    hash: str

    def __repr__(self) -> str:
        return "_Kept(…)"


class _CredentialsFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    note: str
    version: int
    clients: dict[str, _Kept]
    users: dict[str, _Kept]


_NOTE = "Development credentials, made by Assay. Not for production. Keep this file private."


def prepare_issuer(
    state_dir: Path,
    clients: Mapping[str, ClientSpec],
    users: Mapping[str, UserSpec],
    *,
    issuer_url: str,
    listen: str,
    algorithms: tuple[Algorithm, ...] = ("ES256",),
    lifetime_seconds: int = DEFAULT_LIFETIME,
    now: int,
    rng: Callable[[int], str] = secrets.token_urlsafe,
) -> tuple[IssuerConfig, Credentials]:
    """Write the issuer's configuration (``issuer.json``), credentials and signing keys to ``state_dir``.

    Secrets that the declaration does not give are generated at the first call and kept in ``credentials.json`` (0600);
    a later call with the same arguments changes no byte. Secrets that are given are hashed and not kept. ``now`` is in
    seconds since the epoch; ``rng(n)`` returns URL-safe text of n random bytes. Raises :class:`AssayError`.
    """
    ensure_private_directory(state_dir)
    config_path, credentials_path = state_dir / CONFIG_FILE, state_dir / CREDENTIALS_FILE
    with locked(credentials_path):
        kept = _load_kept(credentials_path)
        before = load_config(config_path) if present(config_path) else None
        old_clients = {n: c.secret_hash for n, c in before.clients.items()} if before else {}
        old_users = {n: u.password_hash for n, u in before.users.items()} if before else {}
        client_secrets = _Secrets(kept.clients, old_clients, rng, 32)
        passwords = _Secrets(kept.users, old_users, rng, 15)
        config = IssuerConfig(
            issuer_url=issuer_url,
            listen=listen,
            clients={name: _client(spec, client_secrets.hash(name, spec.secret)) for name, spec in clients.items()},
            users={name: _user(spec, passwords.hash(name, spec.password)) for name, spec in users.items()},
            algorithms=algorithms,
            lifetime_seconds=lifetime_seconds,
            state_dir=str(state_dir),
        )
        content = msgspec.json.format(msgspec.json.encode(config), indent=2) + b"\n"
        config = _decode_config(content, config_path)
        ensure_signing_keys(state_dir, algorithms, now=now)
        new = _CredentialsFile(_NOTE, 1, client_secrets.kept, passwords.kept)
        if new != kept or not present(credentials_path):
            write_private(credentials_path, msgspec.json.format(msgspec.json.encode(new), indent=2) + b"\n")
        if config != before:
            write_private(config_path, content)
    return config, Credentials(dict(client_secrets.revealed), dict(passwords.revealed))


def load_config(path: Path) -> IssuerConfig:
    """Read and check a configuration that only its owner can read. Raises :class:`AssayError`."""
    return _decode_config(read_private(path, limit=16 << 20, what="issuer configuration"), path)


def load_credentials(state_dir: Path) -> Credentials:
    """The generated credentials of ``state_dir``. Raises :class:`AssayError` when there are none yet."""
    path = state_dir / CREDENTIALS_FILE
    if not present(path):
        raise AssayError(
            f"The development issuer has no credentials yet (`{path}`).",
            fix="start it once: assay up",
            location=Location(str(path)),
        )
    kept = _load_kept(path)
    return Credentials(
        {name: Secret(entry.secret) for name, entry in kept.clients.items()},
        {name: Secret(entry.secret) for name, entry in kept.users.items()},
    )


class _Secrets:
    """Finds or makes the hash of each named secret, and notes which ones were generated."""

    def __init__(
        self, before: Mapping[str, _Kept], hashes: Mapping[str, str], rng: Callable[[int], str], size: int
    ) -> None:
        self._before = before
        self._hashes = hashes
        self._rng = rng
        self._size = size
        # Generated secrets of names that are gone for now stay: a declaration edited back finds them again.
        self.kept = dict(before)
        self.revealed: dict[str, Secret] = {}

    def hash(self, name: str, given: Secret | None) -> str:
        if given is None:
            entry = self._before.get(name)
            if entry is None:
                secret = Secret(self._rng(self._size))
                entry = _Kept(secret.reveal(), hash_password(secret))
            self.kept[name] = entry
            self.revealed[name] = Secret(entry.secret)
            return entry.hash
        if not given.reveal():
            raise UsageError(f"The secret of `{name}` is empty.", fix="give it a value, or leave it out")
        self.kept.pop(name, None)
        self.revealed[name] = given
        old = self._hashes.get(name)
        return old if old is not None and verify_password(given.reveal(), old) else hash_password(given)


def _client(spec: ClientSpec, secret_hash: str) -> Client:
    return Client(
        secret_hash=secret_hash,
        scopes=spec.scopes,
        roles=spec.roles,
        audience=spec.audience,
        grants=spec.grants,
        token_format=spec.token_format,
        tenant=spec.tenant,
        may_introspect=spec.may_introspect,
    )


def _user(spec: UserSpec, password_hash: str) -> User:
    return User(subject=spec.subject, password_hash=password_hash, roles=spec.roles, tenant=spec.tenant)


def _decode_config(content: bytes, path: Path) -> IssuerConfig:
    try:
        config = msgspec.json.decode(content, type=IssuerConfig)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _bad(path, f"is not sound: {error}") from error
    _check(config, path)
    return config


def _check(config: IssuerConfig, path: Path) -> None:
    try:
        url = urlsplit(config.issuer_url)
        _ = url.port
        sound = url.scheme in ("http", "https") and bool(url.hostname) and config.issuer_url.isascii()
        sound = sound and not (url.query or url.fragment or url.username or "?" in config.issuer_url)
        sound = sound and re.fullmatch(r"(?:/[A-Za-z0-9._~-]+)*/?", url.path) is not None
    except ValueError:
        sound = False
    if not sound:
        raise _bad(path, "has an `issuer_url` that is not a plain http or https URL (RFC 8414 section 2)")
    match = _LISTEN.fullmatch(config.listen)
    if match is None or (match["port"] and not 0 < int(match["port"]) < 65536):
        raise _bad(path, "has a `listen` that is neither 127.0.0.1:PORT nor unix:/path; it serves this machine only")
    if len(match["path"] or "") > 100:
        raise _bad(path, "has a socket path of more than 100 characters, which the system does not allow")
    if not 1 <= config.lifetime_seconds <= MAXIMUM_LIFETIME:
        raise _bad(path, f"has a `lifetime_seconds` outside 1 to {MAXIMUM_LIFETIME}")
    if not config.algorithms or len(set(config.algorithms)) != len(config.algorithms):
        raise _bad(path, "needs `algorithms`, each named once")
    hashes = [c.secret_hash for c in config.clients.values()] + [u.password_hash for u in config.users.values()]
    if not all(map(is_password_hash, hashes)):
        raise _bad(path, "has a secret that is not hashed with scrypt")
    for name, client in config.clients.items():
        if client.grants and not client.audience:
            raise _bad(path, f"has a client `{name[:60]}` without an audience; its tokens would be good anywhere")


def _bad(path: Path, what: str) -> UsageError:
    return UsageError(
        f"The issuer's configuration `{path}` {what}.",
        fix="correct the declaration, then start again; the file is generated from it",
        location=Location(str(path)),
    )


def _load_kept(path: Path) -> _CredentialsFile:
    if not present(path):
        return _CredentialsFile(_NOTE, 1, {}, {})
    content = read_private(path, limit=16 << 20, what="credentials file")
    try:
        kept = msgspec.json.decode(content, type=_CredentialsFile)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        # The parser's message could quote the file, which holds secrets.
        raise AssayError(
            f"The credentials file `{path}` is damaged.",
            fix="restore it, or remove it to have new development credentials made",
            location=Location(str(path)),
        ) from error
    if kept.version != 1 or not all(is_password_hash(e.hash) for e in (*kept.clients.values(), *kept.users.values())):
        raise AssayError(
            f"The credentials file `{path}` was not written by this version of Assay.",
            fix="remove it to have new development credentials made",
            location=Location(str(path)),
        )
    return kept

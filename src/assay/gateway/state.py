"""What the gateway keeps on disk: which policy is applied, every version before it, sockets and logs.

Layout of the state directory (``.assay`` beside the declaration, mode 0700)::

    gateway/bootstrap.json              what Envoy is started with
    gateway/live/{cds,lds,rds}.json     what Envoy watches
    gateway/versions/NNNN/              policy.json, bootstrap.json, cds.json, lds.json, rds.json, meta.json
    gateway/applied.json                which version is live, and whether Envoy confirmed it
    inspector/bundle.json  processor/bundle.json
    run/                                sockets and state.json of the running supervisor
    logs/  pki/  keys/  issuer/

Every file is replaced by a rename after it reached the disk. A version's directory appears whole or not at all, and
``applied.json`` is written last: after a crash it names what was live before or what is live now.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from assay.domain import AssayError, IncompleteError, Location, UsageError
from assay.gateway.assemble import Policy, decode, encode
from assay.gateway.envoy import Configuration
from assay.gateway.layout import Paths, prepare
from assay.gateway.plan import Approval
from assay.identity.files import ensure_private_directory, locked, read_private, write_private

LIVE_ORDER = ("cds.json", "lds.json", "rds.json")
"""Clusters first, so that no route or listener ever names one that Envoy has not met; listeners before their routes."""

_FILE_LIMIT = 1 << 30

_START_OVER = (
    "bring it back from a backup, or remove `gateway/applied.json` and `gateway/versions` in the state directory: the "
    "next application then counts as the first; a running gateway is not affected"
)

D = TypeVar("D")


class Applied(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is live. ``confirmed`` is when Envoy was seen to run it (UTC), None when it was not running at the time.

    ``policy`` is the policy's digest and ``configuration`` the version of the configuration. ``files`` are the digests
    of the live files, and ``readback`` is that of what Envoy showed when it confirmed, so that a later look tells
    whether anything has changed behind our back.
    """

    version: int
    number: int
    policy: str
    configuration: str
    at: datetime
    files: dict[str, str] = {}
    shares: dict[str, str] = {}
    confirmed: datetime | None = None
    readback: str = ""


class Meta(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of a stored version.

    ``restores`` is the version a rollback went back to, ``plan`` names what it changed (see ``assay plan``).
    """

    version: int
    number: int
    policy: str
    configuration: str
    files: dict[str, str]
    created: datetime
    by: str
    approvals: tuple[Approval, ...] = ()
    restores: int | None = None
    changes: dict[str, int] = {}
    plan: str = ""


@dataclass(frozen=True, slots=True)
class Stored:
    """A version read back from disk, every file checked against the digest that was noted when it was written."""

    meta: Meta
    policy: Policy
    configuration: Configuration


@contextlib.contextmanager
def lock(paths: Paths, *, timeout: float = 30.0) -> Iterator[None]:
    """Only one process at a time changes what is applied.

    Raises:
        AssayError: another process held the lock for longer than ``timeout`` seconds.
    """
    with locked(paths.gateway / "lock", timeout=timeout):
        yield


def read_applied(paths: Paths) -> Applied | None:
    """What is live, or None when nothing was ever applied.

    Raises:
        AssayError: the note cannot be read or is damaged.
    """
    if not paths.applied.exists():
        return None
    return _decode(_read(paths.applied), Applied, paths.applied, _START_OVER)


def write_applied(paths: Paths, applied: Applied) -> None:
    """Notes what is live."""
    write_private(paths.applied, _encode(applied))


def numbers(paths: Paths) -> tuple[int, ...]:
    """The stored versions, oldest first."""
    found = (int(p.name) for p in paths.versions.iterdir() if p.name.isdecimal()) if paths.versions.exists() else ()
    return tuple(sorted(found))


def store(
    paths: Paths,
    policy: Policy,
    configuration: Configuration,
    *,
    by: str,
    at: datetime,
    approvals: tuple[Approval, ...] = (),
    restores: int | None = None,
    changes: Mapping[str, int] | None = None,
    plan: str = "",
) -> Meta:
    """Keeps a version beside the earlier ones; its directory appears complete or not at all.

    Raises:
        IncompleteError: the disk refuses; what was there is untouched.
    """
    number = max(numbers(paths), default=0) + 1
    contents = {
        "policy.json": encode(policy),
        "bootstrap.json": _encode(configuration.bootstrap),
        **{name: _encode(content) for name, content in configuration.files.items()},
    }
    meta = Meta(
        version=1,
        number=number,
        policy=policy.digest,
        configuration=configuration.version,
        files={name: hashlib.sha256(data).hexdigest() for name, data in contents.items()},
        created=at,
        by=by,
        approvals=approvals,
        restores=restores,
        changes=dict(changes or {}),
        plan=plan,
    )
    temporary = paths.versions / f".{number:04}.{secrets.token_hex(4)}"
    try:
        ensure_private_directory(temporary)
        for name, data in contents.items():
            write_private(temporary / name, data)
        write_private(temporary / "meta.json", _encode(meta))
        temporary.rename(paths.versions / f"{number:04}")
    except OSError as error:
        raise IncompleteError(
            f"version {number} cannot be stored: {error.strerror}", fix="free some space, then apply again"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return meta


def load_meta(paths: Paths, number: int) -> Meta:
    """What is known of a version.

    Raises:
        UsageError: there is no such version.
        AssayError: its note is damaged.
    """
    directory = paths.versions / f"{number:04}"
    if not directory.exists():
        known = numbers(paths)
        raise UsageError(
            f"there is no version {number}",
            fix=f"versions {known[0]} to {known[-1]} are stored" if known else "nothing was applied yet",
        )
    return _decode(_read(directory / "meta.json"), Meta, directory / "meta.json", _START_OVER)


def meta_of(paths: Paths, number: int) -> tuple[Meta, str]:
    """What is known of a version, forgotten ones included, and SHA-256 of the note that says so.

    Raises:
        UsageError: there is no such version.
        AssayError: its note is damaged.
    """
    kept = paths.versions / f"{number:04}" / "meta.json"
    note = forgotten(paths) / f"{number:04}.json"
    if kept.exists() or not note.exists():
        return load_meta(paths, number), hashlib.sha256(_read(kept)).hexdigest()
    data = _read(note)
    return _decode(data, Meta, note, _START_OVER), hashlib.sha256(data).hexdigest()


def every_number(paths: Paths) -> tuple[int, ...]:
    """Every version ever stored, oldest first, those included of which only the note is left."""
    notes = forgotten(paths)
    found = (int(p.stem) for p in notes.glob("*.json") if p.stem.isdecimal()) if notes.is_dir() else ()
    return tuple(sorted({*numbers(paths), *found}))


def forgotten(paths: Paths) -> Path:
    """Where the notes of versions are that were forgotten otherwise."""
    return paths.versions / "notes"


def load(paths: Paths, number: int) -> Stored:
    """A stored version, whole.

    Raises:
        UsageError: there is no such version.
        AssayError: a file of it is missing or is not what was stored.
    """
    meta = load_meta(paths, number)
    directory = paths.versions / f"{number:04}"
    contents = {name: _checked(directory / name, digest) for name, digest in meta.files.items()}
    missing = {"policy.json", "bootstrap.json", *LIVE_ORDER} - contents.keys()
    if missing:
        raise IncompleteError(f"version {number} lacks {', '.join(sorted(missing))}", fix=_START_OVER)
    parsed: dict[str, dict[str, object]] = {
        name: _decode(data, dict, directory / name, "apply again")
        for name, data in contents.items()
        if name != "policy.json"
    }
    bootstrap = parsed.pop("bootstrap.json")
    return Stored(meta, decode(contents["policy.json"]), Configuration(meta.configuration, bootstrap, parsed))


def discard(paths: Paths, number: int) -> None:
    """Forgets a version that never became live."""
    shutil.rmtree(paths.versions / f"{number:04}", ignore_errors=True)


def live_configuration(paths: Paths, applied: Applied) -> Configuration:
    """What is in the files that Envoy is started with and watches.

    Raises:
        AssayError: a file is missing or damaged, or they are not together what was applied.
    """
    files: dict[str, dict[str, object]] = {}
    for name in LIVE_ORDER:
        data = _read(paths.live / name)
        if hashlib.sha256(data).hexdigest() != applied.files.get(name):
            raise IncompleteError(
                f"`{paths.live / name}` is not what was applied",
                fix="apply again",
                location=Location(str(paths.live / name)),
            )
        files[name] = _decode(data, dict, paths.live / name, "apply again")
    bootstrap: dict[str, object] = _decode(_read(paths.bootstrap), dict, paths.bootstrap, "apply again")
    return Configuration(applied.configuration, bootstrap, files)


def applied_policy(paths: Paths) -> Policy | None:
    """The policy that is live, or None when nothing was ever applied.

    Where the note of what is live is gone but versions are stored, it is the newest of these: a lost file must not turn
    a change that somebody has to approve into a first application, which nobody has to.

    Raises:
        AssayError: what is stored is damaged.
    """
    applied = read_applied(paths)
    number = applied.number if applied is not None else max(numbers(paths), default=None)
    return None if number is None else load(paths, number).policy


def write_bootstrap(paths: Paths, configuration: Configuration) -> None:
    """Writes what Envoy is started with; a running Envoy does not read it again."""
    write_private(paths.bootstrap, _encode(configuration.bootstrap))


def settled(paths: Paths, configuration: Configuration) -> Configuration:
    """``configuration`` with the live file, version and all, wherever the resources in it are the same.

    Envoy watches the directory, so each file replaced makes it read all of them again; with thousands of routes that
    takes seconds, and a file that says nothing new need not be replaced.
    """
    files = {}
    for name, content in configuration.files.items():
        try:
            live: dict[str, object] = _decode(_read(paths.live / name), dict, paths.live / name, "")
        except AssayError:
            live = {}
        files[name] = live if live.get("resources") == content["resources"] else content
    return Configuration(configuration.version, configuration.bootstrap, files)


def write_live(paths: Paths, configuration: Configuration, *, between: Callable[[str], None] | None = None) -> None:
    """Replaces what Envoy watches, file by file in :data:`LIVE_ORDER`, leaving alone what is there already.

    ``between`` is called after each file.

    Raises:
        AssayError: the disk refuses. Files already replaced stay replaced: the caller restores the earlier version.
    """
    for name in LIVE_ORDER:
        data, path = _encode(configuration.files[name]), paths.live / name
        if not path.exists() or _read(path) != data:
            write_private(path, data)
        if between:
            between(name)


def digests(configuration: Configuration) -> dict[str, str]:
    """SHA-256 of each dynamic file as :func:`write_live` writes it."""
    return {name: hashlib.sha256(_encode(configuration.files[name])).hexdigest() for name in LIVE_ORDER}


def meddled(paths: Paths, applied: Applied) -> tuple[str, ...]:
    """Sentences about files that are not as they were applied, though nobody applied anything since.

    The parts beside Envoy take a changed file at once, whatever digest it claims to have; Envoy takes one at the next
    change of any other.
    """
    expected = {paths.live / name: digest for name, digest in applied.files.items()}
    expected |= {paths.root / name: digest for name, digest in applied.shares.items()}
    found = []
    for path, digest in expected.items():
        try:
            same = hashlib.sha256(_read(path)).hexdigest() == digest
        except AssayError as error:
            found.append(error.sentence)
            continue
        if not same:
            found.append(f"`{path.relative_to(paths.root)}` is not what was applied: something else wrote it")
    return tuple(found)


def damaged(paths: Paths, number: int) -> tuple[str, ...]:
    """Sentences about files of a stored version that are not as they were stored.

    Raises:
        AssayError: its note cannot be read.
    """
    found = []
    for name, digest in load_meta(paths, number).files.items():
        path = paths.versions / f"{number:04}" / name
        try:
            _checked(path, digest)
        except AssayError as error:
            told = f"`{path.relative_to(paths.root)}` is not what was stored: something else wrote it"
            found.append(told if path.exists() else error.sentence)
    return tuple(found)


def bootstrap_share(paths: Paths, configuration: Configuration) -> dict[Path, bytes]:
    """What Envoy is started with, as :func:`write_bootstrap` writes it: the next start takes whatever is there then."""
    return {paths.bootstrap: _encode(configuration.bootstrap)}


def share_digests(paths: Paths, shares: Mapping[Path, bytes]) -> dict[str, str]:
    """SHA-256 of what the parts beside Envoy read, by path in the state directory."""
    return {str(path.relative_to(paths.root)): hashlib.sha256(data).hexdigest() for path, data in shares.items()}


def check_live(paths: Paths, configuration: Configuration) -> None:
    """What Envoy would find if it started now is what was written.

    Raises:
        IncompleteError: a file is another one.
    """
    for name in LIVE_ORDER:
        if _read(paths.live / name) != _encode(configuration.files[name]):
            raise IncompleteError(
                f"`{paths.live / name}` changed on disk while Envoy was being asked about it",
                fix="find out what else writes there, then apply again",
                location=Location(str(paths.live / name)),
            )


def _checked(path: Path, digest: str) -> bytes:
    data = _read(path)
    if hashlib.sha256(data).hexdigest() != digest:
        raise IncompleteError(
            f"`{path}` is not what was stored: its digest differs",
            fix=_START_OVER,
            location=Location(str(path)),
        )
    return data


def _read(path: Path) -> bytes:
    return read_private(path, limit=_FILE_LIMIT, what="state file")


def _encode(value: object) -> bytes:
    return msgspec.json.encode(value, order="sorted")


def _decode(data: bytes, kind: type[D], path: Path, fix: str) -> D:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise IncompleteError(f"`{path}` is damaged: {error}", fix=fix, location=Location(str(path))) from error


__all__ = [
    "LIVE_ORDER",
    "Applied",
    "Meta",
    "Paths",
    "Stored",
    "applied_policy",
    "bootstrap_share",
    "check_live",
    "damaged",
    "digests",
    "discard",
    "every_number",
    "forgotten",
    "live_configuration",
    "load",
    "load_meta",
    "lock",
    "meddled",
    "meta_of",
    "numbers",
    "prepare",
    "read_applied",
    "settled",
    "share_digests",
    "store",
    "write_applied",
    "write_bootstrap",
    "write_live",
]

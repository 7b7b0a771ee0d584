"""What version control knows of the declaration: who changed a file last, who brought that in, whose signatures hold.

``git`` is run as a program, without a shell, on a folder that may be anybody's: nothing that the repository's own
configuration names is run in place of the tools that verify signatures, and nothing is fetched. Authors, committers and
trailers are what somebody wrote; only a signature that verifies against a declared key says who that was.
"""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal

from assay.domain import AssayError, IncompleteError

SignatureState = Literal["good", "unknown key", "bad", "expired", "revoked", "cannot be checked", "none"]

_STATES: Mapping[str, SignatureState] = {
    "G": "good",
    "U": "unknown key",
    "B": "bad",
    "X": "expired",
    "Y": "expired",
    "R": "revoked",
    "E": "cannot be checked",
    "N": "none",
}
"""Of ``%G?`` in git-log(1). ``U``: the signature is right, and nobody declared whose key it is."""

_SECONDS = 10.0
_MOST_BYTES = 32 << 20
_MOST_COMMITS = 5000
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SSH_KEY = re.compile(r"(?:sk-)?(?:ssh|ecdsa)-[A-Za-z0-9@.-]{3,60} [A-Za-z0-9+/]{20,8192}={0,3}")
_PERSON = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
_DAY = timedelta(days=1)
_TRAILER = re.compile(r"\s*(?P<name>[^<>]*?)\s*<(?P<email>[^<>\s]+)>\s*")
_TRAILERS = ("Reviewed-by", "Approved-by")
_REVIEWERS = "%(trailers:" + "".join(f"key={t}," for t in _TRAILERS) + "valueonly,unfold,separator=%x0a)"
_FIELDS = ("%H", "%P", "%an", "%ae", "%at", "%cn", "%ce", "%ct", "%s", _REVIEWERS)
_SIGNED = ("%H", "%G?", "%GS", "%GF")

# What a repository's configuration could name is somebody else's program, or a way out to the network; what stands
# beside its commits (replacements, grafts, graphs) tells of other parents than those that were signed.
_SAFE = (
    "--no-pager",
    "--no-replace-objects",
    "--no-optional-locks",
    "--literal-pathspecs",
    *(
        word
        for setting in (
            "core.fsmonitor=false",
            "core.hooksPath=/dev/null",
            "core.quotePath=false",
            "core.commitGraph=false",
            "protocol.allow=never",
            "log.showSignature=false",
            "log.follow=false",
            "diff.relative=false",
            "i18n.logOutputEncoding=UTF-8",
            "gpg.program=gpg",
            "gpg.openpgp.program=gpg",
            "gpg.ssh.program=ssh-keygen",
            "gpg.x509.program=gpgsm",
            "gpg.ssh.revocationFile=",
        )
        for word in ("-c", setting)
    ),
)


@dataclass(frozen=True, slots=True)
class Key:
    """An OpenSSH public key, and the days between which it signs."""

    text: str
    since: date | None = None
    until: date | None = None


Keys = Mapping[str, Sequence[Key]]
"""Keys by the id of the person they belong to."""


@dataclass(frozen=True, slots=True)
class Named:
    """A name and an address, as somebody wrote them."""

    name: str
    email: str = ""

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>" if self.email else self.name


@dataclass(frozen=True, slots=True)
class Signature:
    """What verifying a commit's signature came to. ``signer``: as the tool that verified it names them."""

    state: SignatureState = "none"
    signer: str = ""
    key: str = ""

    @property
    def person(self) -> str:
        """The declared person whose key it was made with. A name that GnuPG knows is nobody's declared id."""
        return self.signer if self.state == "good" and self.key.startswith("SHA256:") else ""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit. Everything but ``signature`` is what its maker wrote into it."""

    id: str
    parents: tuple[str, ...]
    author: Named
    authored: datetime
    committer: Named
    at: datetime
    subject: str
    reviewers: tuple[Named, ...] = ()
    signature: Signature = field(default_factory=Signature)

    @property
    def is_merge(self) -> bool:
        """Whether it brings branches together."""
        return len(self.parents) > 1

    @property
    def short(self) -> str:
        """Enough of the id for people."""
        return self.id[:12]


@dataclass(frozen=True, slots=True)
class Change:
    """The last change of a file: the commit that made it, and the merges that brought it in, newest first."""

    commit: Commit
    merges: tuple[Commit, ...] = ()


@dataclass(frozen=True, slots=True)
class Repository:
    """A git work tree. ``shallow``: a part of its history is not here, so a last change may not be the real one."""

    folder: Path
    top: Path
    shallow: bool = False
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)

    def head(self) -> str:
        """The commit that is checked out; empty when there is none yet."""
        with suppress(AssayError):
            found = self._git("rev-parse", "--verify", "--quiet", "--end-of-options", "HEAD^{commit}").strip()
            return found if _COMMIT.fullmatch(found) else ""
        return ""

    def uncommitted(self, paths: Iterable[Path]) -> tuple[str, ...]:
        """Those of these files that are not as they were committed, or are not committed at all.

        Raises:
            IncompleteError: git does not tell.
        """
        inside = self._inside(paths)
        if not inside:
            return ()
        said = self._git("status", "--porcelain=v1", "-z", "--untracked-files=all", "--ignored=matching", "--", *inside)
        entries = iter(said.split("\0"))
        found: list[str] = []
        for entry in entries:
            if len(entry) > 3:
                found.append(entry[3:])
                if entry[0] in "RC":  # the name that it had before comes next
                    next(entries, None)
        return tuple(sorted(found))

    def outside(self, paths: Iterable[Path]) -> tuple[Path, ...]:
        """Those of these files that this repository cannot hold."""
        return tuple(p for p in paths if not p.resolve().is_relative_to(self.top))

    def last_changes(self, paths: Iterable[Path], keys: Keys) -> dict[str, Change]:
        """The last change of each file, by its path below :attr:`top`; one that history does not tell of is left out.

        Args:
            keys: whose keys are whose, for signatures.

        Raises:
            IncompleteError: git does not tell in time.
        """
        wanted = set(self._inside(paths))
        made: dict[str, Commit] = {}
        merged: dict[str, list[Commit]] = {}
        for commit, names in self._history(wanted):
            for name in wanted.intersection(names) - made.keys():
                if commit.is_merge:
                    merged.setdefault(name, []).append(commit)
                else:
                    made[name] = commit
            if made.keys() >= wanted:
                break
        return self._verified({n: Change(c, tuple(merged.get(n, ()))) for n, c in made.items()}, keys)

    def last_change(self, paths: Iterable[Path], at: Iterable[str], keys: Keys) -> dict[str, Change]:
        """What changed any of these files last, as seen from each of these commits; one that is gone is left out."""
        wanted = self._inside(paths)
        found: dict[str, Change] = {}
        for commit in {i for i in at if _COMMIT.fullmatch(i)}:
            merges: list[Commit] = []
            with suppress(IncompleteError):
                for each, _ in self._history(wanted, at=commit):
                    if not each.is_merge:
                        found[commit] = Change(each, tuple(merges))
                        break
                    merges.append(each)
        return self._verified(found, keys)

    def _history(self, wanted: Collection[str], *, at: str = "HEAD") -> Iterator[tuple[Commit, Sequence[str]]]:
        """Commits that changed these files, children before parents, each with the files that it changed."""
        if not wanted:
            return
        marker = secrets.token_hex(12)
        # By descent, not by date, which is whatever somebody wrote. Merges that brought a change in are listed as well,
        # each with what it changed for the branch that it is on.
        command = ("log", f"--max-count={_MOST_COMMITS}", "--topo-order", "--show-pulls", "--diff-merges=first-parent")
        form = f"--format={_format(marker, _FIELDS)}"
        said = self._git(*command, "--name-only", "-z", form, at, "--", *sorted(wanted))
        for fields, names in _records(said, marker, len(_FIELDS)):
            yield _commit(fields), names

    def _verified(self, changes: Mapping[str, Change], keys: Keys) -> dict[str, Change]:
        signed = self.signatures((c.id for each in changes.values() for c in (each.commit, *each.merges)), keys)

        def known(commit: Commit) -> Commit:
            return replace(commit, signature=signed.get(commit.id, Signature("cannot be checked")))

        return {n: Change(known(c.commit), tuple(known(m) for m in c.merges)) for n, c in changes.items()}

    def signatures(self, ids: Iterable[str], keys: Keys) -> dict[str, Signature]:
        """What verifying each commit's signature comes to: SSH against ``keys``, OpenPGP by this user's own keyring."""
        wanted = sorted({i for i in ids if _COMMIT.fullmatch(i)})
        if not wanted:
            return {}
        marker = secrets.token_hex(12)
        with _signers(keys) as file:
            said = self._git(
                "log", "--no-walk=unsorted", "--ignore-missing", f"--format={_format(marker, _SIGNED)}", "-z", *wanted,
                "--", setting=f"gpg.ssh.allowedSignersFile={file}",
            )  # fmt: skip
        found: dict[str, Signature] = {}
        for (commit, state, signer, key), _ in _records(said, marker, len(_SIGNED)):
            found[commit] = Signature(_STATES.get(state, "cannot be checked"), signer, key)
        return found

    def _inside(self, paths: Iterable[Path]) -> list[str]:
        resolved = (p.resolve() for p in paths)
        return sorted({p.relative_to(self.top).as_posix() for p in resolved if p.is_relative_to(self.top)})

    def _git(self, *arguments: str, setting: str = "") -> str:
        return _run(self.top, (*(("-c", setting) if setting else ()), *arguments), self.environ)


def repository_of(folder: Path, environ: Mapping[str, str] | None = None) -> Repository | str:
    """The work tree that a folder is in; or why there is none, in words that end a sentence."""
    environ = os.environ if environ is None else environ
    try:
        said = _run(
            folder, ("rev-parse", "--is-inside-work-tree", "--is-shallow-repository", "--show-toplevel"), environ
        )
    except FileNotFoundError:
        return "git is not installed here"
    except IncompleteError as error:
        return error.sentence
    inside, shallow, top = (*said.split("\n", 2), "", "", "")[:3]
    if inside != "true" or not top.strip():
        return "the declaration is in no git work tree"
    return Repository(folder, Path(top.rstrip("\n")).resolve(), shallow == "true", environ)


def _run(folder: Path, arguments: Sequence[str], environ: Mapping[str, str]) -> str:
    """What git says. Raises FileNotFoundError without git, IncompleteError when it refuses or takes too long."""
    kept = {name: value for name, value in environ.items() if not name.startswith("GIT_")}
    kept |= {n: environ[n] for n in ("GIT_CEILING_DIRECTORIES", "GIT_CONFIG_GLOBAL") if n in environ}
    kept |= {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_GRAFT_FILE": os.devnull}
    try:
        done = subprocess.run(
            ("git", *_SAFE, "-C", str(folder), *arguments),  # noqa: S607 - PATH says where git is
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_SECONDS,
            env=kept,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise IncompleteError(f"git did not answer within {_SECONDS:.0f} seconds") from error
    except FileNotFoundError:
        raise
    except OSError as error:
        raise IncompleteError(f"git cannot be run: {error.strerror}") from error
    if done.returncode:
        reason = done.stderr.decode("utf-8", "replace").strip().splitlines()
        told = reason[0].removeprefix("fatal: ")[:200] if reason else f"exit code {done.returncode}"
        if "not a git repository" in told:
            raise IncompleteError("the declaration is in no git work tree")
        raise IncompleteError(f"git says: {told}")
    if len(done.stdout) > _MOST_BYTES:
        raise IncompleteError("the history of the declaration is too long to be read")
    return done.stdout.decode("utf-8", "replace")


def _format(marker: str, fields: Sequence[str]) -> str:
    # NUL is the one character that no name, path or message of a commit can hold; the marker, nobody can foresee.
    return f"{marker}%x00" + "%x00".join(fields) + "%x00"


def _records(said: str, marker: str, count: int) -> Iterator[tuple[list[str], list[str]]]:
    """The fields of each commit, and the files named after them."""
    for part in said.split(f"{marker}\0")[1:]:
        tokens = part.split("\0")
        if len(tokens) >= count:
            yield tokens[:count], [t.removeprefix("\n") for t in tokens[count:] if t.strip("\n")]


def _commit(fields: Sequence[str]) -> Commit:
    commit, parents, author, author_mail, authored, committer, committer_mail, at, subject, trailers = fields
    return Commit(
        id=commit,
        parents=tuple(parents.split()),
        author=Named(author, author_mail),
        authored=_moment(authored),
        committer=Named(committer, committer_mail),
        at=_moment(at),
        subject=subject,
        reviewers=tuple(dict.fromkeys(_named(t) for t in trailers.split("\n") if t.strip())),
    )


def _moment(seconds: str) -> datetime:
    with suppress(ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(int(seconds), UTC)
    return datetime.fromtimestamp(0, UTC)


def _named(trailer: str) -> Named:
    found = _TRAILER.fullmatch(trailer)
    return Named(found["name"] or found["email"], found["email"]) if found else Named(trailer.strip()[:200])


@contextmanager
def _signers(keys: Keys) -> Iterator[Path]:
    """The declared keys as a file of allowed signers (ssh-keygen(1)), for the time that they are needed."""
    with tempfile.TemporaryDirectory(prefix="assay-signers-") as directory:
        file = Path(directory) / "allowed"
        file.write_text("".join(allowed_signers(keys)), encoding="utf-8")
        yield file


def allowed_signers(keys: Keys) -> Iterator[str]:
    """Lines of an allowed signers file (ssh-keygen(1)).

    A key that two persons share says nothing about who signed, so it is left out; and so is what is no OpenSSH key.
    """
    owners: dict[str, dict[str, Key]] = {}
    for person, listed in keys.items():
        for key in listed:
            plain = " ".join(key.text.split()[:2])
            if _PERSON.fullmatch(person) and _SSH_KEY.fullmatch(plain):
                owners.setdefault(plain, {})[person] = key
    for plain, persons in sorted(owners.items()):
        if len(persons) == 1:
            ((person, key),) = persons.items()
            options = ['namespaces="git"']
            options += [f'valid-after="{key.since:%Y%m%d}Z"'] if key.since else []
            options += [f'valid-before="{key.until + _DAY:%Y%m%d}Z"'] if key.until and key.until < date.max else []
            yield f"{person} {','.join(options)} {plain}\n"


__all__ = ["Change", "Commit", "Key", "Keys", "Named", "Repository", "Signature", "allowed_signers", "repository_of"]

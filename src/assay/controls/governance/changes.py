"""What version control shows of the declaration's files. Looked at only where the declaration asks for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from assay.controls._lib.judging import judge as _judge
from assay.controls.base import Context
from assay.controls.governance.declared import declared_files
from assay.controls.governance.git import Change, Repository, repository_of
from assay.controls.governance.review import Reviewed, keys_of, reviewed
from assay.declare.declaration import Declaration
from assay.domain import AssayError, Location, Verdict, listed

_CONTROL = "governance"
_SUBJECT = "governance"
_KNOWN = "declaration-outside-version-control"
_SECOND, _SIGNED = "change-without-second-person", "change-unsigned"


@dataclass(frozen=True, slots=True)
class _Looked:
    """What was found, by the name that locations use: files that are not as committed, last changes, unknown ones."""

    loose: tuple[str, ...] = ()
    changes: Mapping[str, Change] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()


def changes(context: Context) -> Iterator[Verdict]:
    """A verdict on every rule that ``governance:`` makes for changes. None where it makes none."""
    declaration = context.declaration
    rules = declaration.model.governance
    wanted = [check for check, need in ((_SECOND, rules.reviews), (_SIGNED, rules.signatures)) if need == "required"]
    if not wanted:
        return
    looked = declaration.once(("governance", "changes"), lambda: _look(declaration))
    if isinstance(looked, str):
        yield from _nothing(declaration, looked, wanted)
        return
    yield _committed(declaration, looked)
    people = declaration.model.people
    behind = {name: reviewed(change, people) for name, change in looked.changes.items()}
    if _SECOND in wanted:
        yield _two(declaration, looked, behind)
    if _SIGNED in wanted:
        yield _signatures(declaration, looked, behind)


def _look(declaration: Declaration) -> _Looked | str:
    repository = repository_of(declaration.root)
    if isinstance(repository, str):
        return repository
    try:
        return _found(declaration, repository)
    except AssayError as error:
        return error.sentence


def _found(declaration: Declaration, repository: Repository) -> _Looked:
    files = declared_files(declaration)
    outside = [files[path] for path in repository.outside(files)]
    below = {p.relative_to(repository.top).as_posix(): n for p, n in files.items() if n not in outside}
    uncommitted = [below[name] for name in repository.uncommitted(files) if name in below]
    found = {below[n]: c for n, c in repository.last_changes(files, keys_of(declaration.model)).items()}
    # Where history was cut off, the oldest commit that is here seems to have made everything.
    hidden = [name for name, change in found.items() if repository.shallow and not change.commit.parents]
    return _Looked(
        loose=tuple(sorted({*outside, *uncommitted})),
        changes={name: change for name, change in found.items() if name not in hidden},
        hidden=tuple(sorted(hidden)),
    )


def _nothing(declaration: Declaration, why: str, wanted: list[str]) -> Iterator[Verdict]:
    """Without a work tree nothing can be shown; that there is none, is itself what was to be found."""
    judge, at = _judge(_CONTROL), declaration.locate("governance")
    if why == "the declaration is in no git work tree":
        yield judge.failed(_KNOWN, _SUBJECT, at, why, fix="keep the declaration in a git repository")
    else:
        yield judge.unclear(_KNOWN, _SUBJECT, at, f"version control cannot be looked at: {why}")
    for check in wanted:
        yield judge.unclear(check, _SUBJECT, at, f"nothing shows who changed the declaration: {why}")


def _committed(declaration: Declaration, looked: _Looked) -> Verdict:
    judge, at = _judge(_CONTROL), declaration.locate("governance")
    if looked.loose:
        sentence = f"{_files(looked.loose)} not as committed, or not committed at all: {listed(looked.loose)}"
        return judge.failed(_KNOWN, _SUBJECT, Location(looked.loose[0]), sentence, related=(at,))
    return judge.passed(_KNOWN, _SUBJECT, at, f"all {len(looked.changes) + len(looked.hidden)} files are as committed")


def _two(declaration: Declaration, looked: _Looked, behind: Mapping[str, Reviewed]) -> Verdict:
    judge, at = _judge(_CONTROL), declaration.locate("governance", "reviews")
    alone = {n: r for n, r in behind.items() if r.eyes == "one"}
    claimed = {n: r for n, r in behind.items() if r.eyes == "claimed"}
    if alone:
        name, who = next(iter(sorted(alone.items())))
        commit = looked.changes[name].commit
        sentence = (
            f"nobody but {who.author} has seen the last change of {listed(sorted(alone))} (commit {commit.short})"
        )
        return judge.failed(_SECOND, _SUBJECT, Location(name), sentence, related=(at,))
    doubt = _doubt(looked)
    if claimed:
        name, who = next(iter(sorted(claimed.items())))
        sentence = (
            f"that {who.reviewer} has seen what {who.author} changed in {listed(sorted(claimed))} is claimed"
            f" (commit {looked.changes[name].commit.short}); no two signatures show it"
        )
        return judge.unclear(_SECOND, _SUBJECT, Location(name), sentence)
    if doubt or not behind:
        return judge.unclear(_SECOND, _SUBJECT, at, doubt or "no file of the declaration was ever committed")
    sentence = f"the last change of each of {len(behind)} files bears the signatures of two people"
    return judge.passed(_SECOND, _SUBJECT, at, sentence)


def _signatures(declaration: Declaration, looked: _Looked, behind: Mapping[str, Reviewed]) -> Verdict:
    judge, at = _judge(_CONTROL), declaration.locate("governance", "signatures")
    unsigned = sorted(n for n, r in behind.items() if not r.signed)
    if unsigned:
        commit = looked.changes[unsigned[0]].commit
        why = {
            "none": "is not signed",
            "unknown key": "is signed with a key that nobody under `people` has",
            "good": f"is signed by {commit.signature.signer}, who is not declared under `people`",
            "bad": "bears a signature that does not fit it",
            "cannot be checked": "bears a signature that cannot be checked here",
        }.get(commit.signature.state, f"is signed with a key that is {commit.signature.state}")
        sentence = f"commit {commit.short} {why}: the last change of {listed(unsigned)}"
        if commit.signature.state == "cannot be checked":
            return judge.unclear(_SIGNED, _SUBJECT, Location(unsigned[0]), sentence)
        return judge.failed(_SIGNED, _SUBJECT, Location(unsigned[0]), sentence, related=(at,))
    doubt = _doubt(looked)
    if doubt or not behind:
        return judge.unclear(_SIGNED, _SUBJECT, at, doubt or "no file of the declaration was ever committed")
    sentence = f"the last change of each of {len(behind)} files is signed by a declared person"
    return judge.passed(_SIGNED, _SUBJECT, at, sentence)


def _doubt(looked: _Looked) -> str:
    if looked.hidden:
        return (
            f"a part of the history is not here, so the last change of {listed(looked.hidden)} is not known;"
            " `git fetch --unshallow` brings it"
        )
    if looked.loose:
        return f"{_files(looked.loose)} not as committed, so nobody has signed what is there: {listed(looked.loose)}"
    return ""


def _files(names: tuple[str, ...]) -> str:
    return "1 file is" if len(names) == 1 else f"{len(names)} files are"


__all__ = ["changes"]

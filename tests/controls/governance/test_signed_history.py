"""What git tells of a file: its last change, who brought it in, and whose signatures hold. Nothing forged counts."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.controls.governance.repositories import Work

from assay.controls.governance.git import (
    Change,
    Commit,
    Key,
    Keys,
    Named,
    Repository,
    Signature,
    _records,
    allowed_signers,
    repository_of,
)
from assay.controls.governance.review import reviewed
from assay.declare.model import Person


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(tmp_path / "shop", tmp_path / "keys")


def repository(work: Work) -> Repository:
    found = repository_of(work.folder, work.environ)
    assert isinstance(found, Repository), found
    return found


def keys(work: Work, *names: str) -> Keys:
    return {name: (Key(work.key(name)),) for name in names}


def last(work: Work, name: str, *people: str) -> Change:
    return repository(work).last_changes([work.folder / name], keys(work, *people))[name]


def test_the_last_change_is_found_by_descent_whatever_dates_say(work: Work) -> None:
    work._when = 1_900_000_000
    work.commit("ann", "first", a_yaml="1", b_yaml="1")
    work._when = 1_700_000_000
    second = work.commit("bob", "second", a_yaml="2")
    assert last(work, "a.yaml", "ann", "bob").commit.id == second
    assert last(work, "b.yaml", "ann", "bob").commit.subject == "first"


def test_a_signature_tells_the_person_and_a_name_does_not(work: Work) -> None:
    work.commit("ann", a_yaml="1")
    assert last(work, "a.yaml", "ann").commit.signature == Signature(
        "good", "ann", last(work, "a.yaml").commit.signature.key
    )
    assert last(work, "a.yaml", "ann").commit.signature.person == "ann"
    assert last(work, "a.yaml", "bob").commit.signature.state == "unknown key"
    work.commit("ann", sign=False, a_yaml="2")
    assert last(work, "a.yaml", "ann").commit.signature == Signature()


def test_a_commit_whose_text_was_changed_has_a_bad_signature(work: Work) -> None:
    work.commit("ann", "honest words", a_yaml="1")
    raw = work.git("cat-file", "commit", "HEAD").replace("honest", "forged") + "\n"
    (work.folder / "raw").write_text(raw)
    forged = work.git("hash-object", "-t", "commit", "-w", str(work.folder / "raw"))
    work.git("reset", "-q", "--soft", forged)
    found = last(work, "a.yaml", "ann").commit
    assert (found.subject, found.signature.state, found.signature.person) == ("forged words", "bad", "")


def test_the_repository_cannot_bring_its_own_verifier(work: Work) -> None:
    work.commit("ann", sign=False, a_yaml="1")
    work.commit("eve", a_yaml="2")
    liar = work.keys / "liar"
    liar.write_text('#!/bin/sh\necho "Good \\"git\\" signature for ann with ED25519 key SHA256:x"\n')
    liar.chmod(0o700)
    signers = work.keys / "signers"
    signers.write_text(f'ann namespaces="git" {" ".join(work.key("eve").split()[:2])}\n')
    for name, value in (("gpg.ssh.program", liar), ("gpg.program", liar), ("gpg.ssh.allowedSignersFile", signers)):
        work.git("config", name, str(value))
    assert last(work, "a.yaml", "ann").commit.signature.person == ""


@pytest.mark.parametrize("way", ["replaced", "grafted"])
def test_the_repository_cannot_hide_a_commit(work: Work, way: str) -> None:
    first = work.commit("ann", a_yaml="1")
    hidden = work.commit("eve", "hidden", sign=False, a_yaml="2")
    last_one = work.commit("ann", "beside", b_yaml="1")
    if way == "replaced":
        work.git("replace", hidden, first)
    else:
        (work.folder / ".git" / "info").mkdir(exist_ok=True)
        (work.folder / ".git" / "info" / "grafts").write_text(f"{last_one} {first}\n")
    found = last(work, "a.yaml", "ann").commit
    assert (found.id, found.signature.person) == (hidden, "")


def test_a_key_of_two_people_or_of_another_time_shows_nobody(work: Work) -> None:
    work.commit("ann", a_yaml="1")
    both = {"ann": (Key(work.key("ann")),), "bob": (Key(work.key("ann")),)}
    assert list(allowed_signers(both)) == []
    for key in (Key(work.key("ann"), until=date(2020, 1, 1)), Key(work.key("ann"), since=date(2040, 1, 1))):
        found = repository(work).last_changes([work.folder / "a.yaml"], {"ann": (key,)})["a.yaml"]
        assert found.commit.signature.person == ""
    within = Key(work.key("ann"), since=date(2026, 1, 1), until=date(2030, 1, 1))
    found = repository(work).last_changes([work.folder / "a.yaml"], {"ann": (within,)})["a.yaml"]
    assert found.commit.signature.person == "ann"


def test_the_merge_that_brought_a_change_in_is_found_and_others_are_not(work: Work) -> None:
    work.commit("ann", a_yaml="1", b_yaml="1")
    work.branch("one")
    work.commit("ann", "on the branch\n\nReviewed-by: Bob <bob@shop.example>\nApproved-by: carol", a_yaml="2")
    merge = work.merge("bob", "one")
    work.branch("two")
    work.commit("ann", b_yaml="2")
    work.merge("carol", "two")
    found = last(work, "a.yaml", "ann", "bob", "carol")
    assert (found.commit.subject, [m.id for m in found.merges]) == ("on the branch", [merge])
    assert found.commit.reviewers == (Named("Bob", "bob@shop.example"), Named("carol"))
    assert found.merges[0].signature.person == "bob"


def test_files_that_are_not_as_committed_are_named(work: Work) -> None:
    work.commit("ann", a_yaml="1", b_yaml="1", _gitignore="secret.yaml")
    (work.folder / "a.yaml").write_text("2")
    (work.folder / "new.yaml").write_text("1")
    (work.folder / "secret.yaml").write_text("1")
    git = repository(work)
    asked = [work.folder / n for n in ("a.yaml", "b.yaml", "new.yaml", "secret.yaml")]
    assert git.uncommitted(asked) == ("a.yaml", "new.yaml", "secret.yaml")
    assert git.outside([*asked, work.keys / "x"]) == (work.keys / "x",)
    assert git.last_changes([work.folder / "new.yaml"], {}) == {}


def test_what_a_commit_saw_last_is_told_and_a_commit_that_is_gone_is_left_out(work: Work) -> None:
    first = work.commit("ann", "first", a_yaml="1")
    second = work.commit("ann", "second", a_yaml="2")
    third = work.commit("ann", "beside", b_yaml="1")
    asked = [first, second, third, "0" * 40, "--upload-pack=x", "HEAD"]
    found = repository(work).last_change([work.folder / "a.yaml"], asked, keys(work, "ann"))
    assert {commit: c.commit.subject for commit, c in found.items()} == {
        first: "first",
        second: "second",
        third: "second",
    }


def test_names_that_look_like_options_or_patterns_are_names(work: Work) -> None:
    for name in ("--all", "*", ":(top)x", "two\nlines", "ü.yaml"):
        (work.folder / name).write_text("1")
    work.commit("ann", "odd")
    work.commit("bob", "other", a_yaml="1")
    odd = [work.folder / n for n in ("--all", "*", ":(top)x", "two\nlines", "ü.yaml")]
    found = repository(work).last_changes(odd, {})
    assert {n: c.commit.subject for n, c in found.items()} == dict.fromkeys(
        ("--all", "*", ":(top)x", "two\nlines", "ü.yaml"), "odd"
    )


def test_a_folder_without_git_or_without_a_work_tree_says_so(tmp_path: Path, work: Work) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    environ = {**work.environ, "GIT_CEILING_DIRECTORIES": str(tmp_path)}
    assert repository_of(plain, environ) == "the declaration is in no git work tree"
    assert repository_of(work.folder, {"PATH": str(plain)}) == "git is not installed here"
    assert isinstance(repository_of(tmp_path / "missing", environ), str)
    assert repository(work).head() == ""
    bare = tmp_path / "bare"
    work.git("init", "-q", "--bare", str(bare))
    assert isinstance(repository_of(bare, environ), str)


def test_a_shallow_clone_says_so(work: Work, tmp_path: Path) -> None:
    work.commit("ann", a_yaml="1")
    work.commit("ann", b_yaml="1")
    work.git("clone", "-q", "--depth", "1", f"file://{work.folder}", str(tmp_path / "clone"))
    found = repository_of(tmp_path / "clone", {**work.environ, "GIT_CEILING_DIRECTORIES": str(tmp_path)})
    assert isinstance(found, Repository) and found.shallow


# Two people ---------------------------------------------------------------------------------------------------------

PEOPLE = {
    name: Person.model_construct(name=name, email=f"{name}@x.test", roles=(), keys=()) for name in ("ann", "bob", "eve")
}
NAMES = st.sampled_from(["ann", "bob", "eve", "stranger"])


def commit(author: str, signer: str = "", *, merged: bool = False, reviewers: tuple[str, ...] = ()) -> Commit:
    named, at = Named(author, f"{author}@x.test"), datetime(2026, 1, 1, tzinfo=UTC)
    signature = Signature("good", signer, "SHA256:x") if signer else Signature()
    claimed = tuple(Named(r, f"{r}@x.test") for r in reviewers)
    return Commit("0" * 40, ("1", "2") if merged else ("1",), named, at, named, at, "s", claimed, signature)


@pytest.mark.parametrize(
    ("change", "eyes"),
    [
        (Change(commit("ann", "ann"), (commit("bob", "bob", merged=True),)), "two"),
        (Change(commit("ann", "ann"), (commit("ann", "ann", merged=True),)), "one"),
        (Change(commit("bob", "ann"), (commit("ann", "ann", merged=True),)), "one"),
        (Change(commit("ann"), (commit("bob", "bob", merged=True),)), "claimed"),
        (Change(commit("ann", "ann"), (commit("bob", merged=True),)), "claimed"),
        (Change(commit("ann", "ann", reviewers=("bob",))), "claimed"),
        (Change(commit("ann", "ann", reviewers=("ann",))), "one"),
        (Change(commit("ann", "stranger"), (commit("bob", "bob", merged=True),)), "claimed"),
        (Change(commit("ann")), "one"),
    ],
    ids=[
        "signed and merged by another",
        "signed and merged by the same",
        "one signer under two names",
        "only the merge is signed",
        "only the commit is signed",
        "a trailer names another",
        "a trailer names the author",
        "signed by somebody who is not declared",
        "nobody else",
    ],
)
def test_two_people_are_shown_by_two_signatures_and_by_nothing_less(change: Change, eyes: str) -> None:
    assert reviewed(change, PEOPLE).eyes == eyes


@given(
    author=NAMES, signer=NAMES | st.just(""), reviewers=st.lists(NAMES, max_size=3), names=st.lists(NAMES, max_size=3)
)
def test_whoever_holds_one_key_can_never_show_two_people(
    author: str, signer: str, reviewers: list[str], names: list[str]
) -> None:
    merges = tuple(commit(name, signer, merged=True, reviewers=tuple(reviewers)) for name in names)
    assert reviewed(Change(commit(author, signer, reviewers=tuple(reviewers)), merges), PEOPLE).eyes != "two"


def test_a_name_in_a_keyring_is_not_a_declared_person() -> None:
    assert Signature("good", "ann", "3AA5C34371567BD2").person == ""


@given(
    st.lists(st.lists(st.text(st.characters(exclude_characters="\0"), max_size=8), min_size=3, max_size=3), max_size=4)
)
def test_what_a_commit_says_cannot_become_another_commit(records: list[list[str]]) -> None:
    marker = "f" * 24
    said = "".join(f"{marker}\0" + "\0".join(fields) + "\0\nfile\0\0" for fields in records)
    assert [fields for fields, _ in _records(said, marker, 3)] == records


@given(st.text(), st.text())
def test_lines_of_allowed_signers_cannot_be_injected(person: str, key: str) -> None:
    for line in allowed_signers({person: (Key(key),)}):
        assert line.count("\n") == 1 and len(line.split()) == 4

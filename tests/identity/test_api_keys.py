"""API keys: what verifies, what no longer does, and what never appears anywhere."""

from __future__ import annotations

import concurrent.futures
import hashlib
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from assay.domain import AssayError, Secret, UsageError
from assay.identity.api_keys import (
    KEY_PATTERN,
    KeyState,
    KeyStore,
    edit,
    has_valid_checksum,
    load,
    save,
)

START = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def issue(store: KeyStore | None = None, ttl: timedelta = 90 * DAY, at: datetime = START) -> tuple[KeyStore, Secret]:
    return (store or KeyStore()).issue("partner-acme", ttl, at)


def only(store: KeyStore) -> str:
    (key_id,) = store.keys
    return key_id


def test_a_key_works_from_its_issue_until_just_before_it_expires() -> None:
    store, secret = issue()
    record = store.verify(secret.reveal(), START)
    assert record is not None and record.consumer == "partner-acme"
    assert store.verify(secret.reveal(), START - timedelta(seconds=1)) is None
    assert store.verify(secret.reveal(), START + 90 * DAY - timedelta(microseconds=1)) is not None
    assert store.verify(secret.reveal(), START + 90 * DAY) is None


def test_a_scanner_recognises_a_leaked_key_by_its_form_and_checksum() -> None:
    _, secret = issue()
    text = secret.reveal()
    assert KEY_PATTERN.fullmatch(text) and has_valid_checksum(text)
    assert not has_valid_checksum(text[:-1] + ("0" if text[-1] != "0" else "1"))


def test_rotation_lets_both_keys_work_during_the_overlap_only() -> None:
    store, old = issue()
    store, new = store.rotate(only(store), 2 * DAY, START + DAY)
    assert store.verify(old.reveal(), START + 3 * DAY - timedelta(seconds=1))
    assert store.verify(old.reveal(), START + 3 * DAY) is None
    assert store.verify(new.reveal(), START + DAY) and store.verify(new.reveal(), START + 90 * DAY)
    states = {listed.state for listed in store.list(START + DAY)}
    assert states == {KeyState.OVERLAP, KeyState.ACTIVE}


def test_an_overlap_never_lengthens_the_life_of_the_old_key() -> None:
    store, old = issue(ttl=3 * DAY)
    store, _ = store.rotate(only(store), timedelta.max, START)
    assert store.verify(old.reveal(), START + 3 * DAY) is None


def test_an_overlap_of_nothing_retires_the_old_key_at_once() -> None:
    store, old = issue()
    store, _ = store.rotate(only(store), timedelta(0), START)
    assert store.verify(old.reveal(), START) is None


def test_a_revoked_key_stops_at_once_even_in_its_overlap() -> None:
    store, old = issue()
    old_id = only(store)
    store, new = store.rotate(old_id, 9 * DAY, START)
    store = store.revoke(old_id, START)
    assert store.verify(old.reveal(), START) is None
    assert store.verify(new.reveal(), START)
    assert store.revoke(old_id, START + DAY) is store


def test_the_listing_says_what_a_key_is_worth() -> None:
    store, _ = issue(ttl=20 * DAY)
    assert [k.state for k in store.list(START)] == [KeyState.ACTIVE]
    assert [k.state for k in store.list(START + 7 * DAY)] == [KeyState.EXPIRING]
    assert [k.state for k in store.list(START + 20 * DAY)] == [KeyState.EXPIRED]
    assert [k.state for k in store.list(START - DAY)] == [KeyState.PENDING]
    assert [k.state for k in store.revoke(only(store), START).list(START)] == [KeyState.REVOKED]


@pytest.mark.parametrize("ttl", [timedelta(0), -DAY, 367 * DAY, timedelta.max])
def test_a_key_without_a_sensible_end_is_refused(ttl: timedelta) -> None:
    with pytest.raises(UsageError):
        issue(ttl=ttl)


def test_what_cannot_be_rotated_is_refused_in_words() -> None:
    store, secret = issue()
    key_id = only(store)
    with pytest.raises(UsageError, match="no key") as caught:
        store.rotate(secret.reveal(), DAY, START)
    assert secret.reveal()[12:] not in caught.value.diagnosis()
    with pytest.raises(UsageError, match="expired"):
        store.rotate(key_id, DAY, START + 91 * DAY)
    with pytest.raises(UsageError, match="revoked"):
        store.revoke(key_id, START).rotate(key_id, DAY, START)
    rotated, _ = store.rotate(key_id, DAY, START)
    with pytest.raises(UsageError, match="already"):
        rotated.rotate(key_id, DAY, START)
    with pytest.raises(UsageError, match="negative"):
        store.rotate(key_id, -DAY, START)
    with pytest.raises(UsageError, match="no key"):
        store.revoke("nosuchid", START)


def test_a_source_of_randomness_that_repeats_is_noticed() -> None:
    store, _ = KeyStore().issue("a", DAY, START, lambda n: bytes(n))
    with pytest.raises(AssayError, match="repeats"):
        store.issue("a", DAY, START, lambda n: bytes(n))


@given(st.text(max_size=200))
def test_no_text_verifies_but_the_key(text: str) -> None:
    store, _ = KeyStore().issue("a", DAY, START, lambda n: b"\x07" * n)
    assert store.verify(text, START) is None


@given(st.data())
def test_a_key_with_one_character_changed_does_not_verify(data: st.DataObject) -> None:
    store, secret = KeyStore().issue("a", DAY, START, lambda n: b"\x07" * n)
    text = secret.reveal()
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters().filter(lambda c: c != text[place]))
    assert store.verify(text[:place] + other + text[place + 1 :], START) is None
    assert store.verify(text + "\n", START) is None


class Life(RuleBasedStateMachine):
    """Any sequence of issue, rotate, revoke and waiting: only keys that are in their time and not revoked verify."""

    def __init__(self) -> None:
        super().__init__()
        self.store = KeyStore()
        self.now = START
        self.texts: dict[str, Secret] = {}
        self.ends: dict[str, datetime] = {}
        self.revoked: set[str] = set()
        self.drawn = 0

    @rule(days=st.integers(1, 366))
    def issue(self, days: int) -> None:
        self.store, secret = self.store.issue("c", days * DAY, self.now, self._rng)
        self._note(secret, self.now + days * DAY)

    @precondition(lambda self: self.texts)
    @rule(data=st.data(), hours=st.integers(0, 100))
    def rotate(self, data: st.DataObject, hours: int) -> None:
        key_id = data.draw(st.sampled_from(sorted(self.texts)))
        try:
            self.store, secret = self.store.rotate(key_id, timedelta(hours=hours), self.now, self._rng, ttl=10 * DAY)
        except UsageError:
            return
        self.ends[key_id] = min(self.ends[key_id], self.now + timedelta(hours=hours))
        self._note(secret, self.now + 10 * DAY)

    @precondition(lambda self: self.texts)
    @rule(data=st.data())
    def revoke(self, data: st.DataObject) -> None:
        key_id = data.draw(st.sampled_from(sorted(self.texts)))
        self.store = self.store.revoke(key_id, self.now)
        self.revoked.add(key_id)

    @rule(hours=st.integers(0, 5000))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @invariant()
    def exactly_the_right_keys_verify(self) -> None:
        for key_id, secret in self.texts.items():
            found = self.store.verify(secret.reveal(), self.now)
            expected = key_id not in self.revoked and self.now < self.ends[key_id]
            assert (found is not None) == expected
            assert found is None or found.id == key_id

    @invariant()
    def no_secret_shows(self) -> None:
        shown = repr(self.store) + repr(self.store.list(self.now))
        shown += msgspec.json.encode(dict(self.store.keys)).decode() + repr(self.texts)
        for secret in self.texts.values():
            assert secret.reveal()[12:30] not in shown

    def _rng(self, size: int) -> bytes:
        """The same bytes in every replay, so that a failure can be shrunk."""
        self.drawn += 1
        return hashlib.shake_256(str(self.drawn).encode()).digest(size)

    def _note(self, secret: Secret, end: datetime) -> None:
        match = KEY_PATTERN.fullmatch(secret.reveal())
        assert match
        self.texts[match[1]] = secret
        self.ends[match[1]] = end


Life.TestCase.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)
TestLife = Life.TestCase


class TestFile:
    def test_keys_survive_the_process_and_the_file_holds_only_digests(self, tmp_path: Path) -> None:
        path = tmp_path / "state" / "keys.json"
        secret = edit(path, lambda store: store.issue("a", DAY, START, note="first", created_by="ops"))
        assert load(path).verify(secret.reveal(), START)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        content = path.read_text()
        assert hashlib.sha256(secret.reveal().encode()).hexdigest() in content
        for size in range(4, 44):
            assert secret.reveal()[12 : 12 + size] not in content

    def test_a_file_that_is_not_there_has_no_keys(self, tmp_path: Path) -> None:
        assert load(tmp_path / "keys.json") == KeyStore()

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"{",
            b"[]",
            b'{"version": 2, "keys": []}',
            b'{"version": 1}',
            b'{"version": 1, "keys": [], "more": 1}',
            b'{"version": 1, "keys": [{"id": "x"}]}',
            b"\xff\xfe",
            b'{"version": 1, "keys": ' + b"[" * 100_000,
        ],
    )
    def test_a_file_that_cannot_be_read_is_named_and_never_overwritten(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "keys.json"
        path.write_bytes(content)
        path.chmod(0o600)
        for attempt in (
            lambda: load(path),
            lambda: save(path, KeyStore()),
            lambda: edit(path, lambda s: s.issue("a", DAY, START)),
        ):
            with pytest.raises(AssayError) as caught:
                attempt()
            assert str(path) in caught.value.sentence and caught.value.fix
        assert path.read_bytes() == content

    def test_a_file_that_others_can_read_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "keys.json"
        save(path, KeyStore())
        path.chmod(0o604)
        with pytest.raises(AssayError, match="other users"):
            load(path)

    def test_a_key_listed_twice_or_without_time_zone_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "keys.json"
        edit(path, lambda store: store.issue("a", DAY, START))
        document = msgspec.json.decode(path.read_bytes())
        document["keys"] *= 2
        path.write_bytes(msgspec.json.encode(document))
        with pytest.raises(AssayError, match="twice"):
            load(path)
        document["keys"] = [{**document["keys"][0], "expires": "2026-06-02T00:00:00"}]
        path.write_bytes(msgspec.json.encode(document))
        with pytest.raises(AssayError, match="damaged"):
            load(path)

    def test_a_change_that_fails_leaves_the_file_as_it_was(self, tmp_path: Path) -> None:
        path = tmp_path / "keys.json"
        edit(path, lambda store: store.issue("a", DAY, START))
        before = path.read_bytes()
        with pytest.raises(UsageError):
            edit(path, lambda store: store.issue("a", -DAY, START))
        assert path.read_bytes() == before
        assert [p for p in tmp_path.iterdir() if p.suffix == ".tmp"] == []

    def test_commands_at_the_same_time_lose_no_key(self, tmp_path: Path) -> None:
        path = tmp_path / "keys.json"
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            secrets = list(pool.map(lambda n: edit(path, lambda s: s.issue(f"c{n}", DAY, START)), range(24)))
        store = load(path)
        assert {store.verify(s.reveal(), START).consumer for s in secrets} == {f"c{n}" for n in range(24)}

    def test_a_directory_in_which_others_can_write_is_refused(self, tmp_path: Path) -> None:
        loose = tmp_path / "loose"
        loose.mkdir()
        loose.chmod(0o777)
        with pytest.raises(AssayError, match="other users"):
            save(loose / "keys.json", KeyStore())

    @settings(max_examples=100, deadline=None)
    @given(data=st.data())
    def test_no_bytes_leak_a_foreign_exception(
        self, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
    ) -> None:
        path = tmp_path_factory.mktemp("keys") / "keys.json"
        edit(path, lambda store: store.issue("a", DAY, START, lambda n: bytes(range(n))))
        broken = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 3))):
            broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(bytes(broken))
        try:
            load(path)
        except AssayError as error:
            assert error.location

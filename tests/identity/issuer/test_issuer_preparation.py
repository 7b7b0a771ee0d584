"""The issuer's files: made once, kept private, refused in words when they are not sound."""

from __future__ import annotations

import stat
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.domain import AssayError, Secret, UsageError
from assay.identity.issuer.config import (
    ClientSpec,
    UserSpec,
    load_config,
    load_credentials,
    prepare_issuer,
)
from assay.identity.issuer.ledger import TokenLedger
from assay.identity.issuer.signing import (
    KeyRing,
    current_key,
    ensure_signing_keys,
    jwks,
    load_signing_keys,
    rotate_signing_key,
)
from assay.identity.passwords import hash_password, is_password_hash, verify_password

NOW = 1_800_000_000
CLIENTS = {"app": ClientSpec(scopes=("read",), roles=("customer",), audience=("api",))}
USERS = {"alice": UserSpec(subject="c-1001", roles=("customer",))}


def prepare(directory: Path, clients=CLIENTS, users=USERS, **more):
    settings = {"issuer_url": "http://127.0.0.1:9001", "listen": "127.0.0.1:9001", "now": NOW, **more}
    return prepare_issuer(directory, clients, users, **settings)


def contents(directory: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in directory.iterdir()}


def test_the_first_start_makes_credentials_that_later_starts_keep(tmp_path: Path) -> None:
    config, credentials = prepare(tmp_path / "issuer")
    before = contents(tmp_path / "issuer")
    again, same = prepare(tmp_path / "issuer", now=NOW + 5)
    assert contents(tmp_path / "issuer") == before
    assert (again, same) == (config, credentials)
    assert load_credentials(tmp_path / "issuer") == credentials
    assert load_config(tmp_path / "issuer" / "issuer.json") == config
    assert verify_password(credentials.clients["app"].reveal(), config.clients["app"].secret_hash)
    assert verify_password(credentials.users["alice"].reveal(), config.users["alice"].password_hash)
    assert len(credentials.clients["app"].reveal()) >= 43


def test_everything_is_private_and_only_the_credentials_file_holds_secrets(tmp_path: Path) -> None:
    _, credentials = prepare(tmp_path / "issuer")
    assert stat.S_IMODE((tmp_path / "issuer").stat().st_mode) == 0o700
    for name, content in contents(tmp_path / "issuer").items():
        assert stat.S_IMODE((tmp_path / "issuer" / name).stat().st_mode) == 0o600
        if name != "credentials.json":
            for secret in (*credentials.clients.values(), *credentials.users.values()):
                assert secret.reveal().encode() not in content
    assert credentials.clients["app"].reveal() not in repr(credentials)


def test_a_declared_password_is_used_and_not_kept(tmp_path: Path) -> None:
    users = {"alice": UserSpec(subject="c-1", password=Secret("correct horse battery staple"))}
    config, credentials = prepare(tmp_path, users=users)
    before = contents(tmp_path)
    assert credentials.users["alice"].reveal() == "correct horse battery staple"
    assert all(b"correct horse" not in content for content in before.values())
    prepare(tmp_path, users=users)
    assert contents(tmp_path) == before
    changed, _ = prepare(tmp_path, users={"alice": UserSpec(subject="c-1", password=Secret("another"))})
    assert changed.users["alice"].password_hash != config.users["alice"].password_hash
    with pytest.raises(UsageError, match="empty"):
        prepare(tmp_path, users={"alice": UserSpec(subject="c-1", password=Secret(""))})


def test_a_client_that_returns_finds_its_secret_again(tmp_path: Path) -> None:
    _, first = prepare(tmp_path)
    without, _ = prepare(tmp_path, clients={})
    assert without.clients == {}
    _, again = prepare(tmp_path)
    assert again.clients == first.clients


@pytest.mark.parametrize(
    "more",
    [
        {"issuer_url": "ftp://x"},
        {"issuer_url": "https://x/?a=b"},
        {"issuer_url": "https://x/?"},
        {"issuer_url": "https://u@x"},
        {"issuer_url": "https://x:99999"},
        {"issuer_url": "https://x/{a}"},
        {"listen": "0.0.0.0:9001"},
        {"listen": "127.0.0.1:0"},
        {"listen": "127.0.0.1:70000"},
        {"listen": "unix:/" + "x" * 120},
        {"listen": ""},
        {"lifetime_seconds": 0},
        {"lifetime_seconds": 86_400},
        {"algorithms": ()},
        {"algorithms": ("ES256", "ES256")},
        {"algorithms": ("HS256",)},
        {"clients": {"app": ClientSpec()}},
        {"clients": {"app": ClientSpec(audience=("a",), scopes=("two words",))}},
        {"clients": {"": ClientSpec(audience=("a",))}},
        {"users": {"bob": UserSpec(subject="")}},
    ],
)
def test_what_cannot_be_served_safely_is_refused_and_nothing_is_written(tmp_path: Path, more: dict) -> None:
    with pytest.raises(UsageError):
        prepare(tmp_path, **more)
    assert not (tmp_path / "issuer.json").exists()


def test_damaged_files_are_named_and_never_overwritten(tmp_path: Path) -> None:
    prepare(tmp_path)
    for name in ("issuer.json", "credentials.json", "signing-keys.json"):
        path = tmp_path / name
        good = path.read_bytes()
        for bad in (b"", b"{}", b"\xff", good[:-40], b"[" * 100_000):
            path.write_bytes(bad)
            with pytest.raises(AssayError) as caught:
                prepare(tmp_path)
            assert name in caught.value.sentence
            assert path.read_bytes() == bad
        path.write_bytes(good)
        path.chmod(0o644)
        with pytest.raises(AssayError, match="other users"):
            prepare(tmp_path)
        path.chmod(0o600)
    prepare(tmp_path)


def test_a_damaged_credentials_file_is_not_quoted(tmp_path: Path) -> None:
    _, credentials = prepare(tmp_path)
    path = tmp_path / "credentials.json"
    document = msgspec.json.decode(path.read_bytes())
    document["clients"]["app"]["hash"] = credentials.clients["app"].reveal()
    path.write_bytes(msgspec.json.encode(document))
    with pytest.raises(AssayError) as caught:
        prepare(tmp_path)
    assert credentials.clients["app"].reveal() not in caught.value.diagnosis()


def test_credentials_before_the_first_start_say_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(AssayError, match="no credentials yet"):
        load_credentials(tmp_path)


@settings(max_examples=8, deadline=None)
@given(password=st.text(max_size=30), other=st.text(max_size=30))
def test_only_the_password_itself_verifies(password: str, other: str) -> None:
    encoded = hash_password(Secret(password))
    assert is_password_hash(encoded)
    assert verify_password(password, encoded)
    assert verify_password(other, encoded) == (other == password)
    assert not verify_password(password, None)


@given(st.text(max_size=120))
def test_what_is_no_hash_verifies_nothing(encoded: str) -> None:
    assert not is_password_hash(encoded)


def test_a_hash_that_would_exhaust_memory_is_no_hash() -> None:
    good = hash_password(Secret("x"))
    assert not is_password_hash(good.replace("ln=14", "ln=31"))
    assert not is_password_hash(good.replace("ln=14,r=8", "ln=20,r=16"))


class TestSigningKeys:
    def test_a_rotation_publishes_the_new_key_before_it_signs_and_the_old_one_until_its_tokens_end(
        self, tmp_path: Path
    ) -> None:
        (old,) = ensure_signing_keys(tmp_path, ["ES256"], now=NOW)
        keys = rotate_signing_key(tmp_path, now=NOW, lifetime_seconds=600, lead_seconds=60)
        (new,) = [key for key in keys if key.kid != old.kid]

        def kids(at: int) -> set[str]:
            return {str(key["kid"]) for key in jwks(keys, at)["keys"]}

        assert kids(NOW) == {old.kid, new.kid}
        assert current_key(keys, "ES256", NOW + 59).kid == old.kid
        assert current_key(keys, "ES256", NOW + 60).kid == new.kid
        assert kids(NOW + 60 + 600) == {old.kid, new.kid}
        assert kids(NOW + 60 + 600 + 60) == {new.kid}

    def test_rotations_in_a_row_never_leave_a_moment_without_a_key(self, tmp_path: Path) -> None:
        ensure_signing_keys(tmp_path, ["ES256"], now=NOW)
        for step in range(6):
            keys = rotate_signing_key(tmp_path, now=NOW + 20 * step, lifetime_seconds=60)
            for later in range(0, 400, 10):
                assert current_key(keys, "ES256", NOW + 20 * step + later)
        keys = rotate_signing_key(tmp_path, now=NOW + 10_000)
        assert len(keys) == 2

    def test_every_algorithm_has_its_key_and_the_published_set_holds_no_private_part(self, tmp_path: Path) -> None:
        keys = ensure_signing_keys(tmp_path, ["ES256", "RS256"], now=NOW)
        assert {key.algorithm for key in keys} == {"ES256", "RS256"}
        for key in jwks(keys, NOW)["keys"]:
            assert set(key) <= {"kty", "crv", "x", "y", "n", "e", "kid", "alg", "use"}
            assert key["use"] == "sig"
        for key in keys:
            assert key.private_jwk["d"] not in repr(key)

    def test_a_clock_that_was_set_back_does_not_stop_the_issuer(self, tmp_path: Path) -> None:
        keys = ensure_signing_keys(tmp_path, ["ES256"], now=NOW)
        assert current_key(keys, "ES256", NOW - 86_400)

    def test_a_running_issuer_sees_a_rotation_and_survives_a_damaged_file(self, tmp_path: Path) -> None:
        ensure_signing_keys(tmp_path, ["ES256"], now=NOW)
        ring = KeyRing(tmp_path)
        assert len(ring.keys) == 1
        rotate_signing_key(tmp_path, now=NOW)
        assert len(ring.keys) == 2
        (tmp_path / "signing-keys.json").write_bytes(b"garbage")
        assert len(ring.keys) == 2
        assert "damaged" in ring.fault
        (tmp_path / "signing-keys.json").unlink()
        ensure_signing_keys(tmp_path, ["ES256"], now=NOW)
        assert len(ring.keys) == 1 and not ring.fault

    def test_a_key_whose_material_is_not_its_algorithms_is_refused(self, tmp_path: Path) -> None:
        ensure_signing_keys(tmp_path, ["ES256"], now=NOW)
        path = tmp_path / "signing-keys.json"
        text = path.read_bytes()
        for bad in (
            text.replace(b"ES256", b"RS256"),
            text.replace(b'"d":', b'"z":'),
            text.replace(b"P-256", b"P-999"),
            text.replace(b'"EC"', b'"oct"'),
        ):
            path.write_bytes(bad)
            with pytest.raises(AssayError):
                load_signing_keys(tmp_path)

    def test_negative_durations_are_refused(self, tmp_path: Path) -> None:
        ensure_signing_keys(tmp_path, ["ES256"], now=NOW)
        with pytest.raises(UsageError):
            rotate_signing_key(tmp_path, now=NOW, lead_seconds=-1)
        with pytest.raises(UsageError):
            ensure_signing_keys(tmp_path, ["HS256"], now=NOW)


class TestLedger:
    def test_a_revoked_token_stays_revoked_over_a_restart_and_is_forgotten_after_its_end(self, tmp_path: Path) -> None:
        ledger = TokenLedger(tmp_path)
        ledger.revoke("one", expires=NOW + 60, now=NOW)
        ledger.remember("at_token", {"sub": "x"}, expires=NOW + 60, now=NOW)
        ledger.close()
        again = TokenLedger(tmp_path)
        assert again.is_revoked("one") and not again.is_revoked("two")
        assert again.claims_of("at_token", now=NOW + 59) == {"sub": "x"}
        assert again.claims_of("at_token", now=NOW + 60) is None
        again.revoke("two", expires=NOW + 120, now=NOW + 61)
        assert not again.is_revoked("one")
        again.close()
        for file in tmp_path.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            assert b"at_token" not in file.read_bytes()

    def test_a_damaged_ledger_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "tokens.sqlite3").write_bytes(b"garbage" * 200)
        with pytest.raises(AssayError, match="ledger"):
            TokenLedger(tmp_path)

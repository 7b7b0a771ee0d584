"""Secrets come by reference, and one that was written out is noticed."""

from __future__ import annotations

import base64
import hashlib
import os
import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.domain import AssayError, Location, UsageError
from assay.identity.secrets import looks_like_secret, resolve

HERE = Location("assay.yaml", 7, 12)


def private(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_a_reference_leads_to_the_environment(tmp_path: Path) -> None:
    assert resolve("env:CRM_DSN", environ={"CRM_DSN": "s3cret"}, base=tmp_path).reveal() == "s3cret"


@pytest.mark.parametrize(("content", "value"), [(b"s\n", "s"), (b"s", "s"), (b"s\r\n", "s"), (b"s\n\n", "s\n")])
def test_a_reference_leads_to_a_private_file_beside_the_declaration(tmp_path: Path, content: bytes, value: str) -> None:
    private(tmp_path / "dsn", content)
    assert resolve("file:dsn", environ={}, base=tmp_path).reveal() == value
    assert resolve(f"file:{tmp_path / 'dsn'}", environ={}, base=Path("elsewhere")).reveal() == value


def test_a_missing_secret_is_named_with_the_place_that_wants_it(tmp_path: Path) -> None:
    for reference in ("env:CRM_DSN", "file:absent"):
        with pytest.raises(AssayError) as caught:
            resolve(reference, environ={}, base=tmp_path, location=HERE)
        assert reference in caught.value.sentence
        assert caught.value.location == HERE
        assert caught.value.fix


def test_a_file_that_others_can_read_comes_with_the_command_that_mends_it(tmp_path: Path) -> None:
    path = private(tmp_path / "dsn", b"s3cret", 0o644)
    with pytest.raises(AssayError) as caught:
        resolve("file:dsn", environ={}, base=tmp_path)
    assert caught.value.fix == f"chmod 600 {path}"


def test_what_cannot_be_a_secret_is_refused(tmp_path: Path) -> None:
    private(tmp_path / "empty", b"\n")
    private(tmp_path / "binary", b"\xff\xfe")
    private(tmp_path / "nul", b"a\0b")
    private(tmp_path / "large", b"x" * 70_000)
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "loop").symlink_to("loop")
    for name in ("empty", "binary", "nul", "large", "pipe", "loop", "."):
        with pytest.raises(AssayError):
            resolve(f"file:{name}", environ={}, base=tmp_path)
    with pytest.raises(AssayError, match="empty"):
        resolve("env:X", environ={"X": ""}, base=tmp_path)


def test_a_secret_written_where_a_reference_belongs_is_not_repeated(tmp_path: Path) -> None:
    written = "hunter2-" + "Zq8fK2mW9xT4vB7n"
    for text in (written, f"pass:{written}", f"env:{written}!", f"enw:{written}"):
        with pytest.raises(UsageError) as caught:
            resolve(text, environ={}, base=tmp_path, location=HERE)
        assert written not in caught.value.diagnosis()


def test_a_misspelt_scheme_is_recognised(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        resolve("emv:NAME", environ={}, base=tmp_path)
    assert "did you mean `env`" in caught.value.fix


@given(st.text(max_size=60))
def test_no_reference_leaks_a_foreign_exception(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    base = tmp_path_factory.getbasetemp()
    for reference in (text, f"env:{text}", f"file:{text}"):
        try:
            resolve(reference, environ={}, base=base)
        except AssayError as error:
            assert error.sentence


def _join(*parts: str) -> str:
    """Joined at run time, so that no scanner takes this file for a leak."""
    return "".join(parts)


SECRETS = {
    "PEM private key": _join("-----BEGIN EC ", "PRIVATE KEY-----\nMHcCAQEEI\n-----END EC PRIVATE KEY-----"),
    "Assay API key": _join("ak_", "abcdefgh", "_", "A1b2" * 10, "C3d", "0Ab1Cd"),
    "AWS access key id": _join("AKIA", "IOSFODNN7EXAMPLE"),
    "GitHub token": _join("ghp", "_", "a1B2" * 9),
    "GitLab token": _join("glpat", "-", "a1B2c3D4e5F6g7H8i9J0"),
    "Slack token": _join("xoxb", "-1234567890-abcdefghij"),
    "Stripe key": _join("sk_", "live_", "4eC39HqLyjWDarjtT1zdp7dc"),
    "Google API key": _join("AIza", "SyA1B2C3D4E5F6G7H8I9J0K1L2M3N4O5P6Q"),
    "JSON Web Token": _join("eyJhbGciOiJIUzI1NiJ9", ".eyJzdWIiOiIxIn0", ".c2lnbmF0dXJl"),
    "URL with a password": "postgresql://crm:tr0ub4dor@db.internal/crm",
    "authorization header": "Bearer mF_9.B5f-4.1JqM.abcdefgh",
    "connection string with a password": "Server=db;User Id=crm;Password=tr0ub4dor;",
    "private JSON Web Key": '{"kty":"EC","crv":"P-256","x":"a","y":"b","d":"c"}',
    "random token": "Zq8fK2mW9xT4vB7nPd3LsR6yHc1GjU5e",
}


@pytest.mark.parametrize("kind", SECRETS)
def test_a_written_secret_is_recognised_and_its_kind_named(kind: str) -> None:
    assert looks_like_secret(SECRETS[kind]) == kind
    assert looks_like_secret(f"  {SECRETS[kind]}\n") == kind


@pytest.mark.parametrize(
    "text",
    [
        "",
        "admin",
        "customer-data",
        "sales-platform@example.test",
        "https://login.example/prod?state=1",
        "https://user@example.test/path",
        "postgresql://crm:${CRM_PASSWORD}@db.internal/crm",
        "postgresql://crm:<password>@db.internal/crm",
        "env:CRM_DSN",
        "file:secrets/crm.dsn",
        "openapi/customer-data.yaml#/components/schemas/Customer",
        "user.government_id.national_identification_number",
        "getCustomerOrdersByStatusAndDateV2",
        "APIGatewayLoadBalancerTargetGroup2",
        "arn:aws:iam::123456789012:role/service-role/customer-data-reader",
        "9b74c9897bac770ffc029102a200c5de",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "sha384-oqVuAfXRKap7fdgcCY5uykM6+R9GqQ8K/uxy9rx7HNQlGYl1kPzQho1wx4JwY8wC",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "2026-11-22T03:35:04.123456Z",
        "All personal data sent through the Customer Data API is encrypted in transit and at rest.",
        "registry.example/team/customer-data-api:2026.11.22-rc1",
        "AES256GCMSIV",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "DE89370400440532013000",
        "password: see the vault",
        "0123456789012345678901234567890123456789",
    ],
)
def test_ordinary_words_are_no_secrets(text: str) -> None:
    assert looks_like_secret(text) is None


@given(st.uuids(), st.binary(max_size=20))
def test_identifiers_and_digests_are_no_secrets(identifier: uuid.UUID, content: bytes) -> None:
    digest = hashlib.sha256(content)
    for text in (str(identifier), identifier.hex, digest.hexdigest(), f"sha256:{digest.hexdigest()}"):
        assert looks_like_secret(text) is None
    assert looks_like_secret("sha256-" + base64.b64encode(digest.digest()).decode()) is None


def test_nearly_every_random_key_is_recognised() -> None:
    keys = [base64.urlsafe_b64encode(hashlib.sha256(str(n).encode()).digest()).decode() for n in range(1000)]
    assert sum(looks_like_secret(key) is not None for key in keys) >= 980


@given(st.text())
def test_no_text_leaks_an_exception(text: str) -> None:
    looks_like_secret(text)
    looks_like_secret(f"eyJ{text}.{text}.{text}")
    looks_like_secret(f"http://{text}")

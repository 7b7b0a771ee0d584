"""Key sets of issuers: only public keys, pinned to one algorithm, in an order that gives equal digests."""

from __future__ import annotations

import base64
import contextlib
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey

from assay.domain import AssayError, UsageError
from assay.identity.http import Reach, check_url
from assay.identity.jwks import discover, normalise, read_issuer_keys, read_jwks
from assay.identity.pki import ensure_server_certificate

EC = ECKey.generate_key("P-256", {"kid": "b-ec"})
RSA = RSAKey.generate_key(2048, {"kid": "a-rsa"})
ED = OKPKey.generate_key("Ed25519", {"kid": "c-ed"})


def document(*keys: dict[str, object]) -> bytes:
    return json.dumps({"keys": list(keys)}).encode()


def read(*keys: dict[str, object], algorithms: tuple[str, ...] = ("RS256", "ES256", "EdDSA")):
    return normalise(document(*keys), where="test", algorithms=algorithms)


def public(key: ECKey | RSAKey | OKPKey, **more: object) -> dict[str, object]:
    return {**key.as_dict(private=False), **more}


def test_the_order_in_which_an_issuer_lists_its_keys_does_not_change_the_digest() -> None:
    one = read(public(EC), public(RSA), public(ED))
    other = read(public(ED, x5t="zz"), public(RSA, n_="1"), public(EC), public(EC))
    assert one.text() == other.text()
    assert [key["kid"] for key in one.document["keys"]] == ["a-rsa", "b-ec", "c-ed"]


def test_every_key_is_pinned_to_one_algorithm() -> None:
    keys = read(public(EC), public(RSA), public(ED)).document["keys"]
    assert {key["kid"]: key["alg"] for key in keys} == {"a-rsa": "RS256", "b-ec": "ES256", "c-ed": "EdDSA"}
    assert read(public(RSA), algorithms=("PS256",)).document["keys"][0]["alg"] == "PS256"
    with pytest.raises(AssayError, match="does not say its algorithm"):
        read(public(RSA), algorithms=("PS256", "PS384"))


def test_the_normalised_set_verifies_tokens() -> None:
    keys = KeySet.import_key_set(read(public(EC), public(RSA)).document)
    token = jwt.encode({"alg": "ES256", "kid": "b-ec"}, {"sub": "x"}, EC)
    assert jwt.decode(token, keys, algorithms=["ES256"]).claims == {"sub": "x"}


@pytest.mark.parametrize("key", [EC.as_dict(private=True), RSA.as_dict(private=True), ED.as_dict(private=True)])
def test_a_private_key_in_the_set_is_an_error_that_does_not_repeat_it(key: dict[str, object]) -> None:
    with pytest.raises(AssayError, match="forge tokens") as caught:
        read(public(EC), key)
    assert str(key["d"]) not in caught.value.diagnosis()


def test_a_symmetric_key_in_the_set_is_an_error_even_beside_good_ones() -> None:
    with pytest.raises(AssayError, match="forge tokens"):
        read(public(EC), dict(OctKey.generate_key(256).as_dict(private=True)))
    with pytest.raises(AssayError, match="forge tokens"):
        read(public(RSA), {"kty": "RSA", "k": "AAAA", "n": "AQAB", "e": "AQAB"})


@pytest.mark.parametrize("algorithm", ["HS256", "none", "", "ES256K", "RS1"])
def test_an_algorithm_that_anybody_could_sign_with_cannot_be_allowed(algorithm: str) -> None:
    with pytest.raises(UsageError):
        read(public(EC), algorithms=("ES256", algorithm))


def test_keys_for_other_uses_are_left_out_and_said() -> None:
    result = read(
        public(EC),
        public(RSA, use="enc"),
        public(RSA, key_ops=["encrypt"]),
        {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA"},
        public(RSA, alg="RS512"),
    )
    assert len(result.document["keys"]) == 1
    assert len(result.ignored) == 4
    with pytest.raises(AssayError, match="no key that can verify"):
        read(public(RSA, use="enc"))


def test_weak_and_mismatched_keys_are_refused() -> None:
    for bits in (1024, 16384):
        modulus = base64.urlsafe_b64encode((1 << (bits - 1) | 1).to_bytes(bits // 8)).decode()
        with pytest.raises(AssayError, match=f"{bits} bits"):
            read({"kty": "RSA", "n": modulus, "e": "AQAB"})
    with pytest.raises(AssayError, match="cannot be used with"):
        read(public(EC, alg="RS256"))
    with pytest.raises(AssayError, match="damaged"):
        read(public(EC, y=public(EC)["x"]))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b"{}",
        b'{"keys": {}}',
        b'{"keys": [1]}',
        b'{"keys": []}',
        b"\xff",
        b'{"keys":' + b"[" * 99999,
    ],
)
def test_what_is_no_key_set_is_refused_in_words(content: bytes) -> None:
    with pytest.raises(AssayError):
        normalise(content, where="test")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None)
@given(
    base=st.sampled_from([public(EC), public(RSA), public(ED)]),
    changes=st.dictionaries(
        st.sampled_from(["kty", "alg", "crv", "x", "y", "n", "e", "kid", "use", "key_ops", "ext"]),
        json_values,
        max_size=3,
    ),
    dropped=st.sets(st.sampled_from(["kty", "crv", "x", "y", "n", "e"]), max_size=2),
)
def test_no_key_leaks_a_foreign_exception_or_a_key_that_cannot_be_used(
    base: dict[str, object], changes: dict[str, object], dropped: set[str]
) -> None:
    key = {name: value for name, value in {**base, **changes}.items() if name not in dropped}
    try:
        result = read(key)
    except AssayError:
        return
    KeySet.import_key_set(result.document)
    assert set(result.document["keys"][0]) <= {"kty", "alg", "use", "kid", "crv", "x", "y", "n", "e"}


def test_a_key_set_is_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "jwks.json").write_bytes(document(public(EC)))
    assert read_jwks("jwks.json", base=tmp_path).document["keys"][0]["kid"] == "b-ec"
    with pytest.raises(AssayError, match="does not exist"):
        read_jwks("absent.json", base=tmp_path)


@pytest.mark.parametrize(
    "url",
    [
        "http://login.example/jwks",
        "ftp://login.example/jwks",
        "https://user:pass@login.example/",
        "https://",
        "https://a b/",
        "https://[::1",
        "https://login.example:99999/",
        "http://127.0.0.1.evil.example/",
        "http://localhost@evil.example/",
        "https://login.example\\@evil.example/",
        "file:///etc/passwd",
    ],
)
def test_keys_are_not_fetched_over_an_unprotected_or_dubious_address(url: str) -> None:
    with pytest.raises(UsageError):
        check_url(url)


@contextlib.contextmanager
def served(
    answer: Callable[[str], tuple[int, dict[str, str], bytes]], context: ssl.SSLContext | None = None
) -> Iterator[str]:
    """A real HTTP server on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = answer(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that hangs up is part of these tests."""

    server = Quiet(("127.0.0.1", 0), Handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"{'https' if context else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.integration
class TestOverTheNetwork:
    def test_discovery_finds_the_keys_of_an_issuer(self) -> None:
        issuer = ""

        def answer(path: str) -> tuple[int, dict[str, str], bytes]:
            if path == "/realm/.well-known/openid-configuration":
                return 200, {}, json.dumps({"issuer": issuer, "jwks_uri": f"{issuer}/keys"}).encode()
            return (200, {}, document(public(EC))) if path == "/realm/keys" else (404, {}, b"")

        with served(answer) as base:
            issuer = f"{base}/realm"
            assert read_issuer_keys(issuer).document["keys"][0]["kid"] == "b-ec"
            assert not discover(issuer).development
            with pytest.raises(AssayError, match="names itself"):
                discover(f"{issuer}/")  # names itself without the slash
            with pytest.raises(AssayError, match="404"):
                discover(base)

    @pytest.mark.parametrize(
        "document",
        [
            {"issuer": "https://other.example"},
            {},
            {"issuer": 7},
            {"issuer": "SELF"},
            {"issuer": "SELF", "jwks_uri": ["x"]},
            {"issuer": "SELF", "jwks_uri": "http://evil.example/jwks"},
            {"issuer": "SELF", "jwks_uri": "file:///etc/passwd"},
        ],
    )
    def test_an_issuer_that_poses_or_sends_elsewhere_is_refused(self, document: dict[str, object]) -> None:
        issuer = ""

        def answer(path: str) -> tuple[int, dict[str, str], bytes]:
            return 200, {}, json.dumps(document).replace('"SELF"', json.dumps(issuer)).encode()

        with served(answer) as base:
            issuer = base
            with pytest.raises(AssayError):
                read_issuer_keys(issuer)

    def test_redirects_are_not_followed(self) -> None:
        def answer(path: str) -> tuple[int, dict[str, str], bytes]:
            return (302, {"location": "/keys"}, b"") if path == "/moved" else (200, {}, document(public(EC)))

        with served(answer) as base:
            assert read_jwks(f"{base}/keys", base=Path())
            with pytest.raises(AssayError, match="redirects"):
                read_jwks(f"{base}/moved", base=Path())

    def test_an_answer_that_is_too_large_or_too_slow_or_absent_is_an_error(self) -> None:
        waiting = threading.Event()

        def answer(path: str) -> tuple[int, dict[str, str], bytes]:
            if path == "/slow":
                waiting.wait(5)
            return 200, {}, b" " * 300_000

        with served(answer) as base:
            with pytest.raises(AssayError, match="larger"):
                read_jwks(f"{base}/large", base=Path())
            with pytest.raises(AssayError, match="in time"):
                read_jwks(f"{base}/slow", base=Path(), reach=Reach(timeout=0.2))
            waiting.set()
        with pytest.raises(AssayError, match="cannot be reached"):
            read_jwks(f"{base}/gone", base=Path())
        with pytest.raises(AssayError, match="cannot be reached"):
            read_jwks("http://localhost/x", base=Path(), reach=Reach(uds=Path("absent.sock")))

    def test_the_certificate_of_the_issuer_is_verified(self, tmp_path: Path) -> None:
        pair = ensure_server_certificate(tmp_path)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.certificate, pair.key)
        with served(lambda path: (200, {}, document(public(EC))), context) as base:
            assert read_jwks(f"{base}/keys", base=Path(), reach=Reach(authorities=pair.authority))
            with pytest.raises(AssayError, match="CERTIFICATE_VERIFY_FAILED"):
                read_jwks(f"{base}/keys", base=Path())
            with pytest.raises(UsageError):
                read_jwks(f"{base}/keys", base=Path(), reach=Reach(authorities=pair.key))

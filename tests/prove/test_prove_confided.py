"""What a declaration confides to a run: codes are read from the declared inbox alone, secrets are never shown."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.declare.model import Inbox, MessageRecipe
from assay.domain import AssayError, Secret
from assay.prove.case import NotReached
from assay.prove.confided import Confided

PATTERN = "code is ([0-9]{6})"


def letter(address: str, code: str, *, encoded: bool = False) -> bytes:
    made = EmailMessage()
    made["To"], made["Subject"] = address, "Your password"
    made.set_content(f"Grüße!\nThe code is {code}.\n", cte="base64" if encoded else "quoted-printable")
    return bytes(made)


def confided(root: Path, inbox: Inbox | None = None, told: str = "hidden") -> Confided:
    return Confided(lambda reference: Secret(told), inbox, root)


def code(of: Confided, address: str, within: float = 0.0) -> str:
    return asyncio.run(of.code(address, within=within))


class TestAFolderOfMail:
    @pytest.mark.parametrize("encoded", [False, True])
    def test_gives_the_newest_code_to_the_address(self, tmp_path: Path, encoded: bool) -> None:
        written = [("ann@example.test", "111111"), ("ann@example.test", "222222"), ("bob@example.test", "333333")]
        for number, (address, each) in enumerate(written):
            file = tmp_path / f"{number}.eml"
            file.write_bytes(letter(address, each, encoded=encoded))
            os.utime(file, (1_000 + number, 1_000 + number))
        assert code(confided(tmp_path, Inbox(folder=".", code=PATTERN)), "Ann@example.test") == "222222"

    def test_without_such_a_letter_says_so(self, tmp_path: Path) -> None:
        (tmp_path / "1.eml").write_bytes(letter("bob@example.test", "333333"))
        with pytest.raises(NotReached, match="no one-time code"):
            code(confided(tmp_path, Inbox(folder=".", code=PATTERN)), "ann@example.test", within=0.3)

    def test_that_is_not_there_says_so(self, tmp_path: Path) -> None:
        with pytest.raises(NotReached, match="cannot be read"):
            code(confided(tmp_path, Inbox(folder="nowhere", code=PATTERN)), "ann@example.test")

    @given(st.binary(max_size=300))
    def test_that_holds_anything_at_all_is_read_or_said_to_hold_nothing(
        self, tmp_path_factory: pytest.TempPathFactory, content: bytes
    ) -> None:
        root = tmp_path_factory.mktemp("mail")
        (root / "1").write_bytes(b"Content-Type: text/plain; charset=nonsense\nTo: a@b\n" + content)
        with pytest.raises(NotReached):
            code(confided(root, Inbox(folder=".", code="no such code ([0-9]{60})")), "a@b")


class TestAMailCatcher:
    @pytest.fixture
    def url(self) -> Iterator[str]:
        class Catcher(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                found = b"ann@example.test: the code is 444444" if "to=ann%40example.test" in self.path else b"[]"
                self.send_response(200)
                self.send_header("content-length", str(len(found)))
                self.end_headers()
                self.wfile.write(found)

            def log_message(self, *args: object) -> None:
                """Nothing is printed."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Catcher)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/search?to={{address}}"
        server.shutdown()
        server.server_close()
        thread.join()

    def test_is_asked_for_the_address(self, tmp_path: Path, url: str) -> None:
        found = confided(tmp_path, Inbox(url=url, code=PATTERN))
        assert code(found, "ann@example.test") == "444444"
        with pytest.raises(NotReached, match="no one-time code"):
            code(found, "bob@example.test")

    def test_elsewhere_is_never_asked_in_clear(self, tmp_path: Path) -> None:
        with pytest.raises(NotReached, match="not protected"):
            code(confided(tmp_path, Inbox(url="http://mail.example.test/{address}", code=PATTERN)), "ann@example.test")


def test_without_an_inbox_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotReached, match=r"`prove\.inbox`"):
        code(confided(tmp_path), "ann@example.test")


class TestSecretsOfSenders:
    @staticmethod
    def recipe(key: str = "text") -> MessageRecipe:
        return MessageRecipe.model_validate({"secret": {"secret": "env:X"}, "signature": "x-signature", "key": key})

    @pytest.mark.parametrize(
        ("key", "written"), [("text", "hidden"), ("hex", "68696464656e"), ("base64", "whsec_aGlkZGVu")]
    )
    def test_are_read_as_they_are_written(self, tmp_path: Path, key: str, written: str) -> None:
        of = confided(tmp_path, told=written)
        assert of.mac(self.recipe(key), b"body") == hmac.digest(b"hidden", b"body", hashlib.sha256)
        assert of.secrets() == {written}, "it is redacted wherever it appears"

    @pytest.mark.parametrize("key", ["hex", "base64"])
    def test_that_are_not_what_is_said_are_not_shown(self, tmp_path: Path, key: str) -> None:
        with pytest.raises(NotReached) as error:
            confided(tmp_path, told="no such thing!").mac(self.recipe(key), b"body")
        assert "no such thing" not in str(error.value)

    def test_that_cannot_be_had_are_said_to_be_missing(self, tmp_path: Path) -> None:
        def nothing(reference: str) -> Secret:
            raise AssayError("there is no environment variable `X`", fix="set it")

        with pytest.raises(NotReached, match="no environment variable"):
            Confided(nothing, None, tmp_path).mac(self.recipe(), b"body")

"""What a declaration confides to a run: the secrets of those who send messages, and where test users' mail arrives."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.errors import MessageError
from pathlib import Path
from urllib.parse import quote

from assay.declare.model import Inbox, MessageRecipe
from assay.domain import AssayError, Secret
from assay.identity.http import Reach, get
from assay.prove.judgement import NotReached

_FILES, _FILE_BYTES = 2_000, 256 * 1024
_LOOKS = 0.25
"""Seconds between two looks into the inbox."""


@dataclass(frozen=True)
class Confided:
    """See :class:`assay.prove.seams.Confided`.

    Args:
        resolve: the secret behind a reference. Raises AssayError.
        inbox: where mail arrives; None: that is not declared.
        root: the declaration's folder, which a relative path counts from.
    """

    resolve: Callable[[str], Secret]
    inbox: Inbox | None
    root: Path
    _found: set[str] = field(default_factory=set)

    def mac(self, recipe: MessageRecipe, content: bytes) -> bytes:
        """See the protocol."""
        try:
            text = self.resolve(recipe.secret.secret).reveal()
        except AssayError as error:
            raise NotReached(f"{error.sentence} ({error.fix})" if error.fix else error.sentence) from error
        self._found.add(text)
        return hmac.digest(_key(recipe, text), content, recipe.algorithm)

    async def code(self, address: str, *, within: float) -> str:
        """See the protocol."""
        if self.inbox is None:
            raise NotReached("a one-time code is sent to the user, and no `prove.inbox` says where it can be read")
        loop = asyncio.get_running_loop()
        ends = loop.time() + within
        while True:
            for text in await asyncio.to_thread(self._letters, self.inbox, address):
                if address.lower() in text.lower() and (found := re.search(self.inbox.code, text)):
                    return found[1] if found.re.groups and found[1] else found[0]
            if loop.time() >= ends:
                raise NotReached(f"no one-time code to the test user arrived in the inbox within {within:g} s")
            await asyncio.sleep(_LOOKS)

    def secrets(self) -> frozenset[str]:
        """See the protocol."""
        return frozenset(self._found)

    def _letters(self, inbox: Inbox, address: str) -> list[str]:
        """Everything that may be a message to this address, the newest first. Raises NotReached."""
        if inbox.url is not None:
            try:
                reply = get(inbox.url.replace("{address}", quote(address, safe="")), Reach(), what="inbox")
            except AssayError as error:
                raise NotReached(error.sentence) from error
            return [reply.body.decode("utf-8", "replace")]
        folder = self.root / (inbox.folder or "")
        try:
            # Names too, so that messages of the same moment are always read in the same order.
            aged = [(p.stat().st_mtime_ns, str(p)) for p in folder.iterdir() if p.is_file()]
            return [_text(Path(path)) for _, path in sorted(aged, reverse=True)[:_FILES]]
        except OSError as error:
            raise NotReached(f"the inbox `{inbox.folder}` cannot be read: {error.strerror}") from error


def _key(recipe: MessageRecipe, text: str) -> bytes:
    try:
        match recipe.key:
            case "hex":
                return bytes.fromhex(text)
            case "base64":
                return base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except (ValueError, binascii.Error):
        raise NotReached(f"the secret of the sender is not {recipe.key}, as `key` says") from None
    return text.encode()


def _text(path: Path) -> str:
    """A message as text: what its parts say, decoded, and then all of it as it is written."""
    with path.open("rb") as file:
        raw = file.read(_FILE_BYTES)
    return "\n".join([*_parts(raw), raw.decode("utf-8", "replace")])


def _parts(raw: bytes) -> Iterator[str]:
    try:
        for part in message_from_bytes(raw, policy=policy.default).walk():
            if part.get_content_maintype() == "text":
                yield str(part.get_content())
    except (MessageError, LookupError, ValueError, KeyError, TypeError, AttributeError):
        return  # no mail, or a broken one: it is read as it is written

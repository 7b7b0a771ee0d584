"""multipart/form-data (RFC 7578), read strictly: what two parsers may split differently is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from assay.gateway.inspector import wire
from assay.gateway.inspector.decision import Refused

MAX_PARTS: Final = 100
MAX_HEADER_BYTES: Final = 2048
_BOUNDARY: Final = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]", re.ASCII)
_DISPOSITION: Final = re.compile(r'form-data((?:[ \t]*;[ \t]*[a-z*]+=(?:"[^"\r\n]*"|[^\s;"]+))*)[ \t]*', re.IGNORECASE)
_ATTRIBUTE: Final = re.compile(r';[ \t]*([A-Za-z*]+)=(?:"([^"\r\n]*)"|([^\s;"]+))')
_FORBIDDEN_IN_FILENAME: Final = re.compile(r"[/\\\x00-\x1f\x7f]|^\.{1,2}$|^\s*$|%00|%2[fF]|%5[cC]")


@dataclass(frozen=True, slots=True)
class Part:
    """One field of a form. ``filename`` is set for uploads, also when it is empty."""

    name: str
    filename: str | None
    media_type: wire.MediaType | None
    content: bytes


def _refuse(detail: str, reason: str) -> Refused:
    return Refused("body-form", f"The form {detail}.", reason=reason)


def parse(body: bytes, media_type: wire.MediaType) -> list[Part]:
    """The parts of a form, in order.

    Refused besides malformed framing: text before the first or after the last boundary, more than :data:`MAX_PARTS`
    parts, part headers over :data:`MAX_HEADER_BYTES` or other than Content-Disposition and Content-Type (and a
    Content-Transfer-Encoding that changes nothing), nested multiparts, and file names that are paths.

    Raises:
        Refused: see above.
    """
    boundary = media_type.parameters.get("boundary", "")
    if not _BOUNDARY.fullmatch(boundary):
        raise Refused("media-type", "The form has no valid boundary.", reason="boundary", status=415)
    fence = b"--" + boundary.encode()
    if not body.startswith(fence + b"\r\n"):
        raise _refuse("does not start with its boundary", "start of form")
    pieces = body[len(fence) :].split(b"\r\n" + fence)
    if len(pieces) - 1 > MAX_PARTS:
        raise _refuse(f"has more than {MAX_PARTS} parts", "too many parts")
    if pieces[-1] not in (b"--", b"--\r\n"):
        raise _refuse("does not end with its boundary", "end of form")
    parts = []
    for piece in pieces[:-1]:
        if not piece.startswith(b"\r\n"):
            raise _refuse("has a malformed boundary line", "boundary line")
        parts.append(_part(piece[2:]))
    return parts


def _part(piece: bytes) -> Part:
    head, blank, content = piece.partition(b"\r\n\r\n")
    if not blank or len(head) > MAX_HEADER_BYTES:
        raise _refuse("has a part without headers, or with too many", "part headers")
    fields: dict[str, str] = {}
    for line in head.split(b"\r\n"):
        field, colon, value = line.partition(b":")
        key = field.decode("latin-1").lower()
        if not colon or key in fields or key not in _HEADERS:
            raise _refuse("has a part with a header that is repeated or not allowed", "part header")
        fields[key] = wire.text(value, "A part of the form", check="body-form").strip(" \t")
    if fields.get("content-transfer-encoding", "binary").lower() not in ("7bit", "8bit", "binary"):
        raise _refuse("has an encoded part", "transfer encoding of a part")
    name, filename = _disposition(fields.get("content-disposition", ""))
    media = None
    if "content-type" in fields:
        media = wire.media_type(fields["content-type"])
        if media is None or media.essence.startswith(("multipart/", "message/")):
            raise _refuse("has a part of a media type that is not accepted", "media type of a part")
    return Part(name, filename, media, content)


_HEADERS: Final = frozenset({"content-disposition", "content-type", "content-transfer-encoding", "content-length"})


def _disposition(text: str) -> tuple[str, str | None]:
    whole = _DISPOSITION.fullmatch(text)
    if whole is None:
        raise _refuse("has a part without a form-data disposition", "disposition")
    attributes: dict[str, str] = {}
    for found in _ATTRIBUTE.finditer(whole[1]):
        key = found[1].lower()
        if key in attributes or key not in ("name", "filename"):
            # filename* (RFC 5987) must not be used in forms: RFC 7578 section 4.2.
            raise _refuse("has a part whose disposition repeats or adds attributes", "disposition attribute")
        attributes[key] = found[2] if found[2] is not None else found[3]
    name = attributes.get("name", "")
    if not name or "\\" in name:
        raise _refuse("has a part without a plain name", "name of a part")
    filename = attributes.get("filename")
    if filename and _FORBIDDEN_IN_FILENAME.search(filename):
        raise _refuse("has a file name with a path in it", "file name")
    return name, filename

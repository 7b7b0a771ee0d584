"""Media types as contracts write them, and which of them can be validated."""

from __future__ import annotations

import re

_TYPE = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_JSON = re.compile(r"(?:[a-z0-9.*-]+/(?:[a-z0-9.*_-]+\+)?json(?:-[a-z0-9.+-]+)?|\*/\*|application/\*)\Z")
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def normal(written: str) -> str:
    """A media type in lower case (RFC 9110 § 8.3.1) without space around its parts; parameter values as written."""
    parts = [part.strip() for part in written.split(";")]
    parts[0] = parts[0].lower()
    return ";".join(part for part in parts if part)


def valid(media_type: str) -> bool:
    """Whether the text is a media type or range."""
    return _TYPE.match(media_type.partition(";")[0]) is not None


def unvalidated(media_type: str) -> str | None:
    """Why bodies of this type are not held against a schema, or None if they are."""
    bare = media_type.partition(";")[0]
    if not valid(bare):
        return None  # said where it was read
    if _JSON.match(bare) or bare in FORMS or bare.startswith("text/plain") or bare == "application/octet-stream":
        return None
    if bare.endswith(("/xml", "+xml")):
        return f"XML bodies (`{bare}`) are not checked against a schema"
    return f"bodies of type `{bare}` are not checked against a schema"

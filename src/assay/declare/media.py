"""Media types, as far as controls must tell them apart."""

from __future__ import annotations

import re

_JSON = re.compile(r"application/(?:[a-z0-9!#$&^_.-]+\+)?json")


def essence(media_type: str) -> str:
    """Type and subtype, without parameters."""
    return media_type.partition(";")[0].strip().lower()


def may_be_json(media_type: str | None) -> bool:
    """Whether a body of this type, or of some type in this range, is JSON that the gateway can look into."""
    if media_type is None:
        return False
    bare = essence(media_type)
    return bare in ("*/*", "application/*") or _JSON.fullmatch(bare) is not None


def is_patch(media_type: str) -> bool:
    """Whether a body is a list of changes (RFC 6902), whose values do not stand where a document's do."""
    return essence(media_type) == "application/json-patch+json"

"""A draft as the request that goes over the wire."""

from __future__ import annotations

from collections.abc import Sequence

from assay.prove.case import Call, Draft, Identity
from assay.prove.objects import media
from assay.prove.surface import Target


def encode(
    target: Target,
    draft: Draft,
    who: Identity | None,
    *,
    purpose: str,
    headers: Sequence[tuple[str, str]] = (),
    source: str | None = None,
) -> Call:
    """See ``Objects.encode``."""
    body, content_type = media.body(draft)
    return Call(
        method=target.operation.method,
        target=media.target(target.base, target.operation.path, draft),
        who=who,
        headers=(*draft.headers, *headers),
        body=body,
        content_type=content_type,
        purpose=purpose,
        source=source,
        api=target.api,
    )

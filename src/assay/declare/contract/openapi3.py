"""What OpenAPI 3.0 and 3.1 write in their own way: parameters, request bodies, responses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from assay.declare.contract import media, pointers
from assay.declare.contract.context import Context, child, children, flag
from assay.declare.contract.documents import Resolved, SchemaRef
from assay.declare.contract.model import Body, Parameter, ParameterLocation, Response, Style
from assay.domain import Severity

METHODS = frozenset(("get", "put", "post", "delete", "options", "head", "patch", "trace"))
STYLES: dict[str, tuple[str, ...]] = {
    "path": ("simple", "label", "matrix"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "header": ("simple",),
    "cookie": ("form",),
}
_IGNORED_HEADERS = frozenset(("accept", "content-type", "authorization"))


def parameter(context: Context, node: Resolved) -> Parameter | None:
    """A parameter object whose ``name`` and ``in`` are known to be right; None where OpenAPI says to ignore it."""
    raw = context.own(node)
    name, location = cast(str, raw["name"]), cast(ParameterLocation, raw["in"])
    if location == "header" and name.lower() in _IGNORED_HEADERS:  # OpenAPI 3.0.3 § 4.7.12.1
        return None
    style = raw.get("style")
    if style not in STYLES[location]:
        if style is not None:
            context.note(
                "unknown-style",
                node,
                f"`{style}` is no style of a {location} parameter; `{STYLES[location][0]}` is assumed",
                severity=Severity.MEDIUM,
                fix=f"use one of {', '.join(STYLES[location])}",
            )
        style = STYLES[location][0]
    explode = flag(node, "explode")
    schema, media_type = _schema(context, node)
    return Parameter(
        name=name,
        location=location,
        required=location == "path" or raw.get("required") is True,
        style=cast(Style, style),
        explode=style == "form" if explode is None else explode,
        schema=schema,
        pointer=context.shown(node),
        allow_reserved=raw.get("allowReserved") is True,
        allow_empty=raw.get("allowEmptyValue") is True,
        media_type=media_type,
    )


def _schema(context: Context, node: Resolved) -> tuple[SchemaRef, str | None]:
    raw = context.own(node)
    content = raw.get("content")
    if "schema" not in raw and isinstance(content, dict) and content:
        key = next(iter(content))
        at = child(child(node, "content"), key)
        ref = schema_ref(at)
        if ref is not None:
            return ref, media.normal(key)
        node = at
    if "schema" in raw:
        return SchemaRef(node.file, f"{node.pointer}/schema"), None
    context.documents.overlay[(node.file, node.pointer)] = {}
    context.note(
        "parameter-without-schema",
        node,
        "the parameter has no schema, so any value passes",
        severity=Severity.MEDIUM,
        fix="give it a `schema`",
        group="all",
    )
    return SchemaRef(node.file, node.pointer), media.normal(next(iter(content))) if isinstance(
        content, dict
    ) and content else None


def schema_ref(node: Resolved) -> SchemaRef | None:
    """Where the ``schema`` of a media type or header is written."""
    if isinstance(node.value, dict) and node.value.get("schema") is not None:
        return SchemaRef(node.file, f"{node.pointer}/schema")
    return None


def bodies(context: Context, operation: Resolved, _: list[Resolved]) -> tuple[tuple[Body, ...], bool]:
    """The request body in each media type, and whether one must be sent."""
    if context.own(operation).get("requestBody") is None:
        return (), False
    node = context.object(child(operation, "requestBody"))
    if node is None:
        return (), False
    found: list[Body] = []
    for media_type, at in _content(context, node):
        encoding = context.mapping(at, "encoding")
        if any(isinstance(e, dict) and "headers" in e for e in encoding.values()):
            context.note("part-headers", at, "headers of the parts of a multipart body are not checked", group="all")
        usable: dict[str, Mapping[str, object]] = {k: v for k, v in encoding.items() if isinstance(v, dict)}
        found.append(Body(media_type, schema_ref(at), context.shown(at), usable))
    return tuple(found), context.own(node).get("required") is True


def responses(context: Context, operation: Resolved, status: str, written: Resolved) -> tuple[Response, ...]:
    """One response in each media type."""
    del operation
    node = context.object(written)
    if node is None:
        return ()
    if context.own(node).get("links"):
        context.note("links-ignored", child(node, "links"), "links are not followed", group="all")
    headers = tuple(context.mapping(node, "headers"))
    found = tuple(
        Response(status, media_type, schema_ref(at), headers, context.shown(at))
        for media_type, at in _content(context, node)
    )
    return found or (Response(status, None, None, headers, context.shown(node)),)


def _content(context: Context, node: Resolved) -> list[tuple[str, Resolved]]:
    found: dict[str, tuple[str, Resolved]] = {}
    at = Resolved(node.file, pointers.join(node.pointer, "content"), None)
    declared = context.mapping(node, "content")
    for written, item in children(at, declared, skip=lambda key: key.startswith("x-") and "/" not in key):
        described = item
        if not isinstance(item.value, dict):
            if item.value is not None:
                context.wrong_type(item, "a mapping")
                continue
            described = Resolved(item.file, item.pointer, {})
        media_type = media.normal(written)
        if not media.valid(media_type):
            context.note(
                "unknown-media-type",
                item,
                f"`{written[:60]}` is not a media type, so no body has it",
                severity=Severity.MEDIUM,
                fix="correct it",
                group=str(written),
            )
        found.setdefault(media_type, (media_type, described))
    return list(found.values())

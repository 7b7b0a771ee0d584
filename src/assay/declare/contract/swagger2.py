"""What Swagger 2.0 writes in its own way, said as OpenAPI 3 says it."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import cast
from urllib.parse import quote

from assay.declare.contract import media
from assay.declare.contract.context import Context, child
from assay.declare.contract.documents import Resolved, SchemaRef
from assay.declare.contract.model import Body, Parameter, ParameterLocation, Response, Style
from assay.domain import Severity

METHODS = frozenset(("get", "put", "post", "delete", "options", "head", "patch"))
_COLLECTIONS: dict[str, Style] = {"ssv": "spaceDelimited", "tsv": "tabDelimited", "pipes": "pipeDelimited"}
_NOT_SCHEMA = frozenset(("name", "in", "required", "collectionFormat", "allowEmptyValue", "schema"))
_DEFAULT = ("application/json",)


def parameter(context: Context, node: Resolved) -> Parameter | None:
    """A parameter outside the body; it is its own schema."""
    raw = context.own(node)
    location = cast(ParameterLocation, raw["in"])
    style, explode = _collection(context, node, location)
    return Parameter(
        name=cast(str, raw["name"]),
        location=location,
        required=location == "path" or raw.get("required") is True,
        style=style,
        explode=explode,
        schema=_as_schema(context, node),
        pointer=context.shown(node),
        allow_empty=raw.get("allowEmptyValue") is True,
    )


def _collection(context: Context, node: Resolved, location: str) -> tuple[Style, bool]:
    """``collectionFormat`` as style and explode (Swagger 2.0, Parameter Object; default ``csv``)."""
    written = context.own(node).get("collectionFormat")
    plain: Style = "form" if location in ("query", "formData") else "simple"
    if written == "multi" and plain == "form":
        return "form", True
    if written in (None, "csv"):
        return plain, False
    if isinstance(written, str) and written in _COLLECTIONS:
        return _COLLECTIONS[written], False
    context.note(
        "unknown-style",
        node,
        f"`collectionFormat: {str(written)[:40]}` means nothing here; `csv` is assumed",
        severity=Severity.MEDIUM,
        fix="use csv, ssv, tsv, pipes or, in queries and forms, multi",
    )
    return plain, False


def _as_schema(context: Context, node: Resolved) -> SchemaRef:
    ref = SchemaRef(node.file, node.pointer)
    key = (node.file, node.pointer)
    if key not in context.documents.overlay:
        raw = context.own(node)
        if "type" not in raw and isinstance(raw.get("schema"), dict):  # OpenAPI 3's way, met in the wild
            return SchemaRef(node.file, f"{node.pointer}/schema")
        schema = {k: v for k, v in raw.items() if k not in _NOT_SCHEMA}
        if schema.get("type") == "file":
            schema = {**schema, "type": "string", "format": "binary"}
        context.documents.overlay[key] = schema
    return ref


def bodies(context: Context, operation: Resolved, parameters: list[Resolved]) -> tuple[tuple[Body, ...], bool]:
    """The ``body`` parameter, or the form that the ``formData`` parameters describe, in each consumed media type."""
    forms = [p for p in parameters if context.own(p).get("in") == "formData"]
    whole = [p for p in parameters if context.own(p).get("in") == "body"]
    consumed = _types(context, operation, "consumes")
    if forms:
        if whole:
            context.error(
                "body-and-form", whole[0], "an operation has either a `body` or `formData` parameters, not both"
            )
        kinds = tuple(k for k in consumed if k.partition(";")[0] in media.FORMS)
        has_file = any(context.own(p).get("type") == "file" for p in forms)
        kinds = kinds or (("multipart/form-data",) if has_file else media.FORMS[:1])
        ref, encoding = _form(context, operation, forms)
        required = any(context.own(p).get("required") is True for p in forms)
        shown = context.shown(Resolved(ref.file, ref.pointer, None))
        return tuple(Body(kind, ref, shown, encoding) for kind in kinds), required
    if not whole:
        return (), False
    if len(whole) > 1:
        context.error("several-bodies", whole[1], "an operation has at most one `body` parameter", fix="merge them")
    node = whole[0]
    schema = SchemaRef(node.file, f"{node.pointer}/schema") if context.own(node).get("schema") is not None else None
    if schema is None:
        context.note(
            "body-without-schema",
            node,
            "the body has no schema, so any body passes",
            severity=Severity.MEDIUM,
            group="all",
        )
    found = tuple(Body(kind, schema, context.shown(node)) for kind in consumed or _DEFAULT)
    return found, context.own(node).get("required") is True


def _form(
    context: Context, operation: Resolved, forms: list[Resolved]
) -> tuple[SchemaRef, dict[str, Mapping[str, object]]]:
    """A schema for the form, as an overlay at the operation's parameters, and how its lists are spelled."""
    properties: dict[str, object] = {}
    encoding: dict[str, Mapping[str, object]] = {}
    required: list[str] = []
    ref = SchemaRef(operation.file, f"{operation.pointer}/parameters")
    for node in forms:
        raw = context.own(node)
        name = cast(str, raw["name"])
        properties[name] = {"$ref": _reference(ref, _as_schema(context, node))}
        if raw.get("required") is True:
            required.append(name)
        if raw.get("type") == "array":
            style, explode = _collection(context, node, "formData")
            encoding[name] = {"style": style, "explode": explode}
    form: dict[str, object] = {"type": "object", "properties": properties}
    if required:
        form["required"] = required
    context.documents.overlay[(ref.file, ref.pointer)] = form
    return ref, encoding


def _reference(start: SchemaRef, to: SchemaRef) -> str:
    file = "" if start.file == to.file else quote(posixpath.relpath(to.file, posixpath.dirname(start.file) or "."))
    return file + "#" + quote(to.pointer.removeprefix("#"), safe="/~")


def responses(context: Context, operation: Resolved, status: str, written: Resolved) -> tuple[Response, ...]:
    """One response in each produced media type."""
    node = context.object(written)
    if node is None:
        return ()
    headers = tuple(context.mapping(node, "headers"))
    if context.own(node).get("schema") is None:
        return (Response(status, None, None, headers, context.shown(node)),)
    ref = SchemaRef(node.file, f"{node.pointer}/schema")
    kinds = _types(context, operation, "produces") or _DEFAULT
    return tuple(Response(status, kind, ref, headers, context.shown(node)) for kind in kinds)


def _types(context: Context, operation: Resolved, key: str) -> tuple[str, ...]:
    """``consumes`` or ``produces`` of the operation, which replace those of the document."""
    node = operation
    if context.own(operation).get(key) is None:
        root = context.documents.find(context.documents.root, "#")
        node = root if root is not None else operation
    found: list[str] = []
    for written in context.sequence(node, key):
        kind = media.normal(written) if isinstance(written, str) else ""
        if media.valid(kind):
            found.append(kind)
        else:
            context.note(
                "unknown-media-type",
                child(node, key),
                f"`{str(written)[:60]}` is not a media type, so no body has it",
                severity=Severity.MEDIUM,
                fix="correct it",
                group=str(written),
            )
    return tuple(dict.fromkeys(found))

"""Request bodies: media type, encoding, then content against the schema."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import jsonschema_rs

from assay.gateway import ir
from assay.gateway.inspector import multipart, paths, schemas, strict_json, wire
from assay.gateway.inspector.decision import Refused, shown
from assay.gateway.inspector.parameters import Shape, shape
from assay.gateway.inspector.schemas import Library
from assay.gateway.inspector.strict_json import Json

_FORM: Final = "application/x-www-form-urlencoded"
_MULTIPART: Final = "multipart/form-data"
_DOCTYPE: Final = re.compile(rb"<!\s{0,3}(?:doctype|entity)", re.IGNORECASE)
_XML_ENCODING: Final = re.compile(
    rb"<\?xml[^>]{0,200}encoding\s{0,3}=\s{0,3}[\"'](?!utf-8|utf-16|us-ascii)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Body:
    """An accepted media type with its schema compiled.

    Attributes:
        essence: type and subtype in lower case; either may be ``*``.
        wanted: media type parameters that must be present (all but the character set).
        validator: None when the contract gives no schema.
        texts: where free text is; None means every string (there is no schema to narrow it down).
        fields: how the properties of a form are read.
        raw: the schema describes bytes, so content of any kind passes.
        operators: property names of the contract that look like query operators.
    """

    essence: str
    wanted: Mapping[str, str]
    validator: jsonschema_rs.Validator | None
    texts: paths.Tree | None
    fields: Mapping[str, Shape]
    raw: bool
    operators: frozenset[str]

    def accepts(self, media: wire.MediaType) -> bool:
        """Whether content of this media type is covered."""
        kind, _, rest = self.essence.partition("/")
        if kind != "*" and self.essence != media.essence and not (rest == "*" and media.essence.startswith(f"{kind}/")):
            return False
        return all(media.parameters.get(k, "").lower() == v.lower() for k, v in self.wanted.items())

    @property
    def exactness(self) -> tuple[int, int]:
        """Sort key: exact types before ranges, more parameters before fewer (RFC 9110 section 12.5.1)."""
        return (self.essence.count("*"), -len(self.wanted))


def compile_body(rule: ir.BodyRule, library: Library, where: str) -> Body:
    """A body rule with its schema compiled.

    Raises:
        AssayError: the schema cannot be read or compiled.
    """
    place = f"the {rule.media_type} body of {where}"
    media = wire.media_type(rule.media_type) or wire.MediaType(rule.media_type.strip().lower())
    schema = schemas.read(rule.schema, place) if rule.schema else True
    properties = schemas.property_schemas(schema, library)
    is_form = media.essence in (_FORM, _MULTIPART) or "*" in media.essence
    resolved = library.resolve(schema)
    unknown = not rule.schema or schema is True
    return Body(
        essence=media.essence,
        wanted={k: v for k, v in media.parameters.items() if k not in ("charset", "boundary")},
        validator=None if unknown else schemas.compile_schema(schema, library, place),
        texts=None if unknown and not rule.free_text else paths.tree(rule.free_text),
        fields={n: shape(s, library, f"{n} in {place}") for n, s in properties.items()} if is_form else {},
        raw=unknown or (isinstance(resolved, dict) and resolved.get("format") in ("binary", "byte")),
        operators=frozenset(n for n in schemas.property_names(schema, library) if n.startswith(("$", "__"))),
    )


def select(bodies: Iterable[Body], content_types: list[bytes]) -> tuple[Body, wire.MediaType]:
    """The rule for a request's Content-Type lines; the most exact one first (``bodies`` is sorted so).

    Raises:
        Refused: none or several lines, a malformed or undeclared media type, a character set other than UTF-8.
    """
    if len(content_types) > 1:
        raise Refused(
            "media-type", "The request has more than one content type.", reason="two content types", status=415
        )
    raw = content_types[0].decode("latin-1") if content_types else "application/octet-stream"
    media = wire.media_type(raw)
    if media is not None:
        for body in bodies:
            if body.accepts(media):
                if not media.is_utf8 and (media.is_json or media.essence.startswith("text/") or media.essence == _FORM):
                    raise Refused("charset", "The body must be UTF-8.", reason="character set", status=415)
                return body, media
    raise Refused(
        "media-type",
        "The operation does not accept this media type." if content_types else "The request has no content type.",
        reason="media type not declared",
        status=415,
    )


def check(
    rule: Body, media: wire.MediaType, content: bytes, texts: list[tuple[str, Json]], *, max_depth: int, injection: bool
) -> Json:
    """Checks a body; appends its free texts to ``texts``; returns the value that was validated (None for other types).

    Raises:
        Refused: malformed, or not what the schema admits.
    """
    value: Json
    if media.is_json:
        value = strict_json.parse(content, max_depth=max_depth)
    elif media.essence == _FORM:
        value = _urlencoded(rule, content)
    elif media.essence == _MULTIPART:
        value = _form(rule, multipart.parse(content, media), texts, max_depth=max_depth)
    elif media.essence == "text/plain":
        value = wire.text(content, "The body", check="body-text", lines=True)
        if injection:
            texts.append(("the body", value))
    else:
        _opaque(rule, media, content, injection=injection)
        return None
    if rule.validator is not None and (media.is_json or not rule.raw):
        schemas.check(rule.validator, value, "The body", policy="body-schema")
    if rule.texts is None:
        texts.append(("the body", value))
    elif rule.texts:
        paths.collect(value, rule.texts, texts)
    return value


def _opaque(rule: Body, media: wire.MediaType, content: bytes, *, injection: bool) -> None:
    """Content that no schema can judge. A media range with a real schema does not open the door to everything."""
    if "*" in rule.essence and not rule.raw:
        raise Refused(
            "media-type", "Content of this media type cannot be validated.", reason="not validatable", status=415
        )
    if media.is_xml and injection:
        plain = content.replace(b"\0", b"")  # UTF-16 and UTF-32 spell ASCII with NUL bytes
        if _DOCTYPE.search(plain) or _XML_ENCODING.search(plain):
            raise Refused(
                "injection-xml", "The XML declares a document type or entities.", reason="XML entities", status=403
            )


def _gather(rule: Body, pairs: Iterable[tuple[str, Json]]) -> dict[str, Json]:
    """The object that a form stands for: repeated names become arrays where the schema has arrays."""
    sent: dict[str, list[Json]] = {}
    for name, value in pairs:
        sent.setdefault(name, []).append(value)
    found: dict[str, Json] = {}
    for name, values in sent.items():
        field = rule.fields.get(name)
        if field is not None and field.is_array:
            item = field.items
            found[name] = [item.read(v) if item and isinstance(v, str) else v for v in values]
        elif len(values) > 1:
            raise Refused(
                "body-form", f"The form field `{shown(name)}` must not be sent more than once.", reason="repeated field"
            )
        else:
            value = values[0]
            found[name] = field.read(value) if field is not None and isinstance(value, str) else value
    return found


def _urlencoded(rule: Body, content: bytes) -> dict[str, Json]:
    return _gather(rule, wire.pairs(content, "The form", check="body-form"))


def _form(
    rule: Body, parts: Iterable[multipart.Part], texts: list[tuple[str, Json]], *, max_depth: int
) -> dict[str, Json]:
    pairs: list[tuple[str, Json]] = []
    for part in parts:
        if part.filename is not None:
            texts.append((f"the file name of {shown(part.name)}", part.filename))
            # Uploads are bytes; as Latin-1 their length is the number of bytes, which is what maxLength bounds.
            pairs.append((part.name, part.content.decode("latin-1")))
        elif part.media_type is not None and part.media_type.is_json:
            pairs.append((part.name, strict_json.parse(part.content, max_depth=max_depth)))
        else:
            what = f"The form field `{shown(part.name)}`"
            pairs.append((part.name, wire.text(part.content, what, check="body-form", lines=True)))
    return _gather(rule, pairs)

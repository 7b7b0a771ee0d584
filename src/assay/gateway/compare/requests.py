"""What requests may contain: schemas and the inspection of parameters and bodies."""

from __future__ import annotations

from collections.abc import Iterator

from assay.gateway import ir
from assay.gateway.compare.bounds import size
from assay.gateway.compare.drafts import ON, Context, Draft, members, neutral, number, opaque, single, switch
from assay.gateway.compare.exposure import path
from assay.gateway.compare.schemas import Relation, compare_texts, equal, parse, relation


def _schema(what: str, found: Relation) -> Iterator[Draft]:
    if found == "tighter":
        yield Draft("tightening", f"the schema of {what} accepts less")
    elif found == "looser":
        yield Draft("loosening", f"the schema of {what} accepts more")
    elif found == "unknown":
        yield Draft("loosening", f"the schema of {what} changes and cannot be shown to be tighter", certain=False)


def _library(old: ir.SchemaLibrary, new: ir.SchemaLibrary, context: Context) -> Iterator[Draft]:
    before, after = parse(old.definitions), parse(new.definitions)
    if not isinstance(before, dict) or not isinstance(after, dict):
        yield from _schema(f"requests to {ON}", "unknown")
        return
    known = new.api not in context.not_monotonic
    for name in sorted(before.keys() & after.keys()):
        found = relation(before[name], after[name])
        yield from _schema(f"`{name}` in requests to {ON}", found if known or found == "same" else "unknown")
        if found == "same" and not equal(before[name], after[name]):
            yield Draft("neutral", f"the notes in the schema `{name}` of {ON} change")
    # A definition has its effect where it is referred to, and there it is compared.
    for name in sorted(after.keys() - before.keys()):
        yield Draft("neutral", f"{ON} gets the schema `{name}`", "", name)
    for name in sorted(before.keys() - after.keys()):
        yield Draft("neutral", f"{ON} loses the schema `{name}`", name, "")
    if equal(before, after):
        yield Draft("neutral", f"the schemas of {ON} are told differently and mean the same")


Key = tuple[str, str]


def _parameters(old: ir.Inspection, new: ir.Inspection) -> Iterator[Draft]:
    before: dict[Key, ir.ParameterRule] = {(p.location, p.name): p for p in old.parameters}
    after: dict[Key, ir.ParameterRule] = {(p.location, p.name): p for p in new.parameters}
    for key in sorted(after.keys() - before.keys()):
        yield from _parameter_came(key, after[key].required, _undeclared_refused(old, key[0]), came=True)
    for key in sorted(before.keys() - after.keys()):
        yield from _parameter_came(key, before[key].required, _undeclared_refused(new, key[0]), came=False)
    for key in sorted(before.keys() & after.keys()):
        yield from _parameter(f"the {key[0]} parameter `{key[1]}` of {ON}", before[key], after[key])
    if before == after and old.parameters != new.parameters:
        yield from neutral(f"the order of parameters of {ON}", _names(old), _names(new))


def _parameter_came(key: Key, required: bool, refused_without: bool, *, came: bool) -> Iterator[Draft]:
    """A parameter that is declared now, or was. Where undeclared ones are refused, to declare one is to let it in."""
    what, more, less = f"the {key[0]} parameter `{key[1]}`", ("", key[1]), (key[1], "")
    if refused_without:
        sentence = f"{ON} {'accepts' if came else 'refuses'} {what}"
        yield Draft("loosening" if came else "tightening", sentence, *(more if came else less))
    if required or not refused_without:
        verb = "requires" if required else "checks"
        sentence = f"{ON} {verb} {what}" if came else f"{ON} no longer {verb} {what}"
        yield Draft("tightening" if came else "loosening", sentence, *(more if came else less))


def _names(piece: ir.Inspection) -> tuple[str, ...]:
    return tuple(f"{p.location} {p.name}" for p in piece.parameters)


def _undeclared_refused(piece: ir.Inspection, location: str) -> bool:
    return (location == "query" and piece.closed_query) or (location == "header" and piece.closed_headers)


def _parameter(what: str, old: ir.ParameterRule, new: ir.ParameterRule) -> Iterator[Draft]:
    yield from _schema(what, compare_texts(old.schema, new.schema))
    if old.schema != new.schema and compare_texts(old.schema, new.schema) == "same":
        yield Draft("neutral", f"the notes in the schema of {what} change")
    yield from switch(
        old.required, new.required, on=f"{what} is required", off=f"{what} is optional", turning_on="tightening"
    )
    yield from opaque(f"the style of {what}", old.style, new.style)
    yield from opaque(f"whether {what} is exploded", str(old.explode), str(new.explode))
    yield from opaque(f"the media type of {what}", old.media_type, new.media_type)
    yield from switch(
        old.allow_empty,
        new.allow_empty,
        on=f"{what} may be empty",
        off=f"{what} may not be empty",
        turning_on="loosening",
    )
    yield from switch(
        old.free_text,
        new.free_text,
        on=f"{what} is searched for injection",
        off=f"{what} is no longer searched for injection",
        turning_on="tightening",
    )


def _bodies(old: ir.Inspection, new: ir.Inspection) -> Iterator[Draft]:
    before, after = {b.media_type: b for b in old.bodies}, {b.media_type: b for b in new.bodies}
    for name in sorted(before.keys() ^ after.keys()):
        came = name in after
        sentence = f"{ON} {'accepts' if came else 'no longer accepts'} bodies of {name}"
        if any("*" in other for other in (*before, *after) if other != name):
            # Such bodies may fall under a range of media types as well, whose schema may ask less.
            sentence += ", beside a range of media types, which cannot be shown to be tighter"
            yield Draft("loosening", sentence, "" if came else name, name if came else "", certain=False)
        else:
            yield Draft("loosening" if came else "tightening", sentence, "" if came else name, name if came else "")
    for name in sorted(before.keys() & after.keys()):
        what = f"{name} bodies of {ON}"
        a, b = before[name], after[name]
        found = compare_texts(a.schema, b.schema)
        yield from _schema(what, found)
        if found == "same" and a.schema != b.schema:
            yield Draft("neutral", f"the notes in the schema of {what} change")
        yield from members(
            map(path, a.free_text),
            map(path, b.free_text),
            more="tightening",
            added=lambda p, w=what: f"`{p}` in {w} is searched for injection",  # type: ignore[misc]
            removed=lambda p, w=what: f"`{p}` in {w} is no longer searched for injection",  # type: ignore[misc]
        )
        if a.free_text != b.free_text and set(map(path, a.free_text)) == set(map(path, b.free_text)):
            yield Draft("neutral", f"the free text of {what} is told in another order")
    if before == after and old.bodies != new.bodies:
        yield from neutral(f"the order of media types of {ON}", tuple(before), tuple(after))


def _inspection(old: ir.Inspection, new: ir.Inspection, _: Context) -> Iterator[Draft]:
    yield from _parameters(old, new)
    yield from _bodies(old, new)
    yield from switch(
        old.body_required,
        new.body_required,
        on=f"a body is required by {ON}",
        off=f"a body is optional for {ON}",
        turning_on="tightening",
    )
    what = f"the largest body inspected of {ON}"
    yield from number(what, old.body_bytes, new.body_bytes, higher="loosening", show=size)
    for name, noun in (("closed_query", "query parameters"), ("closed_headers", "headers")):
        yield from switch(
            getattr(old, name),
            getattr(new, name),
            on=f"{noun} that the contract does not name are refused by {ON}",
            off=f"{noun} that the contract does not name are accepted by {ON}",
            turning_on="tightening",
        )
    yield from switch(
        old.injection,
        new.injection,
        on=f"requests to {ON} are searched for injection",
        off=f"requests to {ON} are no longer searched for injection",
        turning_on="tightening",
    )
    yield from number(f"the nesting that bodies of {ON} may have", old.max_depth, new.max_depth, higher="loosening")
    if bool(old.crs) != bool(new.crs):
        yield from switch(
            bool(old.crs),
            bool(new.crs),
            on=f"the OWASP Core Rule Set is applied to {ON}",
            off=f"the OWASP Core Rule Set is no longer applied to {ON}",
            turning_on="tightening",
        )
    else:
        yield from opaque(f"the directory of the OWASP Core Rule Set for {ON}", old.crs, new.crs)
    yield from switch(
        old.query_only,
        new.query_only,
        on=f"{ON} is inspected only when a request carries a query",
        off=f"every request to {ON} is inspected",
        turning_on="loosening",
    )
    yield from opaque(f"the header of the API key for {ON}", old.key_header, new.key_header)


library = single(
    _library,
    lambda p, _: iter((Draft("neutral", f"{ON} gets schemas for its requests"),)),
    lambda p, _: iter((Draft("loosening", f"{ON} loses the schemas of its requests", certain=False),)),
    modeless=True,
)
inspection = single(
    _inspection,
    lambda p, _: iter((Draft("tightening", f"requests to {ON} are inspected"),)),
    lambda p, _: iter((Draft("loosening", f"requests to {ON} are no longer inspected"),)),
)

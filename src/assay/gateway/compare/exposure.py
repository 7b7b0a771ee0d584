"""What is kept encrypted, and what callers see of answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from assay.gateway import ir
from assay.gateway.compare.drafts import (
    ON,
    Context,
    Draft,
    members,
    mode_change,
    neutral,
    number,
    observed,
    single,
    switch,
)

_REVEALS = {
    "drop": 0,
    "fixed": 1,
    "encrypt": 2,
    "token": 3,
    "hash": 3,
    "generalise": 4,
    "last4": 4,
    "email": 4,
    "clear": 5,
}
"""How much a form tells, from nothing to everything. Forms of one rank tell different things: neither is tighter."""


def path(steps: tuple[str, ...]) -> str:
    """A field's path as people write it: ``[].address.postcode``."""
    return ".".join("[]" if s == "*" else s if s.isidentifier() else f'"{s}"' for s in steps) or "(whole body)"


@dataclass(frozen=True, slots=True)
class _Kept:
    """A field with the keyset it is encrypted under."""

    field: ir.ProtectedField
    keyset: str


Fields = dict[tuple[str, ...], _Kept]


def _fields(pieces: Sequence[ir.FieldEncryption], side: Literal["request", "response"]) -> Fields:
    return {f.path: _Kept(f, p.keyset) for p in pieces for f in getattr(p, side)}


def _stored(old: Fields, new: Fields) -> Iterator[Draft]:
    for key in sorted(new.keys() - old.keys()):
        yield Draft("tightening", f"`{path(key)}` in requests to {ON} is encrypted before it is stored", "", path(key))
    for key in sorted(old.keys() - new.keys()):
        yield Draft("loosening", f"`{path(key)}` in requests to {ON} is no longer encrypted", path(key), "")
    for key in sorted(old.keys() & new.keys()):
        what, before, after = f"`{path(key)}` in requests to {ON}", old[key], new[key]
        if before.field.form != after.field.form:
            # Deterministic ciphertexts show which records hold equal values.
            shows = after.field.form == "deterministic"
            yield Draft(
                "loosening" if shows else "tightening",
                f"{what} is encrypted {'so that equal values look equal' if shows else 'afresh each time'}",
                before.field.form,
                after.field.form,
            )
        yield from _bound(what, before, after)


def _bound(what: str, old: _Kept, new: _Kept) -> Iterator[Draft]:
    yield from neutral(f"the name that binds {what} to its ciphertext", old.field.name, new.field.name)
    yield from neutral(f"the keyset of {what}", old.keyset, new.keyset)


def _answered(api: str, old: Fields, new: Fields, context: Context) -> Iterator[Draft]:
    for key in sorted(new.keys() - old.keys()):
        # A field that was in clear until now looks no different to callers once it is encrypted and decrypted.
        known = (api, new[key].field.name) in context.encrypted_before
        sentence = f"`{path(key)}` in answers of {ON} is decrypted"
        yield Draft("loosening" if known else "neutral", sentence, "", path(key))
    for key in sorted(old.keys() - new.keys()):
        known = (api, old[key].field.name) in context.encrypted_after
        sentence = f"`{path(key)}` in answers of {ON} is no longer decrypted"
        yield Draft("tightening" if known else "neutral", sentence, path(key), "")
    for key in sorted(old.keys() & new.keys()):
        what = f"`{path(key)}` in answers of {ON}"
        yield from neutral(f"the form of {what}", old[key].field.form, new[key].field.form)
        yield from _bound(what, old[key], new[key])


def encryption(
    old: Sequence[ir.FieldEncryption], new: Sequence[ir.FieldEncryption], context: Context
) -> Iterator[Draft]:
    """All encryption of one operation, field by field."""
    watched = [any(p.mode is ir.Mode.OBSERVE for p in side) for side in (old, new)]
    if old and new:
        yield from mode_change(new[0].control, *(ir.Mode.OBSERVE if w else ir.Mode.ENFORCE for w in watched))
        yield from neutral(f"the control that encrypts {ON}", *(_distinct(side, "control") for side in (old, new)))
        yield from neutral(f"the keysets of {ON}", *(_distinct(side, "keyset") for side in (old, new)))
    drafts = _encryption((new or old)[0].api, old, new, context)
    yield from observed(drafts) if any(watched) else drafts


def _encryption(
    api: str, old: Sequence[ir.FieldEncryption], new: Sequence[ir.FieldEncryption], context: Context
) -> Iterator[Draft]:
    yield from _stored(_fields(old, "request"), _fields(new, "request"))
    yield from _answered(api, _fields(old, "response"), _fields(new, "response"), context)
    yield from neutral(f"the encrypted query parameters of {ON}", _pairs(old), _pairs(new))


def _distinct(pieces: Sequence[ir.FieldEncryption], name: str) -> tuple[str, ...]:
    return tuple(sorted({getattr(p, name) for p in pieces}))


def _pairs(pieces: Sequence[ir.FieldEncryption]) -> tuple[str, ...]:
    return tuple(sorted(f"{parameter}={name}" for p in pieces for parameter, name in p.query))


def _forms(field: ir.MaskedField) -> dict[str, str]:
    return dict(field.forms)


def _reveals(who: str, what: str, old: str, new: str) -> Iterator[Draft]:
    if old == new:
        return
    sentence = f"{who} sees `{what}` of {ON} as {new} instead of {old}"
    before, after = _REVEALS.get(old), _REVEALS.get(new)
    if before is None or after is None or before == after:
        sentence += ", which cannot be shown to be tighter"
        yield Draft("loosening", sentence, old, new, certain=False)
    else:
        yield Draft("loosening" if after > before else "tightening", sentence, old, new)


def _masked(key: tuple[str, ...], old: ir.MaskedField, new: ir.MaskedField) -> Iterator[Draft]:
    what = path(key)
    yield from _reveals("whoever has no role named", what, old.default, new.default)
    before, after = _forms(old), _forms(new)
    for role in sorted(before.keys() | after.keys()):
        yield from _reveals(f"role `{role}`", what, before.get(role, old.default), after.get(role, new.default))
        if (role in before) != (role in after) and before.get(role, old.default) == after.get(role, new.default):
            yield Draft("neutral", f"role `{role}` is told apart from others for `{what}` of {ON}, or no longer")
    if before == after and old.forms != new.forms:
        yield Draft("neutral", f"the forms of `{what}` of {ON} are told in another order")
    yield from number(f"the clearance that `{what}` of {ON} asks for", old.level, new.level, higher="tightening")
    yield from neutral(f"the class of `{what}` of {ON}", old.category, new.category)
    yield from neutral(f"the name of `{what}` of {ON}", old.name, new.name)


def _masking(old: ir.Masking, new: ir.Masking, _: Context) -> Iterator[Draft]:
    before, after = {f.path: f for f in old.fields}, {f.path: f for f in new.fields}
    for key in sorted(after.keys() - before.keys()):
        yield Draft("tightening", f"`{path(key)}` in answers of {ON} is masked", "", after[key].default)
    for key in sorted(before.keys() - after.keys()):
        yield Draft("loosening", f"`{path(key)}` in answers of {ON} is no longer masked", before[key].default, "")
    for key in sorted(before.keys() & after.keys()):
        yield from _masked(key, before[key], after[key])
    yield from switch(
        old.closed,
        new.closed,
        on=f"properties that the contract of {ON} does not name are dropped from answers",
        off=f"properties that the contract of {ON} does not name reach callers",
        turning_on="tightening",
    )
    if old.closed and new.closed:
        yield from members(
            map(path, old.known),
            map(path, new.known),
            more="loosening",
            added=lambda k: f"`{k}` in answers of {ON} is let through",
            removed=lambda k: f"`{k}` in answers of {ON} is dropped",
        )
    else:
        before_known, after_known = tuple(map(path, old.known)), tuple(map(path, new.known))
        yield from neutral(f"what is known of answers of {ON}", before_known, after_known)


masking = single(
    _masking,
    lambda p, _: iter((Draft("tightening", f"{len(p.fields)} fields in answers of {ON} are masked"),)),
    lambda p, _: iter((Draft("loosening", f"answers of {ON} are no longer masked ({len(p.fields)} fields)"),)),
)

__all__ = ["encryption", "masking", "path"]

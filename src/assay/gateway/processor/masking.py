"""What a caller sees of a response: class × clearance, applied to the fields a policy names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from assay.gateway import ir
from assay.gateway.keysets import Keyset
from assay.gateway.processor.forms import CLEAR, FIXED, MOST_REVEALING_FIRST, Form, check_form, form_of, needs_keyset
from assay.gateway.processor.json_text import Json
from assay.gateway.processor.paths import ANY, DROPPED, Counts, Path, Paths, add_one, compile_paths, rewrite

PROBLEM_MEMBERS = ("type", "title", "status", "instance")
"""What an error may carry under a closed policy: members of RFC 9457, but not ``detail``, which is prose."""

UNKNOWN = "(undeclared)"
"""The name under which dropped members are counted; their own names may be data."""


@dataclass(frozen=True, slots=True)
class Mask:
    """One field and the form this caller sees."""

    name: str
    form: Form


def choose(field: ir.MaskedField, roles: Iterable[str], clearance: int) -> str:
    """The form a caller sees: the most revealing one that its roles are given, else the field's default.

    Below the field's level, ``clear`` does not count as given, and a default of ``clear`` becomes ``fixed``.
    """
    held = set(roles)
    given = {form for role, form in field.forms if role in held}
    if clearance < field.level:
        given.discard(CLEAR)
    for form in MOST_REVEALING_FIRST:
        if form in given:
            return form
    return FIXED if field.default == CLEAR and clearance < field.level else field.default


def check_fields(masking: ir.Masking) -> None:
    """Every form that the policy can ever choose exists. Raises :class:`.forms.UnknownForm`."""
    for field in masking.fields:
        check_form(field.default)
        for _, form in field.forms:
            check_form(form)


def uses_keyset(masking: ir.Masking) -> bool:
    """Whether some caller would see a keyed form."""
    return any(needs_keyset(f) for field in masking.fields for f in (field.default, *(form for _, form in field.forms)))


def compile_masks(
    masking: ir.Masking, roles: Iterable[str], clearance: int, keyset: Keyset | None
) -> Paths[Mask] | None:
    """The masks for one kind of caller; None when it sees everything in clear.

    A field in clear is named to the automaton, so that a ``*`` beside it does not mask it; fields inside it still are.

    Raises:
        assay.gateway.processor.forms.UnknownForm: a form does not exist, or is keyed and there is no keyset.
    """
    held = tuple(roles)
    forms = [(field, choose(field, held, clearance)) for field in masking.fields]
    # Of two entries for one path the stricter holds: listed first, it wins.
    forms.sort(key=lambda pair: -MOST_REVEALING_FIRST.index(pair[1]))
    leaves = (
        (
            field.path,
            Mask(
                field.name,
                form_of(form, category=field.category, binding=f"{masking.api}/{field.name}", keyset=keyset),
            ),
        )
        for field, form in forms
        if form != CLEAR
    )
    clear = (field.path for field, form in forms if form == CLEAR)
    return compile_paths(leaves, (*masking.known, *clear))


def mask(value: Json, masks: Paths[Mask], counts: Counts) -> Json:
    """``value`` as the caller may see it, changed in place; ``counts`` rises by field name."""

    def act(leaf: Mask, found: Json) -> Json:
        if found is not None:
            name = leaf.name
            counts[name] = counts.get(name, 0) + 1
        return leaf.form(found)

    return rewrite(value, masks, act)


class Known:
    """The members that a contract names, as a tree."""

    __slots__ = ("children", "star")

    def __init__(self) -> None:
        self.children: dict[str, Known] = {}
        self.star: Known | None = None

    @classmethod
    def of(cls, paths: Iterable[Path]) -> Known:
        """The tree of ``paths``."""
        root = cls()
        for path in paths:
            node = root
            for segment in path:
                if segment == ANY:
                    if node.star is None:
                        node.star = cls()
                    node = node.star
                else:
                    node = node.children.setdefault(segment, cls())
        return root


def prune(value: Json, known: Known, counts: Counts, *, allow: tuple[str, ...] = ()) -> Json:
    """``value`` without the members that ``known`` does not name, changed in place.

    ``allow`` names further members of the outermost object; only scalars are let through there. A body that is no
    container although the contract names members becomes ``null``.
    """
    if isinstance(value, (dict, list)):
        return _prune(value, known, counts, allow)
    if value is None or not (known.children or known.star):
        return value
    add_one(counts, UNKNOWN)
    return None


def _prune(value: Json, known: Known, counts: Counts, allow: tuple[str, ...] = ()) -> Json:
    if isinstance(value, dict):
        children = known.children
        if value.keys() <= children.keys():  # as it should be
            for name, member in value.items():
                if isinstance(member, (dict, list)):
                    _prune(member, children[name], counts)
            return value
        for name in list(value):
            member = value[name]
            if name in children:
                if isinstance(member, (dict, list)):
                    _prune(member, children[name], counts)
            elif not (name in allow and not isinstance(member, (dict, list))) and (
                known.star is None or _unnamed(name, member, known.star, counts) is DROPPED
            ):
                add_one(counts, UNKNOWN)
                del value[name]
    elif isinstance(value, list):
        items = known.star if known.star is not None else known
        for item in value:
            _prune(item, items, counts)
    return value


def _unnamed(name: str, value: Json, star: Known, counts: Counts) -> Json:
    """A member that only ``*`` covers. Where ``*`` stands for objects, something else is the member of an object that
    came in place of an array of them (see :mod:`.paths`): then the objects' own names decide."""
    if isinstance(value, dict) or not star.children or (isinstance(value, list) and star.star is not None):
        return _prune(value, star, counts)
    if name in star.children:
        return _prune(value, star.children[name], counts)
    return _prune(value, star, counts) if isinstance(value, list) else DROPPED

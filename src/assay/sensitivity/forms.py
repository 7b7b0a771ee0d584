"""In which form a caller sees a field of an answer: what the gateway will do, told from the declaration alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from assay.declare.model import DataField
from assay.sensitivity.levels import level_of, rank
from assay.sensitivity.reveals import DEFAULT, MOST_REVEALING_FIRST, Reveals

_CONFIDENTIAL = rank("confidential")


def form_seen(
    field: DataField, reveals: Reveals, roles: Collection[str], clearance: int, owning: Iterable[str] = ()
) -> str:
    """The form in which a caller sees a field of a JSON answer.

    Below confidential nothing is masked. Above, it is the most revealing form that any role is given, its own objects
    in clear; and never in clear above the caller's clearance.

    Args:
        roles: the caller's roles.
        clearance: the caller's clearance, 0 to 4.
        owning: roles whose callers can reach nothing but their own objects through this operation.
    """
    level = rank(level_of(field))
    if level < _CONFIDENTIAL:
        return "clear"
    given = {role: form for role, form in reveals.forms(field.category or "").items() if role in roles}
    own = {role: "clear" for role in owning if role in roles}
    forms = set((own | given).values())
    if clearance < level:
        forms.discard("clear")
    return next((form for form in MOST_REVEALING_FIRST if form in forms), DEFAULT)

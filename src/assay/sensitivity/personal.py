"""What makes data personal, and where it may be."""

from __future__ import annotations

from assay.declare.model import Data, DataField, Model, System
from assay.sensitivity.levels import is_special, within

_EAST = ("bg", "cy", "cz", "ee", "gr", "hr", "hu", "lt", "lv", "pl", "ro", "si", "sk")
_WEST = ("at", "be", "de", "dk", "es", "fi", "fr", "ie", "is", "it", "li", "lu", "mt", "nl", "no", "pt", "se")
EEA = frozenset({*_EAST, *_WEST})
"""Countries of the European Economic Area, by ISO 3166-1 code: within `eu` or `eea` for transfers (GDPR Chapter V)."""
_UNIONS = ("eu", "eea")


def is_personal(model: Model, name: str) -> bool:
    """Whether a data set is about people: it says whom, has a field that can only be about somebody, or links to such a
    data set, which makes it pseudonymous (GDPR recital 26)."""
    data = model.data[name]
    linked = {f.links for f in data.fields.values() if f.links}
    return _by_itself(data) or any(_by_itself(model.data[other]) for other in linked if other in model.data)


def _by_itself(data: Data) -> bool:
    return bool(data.subjects) or any(about_somebody(f) for f in data.fields.values())


def about_somebody(field: DataField) -> bool:
    """Whether a field is about somebody (GDPR Art. 4(1)): a category below `user`, or something that identifies."""
    return bool(field.identifies or (field.category and within(field.category, "user")))


def special_categories(data: Data) -> tuple[str, ...]:
    """The special categories in a data set (GDPR Art. 9 and 10), concluded ones included."""
    found = {c for f in data.fields.values() for c in (f.category, f.infers) if c and is_special(c)}
    return tuple(sorted(found))


def outside(model: Model, system: System) -> bool | None:
    """Whether a system is outside of the organisation's jurisdictions; None when it does not say where it is, or the
    organisation does not say what its jurisdictions are.

    A region of a country (`de-fra`, `eu-west-1`) is in the country.
    """
    if not system.location or not model.organisation.jurisdictions:
        return None
    home = {j.casefold() for j in model.organisation.jurisdictions}
    if home & {*_UNIONS}:
        home |= {*EEA, *_UNIONS}
    place = system.location.casefold().replace("_", "-")
    return place not in home and place.partition("-")[0] not in home

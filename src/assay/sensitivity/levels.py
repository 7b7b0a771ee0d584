"""How sensitive a declared field is, when nobody wrote a level.

The rule follows the law the categories come from: special categories are those of GDPR Art. 9 and 10; whatever opens
an account or pays for something is restricted; everything else about a person is confidential.
"""

from __future__ import annotations

from assay.declare.model import LEVELS, Data, DataField, Level

_SPECIAL = (
    "user.authorization.biometric",
    "user.biometric",
    "user.criminal_history",
    "user.demographic.political_opinion",
    "user.demographic.race_ethnicity",
    "user.demographic.religious_belief",
    "user.demographic.sexual_orientation",
    "user.health_and_medical",
)
_RESTRICTED = (
    "system.authentication",
    "user.authorization",
    "user.childrens",
    "user.financial",
    "user.government_id",
    "user.payment",
)


def within(category: str, prefix: str) -> bool:
    """Whether a data category is ``prefix`` or lies below it, as ``user.contact.email`` does below ``user.contact``."""
    return category == prefix or category.startswith(prefix + ".")


def level_of(field: DataField) -> Level:
    """The level a field has: the one written, else the one its category implies.

    A field that links to a data set is a pseudonym, which is personal data (GDPR recital 26): confidential.
    """
    if field.level:
        return field.level
    category = field.category or ""
    if any(within(category, p) for p in _SPECIAL):
        return "special"
    if any(within(category, p) for p in _RESTRICTED):
        return "restricted"
    if within(category, "user") or field.links:
        return "confidential"
    return "internal"


def rank(level: Level) -> int:
    """The position of a level on its scale, ``public`` being 0."""
    return LEVELS.index(level)


def highest(data: Data) -> Level:
    """The highest level among the fields of a data set; ``public`` when it declares none."""
    return max((level_of(f) for f in data.fields.values()), key=rank, default="public")

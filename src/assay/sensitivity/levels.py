"""How sensitive a declared field is, when nobody wrote a level.

The rule follows the law the categories come from: special categories are those of GDPR Art. 9 and 10; whatever pays
for something or proves who somebody is, is restricted; everything else about a person is confidential. Credentials and
keys are on the highest level (rule E7): who has one has all that it opens.
"""

from __future__ import annotations

from functools import lru_cache

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
_SECRETS = (
    "system.authentication",
    "user.authorization.biometric",
    "user.authorization.credentials",
    "user.authorization.password",
)
_RESTRICTED = (
    "user.authorization",
    "user.childrens",
    "user.financial",
    "user.government_id",
    "user.payment",
)


def within(category: str, prefix: str) -> bool:
    """Whether a data category is ``prefix`` or lies below it, as ``user.contact.email`` does below ``user.contact``."""
    return category == prefix or category.startswith(prefix + ".")


@lru_cache(maxsize=1024)
def is_special(category: str) -> bool:
    """Whether a category is one of GDPR Art. 9 or 10."""
    return any(within(category, p) for p in _SPECIAL)


@lru_cache(maxsize=1024)
def is_secret(category: str) -> bool:
    """Whether values of a category are credentials or keys."""
    return any(within(category, p) for p in _SECRETS)


@lru_cache(maxsize=1024)
def implied(category: str) -> Level:
    """The level that a category implies by itself."""
    if is_special(category) or is_secret(category):
        return "special"
    if any(within(category, p) for p in _RESTRICTED):
        return "restricted"
    return "confidential" if within(category, "user") else "internal"


def level_of(field: DataField) -> Level:
    """The level a field has: the one written, else the one its category implies.

    A field that links to a data set is a pseudonym, which is personal data (GDPR recital 26): confidential. So is free
    text, since nobody knows what people write there (rule E5).
    """
    if field.level:
        return field.level
    level = implied(field.category or "")
    return "confidential" if level == "internal" and (field.links or field.free_text) else level


def rank(level: Level) -> int:
    """The position of a level on its scale, ``public`` being 0."""
    return LEVELS.index(level)


def highest(data: Data) -> Level:
    """The highest level among the fields of a data set; ``public`` when it declares none."""
    return max((level_of(f) for f in data.fields.values()), key=rank, default="public")

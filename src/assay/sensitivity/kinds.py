"""What a data category says by itself: does it identify, how far does it narrow down, is it sensitive.

A declaration that says otherwise (``identifies``, ``bits``, ``level``) wins; this is what holds where it is silent.
"""

from __future__ import annotations

import math
from functools import lru_cache

from assay.sensitivity.levels import within

DIRECT = (
    "user.account.username",
    "user.authorization.biometric",
    "user.biometric",
    "user.contact.email",
    "user.contact.fax_number",
    "user.contact.phone_number",
    "user.financial.bank_account",
    "user.financial.credit_card",
    "user.government_id",
    "user.health_and_medical.insurance_beneficiary_id",
    "user.health_and_medical.record_id",
    "user.name",
)
"""Identifiers: a name, an identification number, what is unique to somebody (GDPR Art. 4(1))."""

KEYS = ("user.device.cookie", "user.device.cookie_id", "user.device.device_id", "user.unique_id")
"""Identifiers without a person's name in them: records that share one belong together."""

PLACES = ("user.device.ip_address", "user.location.precise")
"""Where somebody was."""

SENSITIVE = ("user.childrens", "user.financial", "user.location.precise", "user.payment")
"""Sensitive beside the special categories: what hurts somebody once it is known about them."""

BITS = {
    "user.contact.address.city": 8.0,
    "user.contact.address.country": 3.0,
    "user.contact.address.postal_code": 11.0,
    "user.contact.address.state": 4.0,
    "user.contact.address.street": 16.0,
    "user.demographic.age_range": 6.3,
    "user.demographic.date_of_birth": 14.8,
    "user.demographic.gender": 1.0,
    "user.demographic.language": 2.0,
    "user.demographic.marital_status": 1.5,
    "user.job_title": 6.0,
}
"""How far a value narrows a population down: log2 of the number of about equally frequent values. The same figures as
in the words that `assay init` guesses by: 365 × 80 birthdays, 2,000 postcode areas."""

DIGIT = math.log2(10)
CHARACTER = math.log2(36)
"""The most bits that one character of a code can hold: digits only, or letters as well."""


def _any(category: str, prefixes: tuple[str, ...]) -> bool:
    return any(within(category, prefix) for prefix in prefixes)


@lru_cache(maxsize=1024)
def is_direct(category: str) -> bool:
    """Whether values of a category identify somebody directly."""
    return _any(category, DIRECT)


@lru_cache(maxsize=1024)
def is_key(category: str) -> bool:
    """Whether records with the same value of a category belong together."""
    return _any(category, KEYS)


@lru_cache(maxsize=1024)
def is_place(category: str) -> bool:
    """Whether values of a category say where somebody was."""
    return _any(category, PLACES)


@lru_cache(maxsize=1024)
def is_sensitive(category: str) -> bool:
    """Whether a category is sensitive without being a special one. Identifiers of accounts and cards are not: they
    say who somebody is, and their level says how bad a leak would be."""
    return _any(category, SENSITIVE) and not is_direct(category)


def implied_bits(category: str) -> float | None:
    """The bits of a quasi-identifier of a category, or None where nothing is known about it."""
    return BITS.get(category)

"""Recognising personal data by a value's own shape and checksum, such as an example in a contract.

The rules of numbers are those of :mod:`assay.scanning`. Here is only how a whole value is written, and that a specimen
counts: what an author gives as an example says what a field is for, although it is nobody's.
"""

from __future__ import annotations

import ipaddress
import re

from assay.scanning.detector import compact
from assay.scanning.national import uk_nino, us_ssn_form
from assay.scanning.payment import is_card, is_iban

_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
_PHONE = re.compile(r"\+[1-9][0-9 ()./-]{6,20}[0-9]|\(?[0-9]{3}\)?[ -][0-9]{3}-[0-9]{4}")
_IBAN = re.compile(r"[A-Za-z]{2}[0-9]{2}[A-Za-z0-9 ]{11,40}")
_CARD = re.compile(r"[0-9][0-9 -]{11,22}[0-9]")
_SSN = re.compile(r"[0-9]{3}-[0-9]{2}-[0-9]{4}")
_NINO = re.compile(r"[A-Z]{2} ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]")


def shape_of(value: object) -> str | None:
    """The kind of personal data that ``value`` has the shape of, as a fideslang category, or None.

    IBANs count only with their country's length and check digits (ISO 13616, ISO 7064 MOD 97-10), card numbers only
    with the prefix and length of a card scheme and their check digit (ISO/IEC 7812-1, Luhn).
    """
    if not isinstance(value, str) or not 5 <= len(value) <= 254:
        return None
    text = value.strip()
    if _EMAIL.fullmatch(text):
        return "user.contact.email"
    if _IBAN.fullmatch(text) and is_iban(compact(text)):
        return "user.financial.bank_account"
    if _CARD.fullmatch(text) and is_card(compact(text)):
        return "user.financial.credit_card"
    if (_SSN.fullmatch(text) and us_ssn_form(compact(text))) or (_NINO.fullmatch(text) and uk_nino(compact(text))):
        return "user.government_id.national_identification_number"
    if _PHONE.fullmatch(text):
        return "user.contact.phone_number"
    return "user.device.ip_address" if _is_ip(text) else None


def _is_ip(text: str) -> bool:
    if text.count(".") != 3 and ":" not in text:
        return False
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not address.is_unspecified

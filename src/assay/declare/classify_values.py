"""Recognising personal data by a value's own shape and checksum, such as an example in a contract."""

from __future__ import annotations

import ipaddress
import re

_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_PHONE = re.compile(r"\+[1-9][0-9 ()./-]{6,20}[0-9]|\(?[0-9]{3}\)?[ -][0-9]{3}-[0-9]{4}")
_SSN = re.compile(r"(?!000|666|9)[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}")
_CARD = re.compile(r"(4|5[1-5]|2[2-7]|3[47]|6(011|5))[0-9 -]{11,22}")
_NINO = re.compile(r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]")


def shape_of(value: object) -> str | None:
    """The kind of personal data that ``value`` has the shape of, as a fideslang category, or None.

    IBANs count only with their check digits (ISO 13616, ISO 7064 MOD 97-10), card numbers only with theirs (ISO/IEC
    7812-1, Luhn) and with the prefix of a card scheme.
    """
    if not isinstance(value, str) or not 5 <= len(value) <= 254:
        return None
    text = value.strip()
    if _EMAIL.fullmatch(text):
        return "user.contact.email"
    if is_iban(text):
        return "user.financial.bank_account"
    if is_card_number(text):
        return "user.financial.credit_card"
    if _SSN.fullmatch(text) or _NINO.fullmatch(text):
        return "user.government_id.national_identification_number"
    if _PHONE.fullmatch(text):
        return "user.contact.phone_number"
    return "user.device.ip_address" if _is_ip(text) else None


def is_iban(text: str) -> bool:
    """Whether ``text`` is an IBAN with right check digits; spaces are allowed."""
    compact = text.replace(" ", "").upper()
    if not _IBAN.fullmatch(compact):
        return False
    digits = "".join(str(int(c, 36)) for c in compact[4:] + compact[:4])
    return int(digits) % 97 == 1


def is_card_number(text: str) -> bool:
    """Whether ``text`` is the number of a payment card, by prefix, length and Luhn digit."""
    if not _CARD.fullmatch(text):
        return False
    digits = [int(c) for c in text if c.isdigit()]
    if not 13 <= len(digits) <= 19:
        return False
    doubled = [d * 2 - 9 if d > 4 else d * 2 for d in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _is_ip(text: str) -> bool:
    if text.count(".") != 3 and ":" not in text:
        return False
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not address.is_unspecified

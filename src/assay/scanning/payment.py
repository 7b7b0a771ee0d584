"""Payment cards and bank accounts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from assay.scanning.checksums import luhn, mod97_10
from assay.scanning.context import NOT_PERSONAL, Context, before, wordset
from assay.scanning.detector import HIGH, LOW, MEDIUM, Hit, compact, lowered, number

_ISSUERS: Final = (
    # First and last prefix, lengths. Public issuer identification numbers (ISO/IEC 7812-1) of the card schemes.
    ("4", "4", (13, 16, 19)),  # Visa
    ("51", "55", (16,)),  # Mastercard
    ("2221", "2720", (16,)),  # Mastercard
    ("34", "34", (15,)),  # American Express
    ("37", "37", (15,)),
    ("6011", "6011", (16, 19)),  # Discover
    ("644", "649", (16, 19)),
    ("65", "65", (16, 19)),
    ("300", "305", (14, 16)),  # Diners Club
    ("36", "36", (14, 16)),
    ("38", "39", (14, 16)),
    ("3528", "3589", (16, 17, 18, 19)),  # JCB
    ("62", "62", (16, 17, 18, 19)),  # UnionPay
    ("50", "50", (13, 14, 15, 16, 17, 18, 19)),  # Maestro
    ("56", "58", (13, 14, 15, 16, 17, 18, 19)),
    ("6304", "6304", (13, 14, 15, 16, 17, 18, 19)),
    ("6759", "6763", (13, 14, 15, 16, 17, 18, 19)),
    ("60", "60", (16,)),  # RuPay
    ("2200", "2204", (16,)),  # Mir
)
_CARD = number(
    r"(?P<dressed>\d{4}(?P<s>[ -])\d{4}(?P=s)\d{4}(?P=s)\d{4}(?:(?P=s)\d{1,3})?"
    r"|\d{4}(?P<t>[ -])\d{6}(?P=t)\d{4,5})|\d{13,19}"
)
_CARD_WORDS = wordset(
    """
    card cards pan cc creditcard debitcard cardnumber ccnumber visa mastercard amex maestro kreditkarte karte
    carte tarjeta primaryaccountnumber
    """
)


def is_card(digits: str) -> bool:
    """Whether digits are the number of a payment card: issuer's range, its lengths, Luhn's formula."""
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    length = len(digits)
    return any(length in lengths and low <= digits[: len(low)] <= high for low, high, lengths in _ISSUERS) and luhn(
        digits
    )


def cards(text: str, around: Context) -> Iterator[Hit]:
    """Numbers of payment cards. One number in ten passes Luhn's formula, so bare ones count for less."""
    for match in _CARD.finditer(text):
        digits = compact(match[0])
        if not is_card(digits):
            continue
        context = before(text, match.start(), around)
        contradicted = not match["dressed"] and not context.words.isdisjoint(NOT_PERSONAL)
        if context.tells(_CARD_WORDS):
            sure = MEDIUM if contradicted else HIGH
        elif match["dressed"]:
            sure = lowered(HIGH) if context.not_personal else HIGH
        else:
            # German article numbers (EAN-13) begin with 40 to 44, as old Visa numbers of 13 digits do.
            sure = LOW if context.not_personal or len(digits) != 16 else MEDIUM
        yield (*match.span(), "payment-card", "user.financial.credit_card", sure, True)


IBAN_LENGTHS: Final = {
    # ISO 13616, the registry of SWIFT: country to length.
    **dict.fromkeys(("NO",), 15),
    **dict.fromkeys(("BE", "BI"), 16),
    **dict.fromkeys(("DK", "FI", "FK", "FO", "GL", "NL", "SD"), 18),
    **dict.fromkeys(("MK", "SI"), 19),
    **dict.fromkeys(("AT", "BA", "EE", "KZ", "LT", "LU", "MN", "XK"), 20),
    **dict.fromkeys(("CH", "CR", "HR", "LI", "LV"), 21),
    **dict.fromkeys(("BG", "BH", "DE", "GB", "GE", "IE", "ME", "RS", "VA"), 22),
    **dict.fromkeys(("AE", "GI", "IL", "IQ", "OM", "SO", "TL"), 23),
    **dict.fromkeys(("AD", "CZ", "ES", "MD", "PK", "RO", "SA", "SE", "SK", "TN", "VG"), 24),
    **dict.fromkeys(("LY", "PT", "ST"), 25),
    **dict.fromkeys(("IS", "TR"), 26),
    **dict.fromkeys(("BJ", "BF", "CI", "CM", "DJ", "FR", "GR", "IT", "MC", "MR", "SM"), 27),
    **dict.fromkeys(("AL", "AZ", "BY", "CY", "DO", "GT", "HN", "HU", "LB", "NI", "PL", "SV"), 28),
    **dict.fromkeys(("BR", "EG", "PS", "QA", "UA"), 29),
    **dict.fromkeys(("JO", "KW", "MU", "YE"), 30),
    **dict.fromkeys(("MT", "SC"), 31),
    "LC": 32,
    "RU": 33,
}


def is_iban(text: str) -> bool:
    """Whether an upper-case text without spaces is an IBAN: its country's length, MOD 97-10 (ISO 13616)."""
    return IBAN_LENGTHS.get(text[:2]) == len(text) and mod97_10(text[4:] + text[:4])


_IBAN = re.compile(
    r"(?a)(?<![\w-])(?:[A-Z]{2}\d{2} [A-Z0-9]{4} [A-Z0-9]{4}(?: [A-Z0-9]{4}){0,5}(?: [A-Z0-9]{1,4})?"
    r"|[A-Z]{2}\d{2}[A-Z0-9]{11,29})(?!\w)"
)


def ibans(text: str, around: Context) -> Iterator[Hit]:
    """International bank account numbers. The words that follow a spaced one may look like another group of it."""
    for match in _IBAN.finditer(text):
        written = match[0]
        while not is_iban(compact(written)):
            shorter, gap, _ = written.rpartition(" ")
            if not gap:
                break
            written = shorter
        else:
            start = match.start()
            yield start, start + len(written), "iban", "user.financial.bank_account", HIGH, True

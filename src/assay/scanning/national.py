"""National identification numbers, each by its country's own rules."""

from __future__ import annotations

import datetime
from typing import Final

from assay.scanning.checksums import luhn, mod11_10, verhoeff, weighted
from assay.scanning.detector import HIGH, LOW, MEDIUM, Numbered, number

_CATEGORY: Final = "user.government_id.national_identification_number"
_DNI_LETTERS: Final = "TRWAGMYFPDXBNJZSQVHLCKE"
_NINO_NEVER: Final = frozenset(["BG", "GB", "KN", "NK", "NT", "TN", "ZZ"])


def _date(year: int, month: int, day: int) -> bool:
    try:
        datetime.date(year, month, day)
    except ValueError:
        return False
    return True


def us_ssn_form(d: str) -> bool:
    """Whether nine digits have the form of a social security number: no area 000, 666 or 9xx, no group 00, no serial
    0000 (SSA, 2011). No check digit. Specimens have it too."""
    return len(d) == 9 and d[:3] not in ("000", "666") and d[0] != "9" and d[3:5] != "00" and d[5:] != "0000"


def us_ssn(d: str) -> bool:
    """Social security number that may be somebody's: the form, and not one that was printed on specimen cards."""
    return us_ssn_form(d) and d not in ("078051120", "219099999")


def uk_nino(t: str) -> bool:
    """National insurance number (HMRC NIM39110): letters that are never used, suffix A to D. No check digit."""
    return (
        len(t) == 9
        and t[0] not in "DFIQUV"
        and t[1] not in "DFIOQUV"
        and t[:2] not in _NINO_NEVER
        and t[2:8].isdigit()
        and t[8] in "ABCD"
    )


def nl_bsn(d: str) -> bool:
    """Burgerservicenummer: nine digits, the eleven-test with weights 9 to 2 and -1."""
    return len(d) == 9 and int(d) > 0 and weighted(d, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def de_steuer_id(d: str) -> bool:
    """Steuerliche Identifikationsnummer: eleven digits, ISO 7064 MOD 11,10; of the first ten, one digit occurs two or
    three times and every other at most once (section 139b AO; three in a row are not given out)."""
    if len(d) != 11 or d[0] == "0" or not mod11_10(d):
        return False
    counts = sorted((d[:10].count(c) for c in set(d[:10])), reverse=True)
    return counts[0] in (2, 3) and all(n == 1 for n in counts[1:]) and not any(c * 3 in d[:10] for c in set(d))


def fr_nir(t: str) -> bool:
    """Numéro d'inscription au répertoire: 13 characters and a key, 97 minus the number modulo 97; Corsica's 2A and 2B
    count as 19 and 18."""
    if len(t) != 15 or t[0] not in "123478":
        return False
    plain = t[:5] + {"2A": "19", "2B": "18"}.get(t[5:7], t[5:7]) + t[7:]
    if not plain.isdigit():
        return False
    month = int(plain[3:5])
    return (1 <= month <= 12 or 20 <= month <= 42 or 50 <= month <= 99) and 97 - int(plain[:13]) % 97 == int(plain[13:])


def es_dni(t: str) -> bool:
    """Documento nacional de identidad: eight digits and the letter of their remainder by 23."""
    return len(t) == 9 and t[:8].isdigit() and t[8] == _DNI_LETTERS[int(t[:8]) % 23]


def es_nie(t: str) -> bool:
    """Número de identidad de extranjero: X, Y or Z counts as 0, 1 or 2, then as the DNI."""
    return len(t) == 9 and t[0] in "XYZ" and es_dni(str("XYZ".index(t[0])) + t[1:])


_CF_ODD: Final = {
    **dict(zip("0123456789", (1, 0, 5, 7, 9, 13, 15, 17, 19, 21), strict=True)),
    **dict(zip("ABCDEFGHIJ", (1, 0, 5, 7, 9, 13, 15, 17, 19, 21), strict=True)),
    **dict(zip("KLMNOPQRSTUVWXYZ", (2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23), strict=True)),
}


def it_codice_fiscale(t: str) -> bool:
    """Codice fiscale (D.M. 23 December 1976): the last letter checks the fifteen before it."""
    if len(t) != 16 or not t.isascii():
        return False
    odd = sum(_CF_ODD[c] for c in t[0:15:2])
    even = sum(int(c) if c.isdigit() else ord(c) - 65 for c in t[1:15:2])
    return chr(65 + (odd + even) % 26) == t[15]


def pl_pesel(d: str) -> bool:
    """PESEL: weights 1, 3, 7, 9 repeated; the century is added to the month."""
    if len(d) != 11 or (weighted(d[:10], (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) + int(d[10])) % 10:
        return False
    century, month = divmod(int(d[2:4]), 20)
    return _date((1900, 2000, 2100, 2200, 1800)[century] + int(d[:2]), month, int(d[4:6]))


def be_national_number(d: str) -> bool:
    """Rijksregisternummer: 97 minus the first nine digits modulo 97; for births from 2000, a 2 stands before them."""
    if len(d) != 11:
        return False
    key, month, day = int(d[9:]), int(d[2:4]), int(d[4:6])
    month -= 40 if month > 40 else 20 if month > 20 else 0  # BIS numbers of people who are not registered
    before, since = 97 - int(d[:9]) % 97 == key, 97 - int("2" + d[:9]) % 97 == key
    unknown = month == 0 or day == 0
    if unknown:
        return (before or since) and month <= 12 and day <= 31
    return (before and _date(1900 + int(d[:2]), month, day)) or (since and _date(2000 + int(d[:2]), month, day))


def se_personnummer(d: str) -> bool:
    """Personnummer: Luhn's formula on the last ten digits, a date before them; 60 is added to the day for
    samordningsnummer."""
    if len(d) not in (10, 12) or not d.isdigit() or not luhn(d[-10:]):
        return False
    year = int(d[:4]) if len(d) == 12 else 2000 + int(d[:2])
    if len(d) == 12 and not 1840 <= year <= 2100:
        return False
    month, day = int(d[-8:-6]), int(d[-6:-4])
    day -= 60 if day > 60 else 0
    return _date(year, month, day) or (len(d) == 10 and _date(year - 100, month, day))


def in_aadhaar(d: str) -> bool:
    """Aadhaar: twelve digits of which the first is 2 to 9, Verhoeff's formula, no palindrome (UIDAI)."""
    return len(d) == 12 and d[0] in "23456789" and d != d[::-1] and verhoeff(d)


def br_cpf(d: str) -> bool:
    """Cadastro de pessoas físicas: two check digits modulo 11; eleven times the same digit is not given out."""
    if len(d) != 11 or len(set(d)) == 1:
        return False
    first = weighted(d[:9], tuple(range(10, 1, -1))) * 10 % 11 % 10
    second = weighted(d[:10], tuple(range(11, 1, -1))) * 10 % 11 % 10
    return d[9:] == f"{first}{second}"


def _words(*own: str) -> frozenset[str]:
    return frozenset(own)


NATIONAL: Final = (
    Numbered(
        "us-ssn",
        _CATEGORY,
        number(r"(?P<dressed>\d{3}(?P<s>[- ])\d{2}(?P=s)\d{4})|\d{9}"),
        us_ssn,
        _words("ssn", "socialsecuritynumber"),
        checked=False,
        digits=9,
    ),
    Numbered(
        "uk-nino",
        _CATEGORY,
        number(r"(?P<dressed>[A-Z]{2} \d{2} \d{2} \d{2} [A-D])|[A-Z]{2} ?\d{6} ?[A-D]"),
        uk_nino,
        _words("nino", "nationalinsurance", "nationalinsurancenumber", "insurance"),
        checked=False,
        digits=6,
    ),
    Numbered(
        "nl-bsn",
        _CATEGORY,
        number(r"\d{4}\.\d{2}\.\d{3}|\d{9}"),
        nl_bsn,
        _words("bsn", "burgerservicenummer"),
        digits=9,
    ),
    Numbered(
        "de-steuer-id",
        _CATEGORY,
        number(r"(?P<dressed>\d{2} \d{3} \d{3} \d{3})|\d{11}"),
        de_steuer_id,
        _words("steuer", "steuerid", "idnr", "steueridentifikationsnummer", "steuernummer", "tin", "tax"),
        plain=MEDIUM,
        dressed=HIGH,
        digits=11,
    ),
    Numbered(
        "fr-nir",
        _CATEGORY,
        number(r"(?P<dressed>\d \d{2} \d{2} \d[\dAB] \d{3} \d{3} \d{2})|\d{6}[\dAB]\d{6} ?\d{2}"),
        fr_nir,
        _words("nir", "insee", "securitesociale", "sociale", "secu"),
        plain=MEDIUM,
        dressed=HIGH,
        digits=13,
    ),
    Numbered(
        "es-dni",
        _CATEGORY,
        number(r"(?P<dressed>\d{2}\.\d{3}\.\d{3}-[A-Z])|\d{8}-?[A-Z]"),
        es_dni,
        _words("dni", "nif"),
        digits=8,
    ),
    Numbered("es-nie", _CATEGORY, number(r"[XYZ]-?\d{7}-?[A-Z]"), es_nie, _words("nie", "nif", "extranjero"), digits=7),
    Numbered(
        "it-codice-fiscale",
        _CATEGORY,
        number(
            r"(?:[A-Z]{6}[0-9LMNPQRSTUV]{2}[ABCDEHLMPRST][0-9LMNPQRSTUV]{2}[A-Z][0-9LMNPQRSTUV]{3}[A-Z])"
            r"|(?P<dressed>[A-Z]{3} [A-Z]{3} \d{2}[ABCDEHLMPRST]\d{2} [A-Z]\d{3}[A-Z])"
        ),
        it_codice_fiscale,
        _words("codicefiscale", "fiscale", "cf"),
        plain=HIGH,
        dressed=HIGH,
    ),
    Numbered("pl-pesel", _CATEGORY, number(r"\d{11}"), pl_pesel, _words("pesel"), digits=11),
    Numbered(
        "be-national-number",
        _CATEGORY,
        number(r"(?P<dressed>\d{2}\.\d{2}\.\d{2}-\d{3}[. ]\d{2})|\d{11}"),
        be_national_number,
        _words("rijksregisternummer", "rijksregister", "nationalnumber", "niss", "insz", "nn", "nrn"),
        dressed=HIGH,
        digits=11,
    ),
    Numbered(
        "se-personnummer",
        _CATEGORY,
        number(r"(?P<dressed>(?:\d{2})?\d{6}[-+]\d{4})|(?:\d{2})?\d{10}"),
        se_personnummer,
        _words("personnummer", "pnr", "samordningsnummer"),
        digits=10,
    ),
    Numbered(
        "in-aadhaar",
        _CATEGORY,
        number(r"(?P<dressed>\d{4}(?P<s>[ -])\d{4}(?P=s)\d{4})|\d{12}"),
        in_aadhaar,
        _words("aadhaar", "aadhar", "uidai"),
        digits=12,
    ),
    Numbered(
        "br-cpf",
        _CATEGORY,
        number(r"(?P<dressed>\d{3}\.\d{3}\.\d{3}-\d{2})|\d{11}"),
        br_cpf,
        _words("cpf"),
        dressed=HIGH,
        plain=LOW,
        digits=11,
    ),
)
"""The detectors, one for each country's number."""

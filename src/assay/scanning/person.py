"""What is told by the name it stands under: names, addresses, dates of birth, places on earth."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from assay.domain import Confidence
from assay.scanning.context import Context, before, wordset
from assay.scanning.detector import HIGH, LOW, MEDIUM, Hit
from assay.scanning.keys import hidden

_BIRTH = wordset(
    """
    dob birth birthdate birthday born dateofbirth geburtsdatum geburt geboren naissance nacimiento nascita
    geboortedatum födelsedatum urodzenia nascimento bday
    """
)
_ISO = r"(?P<y>(?:18|19|20)\d\d)(?P<s>[-/.])(?P<m>\d{1,2})(?P=s)(?P<d>\d{1,2})"
_EURO = r"(?P<d2>\d{1,2})(?P<t>[-/. ])(?P<m2>\d{1,2})(?P=t)(?P<y2>(?:18|19|20)\d\d)"
_LONG = r"(?P<d3>\d{1,2})\.? (?P<mon>[A-Z][a-z]{2,8})\.?,? (?P<y3>(?:18|19|20)\d\d)"
_PACKED = r"(?P<y4>(?:19|20)\d\d)(?P<m4>[01]\d)(?P<d4>[0-3]\d)"
_DATE = re.compile(rf"(?a)(?<![\w.-])(?:{_ISO}|{_EURO}|{_LONG}|{_PACKED})(?!\d|[-.]\d)")


def births(text: str, around: Context) -> Iterator[Hit]:
    """Dates of birth: a date of the calendar where words speak of birth. Only they tell it, so none is certain."""
    for match in _DATE.finditer(text):
        context = before(text, match.start(), around)
        if context.tells(_BIRTH) and _is_date(match):
            yield (*match.span(), "date-of-birth", "user.demographic.date_of_birth", HIGH, False)


def _is_date(match: re.Match[str]) -> bool:
    if match["mon"] is not None:
        return 1 <= int(match["d3"]) <= 31
    pairs = ((match["y"], match["m"], match["d"]), (match["y2"], match["m2"], match["d2"]))
    for y, m, d in (*pairs, (match["y4"], match["m4"], match["d4"]), (match["y2"], match["d2"], match["m2"])):
        if y is not None:
            try:
                datetime.date(int(y), int(m), int(d))
            except ValueError:
                continue
            return True
    return False


_NAME_WORDS: Final = {
    **dict.fromkeys(
        ("firstname", "givenname", "forename", "vorname", "prenom", "nombre", "voornaam"), "user.name.first"
    ),
    **dict.fromkeys(
        ("lastname", "surname", "familyname", "nachname", "apellido", "achternaam", "cognome"), "user.name.last"
    ),
    **dict.fromkeys(
        wordset(
            """
            fullname personname customername patientname holdername accountholder cardholder employeename cardholdername
            contactname recipientname guestname passengername legalname middlename maidenname username displayname
            ownername beneficiaryname membername
            """
        ),
        "user.name",
    ),
}
_PEOPLE = wordset(
    """
    birth dob firstname surname gender salutation age nationality passport ssn birthday birthdate dateofbirth patient
    date_of_birth marital
    """
)
_REACHED = wordset("email mail phone mobile telephone iban postcode postal zip customer")
_PERSON = re.compile(
    r"(?:(?:Mr|Mrs|Ms|Dr|Prof|Herr|Frau)\.? )?[^\W\d_a-zß-ÿ][^\W\d_]*(?:['’-][^\W\d_]+)*\.?"
    r"(?: (?:(?:van|von|de|der|den|del|della|da|di|la|le|bin|al|ten|ter|zu) ){0,3}[^\W\d_]+(?:['’-][^\W\d_]+)*\.?){0,4}"
)
_CAPITAL = "[A-ZÀ-Þ][a-zß-ÿ]+"
_GREETED = re.compile(
    rf"\b(?:Mr|Mrs|Ms|Miss|Dr|Herr|Frau|Mme|Sra?)\.? (?P<who>{_CAPITAL}(?:[ -]{_CAPITAL}){{0,2}})"
    r"|\b(?:[Mm]y name is|I am called|[Pp]atient|[Cc]ustomer name|[Ss]igned by|[Ff]ull name:)"
    rf" (?P<whom>{_CAPITAL}(?: {_CAPITAL}){{1,2}})"
)
_FIRMS = re.compile(
    r"\b(?:GmbH|AG|Ltd|LLC|Inc|Corp|B\.?V|S\.?A|SpA|Limited|Company|Group|Bank|Store|Shop|Team|Service)\b"
)


def names(text: str, around: Context) -> Iterator[Hit]:
    """Names of people: by the name of the member and the value's form; in free text only after a form of address.

    Nothing but the context tells them, so none is certain.
    """
    if around.name:
        hit = _name(text.strip(), around)
        if hit is not None:
            yield (0, len(text), "person-name", *hit, False)
            return
    if len(text) < 12:
        return
    for match in _GREETED.finditer(text):
        part = "who" if match["who"] is not None else "whom"
        yield (*match.span(part), "person-name", "user.name", MEDIUM, False)


@lru_cache(maxsize=1024)
def _name_category(name: str) -> str | None:
    return _NAME_WORDS.get(name) or next((c for w, c in _NAME_WORDS.items() if name.endswith(w)), None)


def _name(value: str, context: Context) -> tuple[str, Confidence] | None:
    category = _name_category(context.name)
    if category is None and context.name != "name":
        return None
    if not 2 <= len(value) <= 80 or hidden(value) or not _PERSON.fullmatch(value) or _FIRMS.search(value):
        return None
    if category is not None:
        login = context.name in ("username", "displayname", "ownername")
        return category, (MEDIUM if " " in value else LOW) if login else HIGH
    if context.name == "name":
        if context.beside & _PEOPLE:
            return "user.name", HIGH if " " in value else MEDIUM
        if context.beside & _REACHED:  # firms have them too
            return "user.name", MEDIUM if " " in value else LOW
        return ("user.name", LOW) if " " in value else None
    return None


_DIGIT = re.compile(r"\d")
_STREET_WORDS = wordset(
    """
    street streetaddress addressline postaladdress homeaddress billingaddress shippingaddress deliveryaddress
    address strasse straße rue calle adresse direccion indirizzo adres
    """
)
_NO_STREET = wordset("ip mac email mail url wallet bitcoin contract network web host memory server")
_STREET = re.compile(
    r"(?i)\b\d{1,5}[a-z]? (?:[^\W\d_]{1,30}(?:['’][^\W\d_]{1,3})?[.-]? ){1,4}"
    r"(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|boulevard|blvd|court|ct|way|square|sq|terrace|close|crescent"
    r"|place|pl|highway|parkway)\b\.?"
    r"|\b[^\W\d_]{2,30}(?:straße|strasse|str\.|weg|allee|platz|gasse|straat|laan|plein|gracht|gatan|vägen)"
    r" ?\d{1,4}[a-z]?\b"
    r"|\b(?:\d{1,4},? )?(?:rue|calle|via|rua|avenida|plaza|piazza|ulica|ul\.) (?:[^\W\d_]{1,30}[' -]?){1,5}"
    r"(?:,? ?\d{1,4}\b)?"
)
_WEAK_STREET = re.compile(
    r"(?:\d{1,5}[A-Za-z]?,? )?[^\W\d_][\w.'’ -]{2,60}(?:,? ?\d{1,5}[A-Za-z]?)?(?:, [\w.'’ -]{2,40}){0,4}"
)
_POST = wordset("postcode postalcode zip zipcode plz postleitzahl codepostal codigopostal cap cep")
_POSTCODE = re.compile(
    r"(?ai)\d{5}(?:-\d{4})?|\d{4}(?: ?[A-Z]{2})?|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d|\d{2}-\d{3}"
    r"|\d{3} ?\d{2,3}|[A-Z]{1,2}-\d{4,5}|\d{5}-\d{3}"
)


def places(text: str, around: Context) -> Iterator[Hit]:
    """Postal addresses: street and number under a name that says so, or by the kind of street; post codes by name."""
    if around.name and around.says(_POST) and _POSTCODE.fullmatch(text.strip()):
        yield 0, len(text), "postal-code", "user.contact.address.postal_code", HIGH, False
        return
    said = bool(around.name) and around.says(_STREET_WORDS) and not _NO_STREET & around.words
    if not _DIGIT.search(text):
        return
    for match in _STREET.finditer(text[:100_000]):
        if any(c.isdigit() for c in match[0]):
            if not said and match[0].split()[-1][:1].islower():
                continue  # “12 days on the way”
            sure = HIGH if said else MEDIUM
            yield (*match.span(), "street-address", "user.contact.address.street", sure, False)
            said = False
    value = text.strip()
    if said and len(value) <= 160 and " " in value and _WEAK_STREET.fullmatch(value):
        yield 0, len(text), "street-address", "user.contact.address.street", HIGH, False


_LATITUDE = wordset("lat latitude")
_LONGITUDE = wordset("lon lng long longitude")


def position(text: str, around: Context) -> Iterator[Hit]:
    """Coordinates of a place to some ten metres (four decimals), beside each other."""
    latitude, longitude = around.name in _LATITUDE, around.name in _LONGITUDE
    if not (latitude or longitude) or not around.beside & (_LONGITUDE if latitude else _LATITUDE):
        return
    try:
        degrees = float(text)
    except ValueError:
        return
    decimals = len(text.strip().partition(".")[2])
    if abs(degrees) <= (90 if latitude else 180):
        sure = HIGH if decimals >= 4 else LOW
        yield 0, len(text), "coordinates", "user.location.precise", sure, False

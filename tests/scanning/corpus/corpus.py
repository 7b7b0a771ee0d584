"""The corpus: every kind of value under a telling name, under one that says nothing and in prose; hard negatives;
documents written by hand."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

from tests.scanning.corpus import hard, making
from tests.scanning.corpus.making import Draw
from tests.scanning.corpus.sample import Sample

SEED = 20261122
EACH = 24
NEGATIVE = 40

_NATIONAL: dict[str, tuple[Draw, Draw, tuple[str, ...], str]] = {
    # Detector: as people write it, plain, names it stands under, how prose speaks of it.
    "us-ssn": (making.ssn, making.plain(making.ssn), ("ssn", "socialSecurityNumber"), "SSN"),
    "uk-nino": (making.spaced_nino, making.nino, ("nino", "national_insurance_number"), "National Insurance number"),
    "nl-bsn": (making.bsn, making.bsn, ("bsn", "burgerservicenummer"), "BSN"),
    "de-steuer-id": (making.spaced_steuer, making.steuer, ("steuerId", "steuer_identifikationsnummer"), "Steuer-ID"),
    "fr-nir": (making.spaced_nir, making.nir, ("nir", "insee_number"), "NIR"),
    "es-dni": (making.dni, making.dni, ("dni", "nif"), "DNI"),
    "es-nie": (making.nie, making.nie, ("nie", "NIE_number"), "NIE"),
    "it-codice-fiscale": (making.fiscale, making.fiscale, ("codiceFiscale", "cf"), "codice fiscale"),
    "pl-pesel": (making.pesel, making.pesel, ("pesel", "PESEL_number"), "PESEL"),
    "be-national-number": (making.dressed_belgian, making.belgian, ("rijksregisternummer", "niss"), "NISS"),
    "se-personnummer": (making.swedish, making.plain(making.swedish), ("personnummer", "pnr"), "personnummer"),
    "in-aadhaar": (making.spaced_aadhaar, making.aadhaar, ("aadhaar", "aadhaarNumber"), "Aadhaar"),
    "br-cpf": (making.dressed_cpf, making.cpf, ("cpf", "cpf_number"), "CPF"),
    "payment-card": (making.dressed_card, making.card, ("cardNumber", "pan", "credit_card"), "card"),
    "iban": (making.spaced_iban, making.iban, ("iban", "account"), "IBAN"),
}
_NEUTRAL = ("value", "number", "text", "field_7", "x")


def samples(each: int = EACH, negative: int = NEGATIVE) -> Iterator[Sample]:
    """The whole corpus, the same in every run."""
    yield from by_hand()
    chance = random.Random(SEED)  # noqa: S311 - the same corpus in every run
    for detector, (dressed, plain, names, word) in _NATIONAL.items():
        for n in range(each):
            yield _under(chance, detector, names, (dressed, plain)[n % 2](chance), "named")
            yield _under(chance, detector, _NEUTRAL, dressed(chance), "bare")
            yield _prose(chance, detector, f"{word} {(dressed, plain)[n % 2](chance)}")
        for _ in range(each // 4):
            yield _under(chance, detector, _NEUTRAL, plain(chance), "plain")
    yield from _reachable(chance, each)
    yield from _secret(chance, each)
    yield from _personal(chance, each)
    yield from _negatives(chance, negative)


def _under(chance: random.Random, detector: str, names: tuple[str, ...], value: object, kind: str) -> Sample:
    name = chance.choice(names)
    return Sample(kind, {name: value, "n": 1}, frozenset({(f"/{name}", detector)}))


def _prose(chance: random.Random, detector: str, said: str) -> Sample:
    before = chance.choice(["Customer called about it. ", "Note of Tuesday: ", "Please update the file, ", ""])
    after = chance.choice([".", ", thanks", " as of today", " (checked)", ""])
    return Sample("prose", {"note": f"{before}{said}{after}"}, frozenset({("/note", detector)}))


def _reachable(chance: random.Random, each: int) -> Iterator[Sample]:
    for _ in range(each):
        yield _under(chance, "email", ("email", "mail", "contact"), making.email(chance), "named")
        yield _under(chance, "email", _NEUTRAL, making.email(chance), "bare")
        yield _prose(chance, "email", f"write to {making.email(chance)}")
        yield Sample("key", {making.email(chance): {"n": 1}}, frozenset({("*", "email")}))
        yield _under(chance, "phone", ("phone", "mobile", "telephone", "msisdn"), making.e164(chance), "named")
        yield _under(chance, "phone", ("phone", "tel", "mobile"), making.national_phone(chance), "national")
        yield _under(chance, "phone", _NEUTRAL, making.e164(chance), "bare")
        yield _prose(chance, "phone", f"call {chance.choice((making.e164, making.national_phone))(chance)}")
        yield _under(chance, "ip-address", ("ip", "clientIp", "remote_addr"), making.ip4(chance), "named")
        yield _under(chance, "ip-address", ("ip", "clientIp", "remote_addr"), making.ip6(chance), "v6")
        yield _under(chance, "ip-address", _NEUTRAL, making.ip4(chance), "bare")
        yield _prose(chance, "ip-address", f"login from {chance.choice((making.ip4, making.ip6))(chance)}")


def _secret(chance: random.Random, each: int) -> Iterator[Sample]:
    for _ in range(each):
        yield _under(chance, "jwt", ("token", "id_token", *_NEUTRAL), making.jwt(chance), "named")
        yield _prose(chance, "jwt", f"Authorization: Bearer {making.jwt(chance)}")
        for detector, draw in making.KEYS.items():
            yield _under(chance, detector, ("key", "config", *_NEUTRAL), draw(chance), "bare")
        yield _under(chance, "secret", ("client_secret", "apiKey", "access_token"), making.secret(chance), "named")
        yield _prose(chance, "secret", f"api_key={making.secret(chance)}")
        yield _under(chance, "password", ("password", "user_passwd"), making.password(chance), "named")


def _personal(chance: random.Random, each: int) -> Iterator[Sample]:
    for _ in range(each):
        yield _under(chance, "person-name", ("full_name", "customerName", "holderName"), making.name(chance), "named")
        yield _under(chance, "person-name", ("firstName", "given_name"), chance.choice(making.FIRST), "named")
        yield _under(chance, "person-name", ("lastName", "surname"), chance.choice(making.LAST), "named")
        beside = {"name": making.name(chance), "email": making.email(chance)}
        yield Sample("beside", beside, frozenset({("/name", "person-name"), ("/email", "email")}))
        yield _prose(chance, "person-name", f"spoke to Mrs {chance.choice(making.FIRST)} {chance.choice(making.LAST)}")
        yield _under(chance, "street-address", ("street", "address_line_1", "address"), making.street(chance), "named")
        yield _prose(chance, "street-address", f"deliver to {making.street(chance)}")
        yield _under(chance, "postal-code", ("postcode", "zip", "postalCode", "plz"), making.postcode(chance), "named")
        yield _under(chance, "date-of-birth", ("dob", "birth_date", "dateOfBirth"), making.birth(chance), "named")
        yield _prose(chance, "date-of-birth", f"born on {making.birth(chance)}")
        place = {"lat": round(chance.uniform(-89, 89), 6), "lng": round(chance.uniform(-179, 179), 6)}
        yield Sample("beside", place, frozenset({("/lat", "coordinates"), ("/lng", "coordinates")}))


def _negatives(chance: random.Random, each: int) -> Iterator[Sample]:
    for kind, draws in (("hard", hard.NAMED), ("hard-bare", hard.BARE)):
        for name, draw in draws.items():
            for _ in range(each):
                yield Sample(kind, {name: draw(chance), "kind": "thing"}, frozenset())
    for _ in range(each * 10):
        yield Sample("hard-prose", {"note": hard.prose(chance)}, frozenset())


def by_hand() -> Iterator[Sample]:
    """Documents written by hand, with every value marked that a reader would mark."""
    lines = Path(__file__).with_name("by_hand.jsonl").read_text(encoding="utf-8").splitlines()
    for line in lines:
        entry = json.loads(line)
        expected = frozenset((pointer, one) for pointer, found in entry["expect"].items() for one in found.split())
        yield Sample("by-hand", entry["document"], expected)

"""Values of each kind, drawn by a seed. Check digits are found by trying: the rules are held against published numbers
in ``test_check_digits.py``."""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable

from assay.scanning import national
from assay.scanning.payment import IBAN_LENGTHS, is_card, is_iban

_FIRST = "Anna Bram Chloé Dmitri Eva Farid Greta Hugo Ines Jürgen Kofi Lena Mateo Nadia Olga Pavel Rosa Sven Tara Umar"
_LAST = (
    "Jansen Müller Smith García O'Connor Rossi Nowak Dubois Lindqvist Fernández Sharma Silva Peeters Kowalska Okafor"
    " McDonald Schneider Martin Visser Bianchi"
)
FIRST, LAST = _FIRST.split(), _LAST.split()
STREETS = ("Baker Street", "Elm Avenue", "Station Road", "Mill Lane", "Park Drive", "King's Way", "Harbour Court")
JOINED = ("Hauptstraße", "Bahnhofstrasse", "Kerkstraat", "Lindenallee", "Gartenweg", "Prinsengracht", "Schillerplatz")

Draw = Callable[[random.Random], str]


def digits(chance: random.Random, n: int) -> str:
    return "".join(chance.choice(string.digits) for _ in range(n))


def _until(chance: random.Random, make: Callable[[], str], accepts: Callable[[str], bool]) -> str:
    while True:
        made = make()
        if accepts(made):
            return made


def _date(chance: random.Random) -> tuple[int, int, int]:
    return chance.randint(1935, 2006), chance.randint(1, 12), chance.randint(1, 28)


def card(chance: random.Random) -> str:
    prefix, length = chance.choice(
        [("4", 16), ("4", 16), ("51", 16), ("55", 16), ("2221", 16), ("34", 15), ("37", 15), ("6011", 16), ("3530", 16)]
    )
    return _until(chance, lambda: prefix + digits(chance, length - len(prefix)), is_card)


def dressed_card(chance: random.Random) -> str:
    number, gap = card(chance), chance.choice(" -")
    cuts = (4, 10) if len(number) == 15 else (4, 8, 12)
    return gap.join(number[a:b] for a, b in zip((0, *cuts), (*cuts, len(number)), strict=True))


def iban(chance: random.Random) -> str:
    country = chance.choice(["DE", "NL", "FR", "ES", "BE", "GB", "IT", "PL", "SE"])
    letters = {"NL": 4, "GB": 4}.get(country, 0)
    bank = "".join(chance.choice(string.ascii_uppercase) for _ in range(letters))
    body = bank + digits(chance, IBAN_LENGTHS[country] - 4 - letters)
    if country == "IT":
        body = chance.choice(string.ascii_uppercase) + body[1:]
    return next(c for c in (f"{country}{n:02}{body}" for n in range(2, 99)) if is_iban(c))


def spaced_iban(chance: random.Random) -> str:
    plain = iban(chance)
    return " ".join(plain[i : i + 4] for i in range(0, len(plain), 4))


def ssn(chance: random.Random) -> str:
    return _until(
        chance,
        lambda: f"{digits(chance, 3)}-{digits(chance, 2)}-{digits(chance, 4)}",
        lambda t: national.us_ssn(t.replace("-", "")),
    )


def nino(chance: random.Random) -> str:
    letters = "ABCEGHJKLMNPRSTWXYZ"
    return _until(
        chance,
        lambda: chance.choice(letters) + chance.choice(letters) + digits(chance, 6) + chance.choice("ABCD"),
        national.uk_nino,
    )


def spaced_nino(chance: random.Random) -> str:
    n = nino(chance)
    return f"{n[:2]} {n[2:4]} {n[4:6]} {n[6:8]} {n[8]}"


def bsn(chance: random.Random) -> str:
    return _until(chance, lambda: digits(chance, 9), national.nl_bsn)


def steuer(chance: random.Random) -> str:
    def make() -> str:
        ten = chance.sample(string.digits, 9)
        ten.insert(chance.randrange(9), chance.choice(ten))
        return "".join(ten) + digits(chance, 1)

    return _until(chance, make, national.de_steuer_id)


def spaced_steuer(chance: random.Random) -> str:
    n = steuer(chance)
    return f"{n[:2]} {n[2:5]} {n[5:8]} {n[8:]}"


def nir(chance: random.Random) -> str:
    year, month, _ = _date(chance)
    body = f"{chance.choice('12')}{year % 100:02}{month:02}{chance.randint(1, 95):02}{digits(chance, 6)}"
    return body + f"{97 - int(body) % 97:02}"


def spaced_nir(chance: random.Random) -> str:
    n = nir(chance)
    return " ".join((n[0], n[1:3], n[3:5], n[5:7], n[7:10], n[10:13], n[13:]))


def dni(chance: random.Random) -> str:
    n = digits(chance, 8)
    return n + "TRWAGMYFPDXBNJZSQVHLCKE"[int(n) % 23]


def nie(chance: random.Random) -> str:
    return _until(
        chance,
        lambda: chance.choice("XYZ") + digits(chance, 7) + chance.choice(string.ascii_uppercase),
        national.es_nie,
    )


def fiscale(chance: random.Random) -> str:
    consonants = "BCDFGLMNPRSTVZ"
    head = "".join(chance.choice(consonants) for _ in range(6))
    body = f"{head}{digits(chance, 2)}{chance.choice('ABCDEHLMPRST')}{chance.randint(1, 31):02}H{digits(chance, 3)}"
    return next(body + c for c in string.ascii_uppercase if national.it_codice_fiscale(body + c))


def pesel(chance: random.Random) -> str:
    year, month, day = _date(chance)
    month += 20 if year >= 2000 else 0
    return _until(chance, lambda: f"{year % 100:02}{month:02}{day:02}{digits(chance, 5)}", national.pl_pesel)


def belgian(chance: random.Random) -> str:
    year, month, day = _date(chance)
    body = f"{year % 100:02}{month:02}{day:02}{chance.randint(1, 997):03}"
    return body + f"{97 - int(('2' if year >= 2000 else '') + body) % 97:02}"


def dressed_belgian(chance: random.Random) -> str:
    n = belgian(chance)
    return f"{n[:2]}.{n[2:4]}.{n[4:6]}-{n[6:9]}.{n[9:]}"


def swedish(chance: random.Random) -> str:
    year, month, day = _date(chance)
    return _until(
        chance,
        lambda: f"{year % 100:02}{month:02}{day:02}-{digits(chance, 4)}",
        lambda t: national.se_personnummer(t.replace("-", "")),
    )


def aadhaar(chance: random.Random) -> str:
    return _until(chance, lambda: chance.choice("23456789") + digits(chance, 11), national.in_aadhaar)


def spaced_aadhaar(chance: random.Random) -> str:
    n = aadhaar(chance)
    return f"{n[:4]} {n[4:8]} {n[8:]}"


def cpf(chance: random.Random) -> str:
    return _until(chance, lambda: digits(chance, 11), national.br_cpf)


def dressed_cpf(chance: random.Random) -> str:
    n = cpf(chance)
    return f"{n[:3]}.{n[3:6]}.{n[6:9]}-{n[9:]}"


def plain(draw: Draw) -> Draw:
    return lambda chance: "".join(c for c in draw(chance) if c.isalnum())


def email(chance: random.Random) -> str:
    first = chance.choice(FIRST).lower().encode("ascii", "ignore").decode()
    last = "".join(c for c in chance.choice(LAST).lower() if c.isascii() and c.isalpha())
    local = chance.choice([f"{first}.{last}", f"{first[0]}{last}", f"{first}+{digits(chance, 2)}", f"{last}_{first}"])
    return f"{local}@{chance.choice(['example.com', 'mail.example.org', 'post.example.co.uk', 'firma.example.de'])}"


def e164(chance: random.Random) -> str:
    return chance.choice(
        [
            f"+31 6 {digits(chance, 8)}",
            f"+4915{digits(chance, 9)}",
            f"+44 7{digits(chance, 3)} {digits(chance, 6)}",
            f"+1 {chance.randint(212, 989)} {chance.randint(220, 989)} {digits(chance, 4)}",
            f"+33 6 {' '.join(digits(chance, 2) for _ in range(4))}",
            f"+91 9{digits(chance, 4)} {digits(chance, 5)}",
        ]
    )


def national_phone(chance: random.Random) -> str:
    return chance.choice(
        [
            f"06-{digits(chance, 8)}",
            f"020 {digits(chance, 3)} {digits(chance, 4)}",
            f"({chance.randint(212, 989)}) {chance.randint(220, 989)}-{digits(chance, 4)}",
            f"0{chance.randint(30, 89)}/{digits(chance, 7)}",
            f"07{digits(chance, 3)} {digits(chance, 6)}",
        ]
    )


def ip4(chance: random.Random) -> str:
    first = chance.choice([23, 45, 78, 81, 93, 130, 145, 185, 203, 212])
    return f"{first}.{chance.randint(32, 255)}.{chance.randint(0, 255)}.{chance.randint(1, 254)}"


def ip6(chance: random.Random) -> str:
    groups = [f"{chance.randint(1, 65535):x}" for _ in range(chance.choice([2, 5]))]
    return "2a02:" + ":".join(groups) + "::" + f"{chance.randint(1, 255):x}"


def jwt(chance: random.Random) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    signature = base64.urlsafe_b64encode(chance.randbytes(32)).decode().rstrip("=")
    return f"{part({'alg': 'RS256', 'typ': 'JWT'})}.{part({'sub': digits(chance, 8), 'exp': 1790000000})}.{signature}"


def _letters(chance: random.Random, n: int, among: str = string.ascii_letters + string.digits) -> str:
    return "".join(chance.choice(among) for _ in range(n))


KEYS: dict[str, Draw] = {
    # Put together here, so that no file of the repository holds the form of a key.
    "aws-access-key": lambda c: "AK" + "IA" + _letters(c, 16, string.ascii_uppercase + "234567"),
    "github-token": lambda c: "gh" + "p_" + _letters(c, 36),
    "slack-token": lambda c: "xo" + f"xb-{digits(c, 12)}-{digits(c, 12)}-" + _letters(c, 24),
    "stripe-key": lambda c: "sk_" + "live_" + _letters(c, 24),
    "google-api-key": lambda c: "AI" + "za" + _letters(c, 35),
    "private-key": lambda c: "-----BEGIN " + c.choice(["", "RSA ", "EC "]) + "PRIVATE KEY-----",
    "password-hash": lambda c: "$2b$12$" + _letters(c, 53),
}


def secret(chance: random.Random) -> str:
    return _letters(chance, chance.choice([24, 32, 43]))


def password(chance: random.Random) -> str:
    return chance.choice(["Summer", "dragon", "Welkom", "pa55word"]) + digits(chance, 3) + chance.choice("!?#x")


def name(chance: random.Random) -> str:
    return f"{chance.choice(FIRST)} {chance.choice(['', '', 'van ', 'de '])}{chance.choice(LAST)}"


def street(chance: random.Random) -> str:
    if chance.random() < 0.5:
        return f"{chance.randint(1, 400)} {chance.choice(STREETS)}"
    return f"{chance.choice(JOINED)} {chance.randint(1, 300)}"


def postcode(chance: random.Random) -> str:
    upper = string.ascii_uppercase
    return chance.choice(
        [digits(chance, 5), f"{chance.randint(1000, 9999)} {_letters(chance, 2, upper)}", f"SW{digits(chance, 1)} 4AB"]
    )


def birth(chance: random.Random) -> str:
    year, month, day = _date(chance)
    return chance.choice([f"{year}-{month:02}-{day:02}", f"{day:02}.{month:02}.{year}", f"{month:02}/{day:02}/{year}"])

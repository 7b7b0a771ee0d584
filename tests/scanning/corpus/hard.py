"""Things that look like personal data and are none, under the names they have in real payloads."""

from __future__ import annotations

import random
import string
import uuid
from collections.abc import Callable

from tests.scanning.corpus.making import digits

Draw = Callable[[random.Random], object]
_HEX = "0123456789abcdef"


def _hex(chance: random.Random, n: int) -> str:
    return "".join(chance.choice(_HEX) for _ in range(n))


def _uuid(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


def _ean13(chance: random.Random) -> str:
    body = chance.choice(["400", "401", "87", "50"]) + digits(chance, 13)
    body = body[:12]
    total = sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(body))
    return body + str(-total % 10)


def _version(chance: random.Random) -> str:
    return ".".join(str(chance.randint(0, 140)) for _ in range(4))


def _product(chance: random.Random) -> str:
    return (
        f"{''.join(chance.choice(string.ascii_uppercase) for _ in range(2))}{digits(chance, 6)}{chance.choice('ABCD')}"
    )


NAMED: dict[str, Draw] = {
    "order_number": lambda c: chance_of(c, "4539") + digits(c, 12),
    "orderId": lambda c: digits(c, 11),
    "invoice": lambda c: f"{c.randint(100, 999)}-{digits(c, 2)}-{digits(c, 4)}",
    "tracking": lambda c: digits(c, 12),
    "sku": _product,
    "product_code": lambda c: f"{digits(c, 8)}{c.choice(string.ascii_uppercase)}",
    "ean": _ean13,
    "gtin": lambda c: int(_ean13(c)),
    "isbn": lambda c: f"978-{digits(c, 1)}-{digits(c, 2)}-{digits(c, 6)}-{digits(c, 1)}",
    "imei": lambda c: "35" + digits(c, 13),
    "uuid": _uuid,
    "request_id": _uuid,
    "trace_id": lambda c: _hex(c, 32),
    "span_id": lambda c: digits(c, 16),
    "sha256": lambda c: _hex(c, 64),
    "etag": lambda c: f'"{_hex(c, 32)}"',
    "commit": lambda c: _hex(c, 40),
    "created_at": lambda c: c.randint(1_600_000_000_000, 1_790_000_000_000),
    "timestamp": lambda c: c.randint(1_600_000_000, 1_790_000_000),
    "updated": lambda c: (
        f"2026-{c.randint(1, 12):02}-{c.randint(1, 28):02}T{c.randint(10, 23)}:05:{c.randint(10, 59)}+01:00"
    ),
    "expires": lambda c: f"{c.randint(2026, 2031)}-{c.randint(1, 12):02}-{c.randint(1, 28):02}",
    "version": _version,
    "user_agent": lambda c: (
        f"Mozilla/5.0 (X11; Linux x86_64) Chrome/{c.randint(90, 140)}.0.{c.randint(1000, 7000)}.{c.randint(1, 200)}"
    ),
    "oid": lambda c: f"1.3.6.1.4.1.{c.randint(1000, 60000)}.{c.randint(1, 9)}",
    "mac_address": lambda c: ":".join(_hex(c, 2) for _ in range(6)),
    "duration": lambda c: f"{c.randint(0, 23):02}:{c.randint(0, 59):02}:{c.randint(0, 59):02}",
    "network": lambda c: f"{c.randint(11, 200)}.{c.randint(0, 255)}.0.0/16",
    "listen": lambda c: "127.0.0.1",
    "image": lambda c: f"icon-{digits(c, 2)}@2x.png",
    "package": lambda c: f"@scope/lib@{c.randint(1, 9)}.{c.randint(0, 20)}.0",
    "remote_url": lambda c: f"git@github.com:org{digits(c, 2)}/repo.git",
    "handle": lambda c: f"@user{digits(c, 4)}",
    "amount": lambda c: round(c.uniform(1, 99_999), 2),
    "balance": lambda c: f"{c.randint(1, 999)}.{digits(c, 3)}.{digits(c, 3)},{digits(c, 2)}",
    "ratio": lambda c: c.random(),
    "phone_model": lambda c: f"SM-{c.choice('AGS')}{digits(c, 3)}F",
    "timezone": lambda c: f"+0{c.randint(0, 9)}:00",
    "product_name": lambda c: c.choice(["Summer Dress", "Oak Table", "Garden Hose", "Desk Lamp"]),
    "file_name": lambda c: f"Report {digits(c, 4)}",
    "company_name": lambda c: c.choice(["Acme GmbH", "Northwind Ltd", "Blue Sky Inc"]),
    "event_name": lambda c: c.choice(["Order Placed", "User Created"]),
    "status": lambda c: c.choice(["Active", "On Hold", "Sent"]),
    "ip_address_count": lambda c: c.randint(1, 99),
    "email_address_verified": lambda c: c.choice([True, False]),
    "password_reset_url": lambda c: "https://example.com/reset",
    "password": lambda c: "********",
    "masked_card": lambda c: f"**** **** **** {digits(c, 4)}",
    "next_page_token": lambda c: _hex(c, 24),
    "token_type": lambda c: "Bearer",
    "key_id": lambda c: _hex(c, 20),
    "public_key": lambda c: "-----BEGIN PUBLIC KEY-----",
    "latency": lambda c: c.uniform(0, 90),
    "part": lambda c: f"{digits(c, 4)}-{digits(c, 4)}-{digits(c, 4)}",
    "payment_reference": lambda c: "4" + digits(c, 15),
    "card_serial": lambda c: "5" + digits(c, 15),
    "birthday_greeting": lambda c: c.choice([True, False]),
    "batch": lambda c: f"{c.randint(20, 29)}{c.randint(1, 12):02}{c.randint(1, 28):02}-{digits(c, 4)}",
}
"""By name: the words around say what it is."""

BARE: dict[str, Draw] = {
    "number": lambda c: digits(c, 16),
    "value": lambda c: digits(c, 11),
    "code": lambda c: digits(c, 9),
    "id": lambda c: c.randint(10**8, 10**13),
    "ref": _product,
    "label": _uuid,
    "a": lambda c: _hex(c, 32),
    "b": _version,
    "c": lambda c: digits(c, 12),
    "d": lambda c: f"{digits(c, 3)}.{digits(c, 3)}",
    "e": lambda c: f"{c.choice(string.ascii_uppercase)}{digits(c, 7)}{c.choice(string.ascii_uppercase)}",
    "f": lambda c: f"abc::def::{_hex(c, 3)}",
    "g": lambda c: f"{digits(c, 8)}{c.choice(string.ascii_uppercase)}",
    "h": lambda c: f"+{digits(c, 3)}",
    "i": lambda c: f"+{digits(c, 10)}",
    "j": lambda c: f"{digits(c, 3)} {digits(c, 3)} {digits(c, 3)}",
}
"""Under names that say nothing: chance alone decides whether check digits fit."""

PROSE = (
    "Order {n16} was shipped on 2026-03-04, tracking {n12}.",
    "Upgraded from 10.2.{n1}.{n2} to version 12.0.{n1}.{n2}; build {n9}.",
    "Use article {n8}X from page {n2}, see section 3.1.{n1}.{n2} for details.",
    "Request {u} took {n3} ms at 12:03:{n2} and returned {n5} bytes.",
    "Ping @channel: meeting at 10:30 in room {n3}, agenda v{n1}.{n2}.",
    "Reference {n4}-{n4}-{n4}, amount {n3},{n2} EUR, due in {n2} days.",
    "The std::vector<int> holds {n6} items; checksum {h}.",
    "It rained 12 days on the way, and 4 places were free at {n2} o'clock.",
    "Serial no. {n12}, firmware {n1}.{n1}.{n2}.{n1}, MAC 00:1a:{n2}:3b:4c:5d.",
    "Dear customer, your ticket {n9} is being handled.",
)


def chance_of(chance: random.Random, *among: str) -> str:
    return chance.choice(among)


def prose(chance: random.Random) -> str:
    text = chance.choice(PROSE)
    for n in (1, 2, 3, 4, 5, 6, 8, 9, 12, 16):
        while f"{{n{n}}}" in text:
            text = text.replace(f"{{n{n}}}", digits(chance, n), 1)
    return text.replace("{u}", _uuid(chance)).replace("{h}", _hex(chance, 40))

"""Text in the formats that contracts name (JSON Schema 2020-12 validation § 7.3, and OpenAPI's own)."""

from __future__ import annotations

import base64
import random
import uuid
from collections.abc import Callable


def of_format(name: str, rng: random.Random, unique: str) -> str | None:
    """A text of a format, or None for one that is not known. ``unique`` goes where texts are likely to be unique."""
    maker = _MAKERS.get(name)
    return maker(rng, unique.lower() or f"{rng.getrandbits(48):012x}") if maker else None


def sized(text: str, least: int, most: int) -> str:
    """``text`` repeated or cut to a length between the bounds."""
    if len(text) < least:
        text = (text * (least // max(len(text), 1) + 1))[:least]
    return text[: max(most, 0)]


def _uuid(rng: random.Random, mark: str) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


_MAKERS: dict[str, Callable[[random.Random, str], str]] = {
    "email": lambda rng, mark: f"prove-{mark}@example.test",
    "idn-email": lambda rng, mark: f"prove-{mark}@example.test",
    "uuid": _uuid,
    "guid": _uuid,
    "date": lambda rng, mark: f"19{rng.randrange(50, 99)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 28):02}",
    "date-time": lambda rng, mark: f"2024-{rng.randrange(1, 13):02}-{rng.randrange(1, 28):02}T12:00:00Z",
    "time": lambda rng, mark: "12:00:00Z",
    "duration": lambda rng, mark: "PT1H",
    "uri": lambda rng, mark: f"https://example.test/{mark}",
    "url": lambda rng, mark: f"https://example.test/{mark}",
    "iri": lambda rng, mark: f"https://example.test/{mark}",
    "uri-reference": lambda rng, mark: f"/{mark}",
    "hostname": lambda rng, mark: f"h{mark[:20]}.example.test",
    "ipv4": lambda rng, mark: f"192.0.2.{rng.randrange(1, 255)}",
    "ipv6": lambda rng, mark: f"2001:db8::{rng.randrange(1, 9999)}",
    "byte": lambda rng, mark: base64.b64encode(mark.encode()).decode(),
    "password": lambda rng, mark: f"Pw-{mark}!9",
    "json-pointer": lambda rng, mark: f"/{mark}",
    "regex": lambda rng, mark: f"^{mark}$",
}

"""What single values may look like, and the base of every mapping."""

from __future__ import annotations

import ipaddress
import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, WithJsonSchema

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def _identifier(value: str) -> str:
    if not _ID.fullmatch(value):
        raise ValueError("an id is letters, digits, `-`, `_` and `.`, and starts with a letter or digit")
    return value


def _network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value, strict=False))
    except ValueError:
        raise ValueError("a network is an address or a range, such as 203.0.113.0/24 or 2001:db8::/32") from None


def _secret_reference(value: str) -> str:
    if not re.fullmatch(r"env:[A-Za-z_][A-Za-z0-9_]*|file:.+", value):
        raise ValueError("a secret is given by reference: `env:NAME` or `file:PATH`, never as a literal")
    return value


def _listen(value: str) -> str:
    host, _, port = value.rpartition(":")
    try:
        if not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65536:
            raise ValueError
        if ipaddress.ip_address(host.removeprefix("[").removesuffix("]")).version == 6 and not host.startswith("["):
            raise ValueError
    except ValueError:
        raise ValueError("an address is IP:PORT, such as 127.0.0.1:8443 or [::1]:8443") from None
    return value


def _http_url(value: str) -> str:
    if not re.fullmatch(r"https?://[^/?#@\s]+(/[^?#\s]*)?", value):
        raise ValueError(
            "a URL here is http:// or https://, a host, and at most a path (no credentials, query or fragment)"
        )
    return value


def _day(value: Any) -> Any:
    """Only a date as text: a number would be taken for seconds since 1970, and an expiry must fail closed."""
    if isinstance(value, date) or (isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value)):
        return value
    raise ValueError("a date is YEAR-MONTH-DAY, such as 2027-01-31")


def _as_tuple(value: Any) -> Any:
    """One value where a list may stand means a list of one."""
    return [value] if isinstance(value, str | dict) else value


Id = Annotated[str, AfterValidator(_identifier), WithJsonSchema({"type": "string", "pattern": f"^{_ID.pattern}$"})]


Network = Annotated[str, AfterValidator(_network)]


SecretReference = Annotated[
    str,
    AfterValidator(_secret_reference),
    WithJsonSchema({"type": "string", "pattern": "^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$"}),
]


Listen = Annotated[str, AfterValidator(_listen)]


HttpUrl = Annotated[str, AfterValidator(_http_url)]


Role = Id


Day = Annotated[date, BeforeValidator(_day)]


OneOrMore = Annotated[tuple[str, ...], BeforeValidator(_as_tuple, json_schema_input_type=str | tuple[str, ...])]


Level = Literal["public", "internal", "confidential", "restricted", "special"]


LEVELS: tuple[Level, ...] = ("public", "internal", "confidential", "restricted", "special")


MaskForm = Literal["clear", "drop", "fixed", "last4", "email", "generalise", "hash", "token", "encrypt"]


Encryption = Literal["aes-256-gcm", "aes-128-gcm", "none", "unknown"]


class Mapped(BaseModel):
    """Base of every mapping: frozen, strict about unknown keys."""

    # Built when a declaration is first validated: one validator for the whole, and none for commands that read nothing.
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, defer_build=True)


class SecretRef(Mapped):
    """A secret by reference."""

    secret: SecretReference

"""People who decide, and the public keys that show that they did."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from assay.declare.model.values import Day, Mapped

_KIND = "ssh-ed25519"
_PREFIX = len(_KIND).to_bytes(4, "big") + _KIND.encode() + (32).to_bytes(4, "big")
_OTHERS = {
    "ssh-rsa": "RSA",
    "ssh-dss": "DSA",
    "ecdsa-": "ECDSA",
    "sk-": "a security key (FIDO)",
}
_PLAIN = "it is one line, `ssh-ed25519 AAAA… comment`, as in the file that ends in .pub"


def _ssh_key(value: str) -> str:
    words = value.split(None, 2)
    kind = words[0] if words else ""
    if "PRIVATE KEY" in value:
        raise ValueError("this is a private key, and only its owner may have it; a public key belongs here")
    if kind != _KIND:
        other = next((name for start, name in _OTHERS.items() if kind.startswith(start)), "")
        if other:
            raise ValueError(f"only Ed25519 keys are accepted, and this is {other}: `ssh-keygen -t ed25519` makes one")
        raise ValueError(f"this is no OpenSSH public key: {_PLAIN}")
    if len(words) < 2 or "\n" in value:
        raise ValueError(f"this is no OpenSSH public key: {_PLAIN}")
    try:
        blob = base64.b64decode(words[1].encode(), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("the key is not in base64: copy it whole, from one line") from None
    if len(blob) != len(_PREFIX) + 32 or not blob.startswith(_PREFIX):
        raise ValueError("the key is damaged: copy it whole, from one line")
    return value


SshKey = Annotated[str, AfterValidator(_ssh_key)]


def public_of(key: str) -> bytes:
    """The 32 bytes of an Ed25519 public key in the form of OpenSSH (RFC 4253, section 6.6, and RFC 8709)."""
    return base64.b64decode(key.split(None, 2)[1].encode())[len(_PREFIX) :]


class PersonKey(Mapped):
    """A public key, and the days between which it decides."""

    key: SshKey = Field(description="An OpenSSH public key of the kind Ed25519: `ssh-ed25519 AAAA… comment`.")
    since: Day | None = Field(None, description="The first day on which it decides.")
    until: Day | None = Field(None, description="The last day on which it decides: write it when a key is replaced.")

    @model_validator(mode="after")
    def _in_order(self) -> PersonKey:
        if self.since and self.until and self.until < self.since:
            raise ValueError("`until` is before `since`: this key never decides")
        return self


def _as_key(value: Any) -> Any:
    return {"key": value} if isinstance(value, str) else value


class Person(Mapped):
    """Somebody who requests, approves or reviews, and is known by a key of their own."""

    name: str = Field(min_length=1, description="Their name, as reports show it.")
    email: str | None = Field(None, description="Where to ask.")
    roles: tuple[str, ...] = Field((), description="What they are in the organisation, in your words.")
    keys: tuple[Annotated[PersonKey, BeforeValidator(_as_key, json_schema_input_type=PersonKey | str)], ...] = Field(
        min_length=1, description="Public keys, each of this person alone. A replaced key stays, with `until:`."
    )
    logins: tuple[str, ...] = Field(
        (),
        description="Names of their accounts where `assay apply` runs, besides their id: nobody may apply what they "
        "alone approved.",
    )

"""Where things run: the organisation, the gateway, environments and who issues their tokens."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from assay.declare.model.values import HttpUrl, Id, Listen, Mapped, OneOrMore, Role, SecretRef
from assay.declare.quantities import Bytes, Duration


class Organisation(Mapped):
    """Who declares."""

    name: str
    subjects: int | None = Field(None, ge=0, description="How many people the organisation holds data about.")
    jurisdictions: tuple[str, ...] = ()
    contact: str | None = Field(None, description="How to reach the controller (GDPR Art. 30(1)(a)).")
    dpo: str | None = Field(None, description="The data protection officer, and how to reach them.")
    representative: str | None = Field(
        None, description="The representative in the Union, for controllers outside of it (GDPR Art. 27)."
    )


class TlsFiles(Mapped):
    """A certificate of your own, as PEM files. Without it a development certificate is made at first start."""

    certificate: str
    key: str


class GatewayTls(Mapped):
    """How the gateway speaks TLS."""

    files: TlsFiles | None = None
    minimum: Literal["1.2", "1.3"] = "1.2"
    client_ca: str | None = Field(None, description="PEM file of the authority that signs client certificates.")
    names: tuple[str, ...] = Field((), description="Names and addresses in the development certificate.")
    hsts: Duration = 31_536_000


class Gateway(Mapped):
    """The enforcement point."""

    listen: Listen = "127.0.0.1:8443"
    tls: GatewayTls = GatewayTls()
    plaintext: bool = Field(False, description="Serve HTTP without TLS. Only for a gateway behind a TLS terminator.")
    trusted_hops: int = Field(0, ge=0, le=10, description="How many proxies in front append to X-Forwarded-For.")
    max_connections: int = Field(10_000, ge=1)
    header_bytes: Bytes = Field(default=32 * 1024, validate_default=True)
    headers: int = Field(64, ge=8, le=1000, description="Most header fields in one request.")
    crs: str | None = Field(None, description="Directory of the OWASP Core Rule Set, to use in full (slower).")


class Claims(Mapped):
    """Which claims of a token mean what. A dotted name descends; `roles: null` trusts the consumer alone."""

    subject: str = "sub"
    client: str = "azp"
    roles: str | None = "roles"
    scope: str = "scope"
    tenant: str = "tenant"


class Introspection(Mapped):
    """Opaque tokens, asked about at the issuer (RFC 7662)."""

    url: HttpUrl
    client: str
    credential: SecretRef
    cache: Duration = 30


class TestUser(Mapped):
    """A person of the development issuer, for the password grant."""

    subject: str
    roles: tuple[Role, ...] = ()
    tenant: str | None = None
    password: SecretRef | None = None


class Issuer(Mapped):
    """Who issues the tokens of an environment."""

    url: HttpUrl | None = None
    development: bool = Field(False, description="Use Assay's development issuer. Never in production.")
    jwks: str | None = Field(None, description="URL or file of the key set; default: OIDC discovery at `url`.")
    ca: str | None = Field(None, description="PEM file of the authority that signed the issuer's certificate.")
    audience: OneOrMore = ()
    algorithms: tuple[
        Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"], ...
    ] = (
        "RS256",
        "ES256",
    )
    max_lifetime: Duration = 3600
    clock_skew: Duration = 30
    claims: Claims = Claims()
    introspection: Introspection | None = None
    users: dict[Id, TestUser] = {}

    @model_validator(mode="after")
    def _one_source(self) -> Issuer:
        if self.development == bool(self.url):
            raise ValueError("an issuer is either `development: true` or has a `url`")
        if self.users and not self.development:
            raise ValueError("`users` belong to the development issuer only")
        return self


def _issuer(value: Any) -> Any:
    return {"url": value} if isinstance(value, str) else value


class Environment(Mapped):
    """Where things run."""

    tier: Literal["production", "non-production"]
    issuer: Annotated[Issuer | None, BeforeValidator(_issuer, json_schema_input_type=str | Issuer | None)] = None
    gateway: Gateway | None = Field(
        None,
        description="A gateway of its own, run with `--environment`. What it does not say is as under `gateway:`.",
    )

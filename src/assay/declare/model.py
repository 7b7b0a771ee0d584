"""The declaration as typed, frozen values: what exists and what must hold.

Every class is one mapping of the YAML files; unknown keys are refused. Positions live beside the model, not in it
(:mod:`assay.declare.places`), so that two declarations that say the same compare equal.
"""

from __future__ import annotations

import ipaddress
import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from assay.declare.quantities import Bytes, Duration, Rate
from assay.domain import Category

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

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class SecretRef(Mapped):
    """A secret by reference."""

    secret: SecretReference


class Organisation(Mapped):
    """Who declares."""

    name: str
    subjects: int | None = Field(None, ge=0, description="How many people the organisation holds data about.")
    jurisdictions: tuple[str, ...] = ()


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


class AtRest(Mapped):
    """How a store keeps what it holds."""

    encryption: Encryption
    by: Literal["gateway", "store", "disk"]
    keys: Id | None = Field(None, description="Name of the keyset, for `by: gateway`.")


class Connection(Mapped):
    """How to look into a store, to read rights and find canaries for real."""

    kind: Literal["postgresql", "sqlite", "mysql", "other"]
    dsn: SecretRef


class System(Mapped):
    """Something that holds or processes data."""

    kind: Literal["database", "service", "saas", "queue", "file-store", "third-party"]
    environment: Id
    owner: str
    location: str | None = None
    holds: tuple[Id, ...] = ()
    at_rest: AtRest | None = None
    connection: Connection | None = None


class DataField(Mapped):
    """One field of a data set, and how sensitive it is."""

    category: str | None = Field(None, description="A fideslang data category, such as user.contact.email.")
    level: Level | None = None
    identifies: Literal["direct", "quasi"] | None = None
    bits: float | None = Field(None, ge=0, le=64)
    links: Id | None = None
    encrypt: bool | None = Field(
        None, description="Encrypt this field in the gateway; default: level restricted and up."
    )
    lookup: bool = Field(False, description="Encrypt deterministically, so that exact search still works.")
    free_text: bool = False
    guessed: Literal["low", "medium", "high"] | None = Field(
        None,
        description="This classification is a guess, held with this confidence; remove the key once it is confirmed.",
    )


class Data(Mapped):
    """A data set: a kind of record about somebody or something."""

    subjects: str | None = None
    from_: OneOrMore = Field(
        (), alias="from", description="Schemas of contracts this data appears as: FILE#/json/pointer."
    )
    purpose: tuple[str, ...] = ()
    legal_basis: (
        Literal["consent", "contract", "legal-obligation", "vital-interests", "public-task", "legitimate-interests"]
        | None
    ) = None
    retention: Duration | None = None
    fields: dict[str, DataField] = {}


class Product(Mapped):
    """The API as a product."""

    audience: tuple[str, ...] = ()
    lifecycle: Literal["design", "beta", "live", "deprecated", "retired"] = "live"
    support: str | None = None
    sunset: Day | None = None


class ReportFile(Mapped):
    """A file that must not change: its path and SHA-256."""

    file: str
    sha256: str


class PenTest(Mapped):
    """The last penetration test."""

    last: Day
    by: Literal["internal", "third-party"]
    report: ReportFile | None = None


class Access(Mapped):
    """Who may call which operations, and on which objects."""

    roles: tuple[Role, ...] = Field((), description="Any of these roles; empty with `anonymous: true`.")
    anonymous: bool = False
    operations: tuple[str, ...] = Field(min_length=1)
    owns: OneOrMore = Field((), description="`path.NAME == token.CLAIM`; all must hold.")
    scopes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _somebody(self) -> Access:
        if bool(self.roles) == self.anonymous:
            raise ValueError("an access rule names `roles`, or says `anonymous: true`")
        if self.anonymous and (self.owns or self.scopes):
            raise ValueError("an anonymous rule cannot ask for ownership or scopes")
        return self


class Reveal(Mapped):
    """Who sees which data classes, in which form."""

    roles: tuple[Role, ...] = Field(min_length=1)
    classes: tuple[str, ...] = Field(min_length=1)
    form: MaskForm = "clear"


class Limits(Mapped):
    """How much one caller may ask."""

    default: Rate | None = None
    write: Rate | None = Field(None, description="For POST, PUT, PATCH and DELETE together.")
    network: Rate | None = Field(None, description="For one client address, whoever calls.")
    operations: dict[str, Rate] = {}
    body: Bytes = Field(default=1024 * 1024, validate_default=True)


class Networks(Mapped):
    """Where calls may come from."""

    allow: tuple[Network, ...] = ()
    deny: tuple[Annotated[NetworkList | Network, Field(union_mode="left_to_right")], ...] = ()


class NetworkList(Mapped):
    """A file of networks, one per line, `#` comments."""

    list: str


class Strictness(Mapped):
    """What is refused because the contract does not name it."""

    query: bool = True
    body: bool = True
    headers: bool = False
    injection: bool = Field(True, description="Look for injection attempts in free text.")


class UpstreamTls(Mapped):
    """How the gateway trusts an https upstream."""

    ca: str | None = Field(None, description="PEM file; default: the system's authorities.")
    name: str | None = Field(None, description="Name expected in the certificate; default: the URL's host.")


class Observe(Mapped):
    """A control that only watches, on an API or on some of its operations."""

    control: Id
    operations: tuple[str, ...] = ("*",)


def _observe(value: Any) -> Any:
    return [{"control": v} if isinstance(v, str) else v for v in value] if isinstance(value, list) else value


class Api(Mapped):
    """An API: its contract, its upstream, and who may do what."""

    title: str | None = None
    owner: str
    product: Product = Product()
    layer: Literal["experience", "process", "system", "engagement", "innovation"] | None = None
    exposure: Literal["public", "partner", "internal"]
    environment: Id
    contract: str
    upstream: HttpUrl
    upstream_tls: UpstreamTls = UpstreamTls()
    hosts: tuple[str, ...] = ("*",)
    path: str | None = Field(None, description="Where the gateway serves it; default: the contract's base path.")
    backed_by: tuple[Id, ...] = ()
    pen_test: PenTest | None = None
    access: tuple[Access, ...] = ()
    reveal: tuple[Reveal, ...] = ()
    limits: Limits = Limits()
    networks: Networks | None = None
    strict: Strictness = Strictness()
    observe: Annotated[
        tuple[Observe, ...], BeforeValidator(_observe, json_schema_input_type=tuple[str | Observe, ...])
    ] = ()
    security: Literal["contract", "any"] = Field(
        "contract",
        description="`any`: where the contract declares no security, or only what a gateway cannot check"
        " (passwords, keys in the URL), accept any credential of a declared consumer.",
    )


class OAuth2(Mapped):
    """An OAuth 2.0 client."""

    client: str
    grants: tuple[Literal["client_credentials", "password"], ...] = ("client_credentials",)
    scopes: tuple[str, ...] = ()
    opaque: bool = Field(False, description="This client's tokens are opaque and must be introspected.")


class ApiKey(Mapped):
    """An API key, issued with `assay key issue`."""

    max_age: Duration = 90 * 86400


class Mtls(Mapped):
    """A client certificate, recognised by its subject alternative name."""

    san: str


class Authenticate(Mapped):
    """How a consumer proves who it is; any of the given ways."""

    oauth2: OAuth2 | None = None
    api_key: ApiKey | None = None
    mtls: Mtls | None = None

    @model_validator(mode="after")
    def _some_way(self) -> Authenticate:
        if not (self.oauth2 or self.api_key or self.mtls):
            raise ValueError("a consumer authenticates by `oauth2`, `api_key` or `mtls`")
        return self


class Consumer(Mapped):
    """A party that calls APIs."""

    kind: Literal["application", "partner", "service", "person"]
    authenticate: Authenticate
    roles: tuple[Role, ...] = Field(min_length=1)
    environment: Id | None = None
    clearance: Level = "internal"
    limit: Rate | None = None
    networks: Networks | None = None
    owner: str | None = None


class Right(Mapped):
    """What an account may do, by hand."""

    select: tuple[str, ...] = ()


class RightsFrom(Mapped):
    """Where an account's rights are read from."""

    read_from: str


class Credential(Mapped):
    """An account's credential, and how old it may grow."""

    issued: Day
    rotate: Duration


class Account(Mapped):
    """An identity that an integration uses in a system."""

    platform: str
    system: Id
    environment: Id
    owner: str
    rights: RightsFrom | tuple[dict[str, str] | str, ...] = ()
    needs: tuple[dict[str, str] | str, ...] = ()
    credential: Credential | None = None


class Flow(Mapped):
    """Data that goes from one system to another."""

    from_: Id = Field(alias="from")
    to: Id
    account: Id | None = None
    data: tuple[Id, ...] = ()
    into: Id | None = None
    transforms: dict[str, str | dict[str, Any]] = {}
    purpose: str | None = None


class Scope(Mapped):
    """What an objective speaks about."""

    apis: tuple[Id, ...] = ()
    operations: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    systems: tuple[Id, ...] = ()


class Target(Mapped):
    """When an objective counts as met."""

    coverage: Annotated[str, Field(pattern=r"^(100|[1-9]?[0-9])%$")] = "100%"
    evidence_age: Duration = 7 * 86400


class Objective(Mapped):
    """A measurable statement of what must hold."""

    category: Category
    statement: str
    scope: Scope = Scope()
    controls: tuple[Id, ...] = Field(min_length=1)
    target: Target = Target()


class Exception_(Mapped):
    """An accepted deviation; stays visible everywhere, and ends."""

    control: Id
    check: Id | None = None
    on: str
    reason: str = Field(min_length=8)
    owner: str
    approved_by: str
    compensating: tuple[Id, ...] = ()
    expires: Day


class Appetite(Mapped):
    """How much residual risk is accepted."""

    residual: Literal["note", "low", "medium", "high"] = "medium"
    for_: dict[str, Literal["note", "low", "medium", "high"]] = Field({}, alias="for")


class Model(Mapped):
    """The whole declaration, from all its files."""

    assay: Literal[1]
    organisation: Organisation
    profile: Literal["basic", "advanced"] | None = None
    gateway: Gateway = Gateway()
    environments: dict[Id, Environment] = {}
    systems: dict[Id, System] = {}
    data: dict[Id, Data] = {}
    apis: dict[Id, Api] = {}
    consumers: dict[Id, Consumer] = {}
    networks: Networks = Networks()
    accounts: dict[Id, Account] = {}
    flows: dict[Id, Flow] = {}
    objectives: dict[Id, Objective] = {}
    exceptions: tuple[Exception_, ...] = ()
    appetite: Appetite = Appetite()


Networks.model_rebuild()

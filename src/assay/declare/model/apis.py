"""The APIs: contract, upstream, who may do what, how much, and what is revealed."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from assay.declare.model.architecture import Layer
from assay.declare.model.values import Day, HttpUrl, Id, Mapped, MaskForm, Network, OneOrMore, Role
from assay.declare.quantities import Bytes, Rate


class Plan(Mapped):
    """What one kind of subscriber gets of a product."""

    limit: Rate | None = Field(None, description="The most that one subscriber may ask.")
    approval: Literal["automatic", "manual"] | None = Field(None, description="How a subscription comes about.")
    audience: tuple[str, ...] = Field((), description="Which of the product's audience it is for; empty: all.")


class Product(Mapped):
    """The API as a product."""

    audience: tuple[str, ...] = ()
    lifecycle: Literal["design", "beta", "live", "deprecated", "retired"] = "live"
    support: str | None = None
    version: str | None = Field(None, description="The version callers know, such as 2 or 2.1; see `info.version`.")
    deprecated: Day | None = Field(None, description="Since when it is deprecated; callers are told (RFC 9745).")
    sunset: Day | None = Field(None, description="The last day on which it is served; callers are told (RFC 8594).")
    replaced_by: Id | None = Field(None, description="The API that callers are to use instead.")
    plans: dict[Id, Plan] = Field({}, description="What subscribers can have, and how much of it.")
    terms: str | None = Field(None, description="Where the terms of use are: a URL or a file.")


class ReportFile(Mapped):
    """A file that must not change: its path and SHA-256."""

    file: str
    sha256: str


class FindingsFile(Mapped):
    """What testers or scanners found, in a file that must not change; `assay findings import` writes one."""

    file: str = Field(description="Its path, relative to the declaration.")
    format: Literal["assay", "sarif", "zap", "burp", "nuclei", "har"] | None = Field(
        None, description="Default: told by the file's content."
    )
    sha256: str | None = Field(None, description="SHA-256 of the file, in hexadecimal.")
    reported: Day | None = Field(None, description="When it was found; default: when the penetration test was.")
    fixed: tuple[str, ...] = Field((), description="Ids of findings that were seen to be mended by the retest.")


class PenTest(Mapped):
    """The last penetration test."""

    last: Day
    by: Literal["internal", "third-party"]
    report: ReportFile | None = None
    scope: tuple[str, ...] = Field((), description="Operations that were tested, by id or pattern; `*` is all.")
    retest: Day | None = Field(None, description="When its findings were last tested again.")
    findings: tuple[FindingsFile, ...] = Field((), description="What it found, for machines.")


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


class NetworkList(Mapped):
    """A file of networks, one per line, `#` comments."""

    list: str


class Networks(Mapped):
    """Where calls may come from."""

    allow: tuple[Network, ...] = ()
    deny: tuple[Annotated[NetworkList | Network, Field(union_mode="left_to_right")], ...] = ()


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
    layer: Layer | None = None
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

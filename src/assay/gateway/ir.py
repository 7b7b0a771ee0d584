"""What the gateway must do, in words that know no Envoy.

Controls write *pieces*; :func:`assay.gateway.assemble.assemble` fits them together; the translator in
:mod:`assay.gateway.envoy` turns the whole into configuration. Pieces are frozen and serialise to canonical JSON, so an
applied policy can be stored, digested and compared with the next one.

A piece carries the id of the control that wrote it, whether it enforces or only observes, and the place in the
declaration that asked for it (``source``; not part of the digest, so moving a line is not a change of policy).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import msgspec

SYSTEM_AUTHORITIES = "system"
"""The value of a CA path that means: the operating system's trusted authorities."""


class Mode(StrEnum):
    """Whether a piece refuses, or only records what it would have refused."""

    ENFORCE = "enforce"
    OBSERVE = "observe"


STATE = "state:"
"""Begins the path of a file in the gateway's state. Any other relative path begins at the declaration.

A policy names files like this, and no folder of a machine: it is the same wherever the project lies.
"""


class Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of the values inside pieces."""


class Piece(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag_field="piece",
    tag=True,
):
    """Base of everything a control asks of the gateway."""

    control: str
    source: str
    mode: Mode = Mode.ENFORCE


class Tls(Value, frozen=True):
    """TLS towards clients; paths are PEM files (see :data:`STATE`). ``client_ca`` lets clients present certificates
    (mTLS)."""

    certificate: str
    private_key: str
    minimum: Literal["1.2", "1.3"] = "1.2"
    client_ca: str | None = None
    hsts_seconds: int = 0


class Listener(Piece, frozen=True):
    """Where clients connect, and the bounds on what a connection may carry."""

    address: str
    port: int
    tls: Tls | None = None
    trusted_hops: int = 0
    max_connections: int = 10_000
    header_bytes: int = 32 * 1024
    headers: int = 64


class UpstreamTlsPolicy(Value, frozen=True):
    """How the gateway trusts an https upstream. ``ca`` is a PEM path or :data:`SYSTEM_AUTHORITIES`."""

    ca: str
    name: str


class Upstream(Piece, frozen=True):
    """The service behind an API. ``base_path`` is put before the contract's path (no trailing slash)."""

    api: str
    host: str
    port: int
    base_path: str = ""
    tls: UpstreamTlsPolicy | None = None
    timeout_seconds: float = 15.0


class Route(Piece, frozen=True):
    """One operation of a contract that may be reached.

    ``template`` is the contract's path template without base path; ``public_base`` is where the gateway serves it.
    ``pattern`` is an anchored RE2 expression over the full public path (base included) when the template has
    parameters, else empty and the path must equal ``public_base + template``. ``order`` sorts concrete before
    templated.
    """

    api: str
    operation: str
    method: str
    hosts: tuple[str, ...]
    public_base: str
    template: str
    pattern: str = ""
    order: int = 0
    upstream_base: str = ""


class ClaimNames(Value, frozen=True):
    """Where a token says what; each a path of object keys."""

    subject: tuple[str, ...] = ("sub",)
    client: tuple[str, ...] = ("azp",)
    roles: tuple[str, ...] | None = ("roles",)
    scope: tuple[str, ...] = ("scope",)
    tenant: tuple[str, ...] = ("tenant",)


class IntrospectionPolicy(Value, frozen=True):
    """RFC 7662. ``credential`` is a secret reference, resolved by the inspector at start."""

    url: str
    client: str
    credential: str
    cache_seconds: int = 30


class TokenIssuer(Piece, frozen=True):
    """Who issues tokens, and what a token must look like. Keys are run-time facts and not part of the policy."""

    issuer: str
    """Id: the environment's name."""
    url: str
    audiences: tuple[str, ...]
    algorithms: tuple[str, ...]
    max_lifetime_seconds: int = 3600
    clock_skew_seconds: int = 30
    claims: ClaimNames = ClaimNames()
    introspection: IntrospectionPolicy | None = None
    development: bool = False


class Caller(Piece, frozen=True):
    """A declared consumer, and how it is recognised. ``issuer`` is the environment whose tokens it uses."""

    consumer: str
    issuer: str | None = None
    client: str | None = None
    opaque: bool = False
    certificate_name: str | None = None
    api_key: bool = False
    roles: tuple[str, ...] = ()
    clearance: int = 1
    networks: tuple[str, ...] = ()


class Proof(Value, frozen=True):
    """One credential an operation accepts. ``header`` names the API key's header."""

    kind: Literal["token", "key", "certificate"]
    issuer: str | None = None
    scopes: tuple[str, ...] = ()
    header: str | None = None


class Authentication(Piece, frozen=True):
    """What an operation accepts as proof of identity: any of the alternatives, each a set of proofs that all must hold.

    An empty alternative means that anonymous calls are accepted. No alternative at all means nobody is.
    """

    api: str
    operation: str
    alternatives: tuple[tuple[Proof, ...], ...]


class Ownership(Value, frozen=True):
    """The path parameter that must equal a claim of the caller's token."""

    parameter: str
    claim: tuple[str, ...]


class AccessRule(Piece, frozen=True):
    """Who may call an operation. Its ``name`` appears in the access log as the deciding policy.

    ``roles`` empty means anonymous callers too. All of ``owns`` must hold. A rule that needs ownership never matches a
    caller without a token.
    """

    api: str
    operation: str
    name: str
    roles: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    owns: tuple[Ownership, ...] = ()


class Limit(Piece, frozen=True):
    """At most ``requests`` in ``seconds`` for each distinct caller (or consumer, or client address).

    ``operations`` empty means every operation of ``api``; they share one bucket per caller. ``methods`` narrows by
    verb.
    """

    api: str
    name: str
    per: Literal["caller", "consumer", "network"]
    requests: int
    seconds: int
    operations: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    consumer: str | None = None


class NetworkRule(Piece, frozen=True):
    """Where calls may come from. ``api`` empty means the whole gateway. ``allow`` empty means anywhere not denied."""

    api: str
    name: str
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()


class Admission(Piece, frozen=True):
    """Which consumers may call an API at all, whatever access rules say. Decided before them, by who a caller is.

    ``only``: nobody but these consumers; None: everybody but those in ``never``. Where ``only`` is given, a caller that
    has proven nothing is let in with ``anonymous`` alone.
    """

    api: str
    name: str
    only: tuple[str, ...] | None = None
    never: tuple[str, ...] = ()
    anonymous: bool = False


class SizeLimit(Piece, frozen=True):
    """Largest request body of an operation, in bytes; 0 for an operation without one."""

    api: str
    operation: str
    body_bytes: int


class SchemaLibrary(Piece, frozen=True):
    """The JSON Schemas of an API's requests: a JSON object of definitions, referred to as ``#/$defs/NAME``."""

    api: str
    definitions: str


class ParameterRule(Value, frozen=True):
    """One declared parameter and its schema (JSON text, may refer into the API's library)."""

    name: str
    location: Literal["path", "query", "header", "cookie"]
    schema: str
    required: bool = False
    style: str = "form"
    explode: bool = True
    media_type: str | None = None
    allow_empty: bool = False
    free_text: bool = False


class BodyRule(Value, frozen=True):
    """One accepted media type. ``schema`` empty: the body cannot be validated (and a verdict of design says so).

    ``free_text`` are paths of string properties to search for injection; ``*`` is any array item or additional
    property.
    """

    media_type: str
    schema: str = ""
    free_text: tuple[tuple[str, ...], ...] = ()


class Inspection(Piece, frozen=True):
    """What the inspector checks in a request of an operation. ``needed`` is false when Envoy alone can decide.

    With ``query_only`` the inspector is asked only when a request carries a query string, or a body.
    """

    api: str
    operation: str
    parameters: tuple[ParameterRule, ...] = ()
    bodies: tuple[BodyRule, ...] = ()
    body_required: bool = False
    body_bytes: int = 1024 * 1024
    closed_query: bool = True
    closed_headers: bool = False
    injection: bool = True
    max_depth: int = 32
    crs: str | None = None
    query_only: bool = False
    key_header: str | None = None


class ProtectedField(Value, frozen=True):
    """A field kept encrypted in the store. ``path`` as in :class:`BodyRule`; ``name`` binds ciphertext to its field."""

    path: tuple[str, ...]
    name: str
    form: Literal["aead", "deterministic"] = "aead"


class FieldEncryption(Piece, frozen=True):
    """Fields encrypted on the way in and decrypted on the way out, and query parameters that look them up."""

    api: str
    operation: str
    keyset: str
    request: tuple[ProtectedField, ...] = ()
    response: tuple[ProtectedField, ...] = ()
    query: tuple[tuple[str, str], ...] = ()
    """(query parameter, field name) pairs, encrypted deterministically."""


class MaskedField(Value, frozen=True):
    """A response field, its class, and the form each role sees; ``default`` for everybody else.

    A caller whose clearance is below ``level`` never sees ``clear``: it gets ``default``.
    """

    path: tuple[str, ...]
    name: str
    category: str
    level: int
    default: str = "fixed"
    forms: tuple[tuple[str, str], ...] = ()
    """(role, form) pairs; the most revealing form among the caller's roles applies."""


class Masking(Piece, frozen=True):
    """What callers see of an operation's responses. ``closed``: properties the contract does not name are dropped."""

    api: str
    operation: str
    fields: tuple[MaskedField, ...]
    closed: bool = False
    known: tuple[tuple[str, ...], ...] = ()
    """With ``closed``: every property path the contract names."""


class ErrorMasking(Piece, frozen=True):
    """Upstream answers with these statuses get a generic body."""

    api: str
    statuses: tuple[int, ...] = (500, 501, 502, 503, 504)


class ResponseHeaders(Piece, frozen=True):
    """Headers every answer of an API carries, and those it never does."""

    api: str
    add: tuple[tuple[str, str], ...] = ()
    remove: tuple[str, ...] = ()


class Lifecycle(Piece, frozen=True):
    """What every answer of an API says about how long it is there: ``Deprecation``, ``Sunset`` and ``Link`` headers."""

    api: str
    add: tuple[tuple[str, str], ...]


class Retired(Piece, frozen=True):
    """A path that was served once and is gone for good: refused with 410, whatever the method.

    Never in the way of a route. ``pattern`` and the rest as in :class:`Route`; ``name`` is the path template.
    """

    api: str
    name: str
    hosts: tuple[str, ...]
    public_base: str
    pattern: str = ""
    order: int = 0


class AccessLog(Piece, frozen=True):
    """One JSON line per call, written at most ``flush_milliseconds`` after it ended."""

    name: str = "access"
    flush_milliseconds: int = 100


AnyPiece = (
    Listener
    | Upstream
    | Route
    | TokenIssuer
    | Caller
    | Authentication
    | AccessRule
    | Limit
    | NetworkRule
    | Admission
    | SizeLimit
    | SchemaLibrary
    | Inspection
    | FieldEncryption
    | Masking
    | ErrorMasking
    | ResponseHeaders
    | Lifecycle
    | Retired
    | AccessLog
)

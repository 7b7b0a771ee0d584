"""How the running system may be tested: identities beside the declared consumers', known objects, bounds."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from assay.declare.model.values import Id, Mapped, Role, SecretRef
from assay.declare.quantities import Duration


class HeaderSecret(Mapped):
    """A credential that is sent in a header of its own."""

    name: str = Field(description="The header.")
    value: SecretRef = Field(description="What it holds.")


class BasicSecret(Mapped):
    """A name and a password, for HTTP Basic."""

    user: str = Field(description="The name.")
    password: SecretRef = Field(description="The password.")


class LoginRecipe(Mapped):
    """How to sign in with a request of the API's own: what to send, where the credential is, how to show it."""

    method: str = Field("POST", pattern="^[A-Z]+$", description="Method of the request.")
    path: str = Field(pattern="^/", description="Path of the request, on the target.")
    body: dict[str, str | SecretRef] = Field({}, description="Its fields; secrets by reference.")
    form: bool = Field(False, description="Send the fields as a form instead of JSON.")
    extract: str = Field(
        "/access_token",
        description="JSON pointer to the credential in the answer; `cookie:NAME` or `header:NAME` for one elsewhere.",
    )
    send: str = Field("authorization", description="Header that carries it; `cookie:NAME` for a cookie.")
    prefix: str = Field("Bearer ", description="What stands before it in that header.")
    renew: Duration | None = Field(None, description="Sign in again after this long; always after a 401.")


class ProveIdentity(Mapped):
    """Somebody to test as. Says who they are, and one way to prove it."""

    consumer: Id | None = Field(None, description="The declared consumer they act through; gives roles and clearance.")
    roles: tuple[Role, ...] = Field((), description="Their roles, where no consumer gives them.")
    subject: str | None = Field(None, description="What the API knows them as, if that is known.")
    tenant: str | None = Field(None, description="Their tenant.")
    user: str | None = Field(None, description="A test user of the issuer, for the password grant.")
    password: SecretRef | None = Field(None, description="Password of `user`, at an issuer of your own.")
    client_secret: SecretRef | None = Field(
        None,
        description="Secret of the OAuth client of `consumer`, at an issuer of your own. Without `user`, it is the"
        " consumer itself that is acted as.",
    )
    bearer: SecretRef | None = Field(None, description="A token.")
    header: HeaderSecret | None = Field(None, description="A credential in a header of its own.")
    basic: BasicSecret | None = Field(None, description="HTTP Basic.")
    login: LoginRecipe | None = Field(None, description="A request of the API's own that signs them in.")
    owns: dict[str, tuple[str, ...]] = Field({}, description="Objects of theirs that exist: path parameter to ids.")

    @model_validator(mode="after")
    def _one_way(self) -> ProveIdentity:
        ways = [self.user, self.bearer, self.header, self.basic, self.login]
        given = sum(way is not None for way in ways)
        if given > 1 or (not given and self.client_secret is None):
            raise ValueError(
                "an identity has exactly one of `user`, `bearer`, `header`, `basic`, `login`, `client_secret`"
            )
        if self.user and not self.consumer:
            raise ValueError("`user` needs the `consumer` whose client signs them in")
        if self.client_secret is not None:
            self._of_a_client()
        return self

    def _of_a_client(self) -> None:
        if not self.consumer:
            raise ValueError("`client_secret` needs the `consumer` whose client it belongs to")
        if not self.user and _says_more(self):
            raise ValueError("`client_secret` goes with `user`, or stands beside `consumer` alone")

    @property
    def tells_a_secret(self) -> bool:
        """Whether it is nobody of its own, but says the secret of a consumer's OAuth client."""
        return self.client_secret is not None and self.user is None


def _says_more(identity: ProveIdentity) -> bool:
    """Whether an identity says more than which consumer it is about."""
    proves = (identity.bearer, identity.header, identity.basic, identity.login)
    return any(p is not None for p in proves) or bool(
        identity.roles or identity.subject or identity.tenant or identity.owns
    )


class Bounds(Mapped):
    """How much a run may do. It never does more; what it could not do is listed."""

    requests: int = Field(4000, ge=1, le=1_000_000, description="Most requests in a run.")
    per_second: int = Field(400, ge=1, le=10_000, description="Most requests in a second.")
    seconds: Duration = Field(300, description="Longest run.")
    wait: Duration = Field(65, description="Longest pause for a window to pass.")
    crowd: int = Field(
        100,
        ge=25,
        le=100_000,
        description="How many others call while a caller's used-up limit must be remembered. 1000 takes some 900"
        " requests and 4 to 12 seconds more than the default.",
    )


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except (re.error, RecursionError, OverflowError):
        raise ValueError("this is no regular expression; one is such as `code is ([0-9]{6})`") from None
    return value


def _template(*names: str) -> AfterValidator:
    def check(value: str) -> str:
        if set(re.findall(r"\{([a-z_]*)\}", value)) - set(names):
            raise ValueError(f"what is put in here is {', '.join(f'`{{{n}}}`' for n in names)}, and nothing else")
        if f"{{{names[0]}}}" not in value:
            raise ValueError(f"`{{{names[0]}}}` must be in it")
        return value

    return AfterValidator(check)


class MessageRecipe(Mapped):
    """How whoever sends messages to an operation (a webhook) signs them: with a secret that both sides have."""

    secret: SecretRef = Field(description="The shared secret.")
    key: Literal["text", "hex", "base64"] = Field(
        "text",
        description="How the secret is written; `base64` is taken without a `whsec_` before it (Standard Webhooks).",
    )
    algorithm: Literal["sha1", "sha256", "sha384", "sha512"] = Field("sha256", description="The hash of the HMAC.")
    over: Annotated[str, _template("body", "timestamp", "id")] = Field(
        "{body}", description="What is signed, such as `{timestamp}.{body}` or `{id}.{timestamp}.{body}`."
    )
    signature: str = Field(description="The header that holds the signature.")
    form: Annotated[str, _template("signature", "timestamp")] = Field(
        "{signature}",
        description="What that header holds, such as `sha256={signature}` or `t={timestamp},v1={signature}`.",
    )
    encoding: Literal["hex", "base64"] = Field("hex", description="How the signature is written.")
    timestamp: str | None = Field(None, description="The header with the moment of sending, in seconds since 1970.")
    id: str | None = Field(
        None,
        pattern="^(header:.+|/.+)$",
        description="Where a message has its own id: `header:NAME`, or a JSON pointer into the body.",
    )

    @property
    def timed(self) -> bool:
        """Whether a message says when it was sent."""
        return self.timestamp is not None or "{timestamp}" in self.form


class Inbox(Mapped):
    """Where messages to test users arrive, so that a run can read one-time codes: a mail catcher, or a folder."""

    folder: str | None = Field(None, description="A folder of messages, a file each, relative to the declaration.")
    url: str | None = Field(
        None,
        pattern=r"^https?://[^@\s]+$",
        description="A URL that answers with the messages to `{address}`, such as that of a mail catcher's search.",
    )
    code: Annotated[str, AfterValidator(_pattern)] = Field(
        description="Regular expression of a code; its first group, where it has one. Such as `code is ([0-9]{6})`."
    )

    @model_validator(mode="after")
    def _one_place(self) -> Inbox:
        if (self.folder is None) == (self.url is None):
            raise ValueError("an inbox is a `folder` or a `url`")
        return self


class Proving(Mapped):
    """How the running system may be tested."""

    identities: dict[Id, ProveIdentity] = Field({}, description="Who to test as, beside the declared consumers.")
    bounds: Bounds = Field(Bounds(), description="How much a run may do.")
    public: tuple[str, ...] = Field(
        (), description="Operations (`API.OPERATION`) whose objects everybody may read, so reading them is no leak."
    )
    seeds: dict[str, SecretRef] = Field(
        {}, description="Names with passwords that must not work any more (default and seed accounts)."
    )
    issuer_keys: dict[Id, SecretRef] = Field(
        {},
        description="Keys that the issuers of test environments sign tokens with, by environment: a private JWK or PEM."
        " With one, tokens can be made that are right in all but one claim, such as one that is not valid yet.",
    )
    messages: dict[str, MessageRecipe] = Field(
        {}, description="How messages to an operation (`API.OPERATION`) are signed by who may send them (webhooks)."
    )
    inbox: Inbox | None = Field(None, description="Where messages to test users arrive.")

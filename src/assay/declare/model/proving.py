"""How the running system may be tested: identities beside the declared consumers', known objects, bounds."""

from __future__ import annotations

from pydantic import Field, model_validator

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
        100, ge=25, le=100_000, description="How many others call while a caller's used-up limit must be remembered."
    )


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

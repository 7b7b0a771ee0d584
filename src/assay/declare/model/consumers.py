"""Who calls, and how they prove it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from assay.declare.model.apis import Networks
from assay.declare.model.values import Id, Level, Mapped, Role
from assay.declare.quantities import Duration, Rate


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
    acts_for: Id | None = Field(
        None, description="The API whose credential this is when it calls other APIs; none: a caller from outside."
    )
    clearance: Level = "internal"
    limit: Rate | None = None
    plan: Id | None = Field(None, description="The plan of a product that it subscribes to.")
    networks: Networks | None = None
    owner: str | None = None

"""Gateways of another make that stand before some of the APIs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from assay.declare.model.values import Mapped, OneOrMore


class ForeignGateway(Mapped):
    """A gateway of another make. `assay check` holds its configuration against what is expected of a gateway."""

    config: OneOrMore = Field(min_length=1, description="Files of its configuration, relative to this declaration.")
    platform: Literal["apisix", "aws", "envoy", "kong", "nginx", "traefik"] | None = Field(
        None, description="Of which make it is; default: seen from the files."
    )
    owner: str | None = Field(None, description="Who answers for it.")

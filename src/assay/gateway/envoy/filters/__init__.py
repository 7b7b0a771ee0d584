"""The filters of the chain, one file each. A test asserts the order of their slots."""

from __future__ import annotations

from assay.gateway.envoy.filters import (
    access,
    admission,
    authentication,
    caller,
    consumer_networks,
    errors,
    inspection,
    introspection,
    keys,
    limits,
    location,
    network,
    no_body,
    observed,
    operation,
    plain,
    processing,
    router,
    size,
    tokens,
)
from assay.gateway.envoy.filters.base import Filter, View

CHAIN: tuple[Filter, ...] = tuple(
    sorted(
        (
            network.FILTER,
            limits.NETWORK,
            operation.FILTER,
            tokens.FILTER,
            keys.FILTER,
            introspection.FILTER,
            authentication.FILTER,
            consumer_networks.FILTER,
            admission.FILTER,
            access.FILTER,
            caller.FILTER,
            limits.CALLER,
            limits.OBSERVED,
            observed.FILTER,
            size.FILTER,
            no_body.FILTER,
            plain.FILTER,
            inspection.FILTER,
            processing.FILTER,
            errors.FILTER,
            location.FILTER,
            router.FILTER,
        ),
        key=lambda f: f.slot,
    )
)
"""Every filter, in the order a request meets them."""

__all__ = ["CHAIN", "Filter", "View"]

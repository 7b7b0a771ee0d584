"""Consumers of one environment at the APIs of another, where one gateway serves both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from assay.controls._lib.subjects import served_apis
from assay.declare.declaration import Declaration
from assay.declare.model import Consumer


def strangers(declaration: Declaration) -> Mapping[str, tuple[str, ...]]:
    """By environment that APIs are served in, the consumers of other environments whose key or certificate would be
    known there.

    Tokens are bound to the issuer of an environment; keys and certificates to none. A consumer that has the same
    certificate name as one of the environment cannot be told from it, and is left out.
    """
    consumers = declaration.model.consumers
    lived_in = dict.fromkeys(api.environment for _, api in served_apis(declaration))
    names = {e: _names(c for c in consumers.values() if c.environment in (None, e)) for e in lived_in}
    return {
        environment: tuple(
            name
            for name, c in consumers.items()
            if c.environment not in (None, environment)
            and (c.authenticate.api_key or c.authenticate.mtls)
            and not _names((c,)) & names[environment]
        )
        for environment in lived_in
    }


def _names(consumers: Iterable[Consumer]) -> frozenset[str]:
    return frozenset(c.authenticate.mtls.san.lower() for c in consumers if c.authenticate.mtls)

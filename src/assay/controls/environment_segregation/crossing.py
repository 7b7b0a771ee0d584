"""Consumers of one environment at the APIs of another, where one gateway serves both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from assay.controls._lib.subjects import served_apis
from assay.declare.declaration import Declaration
from assay.declare.gateways import gateways
from assay.declare.model import Api, Consumer
from assay.declare.observe import observes

_CONTROL = "environment_segregation"


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


def kept_out(declaration: Declaration) -> Callable[[str, Api], bool]:
    """Whether a consumer with a key or a certificate is refused at an API because it belongs to another environment:
    the API's gateway does not know it, or refuses it by name."""
    served_by = {name: own for own, names in gateways(declaration.model).items() for name in names}
    known, consumers = strangers(declaration), declaration.model.consumers

    def refused(name: str, api: Api) -> bool:
        home = consumers[name].environment
        if home in (None, api.environment):
            return False
        if served_by.get(home) != served_by.get(api.environment):
            return True
        return name in known.get(api.environment, ()) and not observes(api, _CONTROL)

    return refused


def _names(consumers: Iterable[Consumer]) -> frozenset[str]:
    return frozenset(c.authenticate.mtls.san.lower() for c in consumers if c.authenticate.mtls)

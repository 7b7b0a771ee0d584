"""What environments have that should be theirs alone: hosts, credentials, keys, issuers, stores, as one flat list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from assay.controls._lib.subjects import served_apis
from assay.declare.declaration import Declaration
from assay.declare.gateways import gateway_of, gateways
from assay.declare.model import Consumer, Environment

Check = Literal[
    "host-in-both-tiers",
    "credential-in-both-tiers",
    "keyset-in-both-tiers",
    "issuer-of-both-tiers",
    "audience-of-both-tiers",
    "store-in-both-tiers",
]
Route = tuple[str | int, ...]
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Element:
    """One thing that an environment has.

    Attributes:
        what: what it is, in words (`the OAuth client`); with ``value`` it is the same thing wherever it is found.
        whose: what has it, in words (`consumer `app``).
        port: of a host; None: all of them.
    """

    check: Check
    what: str
    value: str
    environment: str
    whose: str
    route: Route
    port: int | None = None

    @property
    def identity(self) -> tuple[str, str]:
        """What makes it comparable."""
        return self.what, self.value


def elements(declaration: Declaration) -> Iterator[Element]:
    """Everything, in the order it is written."""
    for name, environment in declaration.model.environments.items():
        yield from _of_environment(name, environment)
    yield from _of_gateways(declaration)
    yield from _of_systems(declaration)
    yield from _of_apis(declaration)
    for name, consumer in declaration.model.consumers.items():
        if consumer.environment:
            yield from _of_consumer(name, consumer, consumer.environment)
    for name, account in declaration.model.accounts.items():
        if account.credential and account.credential.secret:
            route: Route = ("accounts", name, "credential", "secret")
            reference = account.credential.secret
            whose = f"account `{name}`"
            yield Element("credential-in-both-tiers", "secret", reference, account.environment, whose, route)


def _of_environment(name: str, environment: Environment) -> Iterator[Element]:
    here: Route = ("environments", name)
    issuer, whose = environment.issuer, f"environment `{name}`"
    if issuer:
        at = (*here, "issuer")
        if issuer.url:
            yield Element("issuer-of-both-tiers", "issuer", issuer.url.rstrip("/"), name, whose, (*at, "url"))
        if issuer.jwks:
            yield Element("issuer-of-both-tiers", "key set", issuer.jwks, name, whose, (*at, "jwks"))
        for audience in issuer.audience:
            yield Element("audience-of-both-tiers", "audience", audience, name, whose, (*at, "audience"))
        if issuer.introspection:
            reference = issuer.introspection.credential.secret
            yield Element("credential-in-both-tiers", "secret", reference, name, whose, (*at, "introspection"))
        for user, declared in issuer.users.items():
            if declared.password:
                route = (*at, "users", user, "password")
                yield Element("credential-in-both-tiers", "secret", declared.password.secret, name, whose, route)


def _of_gateways(declaration: Declaration) -> Iterator[Element]:
    """What each gateway has for itself. One that serves both tiers is a finding of its own, and left out here."""
    model = declaration.model
    lived_in = dict.fromkeys(api.environment for _, api in served_apis(declaration))
    for own, environments in gateways(model).items():
        served = [e for e in environments if e in lived_in]
        if len({model.environments[e].tier for e in served}) != 1:
            continue
        name = served[0]
        gateway, at = (
            gateway_of(model, model.environments[name]),
            ("environments", own, "gateway") if own else ("gateway",),
        )
        whose = f"the gateway of `{name}`"
        yield from _host(f"//{gateway.listen}", name, whose, (*at, "listen"))
        if gateway.tls.files:
            key = gateway.tls.files.key
            yield Element("credential-in-both-tiers", "private key", key, name, whose, (*at, "tls", "files"))
        if gateway.tls.client_ca:
            what, authority = "authority of client certificates", gateway.tls.client_ca
            yield Element("credential-in-both-tiers", what, authority, name, whose, (*at, "tls", "client_ca"))


def _host(url: str, environment: str, whose: str, route: Route) -> Iterator[Element]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return
    if host and host not in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        found = port or _PORTS.get(parts.scheme)
        yield Element("host-in-both-tiers", "host", host.lower(), environment, whose, route, found)


def _of_systems(declaration: Declaration) -> Iterator[Element]:
    for name, system in declaration.model.systems.items():
        whose, here = f"system `{name}`", ("systems", name)
        for index, host in enumerate(system.hosts):
            yield from _host(f"//{host}", system.environment, whose, (*here, "hosts", index))
        if system.at_rest and system.at_rest.keys:
            keys, route = system.at_rest.keys, (*here, "at_rest", "keys")
            yield Element("keyset-in-both-tiers", "keyset", keys, system.environment, whose, route)
        if system.connection:
            dsn, route = system.connection.dsn.secret, (*here, "connection", "dsn")
            yield Element("store-in-both-tiers", "connection", dsn, system.environment, whose, route)


def _of_apis(declaration: Declaration) -> Iterator[Element]:
    for name, api in served_apis(declaration):
        whose, here = f"API `{name}`", ("apis", name)
        yield from _host(api.upstream, api.environment, f"the service of API `{name}`", (*here, "upstream"))
        for index, host in enumerate(api.hosts):
            if host != "*":
                route = (*here, "hosts", index)
                yield Element("host-in-both-tiers", "served name", host.lower(), api.environment, whose, route)


def _of_consumer(name: str, consumer: Consumer, environment: str) -> Iterator[Element]:
    ways, here, whose = consumer.authenticate, ("consumers", name, "authenticate"), f"consumer `{name}`"
    if ways.oauth2:
        client, route = ways.oauth2.client, (*here, "oauth2", "client")
        yield Element("credential-in-both-tiers", "OAuth client", client, environment, whose, route)
    if ways.mtls:
        san, route = ways.mtls.san.lower(), (*here, "mtls", "san")
        yield Element("credential-in-both-tiers", "certificate name", san, environment, whose, route)


def pairs(found: Iterable[Element], production: frozenset[str]) -> Iterator[tuple[Element, Element]]:
    """(In production, elsewhere) pairs of the same thing: for each thing elsewhere, the first of production's."""
    within: dict[tuple[str, str], list[Element]] = {}
    others: list[Element] = []
    for element in found:
        if element.environment in production:
            within.setdefault(element.identity, []).append(element)
        else:
            others.append(element)
    for element in others:
        for known in within.get(element.identity, ()):
            if element.port is None or known.port is None or element.port == known.port:
                yield known, element
                break

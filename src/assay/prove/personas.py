"""The kinds of callers of a declaration: its consumers by each way they prove themselves, and identities by hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from assay.declare.declaration import Declaration
from assay.declare.model import Consumer, ProveIdentity
from assay.domain import UsageError
from assay.prove.surface import Persona, Way

ANONYMOUS = "anonymous"
"""Nobody: what cases call the caller without credentials. No persona may have the name."""


def personas_of(
    declaration: Declaration, environment: str, *, given: Mapping[str, ProveIdentity] | None = None
) -> tuple[Persona, ...]:
    """Everybody who can be acted as in an environment, by name.

    A consumer with one way of proving itself is one persona. With several ways, the plain name shows all of them
    together, and ``CONSUMER+WAY`` each alone. Identities of ``prove.identities`` and ``given`` ones (from the command
    line, which come first where the names are the same) are personas of their own, but for those that only tell the
    secret of a consumer's client.

    Raises:
        UsageError: a given identity names a consumer that is not declared, or has the name of one.
    """
    scopes = _contract_scopes(declaration, environment)
    found: dict[str, Persona] = {}
    for name, consumer in declaration.model.consumers.items():
        if consumer.environment in (None, environment):
            for persona in _of_consumer(name, consumer, scopes):
                found[persona.name] = persona
    for name, identity in identities_of(declaration, given).items():
        if name in found or name == ANONYMOUS:
            raise UsageError(
                f"The identity `{name}` has the name of a consumer, or of nobody.",
                fix="give it a name of its own",
                location=declaration.locate("prove", "identities", name),
            )
        made = _of_identity(declaration, environment, name, identity, scopes)
        if not identity.tells_a_secret:
            found[name] = made
    return tuple(found.values())


def identities_of(
    declaration: Declaration, given: Mapping[str, ProveIdentity] | None = None
) -> dict[str, ProveIdentity]:
    """Identities that were given by hand, by name: those of ``prove.identities``, then those of the command line."""
    return {**declaration.model.prove.identities, **(given or {})}


def _of_consumer(name: str, consumer: Consumer, all_scopes: tuple[str, ...]) -> Iterator[Persona]:
    ways = _ways(consumer)
    alone = [(f"{name}+{way}", (way,)) for way in ways] if len(ways) > 1 else []
    for persona, shown in ((name, ways), *alone):
        oauth2 = consumer.authenticate.oauth2 if "token" in shown else None
        yield Persona(
            name=persona,
            consumer=name,
            roles=consumer.roles,
            ways=shown,
            scopes=(oauth2.scopes or all_scopes) if oauth2 else (),
            clearance=consumer.clearance,
            people=bool(oauth2 and (consumer.kind == "person" or "password" in oauth2.grants)),
            sources=consumer.networks.allow if consumer.networks else (),
        )


def _ways(consumer: Consumer) -> tuple[Way, ...]:
    authenticate = consumer.authenticate
    ways: list[Way] = []
    if authenticate.oauth2:
        ways.append("token")
    if authenticate.api_key:
        ways.append("key")
    if authenticate.mtls:
        ways.append("certificate")
    return tuple(ways)


def _of_identity(
    declaration: Declaration, environment: str, name: str, identity: ProveIdentity, all_scopes: tuple[str, ...]
) -> Persona:
    consumer = declaration.model.consumers.get(identity.consumer) if identity.consumer else None
    if identity.consumer and consumer is None:
        raise UsageError(
            f"The identity `{name}` acts through `{identity.consumer}`, which is no declared consumer.",
            fix="name a declared consumer, or give its roles instead",
            location=declaration.locate("prove", "identities", name),
        )
    roles, tenant = identity.roles, identity.tenant
    declared = declaration.model.environments.get(environment)
    user = declared.issuer.users.get(identity.user) if declared and declared.issuer and identity.user else None
    if consumer:
        # As the gateway sees it: what the token carries, and the consumer may have.
        held = roles or (user.roles if user else consumer.roles)
        roles = tuple(r for r in held if r in consumer.roles)
    oauth2 = consumer.authenticate.oauth2 if consumer else None
    return Persona(
        name=name,
        consumer=identity.consumer,
        roles=roles,
        ways=(_way(declaration, identity),),
        scopes=(oauth2.scopes if oauth2 else ()) or all_scopes,
        clearance=consumer.clearance if consumer else "internal",
        tenant=tenant or (user.tenant if user else None),
        sources=consumer.networks.allow if consumer and consumer.networks else (),
        given=True,
    )


def _way(declaration: Declaration, identity: ProveIdentity) -> Way:
    if identity.user or identity.bearer:
        return "token"
    if identity.header and identity.header.name.lower() in _key_headers(declaration):
        return "key"
    return "session"


def _key_headers(declaration: Declaration) -> frozenset[str]:
    schemes = chain.from_iterable(c.security_schemes.values() for c in declaration.contracts.values())
    names = (s.parameter_name for s in schemes if s.kind == "apiKey" and s.location == "header")
    return frozenset(name.lower() for name in names if name)


def _contract_scopes(declaration: Declaration, environment: str) -> tuple[str, ...]:
    """Every scope that a contract of the environment asks for: what a client without declared scopes is given."""
    found: Iterable[str] = (
        scope
        for _, api, operation in declaration.each_operation()
        if api.environment == environment
        for alternative in operation.security
        for requirement in alternative
        for scope in requirement.scopes
    )
    return tuple(sorted(set(found)))

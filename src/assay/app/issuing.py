"""The development issuer of a declaration: which clients and test users it knows."""

from __future__ import annotations

import os
from pathlib import Path

from assay.app.addresses import (
    INTROSPECTION_CLIENT,
    development_environments,
    introspection_secret,
    issuer_address,
    now,
)
from assay.app.project import Project
from assay.declare.model import Consumer, Environment
from assay.domain import Secret
from assay.gateway.state import Paths
from assay.identity.files import write_private
from assay.identity.issuer.config import ClientSpec, Credentials, IssuerConfig, UserSpec, prepare_issuer
from assay.identity.secrets import resolve


def _audience(project: Project, name: str, environment: Environment) -> tuple[str, ...]:
    """What tokens are for: as declared, else the APIs of the environment."""
    if environment.issuer and environment.issuer.audience:
        return environment.issuer.audience
    return tuple(a for a, api in project.declaration.model.apis.items() if api.environment == name) or (name,)


def _uses(consumer: Consumer, name: str) -> bool:
    return consumer.environment in (None, name)


def _contract_scopes(project: Project, name: str) -> tuple[str, ...]:
    """Every scope that a contract of the environment asks for, so that clients may be given them."""
    found = {
        scope
        for api_id, api, operation in project.declaration.each_operation()
        if api.environment == name
        for alternative in operation.security
        for requirement in alternative
        for scope in requirement.scopes
    }
    return tuple(sorted(found))


def prepare(project: Project, paths: Paths) -> tuple[IssuerConfig, Credentials] | None:
    """Writes the issuer's configuration, or returns None when no environment uses the development issuer.

    Raises:
        AssayError: a secret reference leads nowhere, or the disk refuses.
    """
    environments = development_environments(project.declaration)
    if not environments:
        return None
    name, environment = next(iter(environments.items()))
    issuer = environment.issuer
    audience = _audience(project, name, environment)
    scopes = _contract_scopes(project, name)
    clients: dict[str, ClientSpec] = {INTROSPECTION_CLIENT: ClientSpec(grants=(), may_introspect=True)}
    for consumer in project.declaration.model.consumers.values():
        oauth2 = consumer.authenticate.oauth2
        if oauth2 and _uses(consumer, name):
            clients[oauth2.client] = ClientSpec(
                scopes=oauth2.scopes or scopes,
                roles=consumer.roles,
                audience=audience,
                grants=oauth2.grants,
                token_format="opaque" if oauth2.opaque else "jwt",
            )
    users = {
        user: UserSpec(
            subject=declared.subject,
            roles=declared.roles,
            tenant=declared.tenant,
            password=_secret(project, declared.password.secret) if declared.password else None,
        )
        for user, declared in (issuer.users if issuer else {}).items()
    }
    address = issuer_address(project.declaration)
    lifetime = min(600, issuer.max_lifetime if issuer else 600)
    config, credentials = prepare_issuer(
        paths.issuer,
        clients,
        users,
        issuer_url=f"http://{address}",
        listen=address,
        lifetime_seconds=lifetime,
        now=int(now().timestamp()),
    )
    secret = credentials.clients[INTROSPECTION_CLIENT].reveal().encode()
    target = introspection_secret(paths.root)
    if not target.exists() or target.read_bytes() != secret:
        write_private(target, secret)
    return config, credentials


def _secret(project: Project, reference: str) -> Secret:
    return resolve(reference, environ=os.environ, base=Path(project.declaration.root))

"""``assay token``: an access token for a declared consumer."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from assay.app.addresses import development_environments, issuer_address
from assay.app.project import Project, at_home, open_project
from assay.cli import completing
from assay.cli.console import err, write
from assay.cli.options import Format, FormatOption, Where
from assay.domain import Secret, UsageError, did_you_mean
from assay.identity.issuer.config import load_credentials
from assay.identity.issuer.tokens import IssuedToken, fetch_token
from assay.identity.secrets import resolve
from assay.report.json_ import document


def token(
    consumer: Annotated[
        str,
        typer.Argument(
            help="A consumer that the declaration gives `oauth2`.", autocompletion=completing.oauth2_consumers
        ),
    ],
    user: Annotated[
        str | None,
        typer.Option("--user", "-u", help="A test user: uses the password grant.", autocompletion=completing.users),
    ] = None,
    scope: Annotated[list[str] | None, typer.Option("--scope", "-s", help="Scopes to ask for.")] = None,
    secret: Annotated[
        str | None, typer.Option("--secret", help="The client's secret by reference (env:NAME, file:PATH).")
    ] = None,
    where: Where = Path(),
    format: FormatOption = Format.TEXT,
) -> None:
    """Print an access token for a consumer, from the development issuer or the declared one.

    Examples:

      assay token mobile-app --user alice

      curl -H "Authorization: Bearer $(assay token agent-desk)" https://127.0.0.1:8443/customers
    """
    project = at_home(open_project(where), consumer)
    issued = _fetch(project, consumer, user, scope or [], secret)
    text = issued.access_token.reveal()
    if format is Format.JSON:
        return write(document(access_token=text, expires_in=issued.expires_in, scope=issued.scope))
    if issued.expires_in:
        err().print(f"[dim]valid for {issued.expires_in} s[/]")
    return write(text)


def _fetch(project: Project, consumer: str, user: str | None, scopes: list[str], secret: str | None) -> IssuedToken:
    model = project.declaration.model
    known = {n: c.authenticate.oauth2 for n, c in model.consumers.items() if c.authenticate.oauth2}
    client = known.get(consumer)
    if client is None:
        fix = did_you_mean(consumer, known, what="consumer with `oauth2`")
        raise UsageError(f"`{consumer}` is no consumer that authenticates by OAuth 2.0", fix=fix)
    environments = development_environments(project.declaration)
    if secret is None and environments:
        return _development(project, client.client, user, scopes)
    issuers = [e.issuer for e in model.environments.values() if e.issuer and e.issuer.url]
    if not issuers or secret is None:
        raise UsageError("the issuer is not Assay's", fix="name the client's secret: --secret env:CLIENT_SECRET")
    credential = resolve(secret, environ=os.environ, base=Path())
    return fetch_token(issuers[0].url or "", client.client, credential, scopes=scopes)


def _development(project: Project, client: str, user: str | None, scopes: list[str]) -> IssuedToken:
    state = project.state / "issuer"
    credentials = load_credentials(state)
    url = f"http://{issuer_address(project.declaration)}"
    credential = credentials.clients.get(client)
    if credential is None:
        raise UsageError(f"the development issuer does not know `{client}`", fix="start it once: assay up")
    if user is None:
        return fetch_token(url, client, credential, scopes=scopes)
    password: Secret | None = credentials.users.get(user)
    if password is None:
        raise UsageError(f"there is no test user `{user}`", fix=did_you_mean(user, credentials.users, what="user"))
    return fetch_token(url, client, credential, grant="password", username=user, password=password, scopes=scopes)

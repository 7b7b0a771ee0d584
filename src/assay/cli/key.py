"""``assay key``: hashed, expiring API keys."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from assay.app.addresses import keys_file
from assay.app.project import Project, at_home, in_environment, open_project
from assay.cli import completing
from assay.cli.console import err, tables, write
from assay.cli.help import Command
from assay.cli.options import EnvironmentOption, Format, FormatOption, Where
from assay.declare.quantities import parse_duration
from assay.domain import Secret, UsageError, did_you_mean
from assay.identity import api_keys
from assay.report.json_ import document
from assay.report.plain import plain

app = typer.Typer(no_args_is_help=True, help="Issue, rotate, revoke and list API keys. Only digests are kept.")


def _file(project: Project) -> Path:
    return keys_file(project.state)


def _consumer(project: Project, name: str) -> int:
    """The longest life of this consumer's keys, in seconds."""
    consumers = {k: c for k, c in project.declaration.model.consumers.items() if c.authenticate.api_key}
    if name not in consumers:
        raise UsageError(
            f"`{name}` is no consumer that authenticates by API key",
            fix=did_you_mean(name, consumers, what="consumer with `api_key`"),
        )
    key = consumers[name].authenticate.api_key
    return key.max_age if key else 0


def _record(store: api_keys.KeyStore, secret: Secret) -> api_keys.KeyRecord:
    """The record of a key that was just made; its id is the middle part of its text."""
    return store.keys[secret.reveal().split("_")[1]]


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _show(secret: str, record: api_keys.KeyRecord, format: Format) -> None:
    expires = record.expires
    if format is Format.JSON:
        write(document(id=record.id, consumer=record.consumer, expires=expires.isoformat(), key=secret))
        return
    err().print(
        f"[bold]{record.id}[/] for {escape(record.consumer)}, expires {_day(expires)}; "
        "shown once, kept only as a digest:"
    )
    write(secret)


@app.command(cls=Command)
def issue(
    consumer: Annotated[
        str,
        typer.Argument(
            help="A consumer that the declaration gives `api_key`.", autocompletion=completing.key_consumers
        ),
    ],
    ttl: Annotated[
        str | None, typer.Option("--ttl", help="Life of the key, such as 30d; default: the declared most.")
    ] = None,
    note: Annotated[str, typer.Option("--note", help="What the key is for.")] = "",
    where: Where = Path(),
    format: FormatOption = Format.TEXT,
) -> None:
    """Issue a key. It is printed once; only its SHA-256 is kept.

    Example: assay key issue partner-acme --ttl 30d
    """
    project = at_home(open_project(where), consumer)
    longest = _consumer(project, consumer)
    seconds = parse_duration(ttl) if ttl else longest
    if seconds > longest:
        raise UsageError(f"{consumer}'s keys live at most {longest // 86400} days", fix="ask for a shorter --ttl")
    now = datetime.now(UTC)

    def change(store: api_keys.KeyStore) -> tuple[api_keys.KeyStore, tuple[api_keys.KeyRecord, str]]:
        new, secret = store.issue(consumer, timedelta(seconds=seconds), now, note=note, created_by=getpass.getuser())
        return new, (_record(new, secret), secret.reveal())

    record, secret = api_keys.edit(_file(project), change)
    _show(secret, record, format)


@app.command(cls=Command)
def rotate(
    key_id: Annotated[
        str, typer.Argument(help="Id of the key to replace (see `assay key list`).", autocompletion=completing.key_ids)
    ],
    overlap: Annotated[str, typer.Option("--overlap", help="How long the old key still works.")] = "7d",
    where: Where = Path(),
    environment: EnvironmentOption = None,
    format: FormatOption = Format.TEXT,
) -> None:
    """Issue a successor; the old key works until the overlap ends.

    Example: assay key rotate 8f3kq2zt --overlap 24h
    """
    project = in_environment(open_project(where), environment)
    now = datetime.now(UTC)

    def change(store: api_keys.KeyStore) -> tuple[api_keys.KeyStore, tuple[api_keys.KeyRecord, str]]:
        new, secret = store.rotate(key_id, timedelta(seconds=parse_duration(overlap)), now)
        return new, (_record(new, secret), secret.reveal())

    record, secret = api_keys.edit(_file(project), change)
    _show(secret, record, format)


@app.command(cls=Command)
def revoke(
    key_id: Annotated[
        str, typer.Argument(help="Id of the key (see `assay key list`).", autocompletion=completing.key_ids)
    ],
    where: Where = Path(),
    environment: EnvironmentOption = None,
) -> None:
    """Revoke a key at once.

    Example: assay key revoke 8f3kq2zt
    """
    project = in_environment(open_project(where), environment)
    now = datetime.now(UTC)
    api_keys.edit(_file(project), lambda store: (store.revoke(key_id, now), None))
    err().print(f"[green]revoked[/] {escape(key_id)}; a running gateway refuses it within a second or two")


@app.command("list", cls=Command)
def list_keys(where: Where = Path(), environment: EnvironmentOption = None, format: FormatOption = Format.TEXT) -> None:
    """Show every key: whose, since when, until when, and its state. Never the key itself.

    Example: assay key list
    """
    project = in_environment(open_project(where), environment)
    listed = api_keys.load(_file(project)).list(datetime.now(UTC))
    if format is Format.JSON:
        rows = [
            {
                "id": k.record.id,
                "consumer": k.record.consumer,
                "state": str(k.state),
                "expires": k.record.expires.isoformat(),
            }
            for k in listed
        ]
        return write(document(keys=rows))
    if not listed:
        err().print("no key yet; `assay key issue CONSUMER` makes one")
        return None
    table = Table(
        "id", "consumer", "state", "created", "expires", "note", box=None, header_style="bold", pad_edge=False
    )
    for k in listed:
        r = k.record
        table.add_row(r.id, escape(r.consumer), str(k.state), _day(r.created), _day(r.expires), escape(plain(r.note)))
    tables().print(table)
    return None

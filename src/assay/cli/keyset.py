"""``assay keyset``: the keys that protected fields are encrypted under."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from assay.app.keyrings import known, listed
from assay.app.project import Project, in_environment, open_project
from assay.cli import completing
from assay.cli.console import err, tables, write
from assay.cli.help import Command
from assay.cli.options import EnvironmentOption, Format, FormatOption, Where
from assay.report.json_ import document

app = typer.Typer(no_args_is_help=True, help="Rotate and list the keys that protected fields are encrypted under.")


def _directory(project: Project) -> Path:
    return project.state / "keys"


@app.command(cls=Command)
def rotate(
    name: Annotated[
        str, typer.Argument(help="The keyset (see `assay keyset list`).", autocompletion=completing.keysets)
    ],
    where: Where = Path(),
    environment: EnvironmentOption = None,
    format: FormatOption = Format.TEXT,
) -> None:
    """Give a keyset a new key. It encrypts from now on; the old ones stay, so everything stored still decrypts.

    Fields that are looked up by value keep their key: their ciphertext must stay the same.

    Example: assay keyset rotate customer-keys
    """
    from assay.gateway import keysets  # a cryptographic library that no other command line needs

    directory = _directory(in_environment(open_project(where), environment))
    keysets.rotate(directory, known(directory, name))
    found = next(k for k in listed(directory) if k.name == name)
    if format is Format.JSON:
        return write(document(**found.as_json()))
    err().print(
        f"[green]rotated[/] {name}: {found.keys} keys, the newest encrypts; "
        "a running gateway takes it up within a second or two"
    )
    return None


@app.command("list", cls=Command)
def list_keysets(
    where: Where = Path(), environment: EnvironmentOption = None, format: FormatOption = Format.TEXT
) -> None:
    """Show every keyset: how many keys it holds, and since when the newest encrypts. Never a key.

    Example: assay keyset list
    """
    found = listed(_directory(in_environment(open_project(where), environment)))
    if format is Format.JSON:
        return write(document(keysets=[k.as_json() for k in found]))
    if not found:
        err().print("no keyset yet; `assay up` makes those that the declaration asks for")
        return None
    table = Table("name", "keys", "lookup keys", "newest since", box=None, header_style="bold", pad_edge=False)
    for keyset in found:
        table.add_row(keyset.name, str(keyset.keys), str(keyset.lookup_keys), f"{keyset.changed:%Y-%m-%d %H:%M:%S} UTC")
    tables().print(table)
    return None

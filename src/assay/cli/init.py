"""``assay init``: a first declaration, drafted from a contract."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.markup import escape

from assay.cli.console import out, progress
from assay.declare.init_files import fetch_contract, write_init
from assay.domain import UsageError


def init(
    contract: Annotated[str, typer.Option("--contract", help="An OpenAPI or Swagger document: a file or a URL.")],
    upstream: Annotated[
        str | None, typer.Option("--upstream", help="Where the service answers; default: the contract's first server.")
    ] = None,
    directory: Annotated[Path, typer.Argument(metavar="DIRECTORY", help="Where to write it.")] = Path(),
    name: Annotated[str | None, typer.Option("--name", help="Id of the API; default: from the title.")] = None,
    listen: Annotated[str, typer.Option("--listen", help="Where the gateway will listen.")] = "127.0.0.1:8443",
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that are there.")] = False,
) -> None:
    """Write a declaration that works at once. Every guess in it is marked with its confidence, for review.

    Examples:

      assay init --contract openapi.yaml --upstream http://127.0.0.1:9001

      assay init --contract http://127.0.0.1:8888/v1/__api__ --upstream http://127.0.0.1:8888 my-api
    """
    with progress("reading the contract"):
        source: Path | bytes = Path(contract)
        if "://" in contract:
            with httpx.Client() as client:
                source = fetch_contract(contract, client=client)
        elif not Path(contract).is_file():
            raise UsageError(f"there is no file `{contract}`", fix="give the path of an OpenAPI document, or its URL")
        written = write_init(directory, contract=source, upstream=upstream, name=name, listen=listen, force=force)
    for path in written:
        out().print(f"[green]wrote[/] {escape(str(path))}", soft_wrap=True)
    where = "" if directory == Path() else f" {directory}"
    drafted = (path.read_text(encoding="utf-8") for path in written if path.name == "assay.yaml")
    guesses = sum(line.partition("#")[2].strip().startswith("guess") for text in drafted for line in text.splitlines())
    out().print(
        f"{guesses} guesses are marked `guess`: review them, then `assay check{where}` and `assay up{where}`.",
        markup=False,
    )

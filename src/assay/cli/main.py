"""The command line: one file per command, assembled here."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from assay import __version__
from assay.cli import apply, check, demo, explain, init, key, keyset, plan, status, token, up
from assay.cli.console import explain_error, write
from assay.cli.help import Command
from assay.domain import AssayError, Exit

app = typer.Typer(
    name="assay",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="API and integration security that can be audited: declare, check, plan, apply, and see that it holds.",
    epilog="Exit codes: 0 ok · 1 findings · 2 usage or invalid declaration · 3 could not complete · "
    "4 nothing selected · 5 changes (`plan --detailed-exitcode`).",
)


def _version(wanted: bool) -> None:
    if wanted:
        write(f"assay {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    del version


app.command(cls=Command)(init.init)
app.command(cls=Command)(check.check)
app.command(cls=Command)(plan.plan)
app.command("apply", cls=Command)(apply.apply_command)
app.command(cls=Command)(up.up)
app.command(cls=Command)(status.status)
app.command(cls=Command)(up.down)
app.command(cls=Command)(explain.explain)
app.command(cls=Command)(token.token)
app.command(cls=Command)(demo.demo)
app.add_typer(key.app, name="key")
app.add_typer(keyset.app, name="keyset")


def run() -> None:
    """The console script. Every error a person can act on is shown as such, with its exit code."""
    try:
        app()
    except AssayError as error:
        explain_error(error)
        sys.exit(int(error.exit))
    except BrokenPipeError:
        sys.exit(int(Exit.OK))
    except KeyboardInterrupt:
        sys.exit(130)

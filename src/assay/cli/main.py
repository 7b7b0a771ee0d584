"""The command line: one file per command, assembled here. A call loads the file of its own command and no other."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import Annotated, Any, NamedTuple

import typer

from assay import __version__
from assay.cli.help import Command
from assay.domain import AssayError, Exit


class Entry(NamedTuple):
    """A command: its file, the function in it (or the group of commands), and the first sentence of its own help."""

    name: str
    file: str
    attribute: str
    summary: str

    @property
    def target(self) -> Any:
        """The function, or the group. Loads the command's file, with everything it needs."""
        return getattr(import_module(f"assay.cli.{self.file}"), self.attribute)


ENTRIES = (
    Entry(
        "init",
        "init",
        "init",
        "Write a declaration that works at once. Every guess in it is marked with its confidence, for review.",
    ),
    Entry(
        "check",
        "check",
        "check",
        "Test the design: what the declaration and its contracts promise, before anything runs. No network.",
    ),
    Entry(
        "plan",
        "plan",
        "plan",
        "Show what would change at the gateway: what tightens, what loosens, and which controls only observe.",
    ),
    Entry(
        "approve", "approve", "approve", "Show a plan that loosens production, and sign that it may be applied, once."
    ),
    Entry(
        "apply",
        "apply",
        "apply_command",
        "Compile the declaration, have Envoy validate it, make it live, and read it back.",
    ),
    Entry(
        "up",
        "up",
        "up",
        "Start the gateway: issuer (development only), inspector, processor, Envoy. Ctrl-C stops it all.",
    ),
    Entry(
        "status",
        "status",
        "status",
        "Show what runs, which version is applied, whether Envoy really runs it, and what would have been refused.",
    ),
    Entry(
        "history",
        "history",
        "history",
        "Show every applied policy: when and by whom, from which commit, who reviewed and who approved it.",
    ),
    Entry(
        "prove",
        "prove",
        "prove",
        "Attack the running system as every declared caller, judge what comes back, and keep signed evidence.",
    ),
    Entry(
        "report",
        "report",
        "report",
        "Write the report: each objective with its status, its design and its operation, and the evidence for both.",
    ),
    Entry(
        "survey",
        "survey",
        "survey",
        "Ask 35 questions, measure what can be measured, and show how far both are from each other.",
    ),
    Entry(
        "risk",
        "risk",
        "risk",
        "Show the risk register: inherent, claimed, and as evidence supports it, which rises as evidence ages.",
    ),
    Entry(
        "verify",
        "verify",
        "verify",
        "Verify evidence, step by step: keys, signatures, tree, runs, attachments. No network, no private key.",
    ),
    Entry(
        "export",
        "export",
        "export",
        "Write the declaration as an Open Threat Model or a fides manifest, for tools that read those.",
    ),
    Entry("down", "up", "down", "Stop a gateway that runs, and everything it started."),
    Entry(
        "explain",
        "explain",
        "explain",
        "Explain a control, a check or a control objective. Without an id: list the controls.",
    ),
    Entry(
        "token",
        "token",
        "token",
        "Print an access token for a consumer, from the development issuer or the declared one.",
    ),
    Entry(
        "demo",
        "demo",
        "demo",
        "Show what Assay does, with real requests: each attack against the bare service, then through the gateway.",
    ),
    Entry(
        "objectives",
        "objectives",
        "app",
        "Show how every objective stands, what that shows of frameworks, and review what it maps to.",
    ),
    Entry("key", "key", "app", "Issue, rotate, revoke and list API keys. Only digests are kept."),
    Entry("keyset", "keyset", "app", "Rotate and list the keys that protected fields are encrypted under."),
    Entry("import", "import_", "app", "Read what exists already: gateways of other makes, models of others."),
    Entry("findings", "findings", "app", "Import what testers and scanners found, and list what is declared."),
    Entry("rights", "rights", "app", "Show what accounts may do, how much of it they need, and take the rest away."),
    Entry("exception", "exception", "app", "Request, approve, withdraw and list accepted deviations."),
    Entry("data", "data", "app", "Show where data is, who sees it, and what payloads really hold."),
    Entry("witness", "witness", "app", "Be a witness of somebody's evidence log, or ask one to sign yours."),
)
"""Every command, in the order of the help. A test holds the sentences against the commands' own help."""


def _version(wanted: bool) -> None:
    if wanted:
        from assay.cli.console import write

        write(f"assay {__version__}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    del version


def _empty() -> typer.Typer:
    application = typer.Typer(
        name="assay",
        no_args_is_help=True,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
        help="API and integration security that can be audited: declare, check, plan, apply, and see that it holds.",
        epilog="Exit codes: 0 ok · 1 findings · 2 usage or invalid declaration · 3 could not complete · "
        "4 nothing selected · 5 changes (`plan --detailed-exitcode`).",
    )
    application.callback()(_options)
    return application


def application(entries: Iterable[Entry] = ENTRIES) -> typer.Typer:
    """The command line with these commands."""
    made = _empty()
    for entry in entries:
        target = entry.target
        if isinstance(target, typer.Typer):
            made.add_typer(target, name=entry.name)
        else:
            made.command(entry.name, cls=Command)(target)
    return made


def listing() -> typer.Typer:
    """The command line for showing what commands there are: none of them is loaded, and none can be called."""
    made = _empty()
    for entry in ENTRIES:
        made.command(entry.name, help=entry.summary)(lambda: None)
    return made


def for_call(arguments: Sequence[str], environ: Mapping[str, str]) -> typer.Typer:
    """As much of the command line as a call needs; all of it for completion, and to tell what a typing error meant."""
    if "_ASSAY_COMPLETE" in environ:
        return application()
    if list(arguments) in ([], ["--help"], ["--version"]):
        return listing()
    own = [entry for entry in ENTRIES if entry.name == arguments[0]]
    return application(own or ENTRIES)


def __getattr__(name: str) -> Any:
    """``app``, whole, for whoever reads the command line rather than calls it."""
    if name == "app":
        return application()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_ALLOCATIONS_BETWEEN_COLLECTIONS = 200_000
_WITHOUT_COLLECTIONS = frozenset({"check", "plan"})
"""Commands that read, say what they found and end: they leave next to no garbage behind."""


def run() -> None:
    """The console script. Every error a person can act on is shown as such, with its exit code."""
    # What a contract is read into lasts as long as the command. Python would walk all of it for garbage again and
    # again while it grows: a third of the time on ten thousand operations, to find nothing.
    gc.set_threshold(_ALLOCATIONS_BETWEEN_COLLECTIONS, 50, 100)
    if _WITHOUT_COLLECTIONS.intersection(sys.argv[1:2]):
        gc.disable()
    try:
        for_call(sys.argv[1:], os.environ)()
    except AssayError as error:
        from assay.cli.console import explain_error

        explain_error(error)
        sys.exit(int(error.exit))
    except BrokenPipeError:
        sys.exit(int(Exit.OK))
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        gc.freeze()  # else Python would walk all of it once more before it ends
        gc.enable()

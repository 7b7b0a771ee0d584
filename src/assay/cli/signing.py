"""What commands share in which a person signs: who, with which key, and how its passphrase is asked for."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli import completing
from assay.cli.console import err
from assay.domain import Secret, UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from assay.app.project import Project

DEFAULT_KEY = Path("~/.ssh/id_ed25519")

AsOption = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar="PERSON",
        help="Who you are, by the id under `people:`. Default: whose key it is.",
        autocompletion=completing.people,
    ),
]
PersonOption = Annotated[
    str,
    typer.Option(
        "--as", metavar="PERSON", help="Who decides: an id under `people:`.", autocompletion=completing.people
    ),
]
KeyOption = Annotated[
    Path,
    typer.Option("--key", metavar="FILE", help="Your private Ed25519 key, of OpenSSH or in PEM."),
]
PassphraseOption = Annotated[
    str | None,
    typer.Option(
        "--passphrase", metavar="REFERENCE", help="Where its passphrase is, env:NAME or file:PATH. Default: asked for."
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask whether you are sure.")]


def on_terminal() -> bool:
    """Whether there is somebody to ask."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def private_key(path: Path, passphrase: str | None) -> Ed25519PrivateKey:
    """The key of a person. Asks for its passphrase only where it has one, none is referred to, and there is a terminal.

    Raises:
        AssayError: as :func:`assay.decisions.private_keys.load_private_key`, and where the reference leads nowhere.
    """
    from assay.decisions.private_keys import load_private_key
    from assay.identity.secrets import resolve

    def ask() -> Secret | None:
        if passphrase is not None:
            return resolve(passphrase, environ=os.environ, base=Path())
        if not on_terminal():
            return None
        return Secret(typer.prompt(f"passphrase of {path}", hide_input=True, err=True))

    return load_private_key(path, ask)


def signer(project: Project, person: str | None, path: Path, passphrase: str | None) -> tuple[str, Ed25519PrivateKey]:
    """Who signs, and with which key.

    Raises:
        UsageError: nobody is declared, or the key is nobody's, or cannot be used.
    """
    from assay.declare.model.people import public_of
    from assay.evidence.decided import fingerprint

    people = project.everything.model.people
    if not people:
        raise UsageError(
            "nobody is declared who could sign",
            fix="declare `people: {ID: {name: NAME, keys: [ssh-ed25519 …]}}`; `ssh-keygen -t ed25519` makes a key",
            location=project.everything.locate("assay"),
        )
    key = private_key(path, passphrase)
    if person is not None:
        return person, key
    public = key.public_key().public_bytes_raw()
    for name, each in people.items():
        if any(public_of(k.key) == public for k in each.keys):
            return name, key
    raise UsageError(
        f"the key {fingerprint(public)} is nobody's under `people:`",
        fix="declare its public half there, or sign with another: --key FILE",
        location=project.everything.locate("people"),
    )


def sure(question: str, yes: bool) -> bool:
    """Whether to go on: told so, or asked on a terminal.

    Raises:
        UsageError: there is nobody to ask.
    """
    if yes:
        return True
    if not on_terminal():
        raise UsageError("there is nobody to ask whether this is wanted", fix="say so: --yes")
    if typer.confirm(question, default=False, err=True):
        return True
    err().print("nothing was signed")
    return False

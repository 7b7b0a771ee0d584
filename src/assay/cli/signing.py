"""Options of commands in which a person decides: who, with which key, and where its passphrase is."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from assay.cli import completing
from assay.decisions.private_keys import load_private_key
from assay.domain import Secret
from assay.identity.secrets import resolve

PersonOption = Annotated[
    str,
    typer.Option(
        "--as", metavar="PERSON", help="Who decides: an id under `people:`.", autocompletion=completing.people
    ),
]
KeyOption = Annotated[
    Path, typer.Option("--key", metavar="FILE", help="Their private key: Ed25519, in a file of OpenSSH or in PEM.")
]
PassphraseOption = Annotated[
    str | None,
    typer.Option(
        "--passphrase", metavar="REFERENCE", help="Where its passphrase is: env:NAME or file:PATH; default: asked for."
    ),
]


def private_key(path: Path, passphrase: str | None) -> Ed25519PrivateKey:
    """The key of a person. Asks for its passphrase only where it has one, none is referred to, and there is a terminal.

    Raises:
        AssayError: as :func:`load_private_key`, and where the reference leads nowhere.
    """

    def ask() -> Secret | None:
        if passphrase is not None:
            return resolve(passphrase, environ=os.environ, base=Path())
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            return None
        return Secret(typer.prompt(f"Passphrase of {path}", hide_input=True, err=True))

    return load_private_key(path, ask)

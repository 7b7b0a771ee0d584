"""``assay witness``: sign what somebody else's log says, so that it cannot say something else later."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assay.app.addresses import now
from assay.cli.console import err, out, write
from assay.cli.help import Command
from assay.cli.options import Format, FormatOption
from assay.domain import AssayError, Location, UsageError
from assay.evidence import cosigned
from assay.evidence.checkpoint import COSIGNATURE, Checkpoint, decode_key, parse
from assay.evidence.cosigned import Cosigned
from assay.evidence.files import LogFiles
from assay.evidence.witness import Witness, cosign_log, cosign_request, parse_request
from assay.evidence.witness import request as asked_of
from assay.identity.files import read_public
from assay.report.json_ import document

app = typer.Typer(no_args_is_help=True, help="Be a witness of somebody's evidence log, or ask one to sign yours.")

_LONGEST = 64 << 20
LogOption = Annotated[Path, typer.Option("--log", metavar="DIRECTORY", help="The log, such as .assay/evidence.")]
KeyOption = Annotated[Path, typer.Option("--key", metavar="FILE", help="The witness's own key.")]
OutputOption = Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it here.")]


@app.command(cls=Command)
def init(
    name: Annotated[str, typer.Option("--name", help="Like an address, without spaces: audit.example.com/witness.")],
    key: KeyOption,
    format: FormatOption = Format.TEXT,
) -> None:
    """Make a witness: a key in a file of its own, and the verifier key that others are told.

    Run it where the log's operator has no access: on the machine of internal audit, or of a customer.

    Example: assay witness init --name audit.example.com/witness --key witness.key
    """
    made = Witness.create(key, name)
    if format is Format.JSON:
        return write(document(name=made.name, verifier=made.verifier, key=str(key)))
    err().print("tell everybody who relies on you this key; the file stays with you:")
    return write(made.verifier)


@app.command(cls=Command)
def sign(
    key: KeyOption,
    state: Annotated[
        Path, typer.Option("--state", metavar="FILE", help="What this witness signed so far. Keep it as the key.")
    ],
    log: Annotated[
        Path | None, typer.Option("--log", metavar="DIRECTORY", help="A log that can be read here; it is read whole.")
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option("--checkpoint", metavar="FILE", help="Or a request, as `assay witness request` writes it."),
    ] = None,
    keys: Annotated[
        Path | None,
        typer.Option("--keys", metavar="FILE", help="With --checkpoint: the log's keys.json. Default: beside it."),
    ] = None,
    log_key: Annotated[
        str,
        typer.Option("--log-key", metavar="FINGERPRINT", help="SHA-256 of the log's first key (16 digits or more)."),
    ] = "",
    output: OutputOption = None,
    format: FormatOption = Format.TEXT,
) -> None:
    """Cosign the last checkpoint of a log, if it continues what this witness signed before.

    A log that was rolled back or forked is refused and named, with exit code 1: keep both checkpoints then. With
    --log the cosignature is put into the log's `witnessed.json`, unless --output says otherwise.

    Examples:

      assay witness sign --log /srv/assay/evidence --key witness.key --state witness.json --log-key 3f9a0c51d2e47b86

      assay witness sign --checkpoint request.txt --keys keys.json --key witness.key --state witness.json -o signed.txt
    """
    if (log is None) == (checkpoint is None):
        raise UsageError("`--log` or `--checkpoint` is needed, and not both", fix="name the log if it can be read here")
    witness = Witness.load(key)
    if log is not None:
        signed = cosign_log(log, witness, state, at=now(), fingerprint=log_key)
        if output is None:
            cosigned.keep(LogFiles(log).witnessed, Cosigned(witness.name, witness.public, signed))
    else:
        signed = _by_request(checkpoint or Path(), keys, witness, state, log_key)
    if output is not None:
        _save(output, signed.text)
    if format is Format.JSON:
        return write(
            document(
                origin=signed.origin,
                size=signed.size,
                root=signed.root.hex(),
                witness=witness.name,
                verifier=witness.verifier,
                checkpoint=signed.text,
            )
        )
    if log is None and output is None:
        return write(signed.text.rstrip("\n"))
    out().print(f"[green]cosigned[/] {signed.size:,} records of {signed.origin} as {witness.name}", soft_wrap=True)
    return None


@app.command(cls=Command)
def request(
    log: LogOption = Path(".assay/evidence"),
    old: Annotated[
        int | None, typer.Option("--old", min=0, help="How many records the witness cosigned last. Default: as kept.")
    ] = None,
    output: OutputOption = None,
) -> None:
    """Write what to send to a witness that cannot read the log: consistency proof and checkpoint (C2SP tlog-witness).

    Send `keys.json` along.

    Example: assay witness request -o request.txt
    """
    if old is None:
        old = min((each.checkpoint.size for each in cosigned.read(LogFiles(log).witnessed)), default=0)
    text = asked_of(log, old).text
    if output is not None:
        return _save(output, text)
    return write(text.rstrip("\n"))


@app.command(cls=Command)
def add(
    signed: Annotated[Path, typer.Argument(metavar="FILE", help="The checkpoint that the witness cosigned.")],
    verifier: Annotated[str, typer.Option("--witness", metavar="KEY", help="Its verifier key: NAME+HINT+BASE64.")],
    log: LogOption = Path(".assay/evidence"),
) -> None:
    """Put a witness's cosignature into the log, where reports and exported folders find it.

    Example: assay witness add signed.txt --witness audit.example.com/witness+1a2b3c4d+BASE64
    """
    name, kind, public = decode_key(verifier)
    if kind != COSIGNATURE:
        raise UsageError(f"`{name}` is the key of a log, not of a witness", fix="ask the witness for its key")
    checkpoint = _parsed(signed)
    cosigned.keep(LogFiles(log).witnessed, Cosigned(name, public, checkpoint))
    out().print(f"[green]kept[/] that {name} cosigned {checkpoint.size:,} records", soft_wrap=True)


def _by_request(path: Path, keys: Path | None, witness: Witness, state: Path, log_key: str) -> Checkpoint:
    try:
        asked = parse_request(_file(path, "request"))
    except AssayError as error:
        if error.location is not None:
            raise
        raise AssayError(
            f"`{path}` cannot be read: {error.sentence}.",
            fix="have the log's operator write it again: `assay witness request`",
            location=Location(str(path)),
        ) from error
    listed = read_public(keys or path.with_name("keys.json"), limit=_LONGEST, what="list of keys")
    return cosign_request(asked, listed, witness, state, at=now(), fingerprint=log_key)


def _parsed(path: Path) -> Checkpoint:
    try:
        return parse(_file(path, "checkpoint"))
    except AssayError as error:
        if error.location is not None:
            raise
        raise AssayError(
            f"`{path}` is no checkpoint: {error.sentence}.",
            fix="take the file that the witness wrote",
            location=Location(str(path)),
        ) from error


def _file(path: Path, what: str) -> str:
    return read_public(path, limit=_LONGEST, what=what).decode("utf-8", "replace")


def _save(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise AssayError(f"`{path}` cannot be written: {error.strerror}.", fix="choose another --output") from error

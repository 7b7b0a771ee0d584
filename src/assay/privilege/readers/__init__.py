"""Rights from exports of other platforms: one file for each, all into one vocabulary."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from assay.domain import AssayError, Location, UsageError, did_you_mean
from assay.privilege.readers import aws_iam, csv_, entra, keycloak, salesforce
from assay.privilege.readers.text import LIMIT
from assay.privilege.rights import Rights

Reader = Callable[[str, str, str], Rights]
"""(text, name of the file, name of the principal) → what it may do. Raises AssayError for what cannot be read."""

READERS: Final[Mapping[str, Reader]] = {
    "aws-iam": aws_iam.read,
    "keycloak": keycloak.read,
    "salesforce": salesforce.read,
    "entra": entra.read,
    "csv": csv_.read,
}


def read_export(path: Path, shown: str, format: str | None, principal: str) -> Rights:
    """The rights of a principal in an exported file.

    Args:
        path: the file.
        shown: its name for people.
        format: one of :data:`READERS`; None: told by its ending, which only ``.csv`` does.

    Raises:
        AssayError: it cannot be read; with its place.
    """
    if format is None and path.suffix.lower() == ".csv":
        format = "csv"
    if format is None:
        raise UsageError(
            f"`{shown}` does not say what wrote it",
            fix=f"write `format:` beside `read_from:`: one of {', '.join(READERS)}",
            location=Location(shown),
        )
    if format not in READERS:
        raise UsageError(f"there is no format `{format}`", fix=did_you_mean(format, READERS, what="format"))
    try:
        with path.open("rb") as file:
            data = file.read(LIMIT + 1)
    except OSError as error:
        raise AssayError(
            f"`{shown}` cannot be read: {error.strerror}", fix="export the rights again", location=Location(shown)
        ) from error
    if len(data) > LIMIT:
        raise AssayError(
            f"`{shown}` is larger than {LIMIT // 1024**2} MiB",
            fix="export only what is about the account",
            location=Location(shown),
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise AssayError(f"`{shown}` is not UTF-8", fix="export it as UTF-8", location=Location(shown, line)) from error
    return READERS[format](text, shown, principal)

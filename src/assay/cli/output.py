"""Results that go to standard output, or to a file that the caller names."""

from __future__ import annotations

from pathlib import Path

from rich.markup import escape

from assay.cli.console import err, write
from assay.domain import IncompleteError


def deliver(text: str, output: Path | None) -> None:
    """Writes a result: to standard output, or to a file, of which standard error then speaks.

    Raises:
        IncompleteError: the file cannot be written.
    """
    if output is None:
        write(text)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise IncompleteError(f"{output} cannot be written: {error.strerror}", fix="name another file") from error
    err().print(f"[green]written[/] {escape(str(output))}")

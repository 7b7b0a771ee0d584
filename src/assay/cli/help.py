"""How commands show their help: examples stand on lines of their own, to be copied as they are."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

from typer.core import TyperCommand

_EXAMPLES = re.compile(r"Examples?:\s*")


class Command(TyperCommand):
    """A command whose ``Example:`` paragraphs are shown as commands, one a line."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Writes the help; the text itself stays as it is written, for whoever reads it otherwise."""
        written = self.help
        self.help = shown(written or "")
        try:
            super().format_help(ctx, formatter)
        finally:
            self.help = written


def shown(help_text: str) -> str:
    """The help as Markdown in which consecutive examples are one block of hard-broken, quoted lines."""
    return "\n\n".join(_blocks(inspect.cleandoc(help_text)))


def examples(help_text: str) -> list[str]:
    """The example commands of a help text, in order."""
    found: list[str] = []
    begun = False
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(help_text)):
        text = " ".join(paragraph.split())
        begun = begun or bool(_EXAMPLES.match(text))
        text = _EXAMPLES.sub("", text, count=1)
        if begun and text:
            found.append(text)
    return found


def _blocks(help_text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", help_text):
        if _EXAMPLES.match(paragraph):
            break
        yield paragraph
    found = examples(help_text)
    if found:
        yield "Example:" if len(found) == 1 else "Examples:"
        yield "  \n".join(f"`{line}`" for line in found)

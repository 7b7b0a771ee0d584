"""The lines that findings are shown with, with every secret in them covered up."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from assay.domain import Verdict

CONTEXT = 1
"""How many lines before and after the place of a finding are shown."""
COVER = "•"
_WORD = re.compile(r"""[^\s"'`,;(){}\[\]<>]+""")


def covered(
    sources: Mapping[str, str], verdicts: Iterable[Verdict], *, is_secret: Callable[[str], object]
) -> dict[str, str]:
    """The sources, safe to show around the places of ``verdicts``: excerpts reach logs of pipelines.

    A word that ``is_secret`` recognises is covered wherever it stands on a line that is shown; where a finding says
    that a secret stands in the file, so is all that follows on its line. Columns do not move.
    """
    lines = {name: text.split("\n") for name, text in sources.items()}
    clean: set[tuple[str, int]] = set()
    for verdict in verdicts:
        place = verdict.location
        if place.file not in lines:
            continue
        shown = lines[place.file]
        for number in range(max(1, place.line - CONTEXT), min(len(shown), place.line + CONTEXT) + 1):
            if (place.file, number) not in clean:
                shown[number - 1] = _without_secrets(shown[number - 1], is_secret)
                clean.add((place.file, number))
        if verdict.check == "literal-secret" and 1 <= place.line <= len(shown):
            line, at = shown[place.line - 1], place.column - 1
            shown[place.line - 1] = line[:at] + _cover(line[at:])
    return {name: "\n".join(text) for name, text in lines.items()}


def _without_secrets(line: str, is_secret: Callable[[str], object]) -> str:
    return _WORD.sub(lambda word: _cover(word[0]) if is_secret(word[0]) else word[0], line)


def _cover(text: str) -> str:
    """As many characters, so that a caret under the line still points where it should."""
    end = text.rstrip()
    return COVER * len(end) + text[len(end) :]

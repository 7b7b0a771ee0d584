"""Help that can be read and copied: examples on lines of their own, each of them a command that exists."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from assay.cli.help import examples, shown
from assay.cli.main import app


def _commands(prefix: tuple[str, ...], group: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands((*prefix, name), command)
        else:
            yield (*prefix, name), command


COMMANDS = list(_commands((), typer.main.get_command(app)))


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=[" ".join(n) for n, _ in COMMANDS])
def test_every_command_shows_examples_one_a_line(assay, monkeypatch, name: tuple[str, ...], command: Any) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    wanted = examples(command.help)
    assert wanted
    said = assay(*name, "--help")
    assert said.exit == 0
    lines = [line.strip() for line in said.out.splitlines()]
    for line in wanted:
        assert line in lines
    assert "[[" not in said.out


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=[" ".join(n) for n, _ in COMMANDS])
def test_every_example_is_a_command_with_options_that_exist(name: tuple[str, ...], command: Any) -> None:
    known = {option for parameter in command.params for option in parameter.opts}
    for line in examples(command.help):
        words = shlex.split(line)
        if words[0] != "assay":
            continue
        assert words[1 : 1 + len(name)] == list(name)
        own = words[: words.index("&&")] if "&&" in words else words
        assert [w for w in own if w.startswith("--") and w not in known] == []


def test_help_without_examples_stays_as_it_is() -> None:
    assert shown("One.\n\nTwo\nlines.") == "One.\n\nTwo\nlines."


def test_examples_become_one_block_that_keeps_underscores() -> None:
    text = shown("Do it.\n\n    Examples:\n\n      assay a __x__\n\n      assay b\n    ")
    assert text == "Do it.\n\nExamples:\n\n`assay a __x__`  \n`assay b`"
    assert shown("Do it.\n\nExample: assay c").endswith("Example:\n\n`assay c`")

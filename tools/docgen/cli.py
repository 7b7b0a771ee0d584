"""``cli.md``: every command with its arguments and options, read from the application itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import Any, get_args

import typer

from assay.cli.help import examples
from assay.cli.main import app
from assay.domain import Exit
from tools.docgen.markdown import code, page, table

_EXITS = {
    Exit.OK: "done, and nothing at or above `--fail-on` was found",
    Exit.FINDINGS: "there are findings at or above `--fail-on`",
    Exit.USAGE: "the command or the declaration is not valid; nothing was done",
    Exit.INCOMPLETE: "the work could not be completed, so nothing is claimed",
    Exit.NOTHING_SELECTED: "nothing was selected to work on",
    Exit.CHANGES: "`plan --detailed-exitcode` only: there are changes",
}


def pages() -> dict[str, str]:
    """The page of the command line."""
    group: Any = typer.main.get_command(app)
    commands = list(_commands("assay", group))
    contents = "\n".join(f"- [`{name}`](#{_anchor(name)}) {_first(command.help)}" for name, command in commands)
    return {
        "cli.md": page(
            "The command line",
            f"{group.help}",
            contents,
            "`assay --version` shows the version; every command has `--help`.",
            "## Exit codes",
            table(("code", "meaning"), ((str(int(e)), _EXITS[e]) for e in Exit)),
            *(_command(name, command) for name, command in commands),
        )
    }


def _commands(prefix: str, group: Any) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if command.hidden:
            continue
        if hasattr(command, "commands"):
            yield from _commands(f"{prefix} {name}", command)
        else:
            yield f"{prefix} {name}", command


def _anchor(name: str) -> str:
    return name.replace(" ", "-")


def _first(help_text: str | None) -> str:
    return (help_text or "").strip().split("\n\n")[0].replace("\n", " ")


def _command(name: str, command: Any) -> str:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and not p.hidden and p.name != "help"]
    usage = " ".join([name, *(["[OPTIONS]"] if options else []), *(_argument(p) for p in arguments)])
    parts = [f"## {name}", f"    {usage}", *_prose(command.help or "")]
    if arguments:
        rows = ((code(_argument(p)), p.help or "", _default(p)) for p in arguments)
        parts.append(table(("argument", "meaning", "default"), rows))
    if options:
        rows = ((_option(p), p.help or "", _default(p)) for p in options)
        parts.append(table(("option", "meaning", "default"), rows))
    return "\n\n".join(parts)


def _prose(help_text: str) -> Iterator[str]:
    """Paragraphs of a help text, then its examples in one block."""
    for paragraph in re.split(r"\n\s*\n", help_text.strip()):
        if re.match(r"\s*Examples?:", paragraph):
            break
        yield " ".join(paragraph.split())
    if found := examples(help_text):
        yield "```console\n" + "\n".join(f"$ {line}" for line in found) + "\n```"


def _argument(parameter: Any) -> str:
    name = parameter.metavar or parameter.name.upper()
    return name if parameter.required or name.startswith("[") else f"[{name}]"


def _option(parameter: Any) -> str:
    names = ", ".join(code(o) for o in parameter.opts)
    if parameter.is_flag:
        return names + "".join(f" / {code(o)}" for o in parameter.secondary_opts)
    kind = parameter.type_descriptor.annotation
    choices = _choices(kind)
    many = " (may be repeated)" if parameter.multiple else ""
    word = parameter.metavar or max(parameter.opts, key=len).lstrip("-").upper()
    return f"{names} {choices or code(word)}{many}"


def _choices(kind: Any) -> str:
    for candidate in (kind, *get_args(kind)):
        if isinstance(candidate, type) and issubclass(candidate, Enum):
            return " · ".join(code(member.value) for member in candidate)
    return ""


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    if isinstance(parameter.show_default, str):
        return code(parameter.show_default)
    value = parameter.default
    if value is None or value is False or value == () or callable(value):
        return ""
    return code(value.value if isinstance(value, Enum) else value)

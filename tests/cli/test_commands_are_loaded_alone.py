"""A command starts quickly, because it loads nothing of the others; the list of commands still tells the truth."""

from __future__ import annotations

import subprocess
import sys

import pytest
import typer

from assay.cli.main import ENTRIES, app, application

HEAVY = ("granian", "grpc", "httpx", "joserfc", "libmodsecurity", "psutil", "starlette", "tink")


def _loaded(*arguments: str) -> set[str]:
    code = (
        "import sys\n"
        f"sys.argv = ['assay', *{list(arguments)!r}]\n"
        "from assay.cli.main import run\n"
        "try: run()\n"
        "except SystemExit: pass\n"
        "print('\\n' + ' '.join(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_the_list_of_commands_says_what_each_says_of_itself() -> None:
    group = typer.main.get_command(app)
    assert list(group.commands) == [entry.name for entry in ENTRIES]  # type: ignore[attr-defined]
    for entry in ENTRIES:
        own = group.commands[entry.name].help or ""  # type: ignore[attr-defined]
        assert " ".join(own.strip().split("\n\n")[0].split()) == entry.summary


def test_the_help_is_the_same_whether_the_commands_are_loaded_or_not(assay, capsys, monkeypatch) -> None:
    listed = assay("--help").out
    monkeypatch.setattr(sys, "argv", ["assay", "--help"])
    with pytest.raises(SystemExit):
        application()()
    assert capsys.readouterr().out == listed


def test_the_version_loads_no_command() -> None:
    assert not _loaded("--version") & {*HEAVY, "cryptography", "assay.cli.check", "assay.controls"}


def test_help_loads_no_command() -> None:
    loaded = _loaded("--help")
    assert not loaded & {*HEAVY, "cryptography", "pydantic", "assay.cli.check", "assay.declare"}


@pytest.mark.parametrize("command", ["check", "plan"])
def test_what_reads_the_design_loads_nothing_that_runs_or_keeps_secrets(command: str) -> None:
    assert not _loaded(command, "--help") & {*HEAVY, "assay.gateway.supervisor", "ruamel.yaml"}


def test_a_typing_error_is_still_told_from_all_commands(assay) -> None:
    said = assay("chekc")
    assert said.exit == 2
    assert "check" in said.err

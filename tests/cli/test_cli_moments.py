"""Moments that people type, and groups of commands that do something by themselves."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from assay.cli.groups import WithDefault
from assay.cli.moments import moment
from assay.domain import UsageError

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (None, NOW),
        ("2026-12-01", datetime(2026, 12, 1, tzinfo=UTC)),
        ("2026-12-01T12:30", datetime(2026, 12, 1, 12, 30, tzinfo=UTC)),
        ("2026-12-01T12:30+02:00", datetime(2026, 12, 1, 10, 30, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read_as_it_is_meant(text: str | None, meant: datetime) -> None:
    assert moment(text, NOW) == meant


@given(st.text(max_size=30) | st.datetimes().map(str))
def test_whatever_is_typed_is_a_moment_in_utc_or_refused(text: str) -> None:
    try:
        found = moment(text, NOW)
    except UsageError as error:
        assert error.fix
        return
    assert found.utcoffset() == NOW.utcoffset()


def test_a_moment_before_all_time_is_refused() -> None:
    with pytest.raises(UsageError):
        moment("0001-01-01T00:00+23:59", NOW)


def _group() -> typer.Typer:
    app = typer.Typer(cls=WithDefault)

    @app.command()
    def show(much: bool = False) -> None:
        typer.echo(f"shown {much}")

    @app.command()
    def other() -> None:
        typer.echo("other")

    return app


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "shown False"),
        (["--much"], "shown True"),
        (["show", "--much"], "shown True"),
        (["other"], "other"),
        (["--help"], "Usage"),
    ],
)
def test_a_group_calls_its_first_command_when_none_is_named(arguments: list[str], said: str) -> None:
    assert said in CliRunner().invoke(_group(), arguments).output

"""Options that several commands share, so that they are spelt and explained alike."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from assay.domain import Severity


class Format(StrEnum):
    """How results are written."""

    TEXT = "text"
    JSON = "json"


class ReportFormat(StrEnum):
    """How findings are written."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"
    GITHUB = "github"


class FailOn(StrEnum):
    """The least severity that makes a command exit 1."""

    NOTE = Severity.NOTE.value
    LOW = Severity.LOW.value
    MEDIUM = Severity.MEDIUM.value
    HIGH = Severity.HIGH.value
    CRITICAL = Severity.CRITICAL.value
    NEVER = "never"


DeclarationPath = Annotated[
    Path,
    typer.Argument(metavar="DECLARATION", help="Directory with assay.yaml (and assay.d/), or one YAML file."),
]
Where = Annotated[Path, typer.Option("--declaration", "-d", metavar="DECLARATION", help="Directory with assay.yaml.")]


def _environments(ctx: typer.Context, incomplete: str) -> list[str]:
    from assay.cli import completing

    return completing.environments(ctx, incomplete)


EnvironmentOption = Annotated[
    str | None,
    typer.Option(
        "--environment",
        metavar="NAME",
        help="The environment whose gateway is meant, where environments have gateways of their own.",
        autocompletion=_environments,
    ),
]
FormatOption = Annotated[Format, typer.Option("--format", help="text for people, json for programs.")]

"""``assay export``: the declaration as the model of another tool."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from assay.app.importing import EXPORTS
from assay.app.project import open_project
from assay.cli.console import progress, write
from assay.cli.options import Where
from assay.declare.yaml_write import block_lines


class Kind(StrEnum):
    """Models that a declaration can be written as."""

    OTM = "otm"
    FIDES = "fides"


class Written(StrEnum):
    """How the model is written."""

    YAML = "yaml"
    JSON = "json"


def export(
    model: Annotated[Kind, typer.Argument(help="otm: Open Threat Model 0.2.0; fides: a manifest of fideslang.")],
    where: Where = Path(),
    format: Annotated[Written, typer.Option("--format", help="How it is written.")] = Written.YAML,
) -> None:
    """Write the declaration as an Open Threat Model or a fides manifest, for tools that read those.

    Examples:

      assay export otm > threat-model.yaml

      assay export fides --declaration examples/customer-data
    """
    with progress("reading the declaration"):
        found = EXPORTS[model.value](open_project(where).declaration)
    if format is Written.JSON:
        return write(json.dumps(found, indent=2, ensure_ascii=False))
    return write("\n".join(block_lines(found, "")))

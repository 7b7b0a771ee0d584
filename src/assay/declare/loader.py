"""Reading a declaration: files, variables, model, contracts and references, with every mistake found at once."""

from __future__ import annotations

import hashlib
import os
import posixpath
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from assay.declare.contract import ReadLimits
from assay.declare.contracts import Shelf
from assay.declare.declaration import Declaration
from assay.declare.declaration_files import Sources, read_sources
from assay.declare.invalid import explain
from assay.declare.literal_secrets import literal_secrets
from assay.declare.merge import Merged, merge
from assay.declare.model import Model
from assay.declare.places import Places
from assay.declare.problem import problem
from assay.declare.references import Scene, dangling
from assay.declare.substitute import Substituted, substitute
from assay.declare.validate import Validated, validate
from assay.declare.yaml_nodes import YamlLimits
from assay.declare.yaml_places import Written, read_yaml
from assay.domain import DeclarationError, Location, Verdict


def load(
    path: Path | str = ".",
    *,
    environ: Mapping[str, str] | None = None,
    controls: Collection[str] | None = None,
    shown_as: str | None = None,
    yaml_limits: YamlLimits = YamlLimits(),  # noqa: B008 - frozen value
    contract_limits: ReadLimits = ReadLimits(),  # noqa: B008 - frozen value
) -> Declaration:
    """Read the declaration at ``path``: a directory with `assay.yaml` and `assay.d/*.yaml`, or one YAML file.

    Args:
        environ: where `${NAME}` is looked up; default: the environment of this process.
        controls: ids of all controls, so that references to them are checked; None leaves them unchecked.
        shown_as: how the directory is called in locations; default: as in ``path``.

    Raises:
        DeclarationError: with every mistake found, sorted by place.
    """
    sources = read_sources(Path(path), shown_as, yaml_limits)
    files = [read_yaml(text, name, yaml_limits) for name, text in sources.texts.items()]
    problems = [*sources.problems, *(p for written in files for p in written.problems)]
    problems += [p for written in files for p in _shape(written)]
    if problems and (sources.problems or any(not isinstance(written.value, dict) for written in files)):
        raise DeclarationError(_in_order(problems))

    merged = merge(files)
    places = Places(merged.places, Location(next(iter(sources.texts))))
    substituted = substitute(merged.value, os.environ if environ is None else environ, places)
    validated = validate(_mapping(substituted.value))
    problems += [*merged.problems, *substituted.problems]
    problems += _refusals(validated, merged, substituted, places)

    shelf = Shelf(sources, contract_limits)
    model = validated.model
    if model is not None:
        scene = _scene(model, merged, places, validated, shelf, controls)
        problems += [*dangling(scene), *shelf.problems]
    for written in files:
        problems += literal_secrets(written, sources.texts[written.file], shelf.is_public)
    if problems or model is None:
        raise DeclarationError(_in_order(problems))
    return Declaration(
        root=sources.root,
        model=model,
        contracts=shelf.by_api,
        places=places,
        sources=dict(sources.texts),
        digest=_digest(sources, substituted.used, shelf),
        reading_notes=tuple(sources.notes),
    )


def _shape(written: Written) -> list[Verdict]:
    """The problem of a file whose top is no mapping."""
    if isinstance(written.value, dict) or written.problems:
        return []
    if written.root is None:
        fix = "declare something in it, or remove the file"
        return [problem("empty-file", "", "the file declares nothing", Location(written.file), fix)]
    at = Location(written.file, written.root.start.line, written.root.start.column)
    sentence = "the top of a declaration file is a mapping, and this is " + (
        "a list" if isinstance(written.value, list) else "a single value"
    )
    return [problem("not-a-mapping", "", sentence, at, "write `key: value` lines, beginning with `assay: 1`")]


def _refusals(validated: Validated, merged: Merged, substituted: Substituted, places: Places) -> list[Verdict]:
    """What the model refused; a value whose variable is unset is not refused a second time for its text."""
    unset = {p.subject for p in substituted.problems}
    return [v for v in explain(validated.mistakes, merged.value, places) if v.subject not in unset]


def _scene(
    model: Model,
    merged: Merged,
    places: Places,
    validated: Validated,
    shelf: Shelf,
    controls: Collection[str] | None,
) -> Scene:
    for name, api in model.apis.items():
        written = validated.origin(("apis", name, "contract"))
        if written in validated.invented:
            continue
        shelf.take(name, api.contract, places.value(*written))
    return Scene(
        model=model,
        raw=merged.value,
        places=places,
        origin=validated.origin,
        invented=validated.invented,
        contracts=shelf.by_api,
        schema_fields=shelf.schema_fields,
        file_exists=shelf.file_exists,
        controls=controls,
    )


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _in_order(problems: Iterable[Verdict]) -> list[Verdict]:
    """By place, each told once."""
    unique = {(p.location, p.check, p.sentence): p for p in problems}
    return [unique[key] for key in sorted(unique)]


def _digest(sources: Sources, variables: Mapping[str, str], shelf: Shelf) -> str:
    """SHA-256 over what decides the meaning: files, contracts and the variables used, each by name and length."""
    digest = hashlib.sha256()
    parts = {f"file:{name}": data for name, data in sources.data.items()}
    parts |= {f"contract:{posixpath.normpath(name)}": data for name, data in shelf.data().items()}
    parts |= {f"variable:{name}": value.encode() for name, value in variables.items()}
    for name in sorted(parts):
        digest.update(f"{name}\0{len(parts[name])}\0".encode())
        digest.update(parts[name])
    return digest.hexdigest()

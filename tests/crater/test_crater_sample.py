"""A fixed hundred of real APIs: each compiles to what Envoy accepts, or is refused with the diagnosis that is right."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest
import yaml
from benchmarks.crater import package
from benchmarks.crater.crew import examine_all
from benchmarks.crater.document import Machine, Result

from assay.domain import IncompleteError

pytestmark = [pytest.mark.integration, pytest.mark.slow]
EXPECTED: Mapping[str, list[str]] = json.loads((Path(__file__).parent / "sample.json").read_text(encoding="utf-8"))
"""By document: the diagnoses it is refused with; none means that it is accepted."""
ALSO_AS_YAML = sorted(name for name, refused in EXPECTED.items() if not refused)[::10]
CACHE = Path(__file__).parents[2] / package.CACHE


@pytest.fixture(scope="module")
def documents() -> Path:
    try:
        return package.documents(CACHE)
    except IncompleteError as error:
        pytest.skip(f"{error.sentence}: {error.fix}")


@pytest.fixture(scope="module")
def results(documents: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Result]:
    directory = tmp_path_factory.mktemp("crater")
    files = [(name, package.file_of(documents, name)) for name in EXPECTED]
    for name in ALSO_AS_YAML:
        written = directory / f"{len(files)}.yaml"
        value = json.loads(package.file_of(documents, name).read_bytes())
        written.write_text(yaml.dump(value, Dumper=yaml.CSafeDumper, sort_keys=False), encoding="utf-8")
        files.append((f"{name} as YAML", written))
    machine = Machine.prepare(directory / "machine", date.today())
    found = examine_all(files, machine, jobs=2, limit_seconds=120)
    return {result.name: result for result in found}


def test_the_sample_is_a_hundred_documents_of_several_versions(results: Mapping[str, Result]) -> None:
    assert len(EXPECTED) == 100
    versions = {result.version for result in results.values()}
    assert versions >= {"3.0.0", "3.0.1", "3.0.2", "3.0.3", "3.1.0"}


@pytest.mark.parametrize("name", [*EXPECTED, *(f"{name} as YAML" for name in ALSO_AS_YAML)])
def test_a_real_api_is_accepted_or_refused_for_the_right_reason(results: Mapping[str, Result], name: str) -> None:
    result = results[name]
    refused = EXPECTED[name.removesuffix(" as YAML")]
    assert (result.outcome, result.reasons) == ("refused" if refused else "accepted", refused), result.said


def test_the_same_document_as_yaml_gives_the_same_operations(results: Mapping[str, Result]) -> None:
    for name in ALSO_AS_YAML:
        assert results[name].operations == results[f"{name} as YAML"].operations

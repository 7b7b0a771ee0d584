"""What a newcomer relies on: the package is whole, the lock is exact, the Makefile does what its help says."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TARGETS = ("demo", "test", "check", "bench", "crater", "help", "lock", "schema", "docs", "clean")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _tool(name: str) -> str:
    found = shutil.which(name)
    assert found, f"this machine has no {name}"
    return found


def _make(*arguments: str) -> str:
    done = subprocess.run([_tool("make"), "-n", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> frozenset[str]:
    """Names in a wheel that was really built."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        return frozenset(archive.namelist())


def test_the_wheel_carries_every_file_the_code_reads(wheel: frozenset[str]) -> None:
    source = ROOT / "src"
    ignored = {"__pycache__", ".assay"}
    wanted = {
        str(p.relative_to(source)) for p in source.rglob("*") if p.is_file() and not ignored & {*p.parts} and p.suffix
    }
    assert {Path(name).suffix for name in wanted} >= {".py", ".yaml", ".md", ".lua", ".csv", ".conf", ".toml", ".json"}
    assert wanted - wheel == set()


def test_the_wheel_carries_the_example_and_nothing_that_a_run_left_in_it(wheel: frozenset[str]) -> None:
    inside = "assay/_examples/customer-data/"
    for name in ("assay.yaml", "assay.d/consumers.yaml", "openapi/customer-data.yaml", "service.py"):
        assert inside + name in wheel
    assert [n for n in wheel if "__pycache__" in n or "/.assay/" in n or n.endswith((".sqlite3", ".pyc"))] == []


def test_the_wheel_carries_the_licence_and_the_notice(wheel: frozenset[str]) -> None:
    assert {Path(n).name for n in wheel if "/licenses/" in n} == {"LICENSE", "NOTICE"}


def test_the_lock_pins_every_dependency_exactly_and_by_hash() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    entries = re.findall(
        r"^([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?==\S+(?:[^\\\n]*)\\\n((?:    --hash=.*\n)+)", text, re.MULTILINE
    )
    lines = [line for line in text.splitlines() if line and line[0] not in " #"]
    assert len(entries) == len(lines), "a line of the lock has no exact version or no hash"
    pinned = {_normal(name) for name, _ in entries}
    extras = PYPROJECT["project"]["optional-dependencies"].values()
    declared = [
        *PYPROJECT["project"]["dependencies"],
        *PYPROJECT["dependency-groups"]["dev"],
        *(d for e in extras for d in e),
    ]
    assert {_normal(re.split(r"[\[<>=;~! ]", d, maxsplit=1)[0]) for d in declared} - pinned == set()


def test_the_lock_names_no_host_so_that_any_mirror_serves() -> None:
    assert "://" not in (ROOT / "requirements.lock").read_text(encoding="utf-8")


@pytest.mark.parametrize("target", TARGETS)
def test_make_knows_the_target_and_help_explains_it(target: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{target}:.*## \S", makefile, re.MULTILINE)
    assert _make(target)


def test_make_alone_is_help() -> None:
    assert _make() == _make("help")


def test_ci_ends_with_the_test_command_of_the_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert script.rstrip().endswith("make test")
    assert "make test" in (ROOT / "README.md").read_text(encoding="utf-8")
    subprocess.run([_tool("bash"), "-n", str(ROOT / ".ci" / "run")], check=True)


def test_imports_point_inwards() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-logo", "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_architecture_describes_every_part_of_the_package() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    parts = [p.name for p in (ROOT / "src" / "assay").iterdir() if p.is_dir() and (p / "__init__.py").exists()]
    assert [p for p in parts if f"`{p}/`" not in text] == []


def test_every_data_file_that_ships_is_in_the_notice() -> None:
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    data = [p for p in ROOT.glob("src/assay/**/data/*") if p.is_file() and p.suffix != ".py"]
    assert data
    assert [str(p.relative_to(ROOT)) for p in data if str(p.relative_to(ROOT)) not in notice] == []

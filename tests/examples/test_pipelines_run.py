"""The ready-made pipelines and the pre-commit hook do what they say: their own commands are run, on a copied example.

No code host and no pre-commit run here: what they would call is read from the files and called the way they call it.
Steps that are actions of the host (`uses:`) are left out. Nothing is fetched: Assay is installed already.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from ruamel.yaml import YAML

from assay.controls.security_testing.pipelines import read_pipeline
from assay.gateway.ports import free_ports

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "customer-data"
PIPELINES = ROOT / "examples" / "pipelines"
BROKEN = ("by: gateway, keys: customer-keys", "by: disk")
"""A protection that is taken away: what a pipeline is there to notice."""


def _read(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    place = tmp_path / "customer-data"
    shutil.copytree(EXAMPLE, place, ignore=shutil.ignore_patterns(".assay", "__pycache__", "data"))
    return place


def _environment(**more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ASSAY", "CUSTOMER_DATA", "CRM", "GITHUB"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return kept | {"PATH": path, "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"} | more


def _bash(script: str, folder: Path, environ: dict[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/bash", *(options or ("-e",)), "-c", script],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def _steps(path: Path, job: str) -> list[dict[str, Any]]:
    return [step for step in _read(path)["jobs"][job]["steps"] if "run" in step]


def _job(path: Path, job: str, folder: Path, environ: dict[str, str]) -> int:
    """Runs the steps as GitHub does: each in a shell of its own, after a failure only those with `always()`."""
    failed = 0
    for step in _steps(path, job):
        if not failed or step.get("if") == "always()":
            done = _bash(step["run"], folder, environ)
            if done.returncode:
                failed = failed or done.returncode
                print(step["run"], done.stdout, done.stderr, sep="\n")  # noqa: T201 - shown when the test fails
    return failed


def test_the_examples_pipeline_is_the_one_that_is_shipped() -> None:
    assert (EXAMPLE / "pipeline.yml").read_text() == (PIPELINES / "github-actions.yml").read_text()


@pytest.mark.parametrize("name", ["github-actions.yml", "gitlab-ci.yml"])
def test_each_pipeline_holds_up_a_change_by_its_own_rules(name: str) -> None:
    read = read_pipeline((PIPELINES / name).read_text(), name)
    assert read.problem == "" and read.on_changes is not False
    assert {s.command for s in read.steps if s.means == "gates"} >= {"check", "prove"}


def test_github_stops_a_change_that_takes_a_protection_away(copy: Path) -> None:
    systems = copy / "assay.d" / "systems.yaml"
    systems.write_text(systems.read_text().replace(*BROKEN))
    assert _job(PIPELINES / "github-actions.yml", "design", copy, _environment()) == 1
    assert "disk-encryption-only" in (copy / "assay.sarif").read_text()


def _gitlab(job: str) -> tuple[str, str]:
    """(script, after_script): each is one shell."""
    found = _read(PIPELINES / "gitlab-ci.yml")[job]
    return "\n".join(found["script"]), "\n".join(found["after_script"])


def test_gitlab_passes_the_example(copy: Path) -> None:
    script, after = _gitlab("design")
    assert _bash(script, copy, _environment(), "-e", "-o", "pipefail").returncode == 0
    assert _bash(after, copy, _environment(), "-e").returncode == 0
    assert len(list(ET.parse(copy / "assay.xml").getroot().iter("testcase"))) > 100  # noqa: S314 - our own file


def test_gitlab_proves_as_github_does() -> None:
    script, after = _gitlab("proofs")
    steps = "\n".join(step["run"].rstrip() for step in _steps(PIPELINES / "github-actions.yml", "proofs"))
    assert script.splitlines() == steps.splitlines()[:-1]
    assert after == steps.splitlines()[-1] == "assay down"


@pytest.mark.integration
def test_github_proves_the_running_example_and_leaves_nothing_behind(copy: Path) -> None:
    port = free_ports()
    environ = _environment(
        SERVICE_PORT=str(port),
        CUSTOMER_DATA_UPSTREAM=f"http://127.0.0.1:{port}",
        CUSTOMER_DATA_LISTEN=f"127.0.0.1:{free_ports(2)}",
    )
    steps = _steps(PIPELINES / "github-actions.yml", "proofs")
    # A runner ends what a job leaves running; here the service's own process is remembered for that.
    steps[1]["run"] = steps[1]["run"].replace("2>&1 &\n", "2>&1 &\necho $! > service.pid\n")
    try:
        for step in steps[:-1]:
            done = _bash(step["run"], copy, environ)
            assert done.returncode == 0, done.stdout + done.stderr
        tests = ET.parse(copy / "proofs.xml").getroot().iter("testcase")  # noqa: S314 - our own file
        names = " ".join(f"{t.get('classname')} {t.get('name')}" for t in tests)
        assert "reported-finding-still-works" in names
    finally:
        _bash(steps[-1]["run"], copy, environ)
        if (pid := copy / "service.pid").exists():
            subprocess.run(["/bin/kill", pid.read_text().strip()], check=False)
    assert not (copy / ".assay" / "supervisor.pid").exists()


def _hook() -> dict[str, Any]:
    (found,) = _read(ROOT / ".pre-commit-hooks.yaml")
    assert isinstance(found, dict)
    return found


def test_the_hook_is_described_as_pre_commit_asks() -> None:
    hook = _hook()
    assert {"id", "name", "entry", "language", "files"} <= set(hook)
    assert hook["language"] == "python" and hook["pass_filenames"] is False


def test_the_hook_stops_a_commit_that_takes_a_protection_away(copy: Path) -> None:
    """pre-commit splits the entry into words and calls it in the repository, here without names of files."""
    systems = copy / "assay.d" / "systems.yaml"
    systems.write_text(systems.read_text().replace(*BROKEN))
    done = subprocess.run(
        _hook()["entry"].split(), cwd=copy, env=_environment(), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 1 and "disk-encryption-only" in done.stdout

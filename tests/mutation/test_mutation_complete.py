"""Every control has a switch, on the running example or where that which it speaks about exists."""

from __future__ import annotations

from pathlib import Path

from tests.mutation.switches import SWITCHES

from assay.controls import CONTROL_IDS

ROOT = Path(__file__).parents[2]
ELSEWHERE = {
    "data_classification": "tests/controls/data_classification/test_classification_prove.py",
    "environment_segregation": "tests/controls/environment_segregation",
    "governance": "tests/controls/governance",
    "layered_architecture": "tests/controls/layered_architecture/test_layers_running.py",
    "least_privilege": "tests/controls/least_privilege/test_privilege_prove.py",
}
"""Controls that the example has nothing for (layers, a second environment, rights in a database, a production tier):
where their verdicts are flipped, on systems of their own or on services that are played to them."""


def test_every_control_can_be_turned_off() -> None:
    assert set(CONTROL_IDS) - set(ELSEWHERE) <= {switch.control for switch in SWITCHES}
    assert {switch.control for switch in SWITCHES} <= set(CONTROL_IDS) - set(ELSEWHERE)
    assert len({switch.id for switch in SWITCHES}) == len(SWITCHES)


def test_what_is_turned_off_elsewhere_is_turned_off_there() -> None:
    for control in set(ELSEWHERE) & set(CONTROL_IDS):
        place = ROOT / ELSEWHERE[control]
        told = "".join(f.read_text(encoding="utf-8") for f in ([place] if place.is_file() else place.glob("test_*.py")))
        assert "FAIL" in told or '"fail"' in told, f"{ELSEWHERE[control]} does not flip a verdict of {control}"

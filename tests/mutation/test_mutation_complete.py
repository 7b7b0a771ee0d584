"""Every control has a switch."""

from __future__ import annotations

from tests.mutation.switches import SWITCHES

from assay.controls import CONTROL_IDS


def test_every_control_can_be_turned_off() -> None:
    assert {switch.control for switch in SWITCHES} == set(CONTROL_IDS)
    assert len({switch.id for switch in SWITCHES}) == len(SWITCHES)

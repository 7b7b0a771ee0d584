"""Turn a control off and its verdict must flip: how much a caller may ask for."""

from __future__ import annotations

import pytest
from tests.mutation.flipping import switches_of
from tests.mutation.switches import Switch, text

pytestmark = [pytest.mark.integration, pytest.mark.slow]
CONTROLS = ("rate_limiting",)
EXAMPLE = text("assay.d/consumers.yaml", ("600/minute", "150/minute"), ("300/minute", "120/minute"))
"""Limits that fewer calls use up: a proof of six hundred a minute sends that many, each time."""


@pytest.mark.parametrize("switch", switches_of(*CONTROLS), ids=lambda s: s.id)
def test_a_control_that_is_turned_off_is_found_and_named(check, switch: Switch) -> None:
    check(switch)

"""Turn a control off and its verdict must flip: the gateway itself: routes, transport and log."""

from __future__ import annotations

import pytest
from tests.mutation.flipping import switches_of
from tests.mutation.switches import Switch

pytestmark = [pytest.mark.integration, pytest.mark.slow]
CONTROLS = ("activity_logging", "api_gateway", "transport_encryption")


@pytest.mark.parametrize("switch", switches_of(*CONTROLS), ids=lambda s: s.id)
def test_a_control_that_is_turned_off_is_found_and_named(check, switch: Switch) -> None:
    check(switch)

"""What only time tells is a finding where it is plain, open where the machine hides it, a pass where it is alike."""

from __future__ import annotations

import pytest

from assay.controls.authentication.proofs.guessing import tells
from assay.domain import Outcome
from assay.prove.case import Seen


def answers(*seconds: float) -> list[Seen]:
    return [Seen(number, 401, {}, b"{}", each, "") for number, each in enumerate(seconds, 1)]


@pytest.mark.parametrize(
    ("real", "strange", "expected"),
    [
        ((0.030, 0.032), (0.002, 0.003), Outcome.FAIL),
        ((0.030, 0.032), (0.002, 0.031), Outcome.INCONCLUSIVE),
        ((0.045, 0.047), (0.022, 0.024), Outcome.INCONCLUSIVE),  # 20 ms of a busy machine on top of the first
        ((0.030, 0.032), (0.029, 0.033), Outcome.PASS),
        ((0.190, 0.210), (0.180, 0.240), Outcome.INCONCLUSIVE),  # all of them slow: the difference may be in there
        ((0.200, 0.210), (0.198, 0.212), Outcome.PASS),  # slow, and alike: both are hashed
        ((0.003, 0.004), (0.001, 0.002), Outcome.PASS),  # too little to tell from the network
        ((0.02, 0.02, 0.02, 1.8), (0.02, 0.02, 1.7, 0.02), Outcome.PASS),  # the machine paused twice
        ((0.03, 0.03, 0.03, 0.03), (0.002, 0.003, 1.7, 0.002), Outcome.FAIL),  # and hid what is plain else
    ],
)
def test_times_of_a_sign_in(real: tuple[float, ...], strange: tuple[float, ...], expected: Outcome) -> None:
    assert tells(answers(*real), answers(*strange), (), "the sign-in").outcome is expected

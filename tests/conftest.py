"""For all tests: no claim here is about how fast this machine is, and long files begin first."""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "any machine",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    # A pipeline judges a change, so it tries the same examples each time; new ones are looked for by hand.
    derandomize=bool(os.environ.get("CI")),
)
settings.load_profile("any machine")

FIRST = ("slow", "integration")


def pytest_configure() -> None:
    """Lets Ctrl-C be sent to tests and to what they start. A shell's background processes ignore it, children too."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts files that start servers before all others, the slow ones first; those of one kind stay in their order.

    What starts servers has a second try: the machine may pause for seconds. `make test` prints each one that needed it,
    with what went wrong, and allows few: such a test has a mistake, or has found one.

    Files are shared out between processes (``--dist loadfile``) in this order, so that no process is left at the end
    with a file of minutes while the others have nothing to do.
    """
    kinds: dict[str, int] = {}
    for item in items:
        kind = next((at for at, mark in enumerate(FIRST) if item.get_closest_marker(mark)), len(FIRST))
        file = item.nodeid.partition("::")[0]
        kinds[file] = min(kind, kinds.get(file, kind))
        if kind < len(FIRST):
            item.add_marker(pytest.mark.flaky(reruns=1))
    items.sort(key=lambda item: kinds[item.nodeid.partition("::")[0]])

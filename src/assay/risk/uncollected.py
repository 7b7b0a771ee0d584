"""Leaves the cycle collector out of work that makes very many values and no cycles."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Until its end the collector does not look through everything again and again: half of the time is that.

    Changes nothing that is computed. Within another one it does nothing.
    """
    enabled = gc.isenabled()
    if enabled:
        gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()

"""Which of the data in a system an account may read, as far as its rights are written by hand."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from assay.declare.model import Account, RightsFrom
from assay.declare.selectors import selects

READING = ("select", "read", "update", "write", "delete", "admin", "grant", "impersonate", "execute")
"""Rights by which data can be read, or that can be turned into reading it. Only adding to something cannot."""


def readable(account: Account, data: str, known: Collection[str]) -> bool:
    """Whether an account may read a data set. ``known`` are the names of all; looking one up must be cheap.

    Rights that are read from elsewhere, or that name objects which are no data set, may be rights to anything.
    """
    if isinstance(account.rights, RightsFrom) or not account.rights:
        return True
    for right in account.rights:
        for word in READING:
            for thing in getattr(right, word):
                if word == "impersonate" or _names(thing, account.objects, known) in (data, None):
                    return True
    return False


def _names(thing: str, objects: Mapping[str, str], known: Collection[str]) -> str | None:
    """The data set that an object holds; None when it may be any."""
    if thing in objects:
        return objects[thing]
    if thing in known:
        return thing
    named = {data for pattern, data in objects.items() if selects(pattern, thing)}
    return named.pop() if len(named) == 1 else None

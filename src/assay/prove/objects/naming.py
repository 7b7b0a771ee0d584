"""Names of identifiers as contracts spell them: ``customerId``, ``customer_id``, ``id`` under ``/customers``."""

from __future__ import annotations

import re

_SPLIT = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_BARE = frozenset({"id", "uuid", "guid", "key", "slug", "uid"})
_IDENTIFIES = frozenset({*_BARE, "name", "number", "code", "ref", "reference", "handle", "identifier", "username"})


def words(name: str) -> tuple[str, ...]:
    """The words of a name in lower case: ``customerID`` and ``customer-id`` both give ``("customer", "id")``."""
    return tuple(word.lower() for word in _SPLIT.findall(name))


def singular(word: str) -> str:
    """An English plural as its singular, as far as names of collections go."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def same(one: str, other: str) -> bool:
    """Whether two names are one name in different spelling."""
    return bool(words(one)) and "".join(words(one)) == "".join(words(other))


def bare(name: str) -> bool:
    """Whether a name says that it identifies, and not what: ``id``, ``uuid``, ``key``."""
    found = words(name)
    return len(found) == 1 and found[0] in _BARE


def looks_like_id(name: str) -> bool:
    """Whether a parameter's name says that it identifies some particular thing: ``customerId``, ``order_uuid``."""
    found = words(name)
    return len(found) > 1 and found[-1] in _BARE


def identifies(property_name: str, parameter: str, collection: str) -> int | None:
    """How well a property of a thing in ``collection`` answers for ``parameter``: 0 is best; None: not at all.

    ``collection`` is the last fixed part of the path before the parameter, such as ``customers``; empty: unknown.
    """
    if same(property_name, parameter):
        return 0
    thing = "".join(singular(w) for w in words(collection))
    flat, wanted = "".join(words(property_name)), words(parameter)
    if thing and wanted and wanted[-1] in _IDENTIFIES and flat == thing + wanted[-1]:
        return 1
    if thing and len(wanted) > 1 and "".join(singular(w) for w in wanted[:-1]) == thing and flat == wanted[-1]:
        return 1
    if thing and flat in _BARE and (bare(parameter) or "".join(wanted) == thing):
        return 2
    # `/stations/{station}`: what identifies a station is not said, and `id` is likely.
    return 3 if thing and flat == "id" else None

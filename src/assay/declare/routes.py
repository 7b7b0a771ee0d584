"""Routes into the declaration as people write them, such as `apis.customer-data.operations.getCustomer`."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from assay.domain import did_you_mean


def advice_for_route(route: str, data: Mapping[str, object], operations: Mapping[str, Collection[str]]) -> str | None:
    """Follow ``route`` through merged data; None if it arrives, else the advice for a fix.

    Ids may contain dots, so at each mapping every key that the rest of the route begins with is tried. Below an API,
    `operations.ID` leads to an operation of its contract (``operations``, by API id; an API that is not in it could
    not be read, and every operation of it is accepted).
    """
    return _follow(route, data, route, operations, ())


def _follow(
    route: str, here: object, rest: str, operations: Mapping[str, Collection[str]], path: tuple[str, ...]
) -> str | None:
    if not rest:
        return None
    if len(path) == 2 and path[0] == "apis" and (rest == "operations" or rest.startswith("operations.")):
        name = rest.removeprefix("operations").removeprefix(".")
        known = operations.get(path[1])
        if not name or known is None or name in known:
            return None
        return did_you_mean(name, known, what="operation")
    if isinstance(here, list):
        return _item(route, here, rest, operations, path)
    if not isinstance(here, dict):
        return f"`{'.'.join(path)}` has nothing below it"
    keys = [key for key in here if rest == key or rest.startswith((key + ".", key + "["))]
    advice: str | None = None
    for key in sorted(keys, key=len, reverse=True):
        advice = _follow(route, here[key], rest[len(key) :].removeprefix("."), operations, (*path, key))
        if advice is None:
            return None
    return advice or did_you_mean(rest.split(".")[0], here, what="key")


def _item(
    route: str, here: list[object], rest: str, operations: Mapping[str, Collection[str]], path: tuple[str, ...]
) -> str | None:
    number, closed, after = rest.removeprefix("[").partition("]")
    if not closed or not number.isascii() or not number.isdigit() or len(number) > 6 or int(number) >= len(here):
        return f"`{'.'.join(path)}` is a list of {len(here)}; write `{'.'.join(path)}[0]`"
    return _follow(route, here[int(number)], after.removeprefix("."), operations, (*path, f"[{number}]"))

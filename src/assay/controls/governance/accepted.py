"""What was accepted, by whom and for how long; and whether there is anybody who could."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from assay.controls._lib.judging import judge as _judge
from assay.controls.base import Context
from assay.declare.model import Exception_, Person
from assay.domain import Verdict, listed

_CONTROL = "governance"


def accepted(context: Context) -> Iterator[Verdict]:
    """A verdict of each kind on every exception, and one on the people who decide."""
    model = context.declaration.model
    if model.people:
        yield _deciders(context)
    for index, entry in enumerate(model.exceptions):
        yield from _exception(context, index, entry)


def _deciders(context: Context) -> Verdict:
    judge, check, people = _judge(_CONTROL), "too-few-deciders", context.declaration.model.people
    at = context.declaration.locate("people")
    able = [name for name, person in people.items() if _can_sign(person, context.today)]
    if len(able) > 1:
        return judge.passed(check, "people", at, f"{len(able)} declared people can sign today")
    who = f"`{able[0]}` alone" if able else "nobody"
    ended = [name for name in people if name not in able]
    why = f"; the keys of {listed(ended)} do not count today" if ended else ""
    return judge.failed(check, "people", at, f"{who} can sign today, so nothing can be approved by somebody else{why}")


def _can_sign(person: Person, today: date) -> bool:
    return any((k.since is None or k.since <= today) and (k.until is None or today <= k.until) for k in person.keys)


def _exception(context: Context, index: int, entry: Exception_) -> Iterator[Verdict]:
    judge, declaration, subject = _judge(_CONTROL), context.declaration, f"exceptions.{index}"
    what = f"the exception to `{entry.control}` on `{entry.on}`"

    check, at = "accepted-by-its-owner", declaration.locate("exceptions", index, "approved_by")
    if entry.owner.strip().casefold() == entry.approved_by.strip().casefold():
        yield judge.failed(check, subject, at, f"{what} is approved by `{entry.approved_by}`, who owns it")
    else:
        yield judge.passed(check, subject, at, f"{what} is approved by somebody other than its owner")

    check, at = "accepted-for-too-long", declaration.locate("exceptions", index, "expires")
    longest = declaration.model.governance.longest_exception // 86400
    days = (entry.expires - context.today) // timedelta(days=1)
    if days > longest:
        yield judge.failed(check, subject, at, f"{what} lasts {days} more days, and {longest} are allowed")
    else:
        yield judge.passed(check, subject, at, f"{what} ends within {longest} days")

    check, at = "accepted-without-compensation", declaration.locate("exceptions", index)
    if entry.compensating:
        yield judge.passed(check, subject, at, f"{what} is made up for by {listed(entry.compensating)}")
    else:
        yield judge.failed(check, subject, at, f"{what} names nothing that holds instead")


__all__ = ["accepted"]

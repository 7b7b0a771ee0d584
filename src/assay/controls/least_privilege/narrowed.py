"""Where an account's rights cannot shrink: is there an API that keeps its holders to what they need?"""

from __future__ import annotations

from collections.abc import Iterator

from assay.controls._lib.judging import judge as _judge
from assay.controls.base import Context
from assay.declare.declaration import Declaration
from assay.declare.model import Account, Exception_, Narrowed
from assay.domain import Verdict
from assay.privilege.narrowing import holding

_CONTROL = "least_privilege"
_SHOWN = 4
_EXCESS = frozenset(
    {
        "superuser-account",
        "wildcard-rights",
        "impersonation-rights",
        "rights-beyond-need",
        "reach-above-clearance",
        None,
    }
)
"""The checks whose exceptions accept that an account may do too much; None: all of the control."""


def narrowed(context: Context) -> Iterator[Verdict]:
    """A verdict for every account that is narrowed, and for every exception that accepts one's excess without that."""
    declaration = context.declaration
    for name, account in declaration.model.accounts.items():
        if account.narrowed_by is not None:
            yield _account(declaration, name, account, account.narrowed_by)
    for index, entry in enumerate(declaration.model.exceptions):
        missing = _not_narrowed(declaration, entry)
        if missing:
            # Its subject is the exception, so that the exception does not cover what makes it acceptable.
            subject, at = f"exceptions.{index}", declaration.locate("exceptions", index, "on")
            sentence = f"the rights of `{missing}` may stay too wide, and no API narrows what is done with them"
            yield _judge(_CONTROL).failed("excess-not-narrowed", subject, at, sentence)


def _not_narrowed(declaration: Declaration, entry: Exception_) -> str | None:
    """The account whose excess an exception accepts, if nothing narrows it."""
    if entry.control != _CONTROL or entry.check not in _EXCESS or not entry.on.startswith("accounts."):
        return None
    rest = entry.on.removeprefix("accounts.")
    known = [n for n in declaration.model.accounts if rest == n or rest.startswith(f"{n}.")]
    name = max(known, key=len, default=None)
    return name if name is not None and declaration.model.accounts[name].narrowed_by is None else None


def _account(declaration: Declaration, name: str, account: Account, by: Narrowed) -> Verdict:
    judge, check, subject = _judge(_CONTROL), "excess-not-narrowed", f"accounts.{name}.narrowed_by"
    at = declaration.locate("accounts", name, "narrowed_by")
    holders = holding(declaration, account, by)
    if not holders:
        sentence = f"`{name}` is to be narrowed by `{by.api}`, and no consumer is declared to act through it there"
        fix = "write the consumers that act through the account under `used_by:`"
        return judge.failed(check, subject, at, sentence, fix=fix)
    for one in holders:
        if one.beyond:
            shown = ", ".join(f"`{o}`" for o in one.beyond[:_SHOWN])
            rest = f" and {len(one.beyond) - _SHOWN} more" if len(one.beyond) > _SHOWN else ""
            sentence = f"`{name}` is narrowed to {_operations(by)}, and `{one.consumer}` may also call {shown}{rest}"
            return judge.failed(
                check, subject, at, sentence, fix="let no access rule of its roles name these operations"
            )
    loose = [o for o in holders if o.unlimited or o.anywhere]
    if loose:
        one = loose[0]
        lacks = [w for w, missing in (("no limit", one.unlimited), ("no network range", one.anywhere)) if missing]
        sentence = f"`{one.consumer}` acts through `{name}`, and {' and '.join(lacks)} holds for it"
        fix = f"write `limit:` and `networks: {{allow: […]}}` for consumer `{one.consumer}`"
        return judge.failed(check, subject, at, sentence, fix=fix)
    who = ", ".join(f"`{o.consumer}`" for o in holders)
    sentence = f"through `{name}`, {who} may call {_operations(by)} of `{by.api}` alone, within limits and networks"
    return judge.passed(check, subject, at, sentence)


def _operations(by: Narrowed) -> str:
    return ", ".join(f"`{o}`" for o in by.operations[:_SHOWN]) + (" …" if len(by.operations) > _SHOWN else "")

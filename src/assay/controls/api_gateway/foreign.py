"""Gateways of another make: is every control on every route, and does it do what it seems to?"""

from __future__ import annotations

from collections.abc import Iterator

from assay.controls._lib.judging import judge as _judge
from assay.declare.declaration import Declaration
from assay.domain import Location, UsageError, Verdict
from assay.importing.gateways.audit import Audit, Cell, audit
from assay.importing.gateways.platforms import Problems, read_gateway

_CONTROL = "api_gateway"
UNREAD = "foreign-gateway-unread"
"""What is said of a part of a configuration that was not understood."""
_SHOWN = 4


def foreign_gateways(declaration: Declaration) -> Iterator[Verdict]:
    """Judges the configuration of every gateway under ``gateways:``, at its own lines."""
    for name, gateway in declaration.model.gateways.items():
        named = {declaration.root / file: file for file in gateway.config}
        declared = declaration.locate("gateways", name)
        try:
            foreign, problems = read_gateway(list(named), platform=gateway.platform, shown=named.__getitem__)
        except UsageError as error:
            judge, at = _judge(_CONTROL), error.location or declared
            yield judge.unclear(UNREAD, f"gateways.{name}", at, error.sentence, fix=error.fix)
            continue
        yield from judged(f"gateways.{name}", audit(foreign), problems, declared)


def judged(subject: str, found: Audit, problems: Problems, declared: Location) -> Iterator[Verdict]:
    """The verdicts of one gateway: each control on each route, and what could not be read.

    Args:
        subject: the gateway's own route into the declaration.
        declared: the place of the gateway itself.
    """
    judge = _judge(_CONTROL)
    for cell in found.cells:
        yield _cell(f"{subject}.routes.{cell.route.id}", found.title, cell)
    for unread in found.foreign.unread:
        sentence = f"{unread.what} is not understood, so nothing is concluded from it"
        yield judge.unclear(UNREAD, subject, unread.at, sentence)
    for at, sentence in problems:
        yield judge.unclear(UNREAD, subject, at, sentence, fix="correct the value")
    if not found.foreign.routes:
        sentence = f"{found.title} passes nothing on, as far as its configuration says"
        yield judge.unclear(UNREAD, subject, declared, sentence, fix="name the files with its routes")


def _cell(subject: str, title: str, cell: Cell) -> Verdict:
    judge, control, route = _judge(_CONTROL), cell.expected.control, f"route `{cell.route.id}`"
    if cell.state == "there":
        said = ", ".join(f"`{use.feature}`" + (f" ({use.says})" if use.says else "") for use in cell.uses)
        return judge.passed("foreign-control-missing", subject, cell.at, f"{control} on {route} of {title}: {said}")
    names = ", ".join(f"`{f}`" for f in cell.unused[:_SHOWN]) + (" …" if len(cell.unused) > _SHOWN else "")
    if cell.state == "unsaid":
        sentence = f"{control} on {route}: {title} keeps it elsewhere, so these files cannot show it"
        return judge.unclear("foreign-control-missing", subject, cell.at, sentence, fix="look at the running gateway")
    if cell.state == "weak":
        return judge.failed(
            "foreign-control-weak",
            subject,
            cell.at,
            f"{control} on {route} of {title} does less than it seems: `{cell.uses[0].feature}`: {cell.why}",
            fix=f"mend `{cell.uses[0].feature}`" + (f", or use {names}" if names else ""),
            severity=cell.expected.severity,
        )
    fix = f"{title} has {names}; no such feature is used here" if names else f"{title} has nothing for this"
    return judge.failed(
        "foreign-control-missing",
        subject,
        cell.at,
        f"{route} of {title} has no {control}: {cell.expected.lost}",
        fix=fix + ("" if names else ": put another gateway, or Assay's, in front"),
        severity=cell.expected.severity,
    )

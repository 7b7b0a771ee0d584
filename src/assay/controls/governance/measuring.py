"""Whether what is promised can be measured, and what is enough."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from assay.controls._lib.judging import judge as _judge
from assay.controls.base import Context
from assay.domain import Verdict
from assay.frameworks.measurable import unmeasurable
from assay.frameworks.offered import Offered, offered

_CONTROL = "governance"


def measuring(context: Context) -> Iterator[Verdict]:
    """A verdict on each objective of the declaration, and one on the appetite for risk."""
    declaration, judge = context.declaration, _judge(_CONTROL)
    model, check = declaration.model, "objective-not-measurable"
    offers = _offers() if model.objectives else {}
    for name, objective in model.objectives.items():
        subject = f"objectives.{name}"
        gaps = unmeasurable(objective, declaration, offers)
        for gap in gaps:
            at = declaration.locate("objectives", name, *gap.word)
            yield judge.failed(check, subject, at, f"objective `{name}`: {gap.sentence}", fix=gap.suggestion)
        if not gaps:
            at = declaration.places.key("objectives", name)
            yield judge.passed(check, subject, at, f"proofs can show whether objective `{name}` holds")
    if model.objectives or model.profile:
        yield _appetite(context)


def _appetite(context: Context) -> Verdict:
    judge, check, declaration = _judge(_CONTROL), "appetite-not-declared", context.declaration
    if "appetite" in declaration.model.model_fields_set:
        at = declaration.locate("appetite")
        return judge.passed(
            check, "appetite", at, f"a residual risk of {declaration.model.appetite.residual} is accepted"
        )
    at = declaration.locate("objectives" if declaration.model.objectives else "profile")
    return judge.failed(check, "appetite", at, "objectives are stated, and nobody says how much risk may remain")


def _offers() -> Mapping[str, Offered]:
    # The registry loads every control's design, this one's as well; so it can only be asked for when that is done.
    found: Mapping[str, Offered] = offered(import_module("assay.controls.registry").controls())
    return found


__all__ = ["measuring"]

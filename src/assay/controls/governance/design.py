"""Tests of design: who may change what is promised, and do exceptions and objectives mean something?"""

from __future__ import annotations

from collections.abc import Iterator

from assay.controls._lib.judging import judge as _judge
from assay.controls._lib.subjects import in_production, served_apis
from assay.controls.base import Context
from assay.controls.governance.accepted import accepted
from assay.controls.governance.changes import changes
from assay.controls.governance.measuring import measuring
from assay.declare.declaration import Declaration
from assay.domain import Verdict

_CONTROL = "governance"


def design(context: Context) -> Iterator[Verdict]:
    """Judges how the declaration is changed, then what was accepted, then what is promised."""
    yield from _two_people(context.declaration)
    yield from changes(context)
    yield from accepted(context)
    yield from measuring(context)


def _two_people(declaration: Declaration) -> Iterator[Verdict]:
    judge, check, subject = _judge(_CONTROL), "production-changed-by-one", "governance"
    exposed = [name for name, api in served_apis(declaration) if in_production(declaration, api.environment)]
    if declaration.model.governance.reviews == "required":
        at = declaration.locate("governance", "reviews")
        yield judge.passed(check, subject, at, "each change of the declaration has to be seen by two people")
    elif exposed:
        at = declaration.locate("governance" if "governance" in declaration.model.model_fields_set else "environments")
        yield judge.failed(
            check, subject, at, f"API `{exposed[0]}` is in production, and one person alone may change it"
        )
    else:
        at = declaration.locate("environments")
        yield judge.not_applicable(check, subject, at, "no API is in production")

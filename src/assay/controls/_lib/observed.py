"""The verdict that most controls share: whether they refuse, or only count what they would refuse."""

from __future__ import annotations

from collections.abc import Iterator

from assay.controls._lib.judging import judge as _judge
from assay.controls._lib.subjects import api_subject
from assay.declare.declaration import Declaration
from assay.declare.model import Api
from assay.domain import Verdict


def observed(
    declaration: Declaration, control: str, check: str, api_id: str, api: Api, *, watching: str, enforcing: str
) -> Iterator[Verdict]:
    """A failure for each entry of ``observe:`` about the control, or one pass.

    Args:
        watching: the sentence of a failure; ``{what}`` stands for the operations it is about.
        enforcing: the sentence of the pass.
    """
    judge, subject = _judge(control), api_subject(api_id)
    watched = [(i, o) for i, o in enumerate(api.observe) if o.control == control]
    for index, entry in watched:
        what = "every operation" if "*" in entry.operations else ", ".join(entry.operations)
        at = declaration.locate("apis", api_id, "observe", index)
        yield judge.failed(check, subject, at, watching.format(what=what))
    if not watched:
        yield judge.passed(check, subject, declaration.places.key("apis", api_id), enforcing)

"""What several conclusions of one command rest on, computed once for all of them.

Each is kept with the declaration that it was computed from. Commands that change files read their declaration anew.
"""

from __future__ import annotations

from datetime import date

from assay.app.addresses import plan_site
from assay.app.project import Project
from assay.controls.registry import check_design, compile_policy
from assay.domain import Verdict
from assay.gateway.assemble import Policy


def tests_of_design(project: Project, today: date) -> tuple[Verdict, ...]:
    """What the tests of design of every control say about the whole declaration, exceptions laid over."""
    declaration = project.everything
    return declaration.once(("tests of design", today), lambda: check_design(declaration, today))


def wanted(project: Project) -> Policy:
    """What the declaration compiles to.

    Raises:
        AssayError: it does not compile.
    """
    declaration, site = project.declaration, plan_site(project)
    return declaration.once(("policy", site), lambda: compile_policy(declaration, site))

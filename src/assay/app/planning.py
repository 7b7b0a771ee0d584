"""From a project to its plan. Nothing here can write: the plan is made from values."""

from __future__ import annotations

from dataclasses import dataclass

from assay.app.addresses import plan_site
from assay.app.project import Project
from assay.controls.registry import compile_policy
from assay.domain import UsageError
from assay.gateway.assemble import Policy
from assay.gateway.compare import compare
from assay.gateway.plan import Plan
from assay.gateway.state import Paths, applied_policy, load, numbers


@dataclass(frozen=True, slots=True)
class Planned:
    """The next policy, and how it differs from the applied one."""

    policy: Policy
    plan: Plan


def production_apis(project: Project) -> frozenset[str]:
    """APIs that live in an environment of the production tier."""
    model = project.declaration.model
    tiers = {name: environment.tier for name, environment in model.environments.items()}
    return frozenset(a for a, api in model.apis.items() if tiers.get(api.environment, "production") == "production")


def make_plan(project: Project) -> Planned:
    """Compiles the declaration and compares it with what is applied.

    Raises:
        AssayError: the declaration does not compile, or what is stored is damaged.
    """
    policy = compile_policy(project.declaration, plan_site(project))
    state = project.state.resolve()
    applied = applied_policy(Paths(state, state / "run"))
    return Planned(policy, compare(applied, policy, production=production_apis(project)))


def plan_named(project: Project, digest: str) -> Planned:
    """The plan with this digest: of applying the declaration, or of going back to a stored version.

    Raises:
        UsageError: neither is that plan.
        AssayError: as :func:`make_plan`.
    """
    now = make_plan(project)
    if now.plan.digest == digest:
        return now
    state = project.state.resolve()
    paths, production = Paths(state, state / "run"), production_apis(project)
    applied = applied_policy(paths)
    for number in reversed(numbers(paths)):
        policy = load(paths, number).policy
        back = Planned(policy, compare(applied, policy, production=production))
        if back.plan.digest == digest:
            return back
    raise UsageError(
        f"`{digest}` is another plan; this one is `{now.plan.digest}`",
        fix="read `assay plan` again, and approve what it shows now",
    )

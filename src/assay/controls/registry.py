"""Every control with its faces, in one explicit list, and the two things done with all of them at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from functools import cache
from importlib import import_module
from typing import NamedTuple, cast

from assay.controls import CONTROL_IDS
from assay.controls._lib.judging import judge
from assay.controls.activity_logging import design as activity_logging_design
from assay.controls.activity_logging import enforce as activity_logging_enforce
from assay.controls.api_gateway import design as api_gateway_design
from assay.controls.api_gateway import enforce as api_gateway_enforce
from assay.controls.api_inventory import design as api_inventory_design
from assay.controls.api_inventory import enforce as api_inventory_enforce
from assay.controls.authentication import design as authentication_design
from assay.controls.authentication import enforce as authentication_enforce
from assay.controls.authorisation import design as authorisation_design
from assay.controls.authorisation import enforce as authorisation_enforce
from assay.controls.base import Context, Control, Design, Enforce, Prove, Site
from assay.controls.data_classification import design as data_classification_design
from assay.controls.data_exposure import design as data_exposure_design
from assay.controls.data_exposure import enforce as data_exposure_enforce
from assay.controls.encryption_at_rest import design as encryption_at_rest_design
from assay.controls.encryption_at_rest import enforce as encryption_at_rest_enforce
from assay.controls.environment_segregation import design as environment_segregation_design
from assay.controls.environment_segregation import enforce as environment_segregation_enforce
from assay.controls.exceptions import apply_exceptions
from assay.controls.governance import design as governance_design
from assay.controls.input_validation import design as input_validation_design
from assay.controls.input_validation import enforce as input_validation_enforce
from assay.controls.layered_architecture import design as layered_architecture_design
from assay.controls.layered_architecture import enforce as layered_architecture_enforce
from assay.controls.least_privilege import design as least_privilege_design
from assay.controls.network_ranges import design as network_ranges_design
from assay.controls.network_ranges import enforce as network_ranges_enforce
from assay.controls.rate_limiting import design as rate_limiting_design
from assay.controls.rate_limiting import enforce as rate_limiting_enforce
from assay.controls.security_testing import design as security_testing_design
from assay.controls.transport_encryption import design as transport_encryption_design
from assay.controls.transport_encryption import enforce as transport_encryption_enforce
from assay.declare.declaration import Declaration
from assay.declare.gateways import parts
from assay.domain import UsageError, Verdict, did_you_mean
from assay.gateway.assemble import Policy, assemble
from assay.prove.case import Case
from assay.prove.surface import Surface


class Faces(NamedTuple):
    """The faces of one control folder that exist so far."""

    id: str
    design: Design | None
    enforce: Enforce | None
    prove: Prove | None = None


def _proved_by(control_id: str) -> Prove:
    """A control's proofs, loaded when cases are planned: they bring clients and keys along, which checking, planning
    and applying have no use for."""

    def prove(surface: Surface) -> Iterable[Case]:
        return cast(Prove, import_module(f"assay.controls.{control_id}.prove").prove)(surface)

    return prove


FACES: tuple[Faces, ...] = (
    Faces("api_gateway", api_gateway_design.design, api_gateway_enforce.enforce, _proved_by("api_gateway")),
    Faces(
        "transport_encryption",
        transport_encryption_design.design,
        transport_encryption_enforce.enforce,
        _proved_by("transport_encryption"),
    ),
    Faces("authentication", authentication_design.design, authentication_enforce.enforce, _proved_by("authentication")),
    Faces("authorisation", authorisation_design.design, authorisation_enforce.enforce, _proved_by("authorisation")),
    Faces("network_ranges", network_ranges_design.design, network_ranges_enforce.enforce, _proved_by("network_ranges")),
    Faces("rate_limiting", rate_limiting_design.design, rate_limiting_enforce.enforce, _proved_by("rate_limiting")),
    Faces(
        "input_validation",
        input_validation_design.design,
        input_validation_enforce.enforce,
        _proved_by("input_validation"),
    ),
    Faces(
        "encryption_at_rest",
        encryption_at_rest_design.design,
        encryption_at_rest_enforce.enforce,
        _proved_by("encryption_at_rest"),
    ),
    Faces("data_exposure", data_exposure_design.design, data_exposure_enforce.enforce, _proved_by("data_exposure")),
    Faces("data_classification", data_classification_design.design, None, _proved_by("data_classification")),
    Faces(
        "activity_logging",
        activity_logging_design.design,
        activity_logging_enforce.enforce,
        _proved_by("activity_logging"),
    ),
    Faces("api_inventory", api_inventory_design.design, api_inventory_enforce.enforce, _proved_by("api_inventory")),
    Faces(
        "layered_architecture",
        layered_architecture_design.design,
        layered_architecture_enforce.enforce,
        _proved_by("layered_architecture"),
    ),
    Faces("least_privilege", least_privilege_design.design, None, _proved_by("least_privilege")),
    Faces("security_testing", security_testing_design.design, None, _proved_by("security_testing")),
    Faces(
        "environment_segregation",
        environment_segregation_design.design,
        environment_segregation_enforce.enforce,
        _proved_by("environment_segregation"),
    ),
    Faces("governance", governance_design.design, None, _proved_by("governance")),
)
"""In the order of :data:`assay.controls.CONTROL_IDS`; a test asserts that no folder is missing."""


@cache
def controls() -> tuple[Control, ...]:
    """Every control. Reads each ``control.yaml`` at the first call, never at import."""
    return tuple(Control(judge(f.id).about, f.design, f.enforce, f.prove) for f in FACES)


def control(control_id: str) -> Control:
    """The control with this id.

    Raises:
        UsageError: there is none; the fix names the closest match.
    """
    found = next((c for c in controls() if c.id == control_id), None)
    if found is None:
        ids = [c.id for c in controls()]
        raise UsageError(f"there is no control `{control_id}`", fix=did_you_mean(control_id, ids, what="control"))
    return found


def check_design(declaration: Declaration, today: date) -> tuple[Verdict, ...]:
    """The tests of design of every control, in the order of the registry, with the declaration's exceptions laid over.

    What reading found (``declaration.notes``) is not repeated here.
    """
    context = Context(declaration, today, frozenset(CONTROL_IDS))
    faces = [(f.id, f.design) for f in FACES if f.design]
    verdicts = [
        verdict
        for control, design in faces
        for verdict in (_of_each_gateway(context, design) if control in _OF_ONE_GATEWAY else design(context))
    ]

    def judged(control: str, check: str | None) -> bool:
        return any(i == control for i, _ in faces) and (check is None or check not in judge(control).about.proofs)

    return apply_exceptions(declaration, verdicts, today, judged=judged)


_OF_ONE_GATEWAY = frozenset({"api_gateway", "transport_encryption", "network_ranges"})
"""Controls that speak of the gateway itself, and so of each by itself where there are several."""


def _of_each_gateway(context: Context, design: Design) -> Iterator[Verdict]:
    """What a test of design says of each gateway; what it says of all alike is said once."""
    known: set[tuple[str, str, str, str]] = set()
    for own, part in parts(context.declaration).items():
        for verdict in design(replace(context, declaration=part)):
            named = verdict
            if own is not None and (verdict.subject == "gateway" or verdict.subject.startswith("gateway.")):
                named = replace(verdict, subject=f"environments.{own}.{verdict.subject}")
            said = (named.check, named.subject, str(named.location), named.sentence)
            if said not in known:
                known.add(said)
                yield named


def compile_policy(declaration: Declaration, site: Site) -> Policy:
    """What every control asks of the gateway, fitted together.

    Raises:
        DeclarationError: a file that the declaration names cannot be used.
        IncompleteError: the pieces do not make one gateway.
    """
    return assemble(piece for f in FACES if f.enforce for piece in f.enforce(declaration, site))


def plan_cases(surface: Surface) -> tuple[Case, ...]:
    """Every case that the controls' claims call for, in the order of the registry. Nothing is sent."""
    return tuple(case for f in FACES if f.prove for case in f.prove(surface))

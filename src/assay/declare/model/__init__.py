"""The declaration as typed, frozen values: what exists and what must hold.

Every class is one mapping of the YAML files; unknown keys are refused. Positions live beside the model, not in it
(:mod:`assay.declare.places`), so that two declarations that say the same compare equal.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from assay.declare.model.accounts import RIGHT_WORDS, Account, Credential, Duty, Narrowed, Right, RightsFrom
from assay.declare.model.apis import (
    Access,
    Api,
    FindingsFile,
    Limits,
    NetworkList,
    Networks,
    Observe,
    PenTest,
    Plan,
    Product,
    ReportFile,
    Reveal,
    Strictness,
    UpstreamTls,
)
from assay.declare.model.architecture import LAYERS, AllowedEdge, Architecture, Layer, LayerContract, position_name
from assay.declare.model.consumers import ApiKey, Authenticate, Consumer, Mtls, OAuth2
from assay.declare.model.data import (
    Aggregate,
    Data,
    DataField,
    Flow,
    Generalise,
    Join,
    Processing,
    Transform,
    TransformOf,
)
from assay.declare.model.environments import (
    Claims,
    Environment,
    Gateway,
    GatewayTls,
    Introspection,
    Issuer,
    Organisation,
    TestUser,
    TlsFiles,
)
from assay.declare.model.foreign import ForeignGateway
from assay.declare.model.governance import Appetite, Exception_, Objective, Scope, Target
from assay.declare.model.governing import Governance
from assay.declare.model.people import Person, PersonKey
from assay.declare.model.proving import (
    BasicSecret,
    Bounds,
    HeaderSecret,
    Inbox,
    LoginRecipe,
    MessageRecipe,
    ProveIdentity,
    Proving,
)
from assay.declare.model.risk import Estimate, FactorEstimates, Losses, PastIncident, Risk, ScenarioId
from assay.declare.model.sensitivity import Compilation, Purpose
from assay.declare.model.systems import AtRest, Connection, System, Transfer
from assay.declare.model.testing import SecurityTesting
from assay.declare.model.values import (
    LEVELS,
    Day,
    Encryption,
    HttpUrl,
    Id,
    Level,
    Listen,
    Mapped,
    MaskForm,
    Network,
    OneOrMore,
    Role,
    SecretRef,
    SecretReference,
)


class Model(Mapped):
    """The whole declaration, from all its files."""

    assay: Literal[1]
    organisation: Organisation
    profile: Literal["basic", "advanced"] | None = None
    gateway: Gateway = Gateway()
    environments: dict[Id, Environment] = {}
    systems: dict[Id, System] = {}
    data: dict[Id, Data] = {}
    purposes: dict[Id, Purpose] = Field({}, description="What data is used for; ids are the words under `purpose`.")
    compilations: dict[Id, Compilation] = Field({}, description="Data that says more together than alone.")
    apis: dict[Id, Api] = {}
    consumers: dict[Id, Consumer] = {}
    networks: Networks = Networks()
    gateways: dict[Id, ForeignGateway] = Field({}, description="Gateways of another make, to be audited.")
    accounts: dict[Id, Account] = {}
    duties: dict[Id, Duty] = Field({}, description="Duties that no account may hold together.")
    flows: dict[Id, Flow] = {}
    architecture: Architecture = Field(Architecture(), description="Layers, and who may reach what.")
    objectives: dict[Id, Objective] = {}
    people: dict[Id, Person] = Field({}, description="People who decide, each known by a key of their own.")
    exceptions: tuple[Exception_, ...] = ()
    governance: Governance = Field(Governance(), description="How the declaration itself may be changed.")
    appetite: Appetite = Appetite()
    risks: dict[ScenarioId, Risk] = Field(
        {}, description="What is decided about risks, by scenario (`assay risk` lists them)."
    )
    incidents: tuple[PastIncident, ...] = Field((), description="What happened; for 90 days it makes risks likelier.")
    losses: Losses | None = Field(None, description="What incidents would cost, for `assay risk --money`.")
    prove: Proving = Field(Proving(), description="How the running system may be tested.")
    security_testing: SecurityTesting = Field(
        SecurityTesting(), description="How old penetration tests may grow, and which pipelines test the security."
    )


__all__ = [
    "LAYERS",
    "LEVELS",
    "RIGHT_WORDS",
    "Access",
    "Account",
    "Aggregate",
    "AllowedEdge",
    "Api",
    "ApiKey",
    "Appetite",
    "Architecture",
    "AtRest",
    "Authenticate",
    "BasicSecret",
    "Bounds",
    "Claims",
    "Compilation",
    "Connection",
    "Consumer",
    "Credential",
    "Data",
    "DataField",
    "Day",
    "Duty",
    "Encryption",
    "Environment",
    "Estimate",
    "Exception_",
    "FactorEstimates",
    "FindingsFile",
    "Flow",
    "ForeignGateway",
    "Gateway",
    "GatewayTls",
    "Generalise",
    "Governance",
    "HeaderSecret",
    "HttpUrl",
    "Id",
    "Inbox",
    "Introspection",
    "Issuer",
    "Join",
    "Layer",
    "LayerContract",
    "Level",
    "Limits",
    "Listen",
    "LoginRecipe",
    "Losses",
    "Mapped",
    "MaskForm",
    "MessageRecipe",
    "Model",
    "Mtls",
    "Narrowed",
    "Network",
    "NetworkList",
    "Networks",
    "OAuth2",
    "Objective",
    "Observe",
    "OneOrMore",
    "Organisation",
    "PastIncident",
    "PenTest",
    "Person",
    "PersonKey",
    "Plan",
    "Processing",
    "Product",
    "ProveIdentity",
    "Proving",
    "Purpose",
    "ReportFile",
    "Reveal",
    "Right",
    "RightsFrom",
    "Risk",
    "Role",
    "ScenarioId",
    "Scope",
    "SecretRef",
    "SecretReference",
    "SecurityTesting",
    "Strictness",
    "System",
    "Target",
    "TestUser",
    "TlsFiles",
    "Transfer",
    "Transform",
    "TransformOf",
    "UpstreamTls",
    "position_name",
]

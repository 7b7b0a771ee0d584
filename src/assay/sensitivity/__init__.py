"""How sensitive data is, alone and combined, and who can reach which of it.

Everything is computed from a declaration, by pure functions:

- :func:`closure` follows data over flows, joins and APIs, and labels it everywhere, as claimed and as verified;
- :func:`reach` says what every account, consumer, role, system and log can reach;
- :func:`observed_reach` says what callers did reach, by the calls that :func:`read_calls` finds in an access log;
- :func:`blend` joins what one of them reaches, as far as keys allow;
- :func:`what_ifs` names the smallest changes that bring a blend under its principal's clearance;
- :func:`activities` is the record of processing (GDPR Art. 30), :func:`dpia` the criteria for an impact assessment.
"""

from assay.sensitivity.blend import Blend, blend
from assay.sensitivity.closure import Closure, Labels, VerifiedTransform, closure
from assay.sensitivity.dpia import Assessment, Criterion, dpia
from assay.sensitivity.label import Label, join
from assay.sensitivity.observed import Observed, observed_reach, read_calls
from assay.sensitivity.principals import Grant, Principal, PrincipalReach, Reached
from assay.sensitivity.reach import reach
from assay.sensitivity.record import Activity, Missing, Recipient, TransferOf, activities
from assay.sensitivity.steps import Rulebook, Step
from assay.sensitivity.whatif import Change, WhatIf, what_ifs

__all__ = [
    "Activity",
    "Assessment",
    "Blend",
    "Change",
    "Closure",
    "Criterion",
    "Grant",
    "Label",
    "Labels",
    "Missing",
    "Observed",
    "Principal",
    "PrincipalReach",
    "Reached",
    "Recipient",
    "Rulebook",
    "Step",
    "TransferOf",
    "VerifiedTransform",
    "WhatIf",
    "activities",
    "blend",
    "closure",
    "dpia",
    "join",
    "observed_reach",
    "reach",
    "read_calls",
    "what_ifs",
]

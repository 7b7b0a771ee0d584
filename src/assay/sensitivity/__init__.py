"""How sensitive data is, alone and combined, and who can reach which of it.

Everything is computed from a declaration, by pure functions:

- :func:`closure` follows data over flows, joins and APIs, and labels it everywhere, as claimed and as verified;
- :func:`reach` says what every account, consumer, role, system and log can reach;
- :func:`blend` joins what one of them reaches, as far as keys allow.
"""

from assay.sensitivity.blend import Blend, blend
from assay.sensitivity.closure import Closure, Labels, VerifiedTransform, closure
from assay.sensitivity.label import Label, join
from assay.sensitivity.principals import Grant, Principal, PrincipalReach, Reached
from assay.sensitivity.reach import reach
from assay.sensitivity.steps import Rulebook, Step

__all__ = [
    "Blend",
    "Closure",
    "Grant",
    "Label",
    "Labels",
    "Principal",
    "PrincipalReach",
    "Reached",
    "Rulebook",
    "Step",
    "VerifiedTransform",
    "blend",
    "closure",
    "join",
    "reach",
]

"""The few types every part shares. Depends on nothing else in the package."""

from assay.domain.errors import AssayError, DeclarationError, Exit, IncompleteError, UsageError
from assay.domain.listing import listed
from assay.domain.location import Location
from assay.domain.nearest import did_you_mean, nearest
from assay.domain.secret import Secret
from assay.domain.verdict import Category, Confidence, Edit, Fix, Outcome, Severity, Verdict, worst

__all__ = [
    "AssayError",
    "Category",
    "Confidence",
    "DeclarationError",
    "Edit",
    "Exit",
    "Fix",
    "IncompleteError",
    "Location",
    "Outcome",
    "Secret",
    "Severity",
    "UsageError",
    "Verdict",
    "did_you_mean",
    "listed",
    "nearest",
    "worst",
]

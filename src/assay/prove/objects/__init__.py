"""Objects: which operations give identifiers, valid values, real things with owners, and their removal."""

from assay.prove.objects.owned import Objects

__all__ = ["Objects"]

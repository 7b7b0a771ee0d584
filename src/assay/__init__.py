"""Assay: API and integration security that can be audited."""

__version__ = "0.1.0"

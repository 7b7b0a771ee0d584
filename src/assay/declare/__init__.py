"""The declaration: YAML files and API contracts become one typed model that knows where each word was written."""

from assay.declare.declaration import Declaration
from assay.declare.loader import load

__all__ = ["Declaration", "load"]

"""Detectors of personal data and secrets in payloads. Pure: reads what it is given, and knows no declaration."""

from assay.scanning.found import Bounds, Found, Scan, shape_of
from assay.scanning.scanner import DETECTORS, scan_bytes, scan_text, scan_value

__all__ = ["DETECTORS", "Bounds", "Found", "Scan", "scan_bytes", "scan_text", "scan_value", "shape_of"]

"""What testers and scanners found (SARIF, ZAP, Burp, Nuclei, HAR): one shape, mapped to the operations of APIs."""

from assay.importing.findings.finding import ImportedFinding, Mark, Request, holds
from assay.importing.findings.reading import FORMATS, Found, read_findings
from assay.importing.findings.routes import Landing, Routes

__all__ = ["FORMATS", "Found", "ImportedFinding", "Landing", "Mark", "Request", "Routes", "holds", "read_findings"]

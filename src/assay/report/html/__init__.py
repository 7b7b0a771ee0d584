"""The report for people: pages that print, work without JavaScript, and load nothing."""

from __future__ import annotations

from assay.report.html.pages import pages

__all__ = ["pages"]

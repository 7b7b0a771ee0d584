"""Published frameworks: how their items are identified, and what may be said about them here.

Text and titles are carried where the terms allow it (NIST's publications are in the public domain; the short names of
the OWASP risks are names). Of the others only identifiers are known, so only their form, or their range, can be
checked.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from assay.domain import UsageError, did_you_mean


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a framework.

    Attributes:
        title: what it is called; empty where only its identifier may be carried.
        methods: SP 800-53A: how it may be assessed (``EXAMINE``, ``INTERVIEW``, ``TEST``).
        determinations: SP 800-53A: what an assessor has to determine, as (id, text).
    """

    id: str
    title: str = ""
    methods: tuple[str, ...] = ()
    determinations: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Framework:
    """One framework.

    Attributes:
        id: what commands call it; ``column`` is its column in the table of the catalogue, and its name in decisions.
        form: what its identifiers look like (a regular expression); ``example`` is one.
        items: by identifier; empty where there is no list of them here.
        population: what the items are, for a person who reads a share of them.
    """

    id: str
    column: str
    title: str
    form: str
    example: str
    items: Mapping[str, Item] = field(default_factory=dict)
    population: str = ""

    def refusal(self, item: str) -> str:
        """Why there is no such item, as the end of a sentence; empty when there may be one."""
        if not re.fullmatch(self.form, item):
            return f"is no identifier of {self.title} (they look like {self.example})"
        if self.items and item not in self.items:
            return f"is not among {self.population}"
        return ""


_OWASP = (
    "Broken Object Level Authorization",
    "Broken Authentication",
    "Broken Object Property Level Authorization",
    "Unrestricted Resource Consumption",
    "Broken Function Level Authorization",
    "Unrestricted Access to Sensitive Business Flows",
    "Server Side Request Forgery",
    "Security Misconfiguration",
    "Improper Inventory Management",
    "Unsafe Consumption of APIs",
)
_ANNEX_A = {5: 37, 6: 8, 7: 14, 8: 34}
"""How many controls each theme of ISO/IEC 27001:2022 Annex A has; together 93."""

_GDPR_ARTICLES = 99


@cache
def frameworks() -> tuple[Framework, ...]:
    """Every framework, in the order of the table's columns."""
    nist, csf, rec = _nist_800_53(), _csf(), _nist_800_228()
    relevant = sum(1 for _, is_relevant in nist.values() if is_relevant)
    return (
        Framework(
            "nist-800-53",
            "nist_800_53r5",
            "NIST SP 800-53 r5",
            r"[a-z]{2}-[1-9][0-9]?(\.[1-9][0-9]?)?",
            "ac-3 or sc-8.1",
            {name: item for name, (item, _) in nist.items()},
            f"{len(nist)} controls: {relevant} that concern APIs, and {len(nist) - relevant} more that are mapped",
        ),
        Framework(
            "sp-800-228",
            "nist_800_228_upd1",
            "NIST SP 800-228",
            r"REC-API-[1-9][0-9]?",
            "REC-API-12",
            rec,
            f"{len(rec)} recommendations (our paraphrase)",
        ),
        Framework(
            "owasp-api",
            "owasp_api_2023",
            "OWASP API Security Top 10 2023",
            r"API([1-9]|10)",
            "API1",
            {f"API{n}": Item(f"API{n}", title) for n, title in enumerate(_OWASP, 1)},
            "the ten risks",
        ),
        Framework(
            "asvs",
            "owasp_asvs_5.0.0",
            "OWASP ASVS 5.0",
            r"V([1-9]|1[0-7])\.[1-9][0-9]?\.[1-9][0-9]?",
            "V8.2.2",
        ),
        Framework(
            "csf",
            "nist_csf_2.0",
            "NIST CSF 2.0",
            r"[A-Z]{2}\.[A-Z]{2}-[0-9]{2}",
            "PR.AA-05",
            csf,
            f"{len(csf)} subcategories",
        ),
        Framework(
            "iso-27001",
            "iso27001_2022_annexA",
            "ISO/IEC 27001:2022 Annex A",
            r"A\.[5-8]\.[1-9][0-9]?",
            "A.8.3",
            {f"A.{theme}.{n}": Item(f"A.{theme}.{n}") for theme, last in _ANNEX_A.items() for n in range(1, last + 1)},
            f"{sum(_ANNEX_A.values())} controls of Annex A",
        ),
        Framework(
            "pci-dss",
            "pci_dss_4.0.1",
            "PCI DSS 4.0.1",
            r"([1-9]|1[0-2])(\.[1-9][0-9]?){1,3}",
            "7.2.1",
        ),
        Framework(
            "gdpr",
            "gdpr",
            "GDPR",
            rf"({'|'.join(str(n) for n in range(1, _GDPR_ARTICLES + 1))})(\([1-9][0-9]?\))?(\([a-z]\))*",
            "32(1)(a)",
        ),
        Framework(
            "ccm",
            "csa_ccm_4",
            "CSA CCM 4",
            r"[A-Z&]{3}-[0-9]{2}",
            "IAM-16",
        ),
    )


def framework(name: str) -> Framework:
    """One framework, by what commands or decisions call it.

    Raises:
        UsageError: there is none of this name; the fix names the closest.
    """
    for found in frameworks():
        if name in (found.id, found.column):
            return found
    raise UsageError(
        f"there is no framework `{name}`", fix=did_you_mean(name, [f.id for f in frameworks()], what="framework")
    )


def _read(name: str) -> str:
    return (resources.files("assay.data") / "frameworks" / name).read_text(encoding="utf-8")


def _nist_800_53() -> dict[str, tuple[Item, bool]]:
    """By id: the control, and whether it is one of those that concern APIs."""
    return {
        each["id"]: (
            Item(
                each["id"],
                each["title"],
                tuple(each["methods"]),
                tuple((name, text) for name, text in each.get("assessment_objectives", ())),
            ),
            each["api_relevant"],
        )
        for each in json.loads(_read("nist_800_53r5.json"))["controls"]
    }


def _csf() -> dict[str, Item]:
    listed = json.loads(_read("nist_csf_2.0.json"))["subcategories"]
    return {each["id"]: Item(each["id"], each["text"]) for each in listed}


def _nist_800_228() -> dict[str, Item]:
    rows = csv.DictReader(io.StringIO(_read("nist_800_228_upd1.csv")))
    return {row["id"]: Item(row["id"], row["paraphrase"]) for row in rows}

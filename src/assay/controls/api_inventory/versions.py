"""Which version an API is: three places may say so, and callers believe the path."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assay.controls._lib.judging import judge as _judge
from assay.controls._lib.subjects import api_subject
from assay.controls.api_gateway.paths import public_base
from assay.controls.api_inventory.facts import stated_version
from assay.declare.declaration import Declaration
from assay.declare.model import Api
from assay.domain import Confidence, Severity, Verdict

_IN_PATH = re.compile(r"/v([0-9]{1,4})(?:\.[0-9]+)*(?=/|$)", re.IGNORECASE)
_NUMBERED = re.compile(r"[vV]?([0-9]{1,4})((?:\.[0-9A-Za-z-]+)*)(?:[-+].*)?")


def versions(declaration: Declaration, api_id: str, api: Api) -> Iterator[Verdict]:
    """Judges whether product, contract and public path name the same version."""
    judge, check, subject = _judge("api_inventory"), "version-contradiction", api_subject(api_id)
    contract = declaration.contracts[api_id]
    stated, product = stated_version(declaration, api_id), api.product.version or ""
    at = declaration.locate("apis", api_id, "product", "version") if product else contract.locate("#/info/version")
    path = public_base(api, contract)
    in_path = _IN_PATH.search(path)
    if not (stated or product):
        where = declaration.places.key("apis", api_id)
        sentence = f"neither the product nor the contract of API `{api_id}` says which version it is"
        yield judge.unclear(check, subject, where, sentence)
        return
    if product and stated and not _agree(product, stated):
        sentence = f"API `{api_id}` is version {product} as a product, and version {stated} by its contract"
        yield judge.failed(check, subject, at, sentence, related=(contract.locate("#/info/version"),))
        return
    number = _NUMBERED.fullmatch(product or stated)
    if in_path and number and number[1].lstrip("0") != in_path[1].lstrip("0"):
        # A contract's version is often that of the document; only the product's is what callers are told.
        sentence = f"API `{api_id}` is served under `{path}`, but is version {product or stated}"
        yield judge.failed(
            check,
            subject,
            at,
            sentence,
            severity=None if product else Severity.NOTE,
            confidence=Confidence.HIGH if product else Confidence.LOW,
        )
        return
    yield judge.passed(check, subject, at, f"API `{api_id}` is version {product or stated} wherever it says so")


def _agree(one: str, other: str) -> bool:
    """Whether one version is the other, or its beginning: 2 and 2.1.4 agree, 2.1 and 2.10 do not."""
    first, second = (re.split(r"[.+-]", v.strip().lstrip("vV")) for v in (one, other))
    return all(a == b for a, b in zip(first, second, strict=False))

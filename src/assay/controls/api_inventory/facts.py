"""How much is known about an API: the facts that an inventory must hold about each one."""

from __future__ import annotations

from dataclasses import dataclass

from assay.declare.declaration import Declaration
from assay.domain import DeclarationError


@dataclass(frozen=True, slots=True)
class Completeness:
    """Which of the required facts about an API are declared, by their names in the declaration."""

    present: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def share(self) -> float:
        """Present of all, from 0 to 1."""
        return len(self.present) / (len(self.present) + len(self.missing))


def stated_version(declaration: Declaration, api_id: str) -> str:
    """``info.version`` of an API's contract (OpenAPI 3.1.1 §4.8.2), or nothing where it says none."""
    try:
        found = declaration.contracts[api_id].resolve("#/info/version")
    except DeclarationError:
        return ""
    return str(found).strip() if isinstance(found, str | int | float) and not isinstance(found, bool) else ""


def completeness(declaration: Declaration, api_id: str) -> Completeness:
    """The facts of NIST SP 800-228 REC-API-4: what it is, whose, for whom, where, in which version, since and until.

    Owner, environment and exposure are asked for by the model; an owner of blanks is none.
    """
    api = declaration.model.apis[api_id]
    product = api.product
    known = {
        "title": bool(api.title or declaration.contracts[api_id].title),
        "owner": bool(api.owner.strip()),
        "environment": api.environment in declaration.model.environments,
        "exposure": True,
        "product.audience": bool(product.audience),
        "product.lifecycle": declaration.places.written("apis", api_id, "product", "lifecycle"),
        "product.support": bool(product.support),
        "product.version": bool(product.version or stated_version(declaration, api_id)),
        "contract": bool(declaration.contracts[api_id].operations),
    }
    if product.lifecycle == "deprecated":
        known["product.deprecated"] = product.deprecated is not None
        known["product.sunset"] = product.sunset is not None
    present = tuple(name for name, there in known.items() if there)
    return Completeness(present, tuple(name for name in known if name not in present))

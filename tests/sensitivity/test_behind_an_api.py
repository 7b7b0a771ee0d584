"""What stands behind an API is found, whatever it is called."""

from __future__ import annotations

from assay.declare.model import Model
from assay.sensitivity.closure import stores_behind

SYSTEM = {"kind": "database", "environment": "e", "owner": "o"}
API = {"owner": "o", "exposure": "internal", "environment": "e", "contract": "c.yaml", "upstream": "http://127.0.0.1:1"}


def behind(api: str, **backed_by: list[str]) -> tuple[str, ...]:
    names = {"orders", "crm"}
    model = Model.model_validate(
        {
            "assay": 1,
            "organisation": {"name": "Shop"},
            "environments": {"e": {"tier": "production"}},
            "systems": dict.fromkeys(names, SYSTEM),
            "apis": {name: {**API, "backed_by": found} for name, found in backed_by.items()},
        }
    )
    return stores_behind(model, api)


def test_a_system_that_is_called_like_its_api_is_behind_it() -> None:
    assert behind("orders", orders=["orders"]) == ("orders",)


def test_what_stands_behind_another_api_is_behind_this_one_and_circles_end() -> None:
    assert behind("shop", shop=["orders"], orders=["orders", "crm", "shop"]) == ("crm", "orders")

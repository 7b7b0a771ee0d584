"""Where no body is declared none passes, not even one byte.

The size filter cannot be told less than one byte, and where nothing else needs checking the inspector is not asked. A
service that ignores the body of a GET would leave that byte on the connection, as the start of the next request.
"""

from __future__ import annotations

from assay.gateway.assemble import OperationPolicy
from assay.gateway.envoy.filters.base import Filter, View
from assay.gateway.envoy.filters.slots import Slot
from assay.gateway.envoy.replies import UNDECLARED_BODY
from assay.gateway.envoy.types import Json, header, http_filter

NAME = "assay.no_body"


def _listener(view: View) -> Json | None:
    return http_filter("rbac.v3.RBAC") if any(_none_declared(o) for o in view.policy.operations) else None


def _none_declared(operation: OperationPolicy) -> bool:
    return operation.size is not None and operation.size.body_bytes == 0


def _inspected(operation: OperationPolicy, queried: bool) -> bool:
    return operation.inspection is not None and (queried or not operation.inspection.query_only)


def _route(_view: View, operation: OperationPolicy, queried: bool) -> Json | None:
    if operation.size is None or not _none_declared(operation) or _inspected(operation, queried):
        return None
    # The size filter has read the whole body by now, and noted its length where the client gave none.
    some = header("content-length", safe_regex="0*[1-9][0-9]*")
    policy = {"permissions": [{"header": some}], "principals": [{"any": True}]}
    rules = {"action": "DENY", "policies": {f"{operation.size.control}/{UNDECLARED_BODY}": policy}}
    return http_filter("rbac.v3.RBACPerRoute", rbac={"rules": rules, "rules_stat_prefix": "no_body_"})


FILTER = Filter(NAME, Slot.NO_BODY, _listener, route=_route)

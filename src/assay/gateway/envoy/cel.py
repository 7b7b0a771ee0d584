"""Expressions of the Common Expression Language, as the parsed tree that Envoy wants (it rejects the text form).

Shapes are those of google.api.expr.v1alpha1.Expr in JSON. Every node has an id of its own, as the evaluator needs.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from assay.gateway.envoy.types import Json

STRING_FUNCTIONS: Json = {"enable_string_functions": True, "enable_string_concat": True}
"""Policy.cel_config that makes ``split`` available."""


class Tree:
    """Builds one expression; numbers its nodes."""

    def __init__(self) -> None:
        self._ids: Iterator[int] = count(1)

    def _node(self, **kind: Json) -> Json:
        return {"id": str(next(self._ids)), **kind}

    def identifier(self, name: str) -> Json:
        """A variable."""
        return self._node(ident_expr={"name": name})

    def text(self, value: str) -> Json:
        """A string literal."""
        return self._node(const_expr={"string_value": value})

    def number(self, value: int) -> Json:
        """An integer literal."""
        return self._node(const_expr={"int64_value": str(value)})

    def select(self, operand: Json, field: str) -> Json:
        """``operand.field``."""
        return self._node(select_expr={"operand": operand, "field": field})

    def index(self, operand: Json, key: Json) -> Json:
        """``operand[key]``."""
        return self._node(call_expr={"function": "_[_]", "args": [operand, key]})

    def call(self, function: str, *args: Json, target: Json | None = None) -> Json:
        """``function(args)`` or ``target.function(args)``; operators are functions such as ``_==_``."""
        body: Json = {"function": function, "args": list(args)}
        if target is not None:
            body["target"] = target
        return self._node(call_expr=body)

    def equal(self, left: Json, right: Json) -> Json:
        """``left == right``."""
        return self.call("_==_", left, right)

    def every(self, *terms: Json) -> Json:
        """All of the terms, which must not be none."""
        result = terms[0]
        for term in terms[1:]:
            result = self.call("_&&_", result, term)
        return result

"""Small evaluators: arithmetic for a declared calculator, and templates, the careful and the careless way."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_BINARY: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
}
_LARGEST = 10**12
_LONGEST = 10_000
_PLACEHOLDER = re.compile(r"\{\{(.*?)\}\}", re.S)


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose badge it is. A careless template reaches every attribute."""

    name: str
    session_key: str


def evaluated(expression: str, names: Mapping[str, Any] | None = None) -> Any:
    """The value of an expression over numbers, strings and names.

    Raises:
        ValueError: it is no such expression, or its value is too large.
    """
    try:
        return _value(ast.parse(expression.strip(), mode="eval").body, names or {})
    except (SyntaxError, ArithmeticError, TypeError, RecursionError, MemoryError) as error:
        raise ValueError(f"{expression!r} cannot be evaluated") from error


def filled(template: str, names: Mapping[str, str]) -> str:
    """A template with ``{{name}}`` replaced by values; everything else stays as it is."""
    return _PLACEHOLDER.sub(lambda found: names.get(found[1].strip(), found[0]), template)


def evaluated_template(template: str, names: Mapping[str, str]) -> str:
    """FLAW: a template with every ``{{expression}}`` evaluated.

    Raises:
        ValueError: one cannot be evaluated.
    """
    return _PLACEHOLDER.sub(lambda found: str(evaluated(found[1], names)), template)


def _value(node: ast.expr, names: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float | str):
        return node.value
    if isinstance(node, ast.Name) and node.id in names:
        return names[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand, names)
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        left, right = _value(node.left, names), _value(node.right, names)
        if any(isinstance(side, int | float) and abs(side) > _LARGEST for side in (left, right)):
            raise ValueError("too large")
        if isinstance(node.op, ast.Mult) and any(
            isinstance(text, str) and isinstance(times, int | float) and len(text) * times > _LONGEST
            for text, times in ((left, right), (right, left))
        ):
            raise ValueError("too long")
        return _BINARY[type(node.op)](left, right)
    raise ValueError("only numbers, strings, names and + - * / %")

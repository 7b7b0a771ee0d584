"""Ownership rules: ``path.NAME == token.CLAIM(.CLAIM)*``, with either side first. Nothing else is understood."""

from __future__ import annotations

import re

from assay.declare.contract import Operation
from assay.domain import AssayError, Location
from assay.gateway.ir import Ownership

_NAME = r"[A-Za-z0-9_$~.-]+"
_CLAIM = r"[A-Za-z0-9_$~-]+(?:\.[A-Za-z0-9_$~-]+)*"
_RULE = re.compile(rf"[ \t]*(?P<left>(?:path|token)\.{_NAME})[ \t]*==[ \t]*(?P<right>(?:path|token)\.{_NAME})[ \t]*")
_PATH, _TOKEN = re.compile(rf"path\.({_NAME})"), re.compile(rf"token\.({_CLAIM})")
_FIX = "write `owns: path.PARAMETER == token.CLAIM`, such as `owns: path.customerId == token.sub`"


def parse(text: str, at: Location) -> Ownership:
    """The ownership that ``text`` asks for.

    Raises:
        AssayError: it is not of the one form that can be enforced; located at ``at``.
    """
    match = _RULE.fullmatch(text)
    if match:
        for one, other in ((match["left"], match["right"]), (match["right"], match["left"])):
            path, token = _PATH.fullmatch(one), _TOKEN.fullmatch(other)
            if path and token:
                return Ownership(parameter=path[1], claim=tuple(token[1].split(".")))
    raise AssayError(f"the ownership rule `{_short(text)}` is not understood", fix=_FIX, location=at)


def comparable(operation: Operation, parameter: str) -> bool:
    """Whether one segment of the path holds this parameter and no other, so that it can be compared with a claim."""
    marker = "{" + parameter + "}"
    holding = [s for s in operation.path.split("/") if marker in s]
    return len(holding) == 1 and holding[0].count("{") == 1


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "…"

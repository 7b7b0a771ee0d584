"""What named people decided, signed with keys of their own, in files beside the declaration.

A decision counts when its file is as it was signed, by a key that the declaration lists for that person
(``people:``). What counts is asked of :func:`read`; :func:`sign` makes one.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from assay.decisions.reading import read
from assay.decisions.words import Decision, Decisions

if TYPE_CHECKING:
    from assay.decisions.judging import judge
    from assay.decisions.signing import Signed, sign

_LATE = {"judge": "judging", "Signed": "signing", "sign": "signing"}
"""What needs cryptography is loaded when somebody asks for it: `assay check` mostly does not."""


def __getattr__(name: str) -> Any:
    if name in _LATE:
        return getattr(import_module(f"assay.decisions.{_LATE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = ["Decision", "Decisions", "Signed", "judge", "read", "sign"]

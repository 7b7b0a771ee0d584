"""A secret that does not show itself."""

from __future__ import annotations

import hmac
from typing import final


@final
class Secret:
    """Holds a secret value; ``repr``, ``str``, formatting and pickling never reveal it.

    Call :meth:`reveal` at the one place that needs the value. Equality takes the same time whatever the values.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself. Do not store, log or format what this returns."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> str:
        raise TypeError("a Secret cannot be pickled")

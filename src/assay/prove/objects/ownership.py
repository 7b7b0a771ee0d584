"""Ownership conditions (``path.customerId == token.sub``): which claim must equal which parameter."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from assay.prove.case import NotReached
from assay.prove.objects.naming import same

Claim = tuple[str, ...]
_RULE = re.compile(r"\s*(path|token)\.([A-Za-z0-9_$~.-]+)\s*==\s*(path|token)\.([A-Za-z0-9_$~.-]+)\s*")


def bindings(conditions: Iterable[str]) -> dict[str, Claim]:
    """The claim's path by parameter.

    Raises:
        NotReached: a condition is of another form.
    """
    found: dict[str, Claim] = {}
    for condition in conditions:
        match = _RULE.fullmatch(condition)
        if match is None or {match[1], match[3]} != {"path", "token"}:
            raise NotReached(f"the ownership rule `{condition[:80]}` is not understood")
        parameter, claim = (match[2], match[4]) if match[1] == "path" else (match[4], match[2])
        found[parameter] = tuple(claim.split("."))
    return found


def claim(claims: Mapping[str, Any], path: Claim) -> str | None:
    """The value of a claim as text, as it would stand in a path; None: there is none."""
    value: Any = claims
    for name in path:
        value = value.get(name) if isinstance(value, dict | Mapping) else None
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None


def satisfied(wanted: Mapping[str, Claim], params: Mapping[str, str], claims: Mapping[str, Any]) -> bool:
    """Whether an identity with these claims owns what these parameters address."""
    return all(name in params and claim(claims, path) == params[name] for name, path in wanted.items())


def given_values(owns: Mapping[str, Iterable[str]], name: str) -> tuple[str, ...]:
    """Known objects for a parameter, whatever the spelling of its name."""
    return tuple(value for known, values in owns.items() if same(known, name) for value in values)

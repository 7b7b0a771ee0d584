"""`${NAME}` and `${NAME:-default}` in the declaration's text values, from the environment.

`$${` stands for a literal `${`. Keys and secret references are left as they are: a secret is resolved where it is
used, so that its value never becomes part of the model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from assay.declare.places import Path, Places
from assay.declare.problem import problem
from assay.declare.yaml_places import dotted
from assay.domain import Verdict, did_you_mean, nearest

_VARIABLE = re.compile(r"\$\$\{|\$\{([^{}]*)\}?")
_BODY = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)


@dataclass(slots=True)
class Substituted:
    """The value with variables replaced, which variables decided it (name to value), and what went wrong."""

    value: object = None
    used: dict[str, str] = field(default_factory=dict)
    problems: list[Verdict] = field(default_factory=list)


def substitute(value: object, environ: Mapping[str, str], places: Places) -> Substituted:
    """Replace variables in every text value of ``value``. An unset variable without a default is a problem.

    As in a shell, ``:-`` applies when the variable is unset or empty.
    """
    result = Substituted()
    result.value = _walk(value, (), environ, places, result)
    return result


def _walk(value: object, path: Path, environ: Mapping[str, str], places: Places, result: Substituted) -> object:
    if isinstance(value, dict):
        return {k: _walk(v, (*path, k), environ, places, result) for k, v in value.items()}
    if isinstance(value, list):
        return [_walk(v, (*path, i), environ, places, result) for i, v in enumerate(value)]
    if not isinstance(value, str) or "${" not in value or path[-1:] == ("secret",):
        return value

    def replacement(match: re.Match[str]) -> str:
        if match[1] is None:
            return "${"
        body = _BODY.fullmatch(match[1])
        if not body or not match[0].endswith("}"):
            result.problems.append(
                problem(
                    "malformed-variable",
                    dotted(path),
                    "`${` does not begin a variable here",
                    places.value(*path),
                    "write `${NAME}` or `${NAME:-default}`; for a literal `${` write `$${`",
                )
            )
            return match[0]
        name, default = body[1], body[2]
        found = environ.get(name)
        if found or (found is not None and default is None):
            result.used[name] = found
            return found
        if default is not None:
            result.used[name] = default
            return default
        close = nearest(name, environ)
        hint = f"; {did_you_mean(name, environ)[:-1]} (which is set)?" if close else ""
        result.problems.append(
            problem(
                "unset-variable",
                dotted(path),
                f"the environment variable `{name}` is not set",
                places.value(*path),
                f"set it, or give a default: `${{{name}:-…}}`{hint}",
            )
        )
        return match[0]

    return _VARIABLE.sub(replacement, value)

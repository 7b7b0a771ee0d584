"""Test of design on the OWASP Core Rule Set: the directory that `gateway.crs` names must hold one.

Only what can be seen without loading it; the inspector reads every rule, and refuses a set that is broken.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from assay.controls._lib.judging import judge as _judge
from assay.controls._lib.urls import file_path
from assay.controls.base import Context
from assay.domain import Verdict

_CONTROL = "input_validation"
_CHECK = "core-rule-set-missing"
_DEBIAN = (Path("/usr/share/modsecurity-crs"), Path("/etc/modsecurity/crs/crs-setup.conf"))
"""Debian keeps the set's settings apart from its rules."""


def core_rules(context: Context) -> Iterator[Verdict]:
    """One verdict for the gateway; not applicable where no rule set is named."""
    declaration, judge = context.declaration, _judge(_CONTROL)
    named, at = declaration.model.gateway.crs, declaration.locate("gateway", "crs")
    if named is None:
        yield judge.not_applicable(_CHECK, "gateway", at, "no core rule set is declared")
        return
    missing = _missing(Path(file_path(declaration.root, named)))
    if missing:
        yield judge.failed(_CHECK, "gateway", at, f"the core rule set in `{named}` cannot be used: {missing}")
    else:
        yield judge.passed(_CHECK, "gateway", at, f"`{named}` holds a core rule set")


def _missing(directory: Path) -> str:
    """What the directory lacks, in words; empty when it lacks nothing."""
    settings = [directory / "crs-setup.conf", directory / "crs-setup.conf.example"]
    if directory == _DEBIAN[0]:
        settings.append(_DEBIAN[1])
    try:
        if not directory.is_dir():
            return "there is no such directory"
        if not any(file.is_file() for file in settings):
            return "it has no `crs-setup.conf`"
        if not any((directory / "rules").glob("*.conf")):
            return "it has no `rules/*.conf`"
    except (OSError, ValueError) as error:
        return f"it cannot be read ({getattr(error, 'strerror', None) or error})"
    return ""

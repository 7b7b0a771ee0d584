"""A core rule set that is not there is said before anything is applied."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from assay.controls.base import Context
from assay.controls.input_validation.core_rules import core_rules
from assay.declare.declaration import Declaration
from assay.domain import Outcome, Verdict

DECLARATION = """\
assay: 1
organisation: {name: Shop}
environments: {dev: {tier: non-production}}
gateway: {crs: rules-of-ours, listen: 127.0.0.1:8443}
apis:
  shop:
    owner: shop
    exposure: internal
    environment: dev
    contract: shop.yaml
    upstream: http://127.0.0.1:9001
"""


def judged(declaration: Declaration) -> Verdict:
    (verdict,) = core_rules(Context(declaration, date(2026, 7, 1), frozenset()))
    return verdict


def lay(directory: Path, *names: str) -> None:
    for name in names:
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ((), "there is no such directory"),
        (("README",), "it has no `crs-setup.conf`"),
        (("crs-setup.conf", "rules/scanners.data"), "it has no `rules/*.conf`"),
    ],
)
def test_what_is_missing_is_named_with_its_place(
    declared: Callable[..., Declaration], tmp_path: Path, files: tuple[str, ...], said: str
) -> None:
    lay(tmp_path / "rules-of-ours", *files)
    verdict = judged(declared(DECLARATION))
    assert verdict.outcome is Outcome.FAIL
    assert said in verdict.sentence
    assert (verdict.location.line, verdict.location.column) == (4, 16)
    assert verdict.fix is not None


def test_a_set_that_is_there_passes_and_none_is_none(declared: Callable[..., Declaration], tmp_path: Path) -> None:
    lay(tmp_path / "rules-of-ours", "crs-setup.conf.example", "rules/REQUEST-901.conf")
    assert judged(declared(DECLARATION)).outcome is Outcome.PASS
    without = DECLARATION.replace("crs: rules-of-ours, ", "")
    assert judged(declared(without)).outcome is Outcome.NOT_APPLICABLE

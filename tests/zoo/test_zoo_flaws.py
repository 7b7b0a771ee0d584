"""Every flaw can be used with its switch on, and cannot with it off: the safe twin is safe."""

from __future__ import annotations

import pytest
from tests.zoo.exploits_clinic import CLINIC
from tests.zoo.exploits_files import FILES
from tests.zoo.exploits_shop import SHOP
from tests.zoo.exploits_tokens import TOKENS
from tests.zoo.flaws import Flaw, Switches, catalogue, find, of_service, table, together
from tests.zoo.services import DEFINITIONS
from tests.zoo.visiting import visit

EXPLOITS = {**SHOP, **TOKENS, **CLINIC, **FILES}
CONTROLS = {
    *("api_gateway", "authentication", "authorisation", "data_exposure", "input_validation", "rate_limiting"),
}


@pytest.mark.parametrize("flaw", catalogue(), ids=lambda flaw: flaw.id)
def test_a_flaw_can_be_used(flaw: Flaw) -> None:
    assert visit(flaw.service, EXPLOITS[flaw.id], flaw.id)


@pytest.mark.parametrize("flaw", catalogue(), ids=lambda flaw: flaw.id)
def test_the_safe_twin_withstands(flaw: Flaw) -> None:
    assert not visit(flaw.service, EXPLOITS[flaw.id])


@pytest.mark.parametrize("service", sorted(DEFINITIONS))
def test_flaws_that_hide_nothing_can_be_used_together(service: str) -> None:
    groups = together(service)
    assert len(groups) <= 2
    assert sum(map(len, groups)) == len(of_service(service))
    for group in groups:
        switches = [flaw.id for flaw in group]
        for flaw in group:
            assert visit(service, EXPLOITS[flaw.id], *switches), flaw.id


def test_a_finding_is_due_to_a_flaw_where_the_flaw_is() -> None:
    assert find("bola-read").explains("getOrder", ["AV17"])
    assert not find("bola-read").explains("listOrders", ["AV17"])
    assert not find("bola-read").explains("getOrder", ["AV34"])
    assert find("alg-none").explains("getOrder", ["AV04"])
    assert not find("undeclared-verb").explains("getOrder", ["AV34"])


def test_every_exploit_is_of_a_flaw() -> None:
    assert set(EXPLOITS) == {flaw.id for flaw in catalogue()}


def test_the_catalogue_names_what_exists() -> None:
    for flaw in catalogue():
        operations = {operation.id for operation in DEFINITIONS[flaw.service].operations}
        assert {flaw.operation, *flaw.also} - {""} <= operations, flaw.id
        assert set(flaw.hides) <= {other.id for other in of_service(flaw.service)}
        assert flaw.control in CONTROLS
        assert all(row[:2] == "AV" and 1 <= int(row[2:]) <= 60 for row in flaw.rows), flaw.id
        assert flaw.title
        assert flaw.explanation.endswith("."), flaw.id


def test_the_catalogue_is_wide() -> None:
    assert len(catalogue()) >= 36
    assert len({row for flaw in catalogue() for row in flaw.rows}) >= 45
    needs = {flaw.needs for flaw in catalogue()}
    assert {"two identities", "sequence", "effect", "outside the contract", "one request", "many requests"} <= needs
    assert table().count("\n") == len(catalogue()) + 1


def test_an_unknown_switch_is_refused() -> None:
    with pytest.raises(LookupError, match="bola-reed"):
        Switches(["bola-reed"])
    with pytest.raises(LookupError, match="has no flaw"):
        visit("shop", EXPLOITS["xxe"], find("xxe").id)

"""Who can reach which data, and in which form: from grants, or from what was observed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from assay.declare.declaration import Declaration
from assay.sensitivity.attributes import folded
from assay.sensitivity.callers import Callers
from assay.sensitivity.closure import Closure, moved
from assay.sensitivity.held import readable
from assay.sensitivity.pieces import EMPTY, Piece, Pieces, merge
from assay.sensitivity.principals import Grant, Principal, PrincipalReach, Reached
from assay.sensitivity.sealed import sealed, sealing


def reach(
    declaration: Declaration, closure: Closure, grants: Mapping[str, Iterable[str]] | None = None
) -> tuple[PrincipalReach, ...]:
    """What every account, consumer, role, system and log can reach, by what is declared.

    Args:
        grants: by account, the data sets it may read, where that is known better than the declaration knows it.
            Other accounts read what their rights by hand name, or everything that their system holds.
    """
    return (
        *_accounts(declaration, closure, grants or {}),
        *Callers(declaration, closure).everybody(),
        *_systems(declaration, closure),
        *_log(declaration, closure),
    )


def _accounts(
    declaration: Declaration, closure: Closure, grants: Mapping[str, Iterable[str]]
) -> Iterable[PrincipalReach]:
    model = declaration.model
    used: dict[str, list[str]] = {}
    for flow_id, declared in model.flows.items():
        if declared.account:
            used.setdefault(declared.account, []).append(flow_id)
    held: dict[str, dict[str, tuple[Pieces, Pieces]]] = {}
    encrypting = sealing(model)
    for (system, data), labels in closure.stored.items():
        seen = labels.claimed.pieces
        held.setdefault(system, {})[data] = (
            sealed(model, system, seen) if system in encrypting else seen,
            labels.verified.pieces,
        )
    for name, account in model.accounts.items():
        found: dict[tuple[str, str], Reached] = {}
        there = held.get(account.system, {})
        given = grants.get(name)
        for data in there if given is None else given:
            if data not in there or (given is None and not readable(account, data, model.data)):
                continue
            grant = Grant(("accounts", name, "rights"), f"rights in {account.system}")
            found[account.system, data] = Reached(data, f"systems.{account.system}", *there[data], (grant,))
        for flow in used.get(name, ()):
            for system, data in moved(model, model.flows[flow]):
                pieces = held.get(system, {}).get(data, (EMPTY, EMPTY))
                grant = Grant(("flows", flow, "account"), f"flow {flow}")
                before = found.get((system, data))
                carried = (*before.grants, grant) if before else (grant,)
                found[system, data] = Reached(data, f"systems.{system}", *pieces, carried)
        principal = Principal("account", name, account.clearance, ("accounts", name))
        yield PrincipalReach(principal, tuple(found.values()))


def _systems(declaration: Declaration, closure: Closure) -> Iterable[PrincipalReach]:
    found: dict[str, list[Reached]] = {name: [] for name in declaration.model.systems}
    encrypting = sealing(declaration.model)
    for (system, data), labels in closure.stored.items():
        declared = declaration.model.systems.get(system)
        if declared is None:
            continue
        if data in declared.holds:
            grant = Grant(("systems", system, "holds", declared.holds.index(data)), f"{system} holds {data}")
        else:
            grant = Grant(("systems", system), f"{data} arrives at {system}")
        seen = labels.claimed.pieces
        pieces = sealed(declaration.model, system, seen) if system in encrypting else seen, labels.verified.pieces
        found[system].append(Reached(data, f"systems.{system}", *pieces, (grant,)))
    for name, system_ in declaration.model.systems.items():
        principal = Principal("system", name, system_.clearance, ("systems", name))
        yield PrincipalReach(principal, tuple(found[name]))


def _log(declaration: Declaration, closure: Closure) -> Iterable[PrincipalReach]:
    """What the gateway's access log keeps: the path of each call, with the values of its parameters (rule E7)."""
    found: dict[tuple[str, str], tuple[dict[str, Piece], list[Grant]]] = {}
    for api, _, operation in declaration.each_operation():
        names = {folded(p.name) for p in operation.parameters if p.location == "path"}
        if not names:
            continue
        by_name = _by_name(declaration, closure, api)
        for name in sorted(names & by_name.keys()):
            data, piece = by_name[name]
            pieces, grants = found.setdefault((api, data), ({}, []))
            known = pieces.get(piece.attribute)
            pieces[piece.attribute] = piece if known is None else merge(known, piece)
            grants.append(Grant(("apis", api), f"path of operation {operation.id} of API {api}"))
    objects = tuple(
        Reached(data, f"apis.{api}", pieces, pieces, tuple(dict.fromkeys(grants)))
        for (api, data), (pieces, grants) in sorted(found.items())
    )
    if objects:
        yield PrincipalReach(Principal("log", "access log"), objects)


def _by_name(declaration: Declaration, closure: Closure, api: str) -> Mapping[str, tuple[str, Piece]]:
    found: dict[str, tuple[str, Piece]] = {}
    for data in closure.answers.data(api):
        for key in declaration.model.data[data].fields:
            found.setdefault(folded(key), (data, closure.attributes.by_field[data, key]))
    return found

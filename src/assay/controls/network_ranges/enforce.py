"""Where calls may come from: rules of the gateway and of single APIs. A consumer's networks go with the consumer."""

from __future__ import annotations

from collections.abc import Iterator

from assay.controls._lib.subjects import served_apis
from assay.controls.base import Site
from assay.controls.network_ranges.lists import Listed, read_list
from assay.controls.observe import mode
from assay.declare.declaration import Declaration
from assay.declare.model import NetworkList, Networks
from assay.domain import AssayError, DeclarationError, Fix, Location, Outcome, Severity, Verdict
from assay.gateway import ir

_CONTROL = "network_ranges"


def enforce(declaration: Declaration, site: Site) -> Iterator[ir.AnyPiece]:
    """A rule for the gateway and for each API that declares networks; files of networks are read now.

    Raises:
        DeclarationError: a file cannot be read or has a line that is no network. Leaving it out would open the gateway
            to whatever it denies.
    """
    whole = _rule(declaration, "", declaration.model.networks, ir.Mode.ENFORCE, ("networks",))
    if whole:
        yield whole
    for api_id, api in served_apis(declaration):
        if api.networks:
            route = ("apis", api_id, "networks")
            found = _rule(declaration, api_id, api.networks, mode(api, _CONTROL), route)
            if found:
                yield found


def _rule(
    declaration: Declaration, api: str, networks: Networks, observed: ir.Mode, route: tuple[str, ...]
) -> ir.NetworkRule | None:
    denied: dict[str, None] = {}
    for index, entry in enumerate(networks.deny):
        if isinstance(entry, NetworkList):
            at = declaration.locate(*route, "deny", index)
            denied.update(dict.fromkeys(_listed(declaration, entry.list, at).networks))
        else:
            denied[entry] = None
    if not denied and not networks.allow:
        return None
    return ir.NetworkRule(
        control=_CONTROL,
        source=str(declaration.locate(*route)),
        mode=observed,
        api=api,
        name="ranges",
        allow=networks.allow,
        deny=tuple(denied),
    )


def _listed(declaration: Declaration, written: str, at: Location) -> Listed:
    try:
        found = read_list(declaration.root, written)
    except AssayError as error:
        raise DeclarationError([_unusable("network-list-unreadable", error.sentence, error.fix, at)]) from error
    if found.problems:
        raise DeclarationError(
            _unusable("network-list-malformed", f"`{p.text}` is no network", "write one CIDR per line", p.at)
            for p in found.problems
        )
    return found


def _unusable(check: str, sentence: str, fix: str, at: Location) -> Verdict:
    return Verdict(
        control=_CONTROL,
        check=check,
        subject="networks",
        outcome=Outcome.FAIL,
        sentence=sentence,
        severity=Severity.HIGH,
        location=at,
        fix=Fix(fix),
    )

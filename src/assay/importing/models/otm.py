"""Open Threat Model 0.2.0 (github.com/iriusrisk/OpenThreatModel): trust zones, components, assets and data flows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from assay.declare.declaration import Declaration
from assay.declare.model import LEVELS
from assay.domain import UsageError
from assay.importing.models.drafted import Drafted, Sections, identifier, unique
from assay.importing.source import Source, Spot

VERSION = "0.2.0"
_RISK: Mapping[str, int] = dict(zip(LEVELS, (0, 25, 50, 75, 100), strict=True))
_KINDS = (
    ("database", r"database|\bdb\b|rds|postgres|mysql|mongo|dynamo|sql|warehouse"),
    ("queue", r"queue|topic|kafka|sqs|sns|event|bus\b"),
    ("file-store", r"bucket|s3\b|storage|file|blob"),
    ("saas", r"saas"),
    ("third-party", r"third[- ]?party|external"),
)
_OUTSIDE = "callers"
_DEPTH = 32


def to_otm(declaration: Declaration, levels: Mapping[str, str]) -> dict[str, object]:
    """The declaration as an OTM document.

    Args:
        levels: the level of each data set, by its id.
    """
    model = declaration.model
    zones = [_zone(name, e.tier, 75 if e.tier == "production" else 50) for name, e in model.environments.items()]
    if model.consumers:
        zones.append(_zone(_OUTSIDE, "outside", 10))
    components: list[dict[str, object]] = []
    for name, system in model.systems.items():
        facts = {"owner": system.owner, "location": system.location, "kind": system.kind}
        components.append(_component("systems", name, system.kind, system.environment, facts, system.holds))
    for name, api in model.apis.items():
        facts = {"owner": api.owner, "layer": api.layer, "exposure": api.exposure}
        components.append(_component("apis", name, "api", api.environment, facts))
    for name, consumer in model.consumers.items():
        components.append(_component("consumers", name, consumer.kind, _OUTSIDE, {"owner": consumer.owner}))
    return {
        "otmVersion": VERSION,
        "project": {"name": model.organisation.name, "id": identifier(model.organisation.name, "project")},
        "assets": [_asset(name, levels.get(name, "internal")) for name in model.data],
        "trustZones": zones,
        "components": components,
        "dataflows": list(_dataflows(declaration)),
    }


def _zone(name: str, kind: str, rating: int) -> dict[str, object]:
    return {"id": name, "name": name, "type": kind, "risk": {"trustRating": rating}}


def _asset(name: str, level: str) -> dict[str, object]:
    comment = "Confidentiality follows the level; integrity and availability are not declared."
    risk = {"confidentiality": _RISK[level], "integrity": 50, "availability": 50, "comment": comment}
    return {"id": name, "name": name, "risk": risk, "attributes": {"level": level}}


def _component(
    section: str, name: str, kind: str, zone: str, facts: Mapping[str, str | None], stored: tuple[str, ...] = ()
) -> dict[str, object]:
    found: dict[str, object] = {
        "id": f"{section}.{name}",
        "name": name,
        "type": kind,
        "parent": {"trustZone": zone},
        "attributes": {key: value for key, value in facts.items() if value},
    }
    return found | ({"assets": {"processed": [], "stored": list(stored)}} if stored else {})


def _dataflows(declaration: Declaration) -> Iterator[dict[str, object]]:
    model = declaration.model
    for name, flow in model.flows.items():
        ends = {"source": f"systems.{flow.from_}", "destination": f"systems.{flow.to}"}
        yield {"id": f"flows.{name}", "name": name, **ends, "assets": list(flow.data)}
    roles = {name: set(consumer.roles) for name, consumer in model.consumers.items()}
    for name, api in model.apis.items():
        for behind in api.backed_by:
            to = f"{'apis' if behind in model.apis else 'systems'}.{behind}"
            yield {
                "id": f"backed.{name}.{behind}",
                "name": f"{name} to {behind}",
                "source": f"apis.{name}",
                "destination": to,
            }
        admitted = {role for rule in api.access for role in rule.roles}
        for consumer, has in roles.items():
            if has & admitted:
                ends = {"source": f"consumers.{consumer}", "destination": f"apis.{name}"}
                yield {"id": f"calls.{consumer}.{name}", "name": f"{consumer} calls {name}", **ends}


def from_otm(source: Source) -> Drafted:
    """A declaration of the systems, data and flows in an OTM document.

    Raises:
        UsageError: it is no OTM document, or of another major version.
    """
    top = source.top
    version = top["otmVersion"].text()
    if not version.startswith("0."):
        raise UsageError(
            f"`{source.file}` is no Open Threat Model of version 0.x",
            fix="it begins with `otmVersion: 0.2.0`",
            location=top["otmVersion"].at,
        )
    reading = _Reading(source)
    reading.zones(top["trustZones"])
    reading.assets(top["assets"])
    reading.components(top["components"])
    reading.flows(top["dataflows"])
    for part in ("threats", "mitigations", "representations"):
        count = len(list(top[part].each()))
        if count:
            reading.losses.append(f"{count} {part}")
    losses = [f"{sentence} ({at})" for at, sentence in source.problems]
    return Drafted(top["project"]["name"].text(), reading.sections, (*reading.losses, *losses))


class _Reading:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.losses: list[str] = []
        self.sections: Sections = {"environments": {}, "systems": {}, "data": {}, "flows": {}}
        self._zones: dict[str, str] = {}
        self._data: dict[str, str] = {}
        self._systems: dict[str, str] = {}

    def _named(self, section: str, spot: Spot, prefix: str = "") -> str:
        raw = spot["id"].text() or spot["name"].text()
        name = identifier(raw.removeprefix(prefix), section.removesuffix("s"))
        return unique(name, self.sections[section])

    def zones(self, zones: Spot) -> None:
        for zone in zones.each():
            if zone["id"].text() == _OUTSIDE:
                continue
            name = self._named("environments", zone)
            said = f"{zone['type'].text()} {zone['name'].text()} {name}".lower()
            production = not re.search(r"non-production|test|dev|stag|sandbox", said)
            self.sections["environments"][name] = {"tier": "production" if production else "non-production"}
            self._zones[zone["id"].text()] = name

    def assets(self, assets: Spot) -> None:
        for asset in assets.each():
            name = self._named("data", asset)
            written = asset["attributes"]["level"].text()
            level = written if written in LEVELS else _level(asset["risk"]["confidentiality"])
            self.sections["data"][name] = {"level": level}
            self._data[asset["id"].text()] = name

    def components(self, components: Spot) -> None:
        by_id = {c["id"].text(): c for c in components.each()}
        for key, component in by_id.items():
            if key.startswith(("apis.", "consumers.")):
                self.losses.append(f"component `{key}`: an API or a consumer needs its contract or credential")
                continue
            zone = self._zone(component, by_id)
            if zone is None:
                self.losses.append(f"component `{key}`: it lies in no trust zone ({component.at})")
                continue
            name = self._named("systems", component, "systems.")
            facts = component["attributes"]
            kind = facts["kind"].text() or _kind(f"{component['type'].text()} {component['name'].text()}".lower())
            said: dict[str, object] = {"kind": kind, "environment": zone, "owner": facts["owner"].text() or "unknown"}
            if location := facts["location"].text():
                said["location"] = location
            assets = component["assets"]
            stored = [self._data[a] for a in assets["stored"].texts() if a in self._data]
            if stored:
                said["holds"] = stored
            for lost in [a for a in assets["stored"].texts() if a not in self._data]:
                self.losses.append(f"component `{key}` stores `{lost}`, which is no asset ({assets.at})")
            self.sections["systems"][name] = said
            self._systems[key] = name

    def _zone(self, component: Spot, by_id: Mapping[str, Spot]) -> str | None:
        for _ in range(_DEPTH):
            parent = component["parent"]
            if zone := parent["trustZone"].text():
                return self._zones.get(zone)
            above = by_id.get(parent["component"].text())
            if above is None:
                return None
            component = above
        return None

    def flows(self, dataflows: Spot) -> None:
        for flow in dataflows.each():
            ends = [self._systems.get(flow[end].text()) for end in ("source", "destination")]
            if None in ends:
                what = f"data flow `{flow['id'].text()}`: not both of its ends are systems"
                self.losses.append(f"{what} ({flow.at})")
                continue
            data = [self._data[a] for a in flow["assets"].texts() if a in self._data]
            name = self._named("flows", flow, "flows.")
            self.sections["flows"][name] = {"from": ends[0], "to": ends[1], "data": data}
            if flow["bidirectional"].flag():
                back = unique(f"{name}-back", self.sections["flows"])
                self.sections["flows"][back] = {"from": ends[1], "to": ends[0], "data": data}


def _level(confidentiality: Spot) -> str:
    """The level of a rating from 0 to 100. Special categories cannot be seen from a rating."""
    try:
        rating = float(confidentiality.text("50"))
    except ValueError:
        confidentiality.wrong("a number from 0 to 100")
        rating = 50.0
    return next((level for level in reversed(LEVELS[:-1]) if rating >= _RISK[level]), "public")


def _kind(said: str) -> str:
    return next((kind for kind, pattern in _KINDS if re.search(pattern, said)), "service")

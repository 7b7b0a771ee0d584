"""Fides manifests (fideslang): data sets with categorised fields, and systems with what they use data for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from assay.declare.categories import categories
from assay.declare.declaration import Declaration
from assay.domain import UsageError
from assay.importing.models.drafted import Drafted, Sections, identifier, unique
from assay.importing.source import Source, Spot

_SPAN = re.compile(r"([0-9]{1,6})\s*(day|week|month|year)s?\b", re.IGNORECASE)
_UNITS = {"day": ("d", 1), "week": ("w", 1), "month": ("d", 30), "year": ("y", 1)}
_DEPTH = 16


def recognises(top: Spot) -> bool:
    """Whether a file is such a manifest."""
    return bool(top["dataset"]) or bool(top["system"])


def to_fides(declaration: Declaration) -> dict[str, object]:
    """The declaration's data and systems as a manifest."""
    model = declaration.model
    datasets = []
    for name, data in model.data.items():
        fields = [
            {"name": key, "data_categories": [field.category or "system.operations"]}
            for key, field in data.fields.items()
        ]
        found: dict[str, object] = {"fides_key": name, "name": name, "collections": [{"name": name, "fields": fields}]}
        if data.retention:
            found["retention"] = f"{data.retention // 86400} days"
        datasets.append(found)
    systems = []
    for name, system in model.systems.items():
        leaving = [f for f in model.flows.values() if f.from_ == name]
        declared = [_used(declaration, held) for held in system.holds if held in model.data]
        systems.append(
            {
                "fides_key": name,
                "name": name,
                "system_type": system.kind,
                "administrating_department": system.owner,
                "egress": [
                    {"fides_key": f.to, "type": "system", "data_categories": _categories(declaration, f.data)}
                    for f in leaving
                ],
                "privacy_declarations": [d for found in declared for d in found],
            }
        )
    return {"dataset": datasets, "system": systems}


def _used(declaration: Declaration, name: str) -> Iterator[dict[str, object]]:
    data = declaration.model.data[name]
    for purpose in data.purpose or ("essential",):
        yield {
            "name": f"{name} for {purpose}",
            "data_categories": _categories(declaration, (name,)),
            "data_use": purpose,
            "data_subjects": [data.subjects] if data.subjects else [],
            "dataset_references": [name],
        }


def _categories(declaration: Declaration, names: Sequence[str]) -> list[str]:
    fields = (f for n in names if n in declaration.model.data for f in declaration.model.data[n].fields.values())
    return sorted({f.category for f in fields if f.category})


def from_fides(sources: Sequence[Source]) -> Drafted:
    """A declaration of the data sets and systems in these manifests.

    Raises:
        UsageError: none of them is a manifest.
    """
    tops = [s.top for s in sources]
    if not any(recognises(top) for top in tops):
        raise UsageError(f"`{sources[0].file}` is no fides manifest", fix="it has `dataset:` or `system:` at its top")
    reading = _Reading()
    for top in tops:
        for dataset in top["dataset"].each():
            reading.dataset(dataset)
    for top in tops:
        for system in top["system"].each():
            reading.system(system)
    for top in tops:
        for system in top["system"].each():
            reading.flows(system)
        for part, _ in top.items():
            if part not in ("dataset", "system"):
                reading.losses.append(f"`{part}` ({top[part].at})")
    problems = [f"{sentence} ({at})" for s in sources for at, sentence in s.problems]
    return Drafted("", reading.sections, (*reading.losses, *problems))


class _Reading:
    def __init__(self) -> None:
        self.losses: list[str] = []
        self.sections: Sections = {
            "environments": {"imported": {"tier": "production"}},
            "systems": {},
            "data": {},
            "flows": {},
        }
        self._sets: dict[str, list[str]] = {}
        self._systems: dict[str, str] = {}

    def dataset(self, dataset: Spot) -> None:
        key = dataset["fides_key"].text()
        collections = list(dataset["collections"].each())
        for collection in collections:
            name = identifier(key if len(collections) == 1 else f"{key}.{collection['name'].text()}", "data")
            name = unique(name, self.sections["data"])
            said: dict[str, object] = {"fields": dict(self._fields(collection["fields"], "", 0))}
            if retention := self._retention(collection["retention"] or dataset["retention"]):
                said["retention"] = retention
            self.sections["data"][name] = said
            self._sets.setdefault(key, []).append(name)

    def _fields(self, fields: Spot, above: str, depth: int) -> Iterator[tuple[str, object]]:
        for field in fields.each():
            name = above + field["name"].text()
            if field["fields"] and depth < _DEPTH:
                yield from self._fields(field["fields"], f"{name}.", depth + 1)
                continue
            known = [c for c in field["data_categories"].texts() if c in categories()]
            for unknown in set(field["data_categories"].texts()) - set(known):
                self.losses.append(f"category `{unknown}` of `{name}`: unknown here ({field.at})")
            if len(known) > 1:
                self.losses.append(f"`{name}`: only its first category is kept ({field.at})")
            if name:
                yield name, {"category": known[0]} if known else {"level": "internal", "guessed": "low"}

    def _retention(self, spot: Spot) -> str:
        said = spot.text()
        match = _SPAN.search(said)
        if said and not match:
            self.losses.append(f"retention `{said}`: no span of time ({spot.at})")
        if not match:
            return ""
        unit, factor = _UNITS[match[2].lower()]
        return f"{int(match[1]) * factor}{unit}"

    def system(self, system: Spot) -> None:
        key = system["fides_key"].text()
        name = unique(identifier(key, "system"), self.sections["systems"])
        self._systems[key] = name
        held: list[str] = []
        for use in system["privacy_declarations"].each():
            for reference in use["dataset_references"].texts():
                held += self._sets.get(reference, [])
                for data in self._sets.get(reference, []):
                    self._purpose(data, use)
        said: dict[str, object] = {
            "kind": _kind(system["system_type"].text().lower()),
            "environment": "imported",
            "owner": system["administrating_department"].text() or "unknown",
        }
        self.sections["systems"][name] = said | ({"holds": list(dict.fromkeys(held))} if held else {})

    def _purpose(self, data: str, use: Spot) -> None:
        said = self.sections["data"][data]
        if not isinstance(said, dict):
            return
        if purpose := use["data_use"].text():
            said["purpose"] = [*dict.fromkeys([*said.get("purpose", []), purpose])]
        if subjects := use["data_subjects"].texts():
            said.setdefault("subjects", subjects[0])

    def flows(self, system: Spot) -> None:
        name = self._systems[system["fides_key"].text()]
        pairs = [(name, e) for e in system["egress"].each()] + [(i, name) for i in system["ingress"].each()]
        for source, destination in pairs:
            spot = source if isinstance(source, Spot) else destination
            if not isinstance(spot, Spot):
                continue
            other = self._systems.get(spot["fides_key"].text())
            if other is None:
                self.losses.append(f"flow with `{spot['fides_key'].text()}`: no system of these manifests ({spot.at})")
                continue
            ends = (other, name) if isinstance(source, Spot) else (name, other)
            held = self.sections["systems"][ends[0]]
            data = held.get("holds", []) if isinstance(held, dict) else []
            flow = unique(f"{ends[0]}-to-{ends[1]}", {})
            self.sections["flows"][flow] = {"from": ends[0], "to": ends[1], "data": data}


def _kind(said: str) -> str:
    known = ("database", "service", "saas", "queue", "file-store", "third-party")
    return said if said in known else "database" if "database" in said else "service"

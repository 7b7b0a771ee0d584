"""What is at stake in each scenario: data categories that are reached, of how many people, and whose it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from assay.declare.declaration import Declaration
from assay.risk.register import Reach
from assay.risk.words import Assessment, Factors, Scenario
from assay.sensitivity import Closure, Label, PrincipalReach
from assay.sensitivity.levels import is_special, within

_OPERATIONS = ".operations."


class Reaches:
    """What scenarios of one declaration reach; each scenario is looked at once.

    Labels are the verified ones: only a transformation that was seen to work takes anything away.
    """

    def __init__(self, declaration: Declaration, closure: Closure, reached: Iterable[PrincipalReach]) -> None:
        self._declaration, self._closure = declaration, closure
        self._by_principal = {f"{r.principal.kind}s.{r.principal.id}": r for r in reached}
        self._known: dict[str, Reach] = {}
        self._operations = {
            f"apis.{api}{_OPERATIONS}{operation}": labels.verified
            for (api, operation), labels in closure.operations.items()
        }

    def of(self, assessment: Assessment) -> Reach:
        """What is at stake in the scenario of an assessment."""
        scenario = assessment.scenario
        if scenario.id not in self._known:
            self._known[scenario.id] = self._reach(scenario)
        return self._known[scenario.id]

    def _reach(self, scenario: Scenario) -> Reach:
        owner = self._owner(scenario.subject)
        if not _discloses(scenario.factors):
            return Reach(owner=owner)
        labels = self._labels(scenario)
        categories = frozenset(c for label in labels for c in label.categories)
        personal = [label for label in labels if _personal(label)]
        people = [n for n in (label.subjects for label in personal) if n is not None]
        everybody = self._declaration.model.organisation.subjects or 0
        return Reach(
            categories,
            any(map(is_special, categories)),
            max(people, default=everybody if personal else 0),
            owner,
        )

    def _labels(self, scenario: Scenario) -> Sequence[Label]:
        section, _, name = scenario.subject.partition(".")
        if section == "apis":
            of_places = [self._operations[p.subject] for p in scenario.places if p.subject in self._operations]
            if of_places or any(_OPERATIONS in p.subject for p in scenario.places):
                return of_places
            start = f"apis.{name}{_OPERATIONS}"
            return [label for route, label in self._operations.items() if route.startswith(start)]
        if section == "systems":
            return [labels.verified for labels in self._closure.held.get(name, {}).values()]
        if section == "flows":
            carried = self._closure.carried.get(name)
            return [carried.verified] if carried is not None else []
        reached = self._by_principal.get(scenario.subject)
        return [Label(o.verified, self._closure.rules) for o in reached.objects] if reached else []

    def _owner(self, subject: str) -> str:
        section, _, name = subject.partition(".")
        model = self._declaration.model
        declared: Mapping[str, Mapping[str, object]] = {
            "apis": model.apis,
            "systems": model.systems,
            "accounts": model.accounts,
            "consumers": model.consumers,
            "flows": model.flows,
        }
        return str(getattr(declared.get(section, {}).get(name), "owner", None) or "")


def _discloses(factors: Factors) -> bool:
    """Whether anybody gets to see anything, by the factors: who only stops a service reaches nobody's data."""
    told = {f.name: f.value for f in (*factors.technical, *factors.business)}
    return told.get("loss_of_confidentiality", 9) > 0 or told.get("privacy_violation", 9) > 0


def _personal(label: Label) -> bool:
    return bool(label.direct or label.quasi or label.keys) or any(within(c, "user") for c in label.categories)

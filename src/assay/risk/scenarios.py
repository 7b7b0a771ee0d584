"""Threats × scope: every scenario that a declaration has something for to stand on, with its factors and places."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property

from assay.declare.declaration import Declaration
from assay.declare.model import LEVELS, Model
from assay.declare.rules import Numbered, rules_by_operation
from assay.domain import Category
from assay.privilege.review import Accounts, Review, review
from assay.risk.assess import place_of
from assay.risk.factors import Given, Setting, factors
from assay.risk.places import OPERATIONS, Addresses, Candidate, callers_of, from_outside, roles_of_people
from assay.risk.threats import Known, threats
from assay.risk.words import Place, Scenario
from assay.sensitivity import Closure, Label, Labels, PrincipalReach, Reached, blend
from assay.sensitivity.closure import stores_behind
from assay.sensitivity.levels import within

Guards = Callable[[str, str, tuple[str, ...]], Iterable[tuple[str, str]]]
"""By threat, place and what else speaks about the place: the controls that are claimed there, with digests."""


@dataclass(frozen=True)
class Surroundings:
    """What scenarios are made from.

    Attributes:
        reached: who reaches which data (see :func:`assay.sensitivity.reach`).
        guards: which controls are claimed where.
        given: by scenario: factors from people.
        logged: whether the gateway keeps a record of calls.
        confirmed: APIs whose payloads were seen to be what their labels say.
        catalogue: the threats; those that come with Assay.
    """

    declaration: Declaration
    closure: Closure
    reached: Sequence[PrincipalReach]
    guards: Guards
    today: date
    given: Mapping[str, Given] = field(default_factory=dict)
    logged: bool = True
    confirmed: frozenset[str] = frozenset()
    catalogue: Mapping[str, Known] = field(default_factory=threats)

    @property
    def model(self) -> Model:
        """What is declared."""
        return self.declaration.model

    @cached_property
    def by_principal(self) -> Mapping[tuple[str, str], PrincipalReach]:
        """What accounts and consumers reach."""
        return {(r.principal.kind, r.principal.id): r for r in self.reached}


def scenarios(around: Surroundings) -> tuple[Scenario, ...]:
    """Every scenario, by threat in the order of the catalogue, then by what it stands on."""
    made: dict[str, Callable[[Known], Iterator[Scenario]]] = {
        "operations": _Operations(around).scenarios,
        "apis": _Apis(around).scenarios,
        "systems": _Systems(around).scenarios,
        "accounts": _AccountsOf(around).scenarios,
        "flows": _Flows(around).scenarios,
        "principals": _Principals(around).scenarios,
    }
    return tuple(s for known in around.catalogue.values() for s in made[known.threat.scope](known))


@dataclass(frozen=True)
class _Scope:
    around: Surroundings

    def scenario(self, known: Known, subject: str, setting: Setting, places: Iterable[Place]) -> Scenario:
        id = f"{known.threat.id}@{subject}"
        found = factors(setting, known.factors, self.around.given.get(id))
        return Scenario(id, known.threat, subject, tuple(places), found)

    def place(self, known: Known, subject: str, also: tuple[str, ...]) -> Place:
        return place_of(subject, self.around.guards(known.threat.id, subject, also), also)


@dataclass(frozen=True)
class _OfApis(_Scope):
    """What scenarios about operations and about whole APIs have in common."""

    @cached_property
    def candidates(self) -> Mapping[str, tuple[Candidate, ...]]:
        declaration, found = self.around.declaration, {}
        people, addresses = roles_of_people(self.around.model), Addresses()
        for name, api in self.around.model.apis.items():
            if api.product.lifecycle == "retired":
                continue
            operations = declaration.operations(name)
            rules = rules_by_operation(api, operations)
            found[name] = tuple(
                Candidate(
                    api,
                    operation,
                    tuple(rule for _, rule in rules[operation.id]),
                    self.around.closure.operations.get((name, operation.id)),
                    people,
                    declaration.contracts[name],
                    addresses,
                )
                for operation in operations
            )
        return found

    @cached_property
    def _callers(self) -> Mapping[str, tuple[str, ...]]:
        return {name: callers_of(self.around.model, api.access) for name, api in self.around.model.apis.items()}

    def beside(self, api: str) -> tuple[str, ...]:
        """What else speaks about every operation of an API."""
        environment = self.around.model.apis[api].environment
        consumers = tuple(f"consumers.{name}" for name in self._callers[api])
        return (f"apis.{api}", "gateway", f"environments.{environment}", *consumers)

    def setting(self, api: str, candidates: Sequence[Candidate]) -> Setting:
        model, declared = self.around.model, self.around.model.apis[api]
        everything = self.candidates[api]
        anonymous = any(c.open for c in candidates)
        names = {r for c in candidates for rule in c.rules for r in rule.roles}
        people = roles_of_people(model)
        labels = [c.labels for c in candidates if c.labels is not None and c.labels.claimed.pieces]
        setting = Setting(
            exposure=declared.exposure,
            anonymous=anonymous,
            by_itself=bool(names & people),
            contract=True,
            logged=self.around.logged,
            reviewed=_reviewed(model, api),
            attributable=not anonymous,
            confirmed=api in self.around.confirmed,
        )
        known = any(c.labels is not None and c.labels.claimed.pieces for c in everything)
        return _labelled(setting, labels, known=known, model=model)


@dataclass(frozen=True)
class _Operations(_OfApis):
    def scenarios(self, known: Known) -> Iterator[Scenario]:
        strikes = OPERATIONS[known.where]
        for name, candidates in self.candidates.items():
            struck = [c for c in candidates if strikes(c)]
            if not struck:
                continue
            beside = self.beside(name)
            places = [self.place(known, f"apis.{name}.operations.{c.operation.id}", beside) for c in struck]
            yield self.scenario(known, f"apis.{name}", self.setting(name, struck), places)


@dataclass(frozen=True)
class _Apis(_OfApis):
    def scenarios(self, known: Known) -> Iterator[Scenario]:
        if known.where == "several-environments" and len(self.around.model.environments) < 2:
            return
        for name, candidates in self.candidates.items():
            operations = tuple(f"apis.{name}.operations.{c.operation.id}" for c in candidates)
            also = (*self.beside(name)[1:], *operations)
            place = self.place(known, f"apis.{name}", also)
            yield self.scenario(known, f"apis.{name}", self.setting(name, candidates), [place])


@dataclass(frozen=True)
class _Systems(_Scope):
    @cached_property
    def _in_front(self) -> Mapping[str, tuple[str, ...]]:
        """By system: the operations of the APIs that are backed by it, directly or through others."""
        found: dict[str, list[str]] = {}
        for name in self.around.model.apis:
            operations = [f"apis.{name}.operations.{o.id}" for o in self.around.declaration.operations(name)]
            for system in stores_behind(self.around.model, name):
                found.setdefault(system, []).extend(operations)
        return {system: tuple(operations) for system, operations in found.items()}

    def scenarios(self, known: Known) -> Iterator[Scenario]:
        for name in self.around.model.systems:
            held = [labels for labels in self.around.closure.held.get(name, {}).values() if labels.verified.rank]
            if not held:
                continue
            subject = f"systems.{name}"
            setting = _labelled(Setting(), held, known=True, model=self.around.model)
            yield self.scenario(known, subject, setting, [self.place(known, subject, self._in_front.get(name, ()))])


@dataclass(frozen=True)
class _Flows(_Scope):
    def scenarios(self, known: Known) -> Iterator[Scenario]:
        for name, flow in self.around.model.flows.items():
            if known.where == "from-outside" and not from_outside(self.around.model, flow):
                continue
            subject = f"flows.{name}"
            also = (f"accounts.{flow.account}",) if flow.account else ()
            carried = self.around.closure.carried.get(name)
            labels = [carried] if carried is not None else []
            setting = _labelled(Setting(exposure="partner"), labels, known=bool(labels), model=self.around.model)
            yield self.scenario(known, subject, setting, [self.place(known, subject, also)])


@dataclass(frozen=True)
class _AccountsOf(_Scope):
    def scenarios(self, known: Known) -> Iterator[Scenario]:
        accounts = Accounts(self.around.declaration)
        for name, account in self.around.model.accounts.items():
            judged = review(accounts, name, today=self.around.today)
            narrowed = account.narrowed_by
            also: tuple[str, ...] = ()
            if narrowed is not None and narrowed.api in self.around.declaration.contracts:
                operations = self.around.declaration.operations(narrowed.api)
                also = tuple(f"apis.{narrowed.api}.operations.{o.id}" for o in operations)
            subject = f"accounts.{name}"
            yield self.scenario(known, subject, self._setting(judged), [self.place(known, subject, also)])

    def _setting(self, judged: Review) -> Setting:
        reached = self.around.by_principal.get(("account", judged.name))
        setting = Setting(
            attributable=not judged.shared,
            excess=judged.excess.index if judged.needs else None,
            rights=True,
            superuser=bool(judged.superuser),
        )
        if reached is None or not reached.objects:
            level = LEVELS.index(judged.level) if judged.level is not None else None
            return replace(setting, level=level)
        labels = [Labels(b.claimed, b.verified) for b in blend(reached, self.around.closure.rules)]
        return _labelled(setting, labels, known=True, model=self.around.model)


@dataclass(frozen=True)
class _Principals(_Scope):
    @cached_property
    def _rules(self) -> Mapping[str, Mapping[str, tuple[Numbered, ...]]]:
        declaration = self.around.declaration
        return {
            name: rules_by_operation(api, declaration.operations(name)) for name, api in self.around.model.apis.items()
        }

    def scenarios(self, known: Known) -> Iterator[Scenario]:
        for reached in self.around.reached:
            kind, name = reached.principal.kind, reached.principal.id
            if kind not in ("account", "consumer") or len(reached.objects) < 2:
                continue
            consumer = self.around.model.consumers.get(name) if kind == "consumer" else None
            if consumer is not None:
                # People who reach their own records alone learn nothing about others by joining them.
                others = tuple(o for o in reached.objects if not self._own(o, consumer.roles))
                reached = replace(reached, objects=others)
            joined = [b for b in blend(reached, self.around.closure.rules) if len(b.objects) > 1]
            if not joined:
                continue
            subject = f"{kind}s.{name}"
            also = tuple(dict.fromkeys(_speaks_about(g.operation) for o in reached.objects for g in o.grants))
            setting = Setting(
                exposure="partner" if consumer is not None and consumer.kind == "partner" else "internal",
                logged=consumer is not None and self.around.logged,
                reviewed=consumer is not None and self._looked_at(reached),
                attributable=consumer is not None,
            )
            labels = [Labels(b.claimed, b.verified) for b in joined]
            labelled = _labelled(setting, labels, known=True, model=self.around.model)
            yield self.scenario(known, subject, labelled, [self.place(known, subject, tuple(a for a in also if a))])

    def _looked_at(self, reached: PrincipalReach) -> bool:
        """Whether somebody is to look at the calls of every API that a caller reaches data through."""
        apis = {g.operation[0] for o in reached.objects for g in o.grants if g.operation}
        return bool(apis) and all(_reviewed(self.around.model, api) for api in apis)

    def _own(self, one: Reached, roles: Iterable[str]) -> bool:
        """Whether every way to an object is bound by an ownership rule for somebody with these roles."""
        held = set(roles)
        for grant in one.grants:
            if len(grant.operation) != 2:
                return False
            rules = self._rules.get(grant.operation[0], {}).get(grant.operation[1], ())
            open_to = [rule for _, rule in rules if rule.anonymous or held & set(rule.roles)]
            if not open_to or not all(rule.owns for rule in open_to):
                return False
        return bool(one.grants)


def _speaks_about(operation: tuple[str, ...]) -> str:
    return f"apis.{operation[0]}.operations.{operation[1]}" if len(operation) == 2 else ""


def _reviewed(model: Model, api: str) -> bool:
    """Whether an objective about non-repudiation asks for what is recorded of an API's calls."""
    return any(
        o.category is Category.NON_REPUDIATION and (not o.scope.apis or api in o.scope.apis)
        for o in model.objectives.values()
    )


def _labelled(setting: Setting, labels: Sequence[Labels], *, known: bool, model: Model) -> Setting:
    """A setting with the most sensitive of some labels. Only verified reductions lower a label (design of labels).

    ``known``: whether anything around is labelled at all; if not, having no label says nothing.
    """
    found = [each.verified for each in labels]
    if not found:
        return replace(setting, level=1 if known else None)
    worst = max(found, key=lambda label: label.rank)
    counts = [label.subjects for label in found if _personal(label)]
    people = max((c for c in counts if c is not None), default=model.organisation.subjects if counts else None)
    return replace(
        setting,
        level=worst.rank,
        reduced=max(each.claimed.rank for each in labels),
        special=any(label.rank >= LEVELS.index("special") for label in found),
        personal=bool(counts),
        people=people,
    )


def _personal(label: Label) -> bool:
    return bool(label.direct or label.quasi or label.keys) or any(within(c, "user") for c in label.categories)

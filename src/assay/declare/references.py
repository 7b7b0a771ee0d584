"""Names that lead nowhere: every id, operation, schema, field, class and file that the declaration refers to."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from assay.declare.categories import SPECIAL_CATEGORY, belongs, categories
from assay.declare.contract import Contract
from assay.declare.model import Access, Account, Api, Data, Model, NetworkList, Networks, RightsFrom
from assay.declare.model.people import public_of
from assay.declare.places import Path, Places
from assay.declare.problem import problem
from assay.declare.references_proving import proving_problems
from assay.declare.routes import advice_for_route
from assay.declare.selectors import is_pattern, selects
from assay.declare.yaml_places import dotted
from assay.domain import Verdict, did_you_mean

OWNS = re.compile(r"path\.([^\s=]+)\s*==\s*token\.(\S+)")
"""An ownership rule: the path parameter that must equal a claim."""


_MEMBERS = {"apis": "API", "systems": "system", "consumers": "consumer"}
"""The sections that members of the architecture are in, and what one of each is called."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that names may lead to.

    Attributes:
        raw: the merged data as written; its ids count as existing even when what they name is broken.
        invented: paths, as written, whose values stand in for missing ones.
        origin: from a path in the model to the path it was written at.
        contracts: by API id, for the APIs whose contract could be read.
        schema_fields: names of the fields at a schema pointer `FILE#/…`, of the schema itself or of everything it
            leads to; or the problem, as (sentence, fix); or None when nothing can be said.
        file_exists: whether a path relative to the root is a file.
        controls: ids of all controls; None when they are not known, which leaves references to them unchecked.
    """

    model: Model
    raw: Mapping[str, object]
    places: Places
    origin: Callable[[Path], Path]
    invented: Collection[Path]
    contracts: Mapping[str, Contract]
    schema_fields: Callable[[str, bool], Collection[str] | tuple[str, str] | None]
    file_exists: Callable[[str], bool]
    controls: Collection[str] | None = None


def dangling(scene: Scene) -> list[Verdict]:
    """A verdict ``dangling-reference`` for each name that leads nowhere, with what exists."""
    checker = _Checker(scene)
    checker.systems()
    checker.data()
    checker.purposes_and_compilations()
    for name, api in scene.model.apis.items():
        checker.api(name, api)
    checker.networks(scene.model.networks, ("networks",))
    checker.consumers()
    checker.gateways()
    checker.accounts_and_flows()
    checker.architecture()
    checker.objectives()
    checker.people()
    checker.exceptions()
    checker.risks()
    checker.proving()
    return checker.found


@dataclass(slots=True)
class _Checker:
    scene: Scene
    found: list[Verdict] = field(default_factory=list)
    _known: dict[tuple[str, ...], frozenset[str]] = field(default_factory=dict)

    def _say(
        self, path: Path, sentence: str, fix: str, *, check: str = "dangling-reference", key: bool = False
    ) -> None:
        written = self.scene.origin(path)
        if any(written[:n] in self.scene.invented for n in range(1, len(written) + 1)):
            return
        place = self.scene.places.at(*written)
        self.found.append(problem(check, dotted(written), sentence, place.key if key else place.value, fix))

    def _ids(self, *sections: str) -> list[str]:
        ids: list[str] = []
        for section in sections:
            values = self.scene.raw.get(section)
            ids += values if isinstance(values, dict) else []
        return ids

    def _one(self, path: Path, name: str | None, what: str, *sections: str) -> None:
        if name is None:
            return
        known = self._known.get(sections)
        if known is None:
            known = self._known[sections] = frozenset(self._ids(*sections))
        if name not in known:
            self._say(path, f"there is no {what} `{name}`", did_you_mean(name, self._ids(*sections), what=what))

    def _each(self, path: Path, names: Iterable[str], what: str, *sections: str) -> None:
        for index, name in enumerate(names):
            self._one((*path, index), name, what, *sections)

    def _control(self, path: Path, name: str) -> None:
        known = self.scene.controls
        if known is not None and name not in known:
            self._say(path, f"there is no control `{name}`", did_you_mean(name, known, what="control"))

    def systems(self) -> None:
        for name, system in self.scene.model.systems.items():
            here: Path = ("systems", name)
            self._one((*here, "environment"), system.environment, "environment", "environments")
            self._each((*here, "holds"), system.holds, "data set", "data")

    def data(self) -> None:
        known = categories()
        for name, data in self.scene.model.data.items():
            here: Path = ("data", name)
            for key, item in data.fields.items():
                at: Path = (*here, "fields", key)
                self._one((*at, "links"), item.links, "data set", "data")
                for word, category in (("category", item.category), ("infers", item.infers)):
                    if category is not None and category not in known:
                        fix = did_you_mean(category, known, what="category")
                        sentence = f"there is no data category `{category}`"
                        self._say((*at, word), sentence, fix, check="unknown-category")
            if data.join:
                self._each((*here, "join", "of"), data.join.of, "data set", "data")
            self._schema_fields(here, data)

    def purposes_and_compilations(self) -> None:
        model = self.scene.model
        purposes = {p for data in model.data.values() for p in data.purpose} | set(model.purposes)
        purposes |= {flow.purpose for flow in model.flows.values() if flow.purpose}
        for name, purpose in model.purposes.items():
            for index, other in enumerate(purpose.compatible_with):
                if other not in purposes:
                    at: Path = ("purposes", name, "compatible_with", index)
                    self._say(at, f"there is no purpose `{other}`", did_you_mean(other, purposes, what="purpose"))
        if not model.compilations:
            return
        fields = {f"{name}.{key}" for name, data in model.data.items() for key in data.fields}
        known = {*model.data, *fields, *categories()}
        for name, rule in model.compilations.items():
            for index, part in enumerate(rule.when):
                if part not in known:
                    sentence = f"there is no data set, field or category `{part}`"
                    fix = did_you_mean(part, known, what="data set, field or category")
                    self._say(("compilations", name, "when", index), sentence, fix)

    def _schema_fields(self, here: Path, data: Data) -> None:
        names: set[str] = set()
        complete = True
        for index, pointer in enumerate(data.from_):
            found = self.scene.schema_fields(pointer, False)
            if found is None:
                complete = False
            elif isinstance(found, tuple):
                complete = False
                self._say((*here, "from", index), *found)
            else:
                names.update(found)
        if not data.from_ or not complete:
            return
        if not names.issuperset(data.fields):
            for pointer in data.from_:
                names.update(self.scene.schema_fields(pointer, True) or ())
        for key in data.fields:
            if key not in names:
                sentence = f"no schema that `{dotted(here)}` comes from has a field `{key}`"
                self._say((*here, "fields", key), sentence, did_you_mean(key, names, what="field"), key=True)

    def api(self, name: str, api: Api) -> None:
        here: Path = ("apis", name)
        self._one((*here, "environment"), api.environment, "environment", "environments")
        self._each((*here, "backed_by"), api.backed_by, "API or system", "apis", "systems")
        self._one((*here, "product", "replaced_by"), api.product.replaced_by, "API", "apis")
        for index, observe in enumerate(api.observe):
            self._control((*here, "observe", index, "control"), observe.control)
        for index, reveal in enumerate(api.reveal):
            self._classes((*here, "reveal", index, "classes"), reveal.classes)
        if api.networks:
            self.networks(api.networks, (*here, "networks"))
        contract = self.scene.contracts.get(name)
        if contract is None:
            return
        operations = [operation.id for operation in contract.operations]
        for index, rule in enumerate(api.access):
            at: Path = (*here, "access", index)
            self._operations((*at, "operations"), rule.operations, operations, contract.file)
            self._owns(at, rule, contract)
        for index, observe in enumerate(api.observe):
            self._operations((*here, "observe", index, "operations"), observe.operations, operations, contract.file)
        if api.pen_test:
            self._operations((*here, "pen_test", "scope"), api.pen_test.scope, operations, contract.file)
        for selector in api.limits.operations:
            self._operation((*here, "limits", "operations", selector), selector, operations, contract.file, key=True)

    def _operations(self, path: Path, selectors: Iterable[str], operations: Collection[str], file: str) -> None:
        known = frozenset(operations)
        for index, selector in enumerate(selectors):
            if selector not in known:
                self._operation((*path, index), selector, operations, file)

    def _operation(
        self, path: Path, selector: str, operations: Collection[str], file: str, *, key: bool = False
    ) -> None:
        if selector == "*" or any(selects(selector, operation) for operation in operations):
            return
        if is_pattern(selector):
            self._say(path, f"no operation of {file} matches `{selector}`", _existing(operations), key=key)
        else:
            fix = did_you_mean(selector, operations, what="operation")
            self._say(path, f"there is no operation `{selector}` in {file}", fix, key=key)

    def _owns(self, at: Path, rule: Access, contract: Contract) -> None:
        for index, text in enumerate(rule.owns):
            here: Path = (*at, "owns", index)
            match = OWNS.fullmatch(text.strip())
            if not match:
                sentence = f"`{dotted(here)}`: an ownership rule is `path.PARAMETER == token.CLAIM`"
                self._say(here, sentence, "such as `path.customerId == token.sub`", check="invalid-value")
                continue
            chosen = [o for o in contract.operations if any(selects(s, o.id) for s in rule.operations)]
            names = {p.name for o in chosen for p in o.parameters if p.location == "path"}
            if chosen and match[1] not in names:
                sentence = f"no operation of this rule has a path parameter `{match[1]}`"
                self._say(here, sentence, did_you_mean(match[1], names, what="path parameter"))

    def _classes(self, path: Path, classes: Iterable[str]) -> None:
        used = self._used_categories()
        for index, name in enumerate(classes):
            if not any(belongs(category, name) for category in used):
                above = {".".join(c.split(".")[:n]) for c in used for n in range(1, c.count(".") + 2)}
                fix = did_you_mean(name, above, what="class of data")
                self._say((*path, index), f"no data field has the class `{name}`", fix)

    def _used_categories(self) -> set[str]:
        """From the raw data: a field that is wrong elsewhere still has its class."""
        used: set[str] = set()
        sets = self.scene.raw.get("data")
        for data in sets.values() if isinstance(sets, dict) else ():
            fields = data.get("fields") if isinstance(data, dict) else None
            for item in fields.values() if isinstance(fields, dict) else ():
                category = item.get("category") if isinstance(item, dict) else None
                if isinstance(category, str):
                    used.add(category)
        return used

    def networks(self, networks: Networks, here: Path) -> None:
        for index, network in enumerate(networks.deny):
            if isinstance(network, NetworkList) and not self.scene.file_exists(network.list):
                at: Path = (*here, "deny", index, "list")
                self._say(at, f"there is no file `{network.list}`", "create it, or correct the path")

    def gateways(self) -> None:
        for name, gateway in self.scene.model.gateways.items():
            for index, file in enumerate(gateway.config):
                if not self.scene.file_exists(file):
                    at: Path = ("gateways", name, "config", index)
                    self._say(at, f"there is no file `{file}`", "create it, or correct the path")

    def consumers(self) -> None:
        plans = {plan for api in self.scene.model.apis.values() for plan in api.product.plans}
        for name, consumer in self.scene.model.consumers.items():
            here: Path = ("consumers", name)
            self._one((*here, "environment"), consumer.environment, "environment", "environments")
            self._one((*here, "acts_for"), consumer.acts_for, "API", "apis")
            if consumer.plan is not None and consumer.plan not in plans:
                fix = did_you_mean(consumer.plan, plans, what="plan")
                self._say((*here, "plan"), f"no API's product has a plan `{consumer.plan}`", fix)
            if consumer.networks:
                self.networks(consumer.networks, (*here, "networks"))

    def accounts_and_flows(self) -> None:
        duties = {
            name for duty in self.scene.model.duties.values() for name in duty.never_together if isinstance(name, str)
        }
        for name, account in self.scene.model.accounts.items():
            here: Path = ("accounts", name)
            self._account(here, account, duties)
            self._one((*here, "system"), account.system, "system", "systems")
            self._one((*here, "environment"), account.environment, "environment", "environments")
        for name, flow in self.scene.model.flows.items():
            here = ("flows", name)
            self._one((*here, "from"), flow.from_, "system", "systems")
            self._one((*here, "to"), flow.to, "system", "systems")
            self._one((*here, "account"), flow.account, "account", "accounts")
            self._one((*here, "into"), flow.into, "data set", "data")
            self._each((*here, "data"), flow.data, "data set", "data")

    def _account(self, here: Path, account: Account, duties: Collection[str]) -> None:
        self._each((*here, "used_by"), account.used_by, "consumer, system or API", "consumers", "systems", "apis")
        for pattern, data in account.objects.items():
            self._one((*here, "objects", pattern), data, "data set", "data")
        for index, name in enumerate(account.duties):
            if name not in duties:
                sentence = f"no rule under `duties` speaks of a duty `{name}`"
                self._say((*here, "duties", index), sentence, did_you_mean(name, duties, what="duty"))
        rights = account.rights
        if isinstance(rights, RightsFrom) and rights.read_from != "connection":
            at: Path = (*here, "rights", "read_from")
            if not self.scene.file_exists(rights.read_from):
                self._say(at, f"there is no file `{rights.read_from}`", "correct the path, or export the rights again")
        narrowed = account.narrowed_by
        if narrowed is not None:
            at = (*here, "narrowed_by")
            self._one((*at, "api"), narrowed.api, "API", "apis")
            contract = self.scene.contracts.get(narrowed.api)
            if contract is not None:
                known = [operation.id for operation in contract.operations]
                self._operations((*at, "operations"), narrowed.operations, known, contract.file)

    def architecture(self) -> None:
        for name, contract in self.scene.model.architecture.contracts.items():
            here: Path = ("architecture", "contracts", name)
            for word, members in (
                ("from", contract.from_),
                ("to", contract.to),
                ("members", contract.members),
                ("callers", contract.callers),
            ):
                for index, member in enumerate(members):
                    self._member((*here, word, index), member)
            for index, edge in enumerate(contract.allow):
                if edge.from_ != "anonymous":
                    self._member((*here, "allow", index, "from"), edge.from_)
                self._member((*here, "allow", index, "to"), edge.to)

    def _member(self, path: Path, name: str) -> None:
        """A member of an architecture: an id, with its section before a dot where several sections have it."""
        section, dot, rest = name.partition(".")
        if dot and section in _MEMBERS:
            self._one(path, rest, _MEMBERS[section], section)
            return
        homes = [s for s in _MEMBERS if name in self._ids(s)]
        if not homes:
            self._one(path, name, "API, system or consumer", *_MEMBERS)
        elif len(homes) > 1:
            fix = f"write {' or '.join(f'`{home}.{name}`' for home in homes)}"
            self._say(path, f"`{name}` is the id of several things", fix, check="invalid-value")

    def objectives(self) -> None:
        for name, objective in self.scene.model.objectives.items():
            here: Path = ("objectives", name)
            scope = objective.scope
            self._each((*here, "scope", "apis"), scope.apis, "API", "apis")
            self._each((*here, "scope", "systems"), scope.systems, "system", "systems")
            self._classes((*here, "scope", "classes"), scope.classes)
            for index, control in enumerate(objective.controls):
                self._control((*here, "controls", index), control)
            apis = scope.apis or tuple(self._ids("apis"))
            contracts = [self.scene.contracts[api] for api in apis if api in self.scene.contracts]
            if len(contracts) == len(apis):
                operations = [operation.id for contract in contracts for operation in contract.operations]
                files = ", ".join(sorted({contract.file for contract in contracts})) or "any contract"
                self._operations((*here, "scope", "operations"), scope.operations, operations, files)

    def people(self) -> None:
        """A key that two people hold would let one of them decide as both; an account of two hides who applied."""
        self._keys_of_people()
        accounts: dict[str, str] = {name: name for name in self.scene.model.people}
        for name, person in self.scene.model.people.items():
            for index, login in enumerate(person.logins):
                whose = accounts.setdefault(login, name)
                if whose != name:
                    sentence = (
                        f"`{login}` is an account of `{whose}` already: it could not be told which of them applied"
                    )
                    fix = "let each person have an account of their own"
                    self._say(("people", name, "logins", index), sentence, fix, check="invalid-value")

    def _keys_of_people(self) -> None:
        holders: dict[bytes, tuple[str, Path]] = {}
        for name, person in self.scene.model.people.items():
            for index, each in enumerate(person.keys):
                here: Path = ("people", name, "keys", index)
                public = public_of(each.key)
                whose, first = holders.setdefault(public, (name, here))
                if first != here:
                    sentence = f"this key is `{whose}`'s already: a key is of one person, and listed once"
                    fix = "let each person make a key of their own: `ssh-keygen -t ed25519`"
                    self._say(here, sentence, fix, check="invalid-value")

    def exceptions(self) -> None:
        operations = {name: {o.id for o in contract.operations} for name, contract in self.scene.contracts.items()}
        named: set[str | None] = set()
        for index, exception in enumerate(self.scene.model.exceptions):
            here: Path = ("exceptions", index)
            self._control((*here, "control"), exception.control)
            for number, control in enumerate(exception.compensating):
                self._control((*here, "compensating", number), control)
            if self.scene.model.people:
                self._one((*here, "approved_by"), exception.approved_by, "person", "people")
            if exception.id is not None and exception.id in named:
                sentence = f"`{exception.id}` is the id of an exception already"
                self._say((*here, "id"), sentence, "give each exception an id of its own", check="invalid-value")
            named.add(exception.id)
            missing = advice_for_route(exception.on, self.scene.raw, operations)
            if missing is not None:
                self._say((*here, "on"), f"`{exception.on}` leads to nothing in the declaration", missing)

    def proving(self) -> None:
        for at, sentence, fix, check, key in proving_problems(self.scene.model, self.scene.contracts, self._ids):
            self._say(at, sentence, fix, check=check, key=key)

    def risks(self) -> None:
        """Which threats there are, and on what, is known when risks are assessed: scenarios are not looked up here."""
        model = self.scene.model
        known = {*categories(), SPECIAL_CATEGORY}
        for category in model.appetite.for_:
            if category not in known:
                fix = did_you_mean(category, known, what="category")
                sentence = f"there is no data category `{category}`"
                self._say(("appetite", "for", category), sentence, fix, check="unknown-category", key=True)
        if not model.incidents:
            return
        operations = {name: {o.id for o in contract.operations} for name, contract in self.scene.contracts.items()}
        for index, incident in enumerate(model.incidents):
            if incident.on is not None and (missing := advice_for_route(incident.on, self.scene.raw, operations)):
                sentence = f"`{incident.on}` leads to nothing in the declaration"
                self._say(("incidents", index, "on"), sentence, missing)


def _existing(names: Collection[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in sorted(names)[:6])
    return f"its operations are {shown}" + (" …" if len(names) > 6 else "") if names else "it declares no operation"

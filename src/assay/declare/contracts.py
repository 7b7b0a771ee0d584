"""The contracts that a declaration names, each file read once."""

from __future__ import annotations

import posixpath
from collections.abc import Collection
from functools import cached_property

from assay.declare.contract import Contract, ReadLimits, SchemaRef, read_contract
from assay.declare.declaration_files import Sources
from assay.declare.problem import problem
from assay.declare.schema_walk import properties
from assay.domain import DeclarationError, Location, Verdict, did_you_mean


class Shelf:
    """Contracts by the path that the declaration gives; what could not be read ends up in ``problems``."""

    def __init__(self, sources: Sources, limits: ReadLimits) -> None:
        self.by_api: dict[str, Contract] = {}
        self.problems: list[Verdict] = []
        self._sources = sources
        self._limits = limits
        self._read: dict[str, Contract | None] = {}

    def take(self, api: str, file: str, at: Location) -> None:
        """Read the contract of an API; ``at`` is where the declaration names it."""
        name = self._sources.name(file)
        if name not in self._read:
            if not self.file_exists(file):
                sentence = f"there is no file `{file}`"
                fix = did_you_mean(file, self._neighbours(file), what="contract")
                if inside := self._neighbours(f"{file}/"):
                    sentence, fix = f"`{file}` is a folder", did_you_mean(file, inside, what="contract")
                self.problems.append(problem("dangling-reference", f"apis.{api}.contract", sentence, at, fix))
                self._read[name] = None
            else:
                self._open(file, name)
        contract = self._read[name]
        if contract is not None:
            self.by_api[api] = contract

    def file_exists(self, file: str) -> bool:
        """Whether ``file``, relative to the root of the declaration, is a file."""
        try:
            return (self._sources.root / file).is_file()
        except (OSError, ValueError):
            return False

    def schema_fields(self, pointer: str, deep: bool) -> Collection[str] | tuple[str, str] | None:
        """Names that a data set may use for the fields of the schema at `FILE#/json/pointer`.

        Without ``deep``, only those that the schema itself declares, which is much cheaper.

        A field goes by its own name, at whatever depth it stands, or by its dotted path (`address.city`; array items
        add nothing to it).

        Returns:
            The names, as a set; or, if there is no such schema, (sentence, fix) as a tuple; or None when the contract
            could not be read, which is told elsewhere.
        """
        file, hash_sign, fragment = pointer.partition("#")
        if not hash_sign or not file or (fragment and not fragment.startswith("/")):
            fix = "write FILE#/json/pointer, such as openapi/api.yaml#/components/schemas/Name"
            return f"`{pointer}` names no schema", fix
        name = self._sources.name(file)
        contract = self._with_document(file, name)
        if isinstance(contract, tuple):
            return contract
        if contract is None:
            return None
        found = contract.documents.find(name, "#" + fragment)
        if found is None or not isinstance(found.value, dict | bool):
            return f"`{pointer}` leads to no schema", self._other_schema(contract, name, fragment)
        if not deep:
            return frozenset(p.name for p in properties(contract.documents, SchemaRef(name, "#" + fragment)))
        names: set[str] = set()
        for direction in ("request", "response"):
            for item in contract.fields(SchemaRef(name, "#" + fragment), direction=direction):
                names.add(item.name)
                names.add(".".join(step for step in item.path if step != "*"))
        return frozenset(names)

    def data(self) -> dict[str, bytes]:
        """The text of every contract document, by its path relative to the root, for a digest."""
        texts: dict[str, bytes] = {}
        for contract in self._read.values():
            for name, parsed in contract.documents.parsed().items() if contract else ():
                relative = posixpath.relpath(name, self._sources.shown or ".")
                texts[relative] = parsed.text.encode("utf-8", "surrogatepass")
        return texts

    def is_public(self, word: str) -> bool:
        """Whether a contract publishes ``word`` as the id of an operation or the name of a schema's field."""
        return word in self._published

    @cached_property
    def _published(self) -> frozenset[str]:
        words: set[str] = set()
        for contract in self._read.values():
            if contract:
                words.update(operation.id for operation in contract.operations)
                words.update(_keys(contract))
                words.update(s for o in contract.operations for a in o.security for r in a for s in r.scopes)
        return frozenset(words)

    def _open(self, file: str, name: str) -> None:
        self._read[name] = None
        try:
            self._read[name] = read_contract(self._sources.root / file, name=name, limits=self._limits)
        except DeclarationError as error:
            self.problems += error.verdicts

    def _with_document(self, file: str, name: str) -> Contract | tuple[str, str] | None:
        """The contract that a document is part of; None when it could not be read and that has been said."""
        for contract in self._read.values():
            if contract is not None and name in contract.documents:
                return contract
        if name not in self._read:
            if not self.file_exists(file):
                return f"there is no file `{file}`", did_you_mean(file, self._neighbours(file), what="contract")
            self._open(file, name)
        return self._read[name]

    def _other_schema(self, contract: Contract, name: str, fragment: str) -> str:
        parent, _, last = fragment.rpartition("/")
        for place in dict.fromkeys((parent, "/components/schemas", "/definitions")):
            around = contract.documents.find(name, "#" + place)
            if around is not None and isinstance(around.value, dict) and around.value:
                return did_you_mean(last, [str(key) for key in around.value], what="schema")
        return "correct the pointer"

    def _neighbours(self, file: str) -> list[str]:
        folder = posixpath.dirname(file)
        try:
            names = sorted(entry.name for entry in (self._sources.root / folder).iterdir())
        except (OSError, ValueError):
            return []
        shown = [n for n in names if n.endswith((".yaml", ".yml", ".json")) and not n.startswith("assay.")]
        return [posixpath.join(folder, n) for n in shown]


def _keys(contract: Contract) -> set[str]:
    """Every mapping key of the contract's documents."""
    keys: set[str] = set()
    stack: list[object] = [parsed.value for parsed in contract.documents.parsed().values()]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            keys.update(map(str, value))
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
    return keys

"""The declaration as everything else receives it: model, contracts, and where each word of them stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from assay.declare.contract import Contract, Operation
from assay.declare.model import Api, Issuer, Model
from assay.declare.places import Places
from assay.domain import Location, Verdict

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Declaration:
    """A declaration that was read without errors.

    Attributes:
        root: the directory that relative paths in it are relative to.
        contracts: by API id, for every API in the model.
        sources: text of each declaration file, by the name its locations use.
        digest: SHA-256 over all files (contracts included) and the variables they use, in hexadecimal.
        reading_notes: what reading the declaration's own files found that does not stop it.
    """

    root: Path
    model: Model
    contracts: Mapping[str, Contract]
    places: Places
    sources: Mapping[str, str]
    digest: str
    reading_notes: tuple[Verdict, ...] = field(default=())
    _made: dict[object, Any] = field(default_factory=dict, init=False, compare=False, repr=False)

    def once(self, key: object, make: Callable[[], T]) -> T:
        """What is costly to compute from this declaration and needed in several places: made at the first call only."""
        if key not in self._made:
            self._made[key] = make()
        found: T = self._made[key]
        return found

    @property
    def notes(self) -> tuple[Verdict, ...]:
        """What reading found that does not stop it: verdicts of ``declaration`` and ``contract``.

        Looks through every schema on first use.
        """
        unique = {id(contract): contract for contract in self.contracts.values()}
        return self.reading_notes + tuple(note for contract in unique.values() for note in contract.notes)

    def locate(self, *path: str | int) -> Location:
        """Where the value at ``path`` (keys and indices from the top) was written, or the nearest thing around it."""
        return self.places.value(*path)

    def operations(self, api: str) -> tuple[Operation, ...]:
        """The operations of an API's contract, in its order."""
        return self.contracts[api].operations

    def each_operation(self) -> Iterator[tuple[str, Api, Operation]]:
        """Every (API id, API, operation) of the declaration."""
        for api_id, api in self.model.apis.items():
            for operation in self.contracts[api_id].operations:
                yield api_id, api, operation

    def issuer(self, api: Api) -> Issuer | None:
        """The token issuer of the environment an API lives in, if there is one."""
        environment = self.model.environments.get(api.environment)
        return environment.issuer if environment else None

"""What the inspector is given: one JSON file, made from the policy, replaced whole when the policy changes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from assay.domain import AssayError, Location, Secret
from assay.gateway import ir
from assay.gateway.assemble import Policy
from assay.gateway.inspector.crs import CoreRuleSet
from assay.gateway.inspector.injection import Engine
from assay.gateway.inspector.introspection import Issuer, compile_issuer
from assay.gateway.inspector.operation import Operation, compile_operation
from assay.gateway.inspector.schemas import Library
from assay.gateway.runtime import Folders

VERSION: Final = 1
EAGER_OPERATIONS: Final = 2000
"""Above this many operations they are compiled when first asked for: a start must not take minutes."""


class Introspection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to ask about opaque tokens of an issuer, and what an answer must say."""

    policy: ir.IntrospectionPolicy
    url: str
    audiences: tuple[str, ...]
    claims: ir.ClaimNames
    max_lifetime_seconds: int
    clock_skew_seconds: int


class Bundle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything the inspector needs. ``digest`` is that of the policy it was made from.

    ``operations`` is keyed by ``API/OPERATION``; ``libraries`` by API; ``introspection`` by issuer.
    """

    version: int
    digest: str
    operations: dict[str, ir.Inspection]
    libraries: dict[str, str] = {}
    introspection: dict[str, Introspection] = {}
    crs: str | None = None


def build(policy: Policy, folders: Folders | None = None) -> Bundle:
    """The bundle of a policy: the operations that need inspection, and the schemas they refer to.

    Args:
        folders: where the files are that the policy names; without, none of its names is relative.

    Raises:
        AssayError: two operations name different directories of a core rule set.
    """
    folders = folders or Folders()
    operations = {o.id: o.inspection for o in policy.operations if o.inspection is not None}
    apis = {i.api for i in operations.values()}
    directories = sorted({i.crs for i in operations.values() if i.crs is not None})
    if len(directories) > 1:
        raise AssayError(
            f"Two core rule sets are named: `{directories[0]}` and `{directories[1]}`.", fix="name one for all APIs"
        )
    return Bundle(
        version=VERSION,
        digest=policy.digest,
        operations=operations,
        libraries={lib.api: lib.definitions for lib in policy.libraries if lib.api in apis},
        introspection={
            i.issuer: Introspection(
                policy=msgspec.structs.replace(i.introspection, credential=folders.secret(i.introspection.credential)),
                url=i.url,
                audiences=i.audiences,
                claims=i.claims,
                max_lifetime_seconds=i.max_lifetime_seconds,
                clock_skew_seconds=i.clock_skew_seconds,
            )
            for i in policy.issuers
            if i.introspection is not None
        },
        crs=folders.file(directories[0]) if directories else None,
    )


def encode(bundle: Bundle) -> bytes:
    """The bundle as canonical JSON, for the file that the inspector watches. Replace that file atomically."""
    return msgspec.json.encode(bundle, order="sorted")


def decode(data: bytes, *, name: str = "bundle") -> Bundle:
    """Reads what :func:`encode` wrote.

    Raises:
        AssayError: the bytes are no bundle, or one of another version.
    """
    try:
        bundle = msgspec.json.decode(data, type=Bundle)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise AssayError(
            f"The inspector's bundle cannot be read: {error}.",
            fix="apply the declaration again",
            location=Location(name),
        ) from error
    if bundle.version != VERSION:
        raise AssayError(
            f"The inspector's bundle has version {bundle.version}, and this inspector reads version {VERSION}.",
            fix="apply the declaration again, and restart the gateway if Assay was updated",
            location=Location(name),
        )
    return bundle


class Compiled:
    """A bundle that is ready to decide. Operations compile at once, or on first use when there are very many."""

    def __init__(
        self,
        bundle: Bundle,
        *,
        engine: Engine,
        resolve: Callable[[str], Secret],
        eager: bool | None = None,
    ) -> None:
        """Compiles a bundle.

        Raises:
            AssayError: a schema, the core rule set or a secret cannot be used. Nothing is left out silently.
        """
        self.bundle = bundle
        self.digest = bundle.digest
        self._engine = engine
        self._core_rule_set = CoreRuleSet(Path(bundle.crs)) if bundle.crs is not None else None
        self._libraries = {api: Library(text) for api, text in bundle.libraries.items()}
        self._empty = Library()
        self._operations: dict[str, Operation] = {}
        self.issuers: Mapping[str, Issuer] = {
            name: compile_issuer(
                name,
                i.policy,
                resolve(i.policy.credential),
                url=i.url,
                audiences=i.audiences,
                claims=i.claims,
                max_lifetime=i.max_lifetime_seconds,
                skew=i.clock_skew_seconds,
            )
            for name, i in bundle.introspection.items()
        }
        if eager if eager is not None else len(bundle.operations) <= EAGER_OPERATIONS:
            for name in bundle.operations:
                self.operation(name)

    @property
    def left_out(self) -> tuple[str, ...]:
        """Files of the core rule set that are not in force."""
        return self._core_rule_set.left_out if self._core_rule_set is not None else ()

    def operation(self, name: str) -> Operation | None:
        """The compiled operation, or None when the bundle has none of that name.

        Raises:
            AssayError: it is compiled only now, and cannot be.
        """
        found = self._operations.get(name)
        if found is None:
            inspection = self.bundle.operations.get(name)
            if inspection is None:
                return None
            library = self._libraries.get(inspection.api, self._empty)
            found = compile_operation(inspection, library, self._engine, self._core_rule_set)
            self._operations[name] = found
        return found


def problems(bundle: Bundle) -> Iterator[AssayError]:
    """Every operation of a bundle that could not be inspected, to be told before it is applied.

    Where all definitions are sound by themselves, an operation is first looked at by itself too: compiled with all that
    they reach, the operations of an API whose definitions all contain each other take gigabytes.
    """
    engine = Engine()
    libraries = {api: Library(text) for api, text in bundle.libraries.items()}
    apart = {api: Library(text, apart=True) for api, text in bundle.libraries.items()}
    sound = {api: library for api, library in apart.items() if library.problem() is None}
    core_rule_set = None
    if bundle.crs is not None:
        try:
            core_rule_set = CoreRuleSet(Path(bundle.crs))
        except AssayError as error:
            yield error
            return
    for inspection in bundle.operations.values():
        with contextlib.suppress(AssayError):
            if inspection.api in sound:
                compile_operation(inspection, sound[inspection.api], engine, core_rule_set)
                continue
        try:
            compile_operation(inspection, libraries.get(inspection.api, Library()), engine, core_rule_set)
        except AssayError as error:
            yield error

"""From a file or bytes to a :class:`Contract`."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assay.declare.contract import openapi3, references, swagger2
from assay.declare.contract.context import Context, child
from assay.declare.contract.documents import Resolved
from assay.declare.contract.limits import ReadLimits
from assay.declare.contract.loading import Directory, Single, Source, as_problem, load
from assay.declare.contract.model import Contract
from assay.declare.contract.operations import Dialect, Paths
from assay.declare.contract.problems import Problem, as_verdicts
from assay.declare.contract.security import note_unsecured, read_requirements, read_schemes
from assay.declare.contract.servers import read_hosts, read_servers
from assay.domain import DeclarationError, Severity

_OUTSIDE = ("path", "query", "header")
OPENAPI_3 = Dialect(
    openapi3.METHODS, frozenset((*_OUTSIDE, "cookie")), openapi3.parameter, openapi3.bodies, openapi3.responses
)
SWAGGER_2 = Dialect(
    swagger2.METHODS,
    frozenset((*_OUTSIDE, "body", "formData")),
    swagger2.parameter,
    swagger2.bodies,
    swagger2.responses,
)
_VERSION = re.compile(r"(?:2\.0|3\.0\.[0-9]+|3\.1\.[0-9]+)(?:-[A-Za-z0-9.]+)?\Z")
DEFAULT_LIMITS = ReadLimits()


def read_contract(path: Path, *, name: str | None = None, limits: ReadLimits = DEFAULT_LIMITS) -> Contract:
    """Read a contract from a file, and the files in its directory that it refers to.

    Args:
        name: how the file is shown to people; by default the path as given.

    Raises:
        DeclarationError: with every error found, each with its place.
    """
    shown = name if name is not None else path.as_posix()
    return _read(shown, Directory(path, shown), limits)


def parse_contract(text: bytes, *, name: str, limits: ReadLimits = DEFAULT_LIMITS) -> Contract:
    """Read a contract that is a single document, such as one that was fetched. Touches no file.

    Raises:
        DeclarationError: with every error found, each with its place.
    """
    return _read(name, Single(name, text), limits)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Reading makes many containers and no garbage cycles; searching them for cycles took a third of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _read(name: str, source: Source, limits: ReadLimits) -> Contract:
    with _collector_paused():
        return _read_all(name, source, limits)


def _read_all(name: str, source: Source, limits: ReadLimits) -> Contract:
    documents, refused = load(name, source, limits)
    if name in refused:
        raise DeclarationError(as_verdicts([as_problem(name, refused[name])], None))
    context = Context(documents)
    root = Resolved(name, "#", documents.parsed()[name].value)
    version = _version(context, root)
    if version is None:
        raise DeclarationError(as_verdicts(context.errors, documents))
    documents.siblings_apply = version.startswith("3.1")
    needed, harmless = references.check(documents, refused)
    context.errors.extend(needed)
    context.notes.extend(_softened(p) for p in harmless)
    contract = _contract(context, root, version)
    if context.errors:
        raise DeclarationError(as_verdicts(context.errors, documents))
    return contract


def _contract(context: Context, root: Resolved, version: str) -> Contract:
    swagger = version == "2.0"
    holder = root if swagger else child(root, "components")
    key = "securityDefinitions" if swagger else "securitySchemes"
    if not swagger:
        context.mapping(root, "components")
    declared = context.mapping(holder, key)
    schemes = read_schemes(context, child(holder, key), declared)
    security = read_requirements(context, root, schemes, declared)
    operations = Paths(context, SWAGGER_2 if swagger else OPENAPI_3, schemes, declared, security or ()).read(root)
    servers, base_path = (read_hosts if swagger else read_servers)(context, root)
    if context.own(root).get("webhooks"):
        context.note("webhooks-ignored", child(root, "webhooks"), "webhooks do not pass the gateway")
    if not operations:
        context.note(
            "no-operations",
            child(root, "paths"),
            "the contract declares no operation, so every request is refused",
            severity=Severity.MEDIUM,
            fix="declare `paths`",
        )
    note_unsecured(context, operations)
    title = context.own(child(root, "info")).get("title")
    return Contract(
        file=context.documents.root,
        version=version,
        title=title if isinstance(title, str) else "",
        base_path=base_path,
        servers=servers,
        operations=operations,
        security_schemes=schemes,
        documents=context.documents,
        problems=tuple(context.notes),
    )


def _version(context: Context, root: Resolved) -> str | None:
    """The version of OpenAPI. YAML reads an unquoted 3.0 as a number, which is understood."""
    raw = context.own(root)
    written = raw.get("openapi", raw.get("swagger"))
    version = str(written) if isinstance(written, str | float) else ""
    if version in ("3.0", "3.1"):
        version += ".0"
    if _VERSION.match(version) and ("openapi" in raw) == version.startswith("3"):
        return version
    if not isinstance(root.value, dict):
        context.error(
            "contract-not-openapi",
            root,
            "the document is not a mapping",
            fix="name an OpenAPI 3.0, 3.1 or Swagger 2.0 document",
        )
    elif written is None:
        context.error(
            "contract-not-openapi",
            root,
            "the document says neither `openapi` nor `swagger`",
            fix="name an OpenAPI 3.0, 3.1 or Swagger 2.0 document",
        )
    else:
        context.error(
            "contract-not-openapi",
            child(root, "openapi" if "openapi" in raw else "swagger"),
            f"version `{str(written)[:40]}` of OpenAPI is not supported",
            fix="use OpenAPI 3.0, 3.1 or Swagger 2.0",
        )
    return None


def _softened(problem: Problem) -> Problem:
    """A broken reference that nothing enforced depends on."""
    return Problem(
        problem.check,
        problem.file,
        problem.pointer,
        f"{problem.sentence}; no operation needs it",
        Severity.LOW,
        problem.fix,
    )

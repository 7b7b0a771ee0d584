"""One document's way from contract to a configuration that Envoy accepts, and what can be said against it."""

from __future__ import annotations

import json
import resource
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, Literal

import msgspec
from joserfc.jwk import ECKey

from assay.controls import CONTROL_IDS
from assay.controls.base import Site
from assay.controls.registry import check_design, compile_policy, controls
from assay.declare import load
from assay.declare.declaration import Declaration
from assay.declare.init_files import write_init
from assay.domain import AssayError, DeclarationError, UsageError, Verdict
from assay.gateway import keysets
from assay.gateway.apply.binary import find_envoy
from assay.gateway.apply.validation import validate
from assay.gateway.assemble import Policy
from assay.gateway.envoy import translate
from assay.gateway.inspector import bundle as inspector
from assay.gateway.processor import bundle as processor
from assay.gateway.processor.engine import compile_engine
from assay.gateway.runtime import Runtime, Sockets
from assay.identity.pki import ensure_server_certificate

Outcome = Literal["accepted", "refused", "failed"]
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


class Machine(msgspec.Struct, frozen=True):
    """What stands in for the machine of a gateway: certificates, an issuer's keys, authorities to trust."""

    certificate: str
    private_key: str
    authority: str
    jwks: str
    today: str

    @classmethod
    def prepare(cls, directory: Path, today: date) -> Machine:
        """Makes what is missing in ``directory``."""
        pair = ensure_server_certificate(directory / "pki")
        keys = json.dumps({"keys": [ECKey.generate_key("P-256", {"kid": "k", "alg": "ES256"}).as_dict(private=False)]})
        return cls(str(pair.certificate), str(pair.key), str(pair.authority), keys, today.isoformat())


class Result(msgspec.Struct, omit_defaults=True):
    """What became of a document.

    Attributes:
        step: where it ended, if it did not reach the end.
        reasons: for a refusal the ids of its diagnostics; for a failure the kind of failure.
        said: the first diagnostic in words, with its place; for a failure also the traceback.
        seconds: by step.
        notes: what reading found that cannot be enforced or was read leniently, by check.
        findings: what the tests of design found, by `control/check`.
        unreachable: operations that nobody can call; each of them has a finding or a note.
        upstream: whether the contract says itself where the service answers.
    """

    name: str
    outcome: Outcome = "accepted"
    version: str = ""
    operations: int = 0
    size: int = 0
    step: str = ""
    reasons: list[str] = []
    said: str = ""
    seconds: dict[str, float] = {}
    notes: dict[str, int] = {}
    findings: dict[str, int] = {}
    unreachable: int = 0
    upstream: bool = True
    memory_mb: int = 0


class Defect(Exception):
    """Something that must not happen, whatever the document."""


def examine(name: str, file: Path, machine: Machine) -> Result:
    """Takes a document all the way. Never raises: what is raised on the way is the result."""
    result = Result(name=name, size=file.stat().st_size)
    controls()  # reading the controls' own texts happens once per process, and is no part of any step
    current = [""]

    @contextmanager
    def step(title: str) -> Iterator[None]:
        current[0] = title
        started = time.perf_counter()
        try:
            yield
        finally:
            result.seconds[title] = round(time.perf_counter() - started, 3)

    try:
        with tempfile.TemporaryDirectory(prefix="crater-") as scratch:
            _examine(file, Path(scratch), machine, result, step)
    except DeclarationError as error:
        result.outcome, result.step = "refused", current[0]
        result.reasons = sorted({f"{v.control}/{v.check}" for v in error.verdicts})
        result.said = f"{error.verdicts[0].location}: {error.verdicts[0].sentence}"
        if current[0] not in ("init", "load") or any(v.control == "declaration" for v in error.verdicts):
            # What `assay init` writes must load: only the contract itself may be refused.
            result.outcome = "failed"
        if any(not v.location.line for v in error.verdicts):
            result.outcome, result.said = "failed", f"without a place: {result.said}"
    except (AssayError, Defect) as error:
        result.outcome, result.step = "failed", current[0]
        result.reasons, result.said = [type(error).__name__], str(error)
    except Exception as error:  # noqa: BLE001 - a defect of ours, which is what this looks for
        result.outcome, result.step = "failed", current[0]
        result.reasons, result.said = [type(error).__name__], traceback.format_exc(limit=-6)
    result.memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return result


def _examine(file: Path, scratch: Path, machine: Machine, result: Result, step: Any) -> None:
    with step("init"):
        try:
            write_init(scratch / "project", contract=file)
        except UsageError:
            result.upstream = False
            write_init(scratch / "project", contract=file, upstream="https://service.example:8443/v1")
    with step("load"):
        declaration = load(scratch / "project", environ={}, controls=frozenset(CONTROL_IDS))
    contract = next(iter(declaration.contracts.values()))
    result.version, result.operations = contract.version, len(contract.operations)
    with step("notes"):
        notes = declaration.notes
    result.notes = dict(Counter(v.check for v in notes))
    with step("check"):
        verdicts = check_design(declaration, date.fromisoformat(machine.today))
    findings = [v for v in verdicts if v.is_finding]
    result.findings = dict(Counter(f"{v.control}/{v.check}" for v in findings))
    with step("compile"):
        policy = compile_policy(declaration, _site(machine))
    with step("translate"):
        configuration = translate(policy, _runtime(policy, machine, scratch))
    with step("inspector"):
        bundle = inspector.decode(inspector.encode(inspector.build(policy)))
        for error in inspector.problems(bundle):
            raise error
    with step("processor"):
        masks = processor.decode(processor.encode(processor.build(policy)))
        compile_engine(masks, {n: keysets.ensure(scratch / "keys", n) for n in processor.keyset_names(masks)})
    with step("envoy"):
        validate(configuration, find_envoy())
    with step("silence"):
        _everything_is_said(declaration, policy, (*notes, *findings), result)


def _site(machine: Machine) -> Site:
    return Site(machine.certificate, machine.private_key, machine.authority, "http://127.0.0.1:8444")


def _runtime(policy: Policy, machine: Machine, scratch: Path) -> Runtime:
    return Runtime(
        sockets=Sockets(*(str(scratch / name) for name in ("admin", "inspector", "processor"))),
        access_log=str(scratch / "access.jsonl"),
        configuration=str(scratch),
        jwks={issuer.issuer: machine.jwks for issuer in policy.issuers},
        system_authorities=machine.authority,
    )


def _everything_is_said(declaration: Declaration, policy: Policy, said: Iterable[Verdict], result: Result) -> None:
    """Every operation that the document has can be called through the gateway, or something was said about it.

    Raises:
        Defect: an operation is closed to everybody, or was not even read, in silence.
    """
    api, contract = next(iter(declaration.contracts.items()))
    said = tuple(said)
    subjects = {v.subject for v in said}
    closed = f"apis.{api}" in {v.subject for v in said if v.check in ("public-path-unusable", "upstream-unusable")}
    grouped = {v.location for v in said} | {place for v in said for place in v.related}
    open_to_somebody = {
        o.route.operation for o in policy.operations if o.authentication and o.authentication.alternatives and o.access
    }
    for operation in contract.operations:
        if operation.id in open_to_somebody:
            continue
        result.unreachable += 1
        if closed:
            continue
        if (
            not any(s.endswith(f".{operation.id}") for s in subjects)
            and contract.locate(operation.pointer) not in grouped
        ):
            raise Defect(f"{operation.method} {operation.path} is closed to everybody, and nothing says so")
    read = {(o.method, o.path) for o in contract.operations}
    text = "\n".join(subjects)
    for path, item in _paths(contract.documents.parsed()[contract.file].value):
        if not isinstance(item, dict) or path.startswith("x-"):
            continue
        pointer = "#/paths/" + path.replace("~", "~0").replace("/", "~1")
        for method in item:
            if method in _METHODS and (method.upper(), path) not in read and pointer not in text:
                raise Defect(f"{method.upper()} {path} was left out, and nothing says so")


def _paths(document: object) -> Iterator[tuple[str, object]]:
    """The path items as they are written, without the reader's understanding of them."""
    paths = document.get("paths") if isinstance(document, dict) else None
    yield from paths.items() if isinstance(paths, dict) else ()

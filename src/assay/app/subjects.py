"""What a result of a proof is about, in a declaration as it is now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from assay.declare.declaration import Declaration


def roots(declaration: Declaration) -> Callable[[str], str | None]:
    """What a result's subject belongs to in a declaration: an operation, an API, an account… None: nothing any more."""
    model = declaration.model
    named: Mapping[str, Iterable[str]] = {
        "apis": model.apis,
        "systems": model.systems,
        "data": model.data,
        "accounts": model.accounts,
        "consumers": model.consumers,
        "flows": model.flows,
        "environments": model.environments,
        "gateways": model.gateways,
        "objectives": model.objectives,
    }
    known = {f"{kind}.{name}" for kind, names in named.items() for name in names}
    operations = {f"apis.{api}.operations.{op.id}" for api, _, op in declaration.each_operation()}
    found: dict[str, str | None] = {}

    def find(subject: str) -> str | None:
        if subject in known or subject in operations:
            return subject
        kind = subject.partition(".")[0]
        if kind not in named:
            return kind  # the gateway, the organisation, pipelines: there is one of each
        whole = _longest(subject, known)
        if whole is not None and subject.startswith(f"{whole}.operations."):
            return _longest(subject, operations)
        return whole

    def root(subject: str) -> str | None:
        if subject not in found:
            found[subject] = find(subject)
        return found[subject]

    return root


def _longest(subject: str, known: set[str]) -> str | None:
    """The longest beginning of a subject, up to a dot, that is known."""
    while "." in subject:
        subject = subject.rpartition(".")[0]
        if subject in known:
            return subject
    return None

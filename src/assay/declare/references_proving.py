"""Names under `prove` that lead nowhere, and keys that no run may have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from assay.declare.contract import Contract
from assay.declare.model import Model
from assay.declare.places import Path
from assay.domain import did_you_mean

Problem = tuple[Path, str, str, str, bool]
"""Where, what, how to mend it, which check, and whether the key is meant rather than the value."""


def proving_problems(
    model: Model, contracts: Mapping[str, Contract], ids: Callable[[str], Iterable[str]]
) -> Iterator[Problem]:
    """Every environment and operation under `prove` that there is not, and every issuer key of production.

    Args:
        contracts: by API id, those that could be read; nothing is said about operations of others.
        ids: ids of a section as they are written.
    """
    prove = model.prove
    for environment in prove.issuer_keys:
        at: Path = ("prove", "issuer_keys", environment)
        declared = model.environments.get(environment)
        if declared is None:
            known = tuple(ids("environments"))
            if environment not in known:
                fix = did_you_mean(environment, known, what="environment")
                yield at, f"there is no environment `{environment}`", fix, "dangling-reference", True
        elif declared.tier == "production":
            sentence = f"whoever has the key of `{environment}`, which is production, can be anybody in it"
            yield at, sentence, "prove a test environment whose issuer has a key of its own", "invalid-value", True
    named: list[tuple[Path, str, bool]] = [
        (("prove", "public", index), name, False) for index, name in enumerate(prove.public)
    ]
    named += [(("prove", "messages", name), name, True) for name in prove.messages]
    if not named:
        return
    apis = tuple(ids("apis"))
    operations = {f"{api}.{o.id}" for api, contract in contracts.items() for o in contract.operations}
    for at, name, key in named:
        if name in operations or any(name.startswith(f"{api}.") and api not in contracts for api in apis):
            continue
        fix = did_you_mean(name, operations, what="operation")
        yield at, f"there is no operation `{name}`", fix, "dangling-reference", key

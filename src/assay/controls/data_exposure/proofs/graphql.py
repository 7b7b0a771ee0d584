"""GraphQL: the schema is not for everybody, and one request does not ask without end.

Nothing but ``__typename`` and, once, the name of the query type is asked for, so that no resolver of the service runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from assay.controls._lib.accounts import properties
from assay.controls._lib.answers import Answer, ask, works
from assay.controls._lib.attempts import Ready, name_of, ready, tester
from assay.controls.data_exposure.proofs.planned import case
from assay.prove.case import Case, Draft, Judged, Lab, NotReached, Run, beside_the_point, broken, held, unclear
from assay.prove.surface import Surface, Target

ALIASES, BATCH = 1_000, 100
"""More than any client of flesh and blood asks for at once."""
_PLAIN = "{ __typename }"
_SCHEMA = "{ __schema { queryType { name } } }"


def plan(surface: Surface, targets: tuple[Target, ...]) -> Iterator[Case]:
    """Two cases for each operation that takes GraphQL."""
    for target in targets:
        if speaks_graphql(surface, target):
            identity = name_of(tester(surface, target))
            run = _introspection(surface, target)
            yield case(target, "graphql-schema-open", run, identity, requests=2, harmless=True)
            run = _bounds(surface, target)
            yield case(target, "graphql-without-bounds", run, identity, requests=3, harmless=True)


def speaks_graphql(surface: Surface, target: Target) -> bool:
    """Whether an operation takes GraphQL over HTTP: by its path, or by the names of what its body holds."""
    if target.operation.method.upper() != "POST" or "{" in target.operation.path:
        return False
    names = {n.lower() for n in properties(surface, target)}
    last = target.operation.path.rstrip("/").rpartition("/")[2].lower()
    return last in ("graphql", "gql") or ("query" in names and bool(names & {"variables", "operationname"}))


def _asking(able: Ready, body: Any) -> Draft:
    return replace(able.draft, body=body, content_type="application/json")


def _data(value: Any) -> dict[str, Any]:
    """The ``data`` of one response (GraphQL over HTTP); empty where there is none."""
    found = value.get("data") if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


async def _able(lab: Lab, surface: Surface, target: Target) -> Ready:
    """Somebody whose plain query is answered.

    Raises:
        NotReached: it is not, so that a refusal of another one would mean nothing.
    """
    able = await ready(lab, target, tester(surface, target))
    seen = await works(lab, able.call(lab, _asking(able, {"query": _PLAIN}), "a plain query"))
    if not isinstance(_data(seen.json()).get("__typename"), str):
        raise NotReached("a plain query is not answered as GraphQL answers it")
    return able


def _introspection(surface: Surface, target: Target) -> Run:
    async def run(lab: Lab) -> Judged:
        if surface.declared_access and surface.api(target).exposure == "public":
            return beside_the_point("the API is for the public, which may know its schema")
        able = await _able(lab, surface, target)
        answer = await ask(lab, able.call(lab, _asking(able, {"query": _SCHEMA}), "it asks for the schema"))
        found = _data(answer.seen.json()).get("__schema")
        if isinstance(found, dict) and found:
            return broken("the schema of everything that can be asked for is given to callers", answer.seen)
        return _refused(answer, "a question for the schema")

    return run


def _bounds(surface: Surface, target: Target) -> Run:
    async def run(lab: Lab) -> Judged:
        able = await _able(lab, surface, target)
        aliases = " ".join(f"a{n}: __typename" for n in range(ALIASES))
        asked = {"query": f"{{ {aliases} }}"}
        many = await ask(lab, able.call(lab, _asking(able, asked), f"one query with {ALIASES:,} aliases"))
        if len(_data(many.seen.json())) >= ALIASES:
            return broken(f"one query with {ALIASES:,} aliases is answered in full", many.seen, aliases=ALIASES)
        batch = [{"query": _PLAIN}] * BATCH
        all_of = await ask(lab, able.call(lab, _asking(able, batch), f"{BATCH} queries in one request"))
        found = all_of.seen.json()
        if isinstance(found, list) and sum(bool(_data(each)) for each in found) >= BATCH:
            return broken(f"{BATCH} queries in one request are all answered", all_of.seen, batch=BATCH)
        verdicts = [
            _refused(many, f"a query with {ALIASES:,} aliases"),
            _refused(all_of, f"a batch of {BATCH} queries"),
        ]
        return next((v for v in verdicts if v.outcome != "pass"), verdicts[0])

    return run


def _refused(answer: Answer, what: str) -> Judged:
    """Judges an answer that does not hold what was asked for; GraphQL may refuse with 200 and ``errors``."""
    seen, said = answer.seen, answer.seen.json()
    told = isinstance(said, dict) and bool(said.get("errors"))
    if answer.at_gateway or 400 <= seen.status < 500 or (seen.ok and told):
        return held(f"{what} is refused ({seen.status}) by {answer.by}", seen)
    return unclear(f"{what} is answered {seen.status}, neither with it nor with a refusal", seen)

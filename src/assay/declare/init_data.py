"""Guessed data sets: which schemas of a contract hold records about somebody, and what their fields are."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from assay.declare.classify import Guess, classify, tokens
from assay.declare.contract import Contract, FieldPath, Operation, Response, SchemaRef
from assay.declare.contract.pointers import steps
from assay.declare.schema_walk import Property, end_of, properties

_MOST = 50_000
_AFFIXES = frozenset(
    (
        *("create", "created", "update", "updated", "patch", "request", "response", "input", "output", "dto", "list"),
        *(
            "page",
            "body",
            "payload",
            "in",
            "out",
            "new",
            "base",
            "model",
            "entity",
            "read",
            "write",
            "result",
            "results",
        ),
        *("params", "data", "item", "items", "details", "detail", "summary", "full", "post", "put", "get", "upsert"),
        *("collection", "properties", "schema", "json", "object", "resource", "envelope", "public", "v", "ref"),
    )
)
_ORDER = {"low": 0, "medium": 1, "high": 2}


@dataclass(slots=True)
class GuessedData:
    """A data set: the schemas it appears as (pointers into the contract's files) and a guess per field."""

    id: str
    schemas: list[SchemaRef] = field(default_factory=list)
    fields: dict[str, Guess] = field(default_factory=dict)


def guess_data(contract: Contract) -> tuple[GuessedData, ...]:
    """Data sets guessed from every schema that an operation's bodies lead to, in the order they are met.

    Schemas that are variants of one record (`Customer`, `CustomerCreate`, `CustomerList`) make one data set.
    """
    sets: dict[str, GuessedData] = {}
    for found in _properties(contract):
        guess = classify(_as_field(contract, found))
        if guess is None:
            continue
        name = data_id(found.owner)
        data = sets.setdefault(name, GuessedData(name))
        if found.owner not in data.schemas:
            data.schemas.append(found.owner)
        known = data.fields.get(found.name)
        if known is None or _ORDER[guess.confidence] > _ORDER[known.confidence]:
            data.fields[found.name] = guess
    return tuple(sets.values())


def data_id(owner: SchemaRef) -> str:
    """The id of the data set that a schema belongs to, from its name or from the path it is used at."""
    parts = steps(owner.pointer)
    name: list[str] = []
    for index, part in enumerate(parts):
        if index and parts[index - 1] in (
            "schemas",
            "definitions",
            "properties",
            "requestBodies",
            "$defs",
        ):
            name += [word for word in tokens(part) if word not in _AFFIXES and not word.isdigit()] or (
                list(tokens(part)) if not name and not part.isdigit() else []
            )
        elif index == 1 and parts[0] == "paths":
            fixed = [segment for segment in part.split("/") if segment and "{" not in segment]
            name += tokens(fixed[-1]) if fixed else ()
    if not name:
        name = list(tokens(posixpath.splitext(posixpath.basename(owner.file))[0]))
    slug = "-".join(dict.fromkeys(name))[:60].strip("-")
    return slug or "data"


def pointer_text(ref: SchemaRef, contract: Contract, contract_path: str) -> str:
    """`FILE#/json/pointer` as a declaration names it, ``contract_path`` being how it names the contract."""
    here = posixpath.relpath(ref.file, posixpath.dirname(contract.file) or ".")
    name = contract_path if ref.file == contract.file else posixpath.join(posixpath.dirname(contract_path), here)
    return name + ref.pointer


def _properties(contract: Contract) -> Iterator[Property]:
    """Every property of every schema that the operations' bodies lead to, each schema once."""
    documents = contract.documents
    waiting = [body.schema for operation in contract.operations for body in operation.body]
    waiting += [answer.schema for operation in contract.operations for answer in _successes(operation)]
    seen: set[SchemaRef] = set()
    told: set[SchemaRef] = set()
    position = 0
    while position < len(waiting) and len(told) < _MOST:
        ref = waiting[position]
        position += 1
        here = end_of(documents, ref) if ref is not None else None
        if here is None or here[0] in seen:
            continue
        at, schema = here
        if not isinstance(schema, dict):
            continue
        seen.add(at)
        for found in properties(documents, at):
            if found.at in told:
                continue
            told.add(found.at)
            waiting.append(found.at)
            if documents.find(found.owner.file, found.owner.pointer) is not None:
                yield found
        waiting += [
            SchemaRef(at.file, f"{at.pointer}/{key}") for key in ("additionalProperties", "items") if key in schema
        ]


def _successes(operation: Operation) -> Iterator[Response]:
    """Responses that carry what was asked for, rather than an error; ``default`` counts where no other does."""
    good = [response for response in operation.responses if response.status[:1] in ("1", "2", "3")]
    yield from good or [response for response in operation.responses if response.status == "default"]


def _as_field(contract: Contract, found: Property) -> FieldPath:
    end = end_of(contract.documents, found.at)
    schema: Mapping[str, object] = end[1] if end and isinstance(end[1], dict) else found.schema
    written = schema.get("format")
    return FieldPath(
        path=(found.name,),
        name=found.name,
        owner=found.owner.pointer,
        owners=(found.owner.pointer,),
        schema=schema,
        required=found.required,
        read_only=schema.get("readOnly") is True,
        write_only=schema.get("writeOnly") is True,
        format=written if isinstance(written, str) else None,
        example=schema.get("example"),
        recursive=False,
    )


def slug(text: str, fallback: str) -> str:
    """An id from a title: `Customer Data API` becomes `customer-data`."""
    words = list(tokens(text))
    while len(words) > 1 and words[-1] in ("api", "apis", "rest", "service", "v"):
        words.pop()
    return re.sub(r"[^a-z0-9-]", "", "-".join(words))[:40].strip("-") or fallback

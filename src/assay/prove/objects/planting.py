"""Where a marker can be put so that readers see it: free text that comes back, and identifies nobody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from assay.declare.contract import Contract, FieldPath, Operation, SchemaRef
from assay.declare.declaration import Declaration
from assay.declare.model import DataField
from assay.domain import AssayError
from assay.prove.objects.graph import Steps, template
from assay.prove.objects.naming import looks_like_id, words

_FREE = (
    "notes",
    "note",
    "description",
    "comment",
    "comments",
    "message",
    "text",
    "bio",
    "summary",
    "remark",
    "content",
)
_NAMES = ("title", "subject", "name", "label", "displayname")
_UNFIT = ("user.government_id", "user.financial", "user.contact", "user.unique_id", "user.account", "user.demographic")
"""Categories whose fields are checked, masked or matched, so that a marker would not come back as it was."""
_ADDED = "note"
_TELLING = frozenset({"enum", "const", "format"})


def places(declaration: Declaration, contract: Contract, operation: Operation, schema: SchemaRef) -> tuple[Steps, ...]:
    """Properties of a request body that may hold a marker, the most fitting first.

    A property is one when it is text, is no identifier, is returned by this operation or by reading the same thing, and
    its classification does not say that it is masked or means something.
    """
    fields = _classified(declaration)
    shown = _returned(contract, operation)
    found: list[tuple[int, int, Steps]] = []
    try:
        listed = contract.fields(schema, direction="request")
    except AssayError:
        return ()
    for order, field in enumerate(listed):
        kind = field.schema.get("type", "string")
        text = kind == "string" or (isinstance(kind, list) and "string" in kind)
        if "*" in field.path or len(field.path) > 2 or not text or field.read_only or _TELLING & field.schema.keys():
            continue
        flat = "".join(words(field.name))
        if looks_like_id(field.name) or (shown is not None and flat not in shown):
            continue
        rank = _rank(flat, fields.get(field.name))
        if rank is not None:
            found.append((rank + 10 * (len(field.path) - 1), order, field.path))
    return (*(path for _, _, path in sorted(found)), *_open(contract, schema, listed))


def _open(contract: Contract, schema: SchemaRef, listed: Sequence[FieldPath]) -> Iterator[Steps]:
    """Properties that can be added where a contract takes objects with anything in them (a store of documents)."""
    if not listed and _takes_anything(contract.documents.schema(schema)):
        yield (_ADDED,)
    for field in listed:
        below = any(
            len(other.path) > len(field.path) and other.path[: len(field.path)] == field.path for other in listed
        )
        if len(field.path) == 1 and not below and not field.read_only and _takes_anything(field.schema):
            yield (*field.path, _ADDED)


def _takes_anything(schema: object) -> bool:
    if not isinstance(schema, dict | Mapping):
        return False
    rest = schema.get("additionalProperties")
    if rest is True or rest == {}:
        return True
    said = any(schema.get(k) for k in ("properties", "patternProperties", "allOf", "anyOf", "oneOf", "$ref"))
    return schema.get("type") == "object" and rest is None and not said


def _rank(flat: str, classified: DataField | None) -> int | None:
    if classified:
        if classified.free_text:
            return 0
        if classified.encrypt or classified.level in ("restricted", "special"):
            return None
        if classified.category and classified.category.startswith(_UNFIT):
            return None
    if flat in _FREE:
        return 1
    if flat in _NAMES:
        return 2
    return 3 if classified is None else 4


def _classified(declaration: Declaration) -> Mapping[str, DataField]:
    """Declared fields by name; of two with one name the more sensitive, so that no marker is put into either."""
    found: dict[str, DataField] = {}
    for data in declaration.model.data.values():
        for name, field in data.fields.items():
            before = found.get(name)
            if before is None or (before.free_text and not field.free_text):
                found[name] = field
    return found


def _returned(contract: Contract, operation: Operation) -> frozenset[str] | None:
    """Flat names of what comes back from the operation or from reading the same resource; None: nothing is declared."""
    found: set[str] = set()
    for ref in _answers(contract, operation):
        try:
            found.update("".join(words(f.name)) for f in contract.fields(ref, direction="response"))
        except AssayError:
            continue
    return frozenset(found) or None


def _answers(contract: Contract, operation: Operation) -> Iterator[SchemaRef]:
    here = template(operation.path)
    for other in contract.operations:
        same = other is operation or (other.method == "GET" and template(other.path) in (here, f"{here}/{{}}"))
        for response in other.responses if same else ():
            if response.schema is not None and response.status[:1] == "2":
                yield response.schema

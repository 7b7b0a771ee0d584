"""Tests of design: is restricted data encrypted where it rests, and does everything that passes keep it so?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from assay.controls._lib.judging import judge as _judge
from assay.controls._lib.observed import observed
from assay.controls._lib.subjects import api_subject, served_apis
from assay.controls.base import Context
from assay.controls.encryption_at_rest.passing import passing
from assay.controls.encryption_at_rest.protected import RESTRICTED, Flows, by_gateway, encrypted, fields_of, stores
from assay.declare.declaration import Declaration
from assay.declare.model import Api, System
from assay.domain import Edit, Severity, Verdict
from assay.sensitivity.bodies import FieldLabel, labels
from assay.sensitivity.levels import highest, level_of, rank

_CONTROL = "encryption_at_rest"
_SHOWN = 4


def design(context: Context) -> Iterator[Verdict]:
    """Judges every system, every field marked for encryption, and every operation that such a field passes through."""
    declaration = context.declaration
    serving = _serving(declaration)
    made: dict[tuple[str, str], Flows] = {}
    for name, system in declaration.model.systems.items():
        yield _store(declaration, name, system, serving.get(name, ()), made)
        if by_gateway(system):
            yield from _gateway(declaration, name, system, serving.get(name, ()))
    for api_id, api in served_apis(declaration):
        for name, _ in stores(declaration, api):
            flows = _flows(declaration, api_id, name, made)
            yield from _fields(declaration, api_id, name, flows)
            yield from passing(declaration, api_id, flows)
        yield from _observed(declaration, api_id, api)
    yield from _lookups(declaration)


def _flows(declaration: Declaration, api_id: str, system: str, made: dict[tuple[str, str], Flows]) -> Flows:
    """The flows of an API for a store; those in ``made`` are not made again."""
    if (api_id, system) not in made:
        fields = fields_of(declaration, declaration.model.systems[system])
        made[api_id, system] = Flows(labels(declaration, api_id), fields)
    return made[api_id, system]


def _serving(declaration: Declaration) -> Mapping[str, tuple[str, ...]]:
    """The served APIs right before each system."""
    found: dict[str, tuple[str, ...]] = {}
    for api_id, api in served_apis(declaration):
        for name in dict.fromkeys(api.backed_by):
            found[name] = (*found.get(name, ()), api_id)
    return found


def _store(
    declaration: Declaration, name: str, system: System, serving: Sequence[str], made: dict[tuple[str, str], Flows]
) -> Verdict:
    judge, check, subject = _judge(_CONTROL), "restricted-store-unencrypted", f"systems.{name}"
    at = declaration.places.key("systems", name)
    held = {d: highest(declaration.model.data[d]) for d in system.holds}
    restricted = [d for d, level in held.items() if rank(level) >= RESTRICTED]
    if not restricted:
        return judge.not_applicable(check, subject, at, f"system `{name}` holds no data that is restricted or above")
    what, rest = f"system `{name}` holds restricted data ({', '.join(restricted)})", system.at_rest
    if rest is None:
        return judge.unclear(check, subject, at, f"{what}, and nothing says whether it is encrypted there")
    at = declaration.locate("systems", name, "at_rest", "encryption")
    if rest.encryption == "unknown":
        return judge.unclear(check, subject, at, f"{what}, and nobody knows whether it is encrypted there")
    if rest.encryption == "none":
        return judge.failed(check, subject, at, f"{what} and does not encrypt it")
    if rest.by == "disk":
        at = declaration.locate("systems", name, "at_rest", "by")
        return judge.failed("disk-encryption-only", subject, at, f"{what}, encrypted by its disk alone")
    if rest.by == "store":
        return judge.passed(check, subject, at, f"{what}, encrypted by the store with {rest.encryption}")
    open_ones = _left_out(declaration, system)
    if open_ones:
        related = tuple(declaration.locate("data", f.data, "fields", f.key, "encrypt") for f in open_ones[:_SHOWN])
        sentence = f"{what}, but {_named(open_ones)} is excluded from encryption"
        return judge.failed(check, subject, at, sentence, related=related)
    if not rest.keys or not serving:
        why = "there is no keyset for it" if not rest.keys else "no API of the gateway stands before it"
        return judge.failed(check, subject, at, f"{what} and is to be encrypted by the gateway, but {why}")
    watching = [a for a in serving if any(o.control == _CONTROL for o in declaration.model.apis[a].observe)]
    if watching:
        sentence = f"{what}, but encryption only observes calls to API `{watching[0]}`"
        return judge.failed(check, subject, at, sentence)
    unseen = _unseen(declaration, [_flows(declaration, a, name, made) for a in serving], serving)
    if unseen:
        sentence = f"{what}, and no body of an API before it carries {_named(unseen)}: how it gets there is not known"
        return judge.unclear(check, subject, at, sentence)
    return judge.passed(check, subject, at, f"{what}, which the gateway is to encrypt field by field")


def _unseen(declaration: Declaration, before: Sequence[Flows], serving: Sequence[str]) -> list[FieldLabel]:
    """Protected fields that no body of the APIs before a system carries."""
    seen = {
        item.label.name
        for api_id, flows in zip(serving, before, strict=True)
        for operation in declaration.operations(api_id)
        for item in (*flows.of(operation).request, *flows.of(operation).response)
    }
    return [f for flows in before[:1] for f in flows.fields if f.name not in seen]


def _left_out(declaration: Declaration, system: System) -> list[FieldLabel]:
    """Restricted fields that somebody wrote `encrypt: false` for."""
    return [
        FieldLabel(name, key, field)
        for name in system.holds
        for key, field in declaration.model.data[name].fields.items()
        if rank(level_of(field)) >= RESTRICTED and not encrypted(field)
    ]


def _gateway(declaration: Declaration, name: str, system: System, serving: Sequence[str]) -> Iterator[Verdict]:
    judge, subject, rest = _judge(_CONTROL), f"systems.{name}", system.at_rest
    at = declaration.locate("systems", name, "at_rest")
    if rest is None:
        return
    if rest.keys:
        yield judge.passed("keys-not-named", subject, at, f"system `{name}` has the keyset `{rest.keys}`")
    else:
        sentence = f"system `{name}` names no keyset, so the gateway encrypts nothing for it"
        yield judge.failed("keys-not-named", subject, at, sentence)
    cipher_at = declaration.locate("systems", name, "at_rest", "encryption")
    if rest.encryption == "aes-256-gcm":
        sentence = f"system `{name}` declares the cipher that the gateway uses"
        yield judge.passed("gateway-cipher-mismatch", subject, cipher_at, sentence)
    else:
        place = declaration.places.at("systems", name, "at_rest", "encryption")
        edits = (Edit(place.value.file, place.file_path, "aes-256-gcm"),) if place.file_path else ()
        sentence = f"system `{name}` declares {rest.encryption}, but the gateway encrypts with AES-256-GCM"
        yield judge.failed("gateway-cipher-mismatch", subject, cipher_at, sentence, edits=edits, safe=True)
    if not serving:
        sentence = f"no API is backed by system `{name}`, so nothing that it holds passes the gateway"
        severity = Severity.HIGH if fields_of(declaration, system) else Severity.LOW
        yield judge.failed("encrypted-store-without-api", subject, at, sentence, severity=severity)
        return
    shown = ", ".join(f"`{a}`" for a in serving)
    sentence = f"system `{name}` is reached through {shown}"
    yield judge.passed("encrypted-store-without-api", subject, at, sentence)
    if len(serving) > 1 and fields_of(declaration, system):
        related = tuple(declaration.locate("apis", a, "backed_by") for a in serving)
        sentence = f"APIs {shown} cannot read each other's values in system `{name}`"
        yield judge.failed("encrypted-store-shared", subject, at, sentence, related=related)
    else:
        yield judge.passed("encrypted-store-shared", subject, at, f"one API stands before system `{name}`")


def _fields(declaration: Declaration, api_id: str, system: str, flows: Flows) -> Iterator[Verdict]:
    """Judges whether every field to encrypt is recognised in some request of the API."""
    judge, check = _judge(_CONTROL), "protected-field-unseen"
    stored: set[str] = set()
    read: set[str] = set()
    for operation in declaration.operations(api_id):
        flow = flows.of(operation)
        stored.update(i.label.name for i in flow.request)
        read.update(i.label.name for i in flow.response)
    for field in flows.fields:
        at, subject = declaration.places.key("data", field.data, "fields", field.key), api_subject(api_id)
        if field.name in stored:
            sentence = f"{field.name} is encrypted in requests to API `{api_id}` before system `{system}` gets it"
            yield judge.passed(check, subject, at, sentence)
        elif field.name in read:
            sentence = f"API `{api_id}` only reads {field.name} from system `{system}`"
            yield judge.passed(check, subject, at, sentence)
        else:
            related = (declaration.locate("apis", api_id, "contract"), declaration.locate("data", field.data, "from"))
            sentence = f"{field.name} is to be encrypted in system `{system}`, but no body of API `{api_id}` carries it"
            yield judge.failed(check, subject, at, sentence, related=related)


def _lookups(declaration: Declaration) -> Iterator[Verdict]:
    judge, check = _judge(_CONTROL), "lookup-without-encryption"
    for name, data in declaration.model.data.items():
        for key, field in data.fields.items():
            if not field.lookup:
                continue
            place, subject = declaration.places.at("data", name, "fields", key, "lookup"), f"data.{name}.fields.{key}"
            if encrypted(field):
                sentence = f"field `{key}` of data set `{name}` is encrypted so that it can be looked up"
                yield judge.passed(check, subject, place.value, sentence)
            else:
                sentence = f"field `{key}` of data set `{name}` is marked for lookup, but not encrypted"
                yield judge.failed(check, subject, place.value, sentence)


def _observed(declaration: Declaration, api_id: str, api: Api) -> Iterator[Verdict]:
    return observed(
        declaration,
        _CONTROL,
        "encryption-observed",
        api_id,
        api,
        watching=f"the fields of {{what}} of API `{api_id}` are counted, not encrypted",
        enforcing=f"encryption does not merely observe API `{api_id}`",
    )


def _named(fields: Sequence[FieldLabel]) -> str:
    more = f" and {len(fields) - _SHOWN} more" if len(fields) > _SHOWN else ""
    return ", ".join(f.name for f in fields[:_SHOWN]) + more

"""Flows of data from production to where it is tested."""

from __future__ import annotations

from collections.abc import Iterator

from assay.controls._lib.judging import judge as _judge
from assay.declare.declaration import Declaration
from assay.declare.model import DataField, Flow
from assay.domain import Verdict
from assay.sensitivity.levels import is_secret, within
from assay.sensitivity.reductions import takes_nothing

_CONTROL = "environment_segregation"
_SHOWN = 5


def flows(declaration: Declaration, production: frozenset[str]) -> Iterator[Verdict]:
    """Judges each flow out of production into a system that is not in it."""
    judge, check, model = _judge(_CONTROL), "production-data-flows-down", declaration.model
    for name, flow in model.flows.items():
        start, end = model.systems[flow.from_].environment, model.systems[flow.to].environment
        if start not in production or end in production:
            continue
        subject, at = f"flows.{name}", declaration.places.key("flows", name)
        what = f"flow `{name}` leads out of production (`{start}`) to `{end}`"
        if not flow.data:
            yield judge.unclear(check, subject, at, f"{what}, and nothing says which data", fix="write `data:` for it")
            continue
        unknown = [d for d in flow.data if not model.data[d].fields]
        left = [
            f"`{data}.{key}`"
            for data in flow.data
            for key, field in model.data[data].fields.items()
            if _to_be_kept(field) and not _changed(flow, data, key, field)
        ]
        if left:
            more = f" and {len(left) - _SHOWN} more" if len(left) > _SHOWN else ""
            sentence = f"{what}, and {', '.join(left[:_SHOWN])}{more} arrive as they are"
            related = (declaration.locate("flows", name, "transforms"),)
            yield judge.failed(check, subject, at, sentence, related=related)
        elif unknown:
            sentence = f"{what}, and the fields of data set `{unknown[0]}` are not declared"
            yield judge.unclear(check, subject, at, sentence, fix=f"write `fields:` for data set `{unknown[0]}`")
        else:
            yield judge.passed(check, subject, at, f"{what}, and nothing about a person arrives as it is")


def _to_be_kept(field: DataField) -> bool:
    if field.identifies is not None or field.free_text or field.level in ("confidential", "restricted", "special"):
        return True
    return field.category is not None and (within(field.category, "user") or is_secret(field.category))


def _changed(flow: Flow, data: str, key: str, field: DataField) -> bool:
    """Whether anything is taken from a field on its way, so that whoever receives it has less."""
    done = [flow.transforms[name] for name in (key, f"{data}.{key}") if name in flow.transforms]
    return any(not takes_nothing(transform, field.category) for transform in done)

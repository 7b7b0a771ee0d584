"""Which gateway an environment has: one of its own, or the one that all others share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from assay.declare.declaration import Declaration
from assay.declare.model import Environment, Gateway, Model
from assay.declare.places import Path, Places


def gateway_of(model: Model, environment: Environment) -> Gateway:
    """The gateway of an environment as a whole: what its own ``gateway:`` does not say is as under ``gateway:``."""
    if environment.gateway is None:
        return model.gateway
    said = {name: getattr(environment.gateway, name) for name in environment.gateway.model_fields_set}
    return model.gateway.model_copy(update=said)


def gateways(model: Model) -> dict[str | None, tuple[str, ...]]:
    """Environments by the gateway that serves them: by the one that has it for itself; None: the shared one's."""
    shared = tuple(name for name, declared in model.environments.items() if declared.gateway is None)
    found: dict[str | None, tuple[str, ...]] = {None: shared} if shared else {}
    found.update({name: (name,) for name, declared in model.environments.items() if declared.gateway is not None})
    return found


def part(declaration: Declaration, own: str | None) -> Declaration:
    """What one gateway knows of a declaration: its own settings, and the APIs, consumers, issuers and identities of its
    environments alone. Systems, data and the names of other environments stay, since others refer to them.

    Args:
        own: the environment whose own gateway it is; None: the shared one.
    """
    model = declaration.model
    served = frozenset(gateways(model).get(own, ()))
    consumers = {n: c for n, c in model.consumers.items() if c.environment is None or c.environment in served}
    identities = {n: i for n, i in model.prove.identities.items() if i.consumer is None or i.consumer in consumers}
    changed = model.model_copy(
        update={
            "gateway": gateway_of(model, model.environments[own]) if own else model.gateway,
            "environments": {
                n: e if n in served else e.model_copy(update={"issuer": None, "gateway": None})
                for n, e in model.environments.items()
            },
            "apis": {n: a for n, a in model.apis.items() if a.environment in served},
            "consumers": consumers,
            "prove": model.prove.model_copy(update={"identities": identities}),
        }
    )
    return replace(declaration, model=changed, places=_places(declaration.places, own) if own else declaration.places)


def _places(places: Places, own: str) -> Places:
    """The same places, with the words of an environment's own gateway where those of the gateway are looked for."""
    here: Path = ("environments", own, "gateway")
    moved = {("gateway", *path[3:]): place for path, place in places.by_path.items() if path[:3] == here}
    return replace(places, by_path={**places.by_path, **moved})


def parts(declaration: Declaration) -> Mapping[str | None, Declaration]:
    """What each gateway that serves an API knows; the declaration itself where no environment has a gateway of its own.

    By the environment whose own gateway it is; None: the shared one.
    """
    if not any(environment.gateway for environment in declaration.model.environments.values()):
        return {None: declaration}
    lived_in = {api.environment for api in declaration.model.apis.values()}
    found = {own: part(declaration, own) for own, names in gateways(declaration.model).items() if lived_in & set(names)}
    return found or {None: declaration}

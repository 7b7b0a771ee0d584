"""Which gateway an environment has: one of its own, or the one that all others share."""

from __future__ import annotations

from assay.declare.model import Environment, Gateway, Model


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

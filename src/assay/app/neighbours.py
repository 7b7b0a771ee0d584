"""The other environments of a declaration, as a run needs them: to get credentials there that are foreign here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from assay.app.aiming import Aim, at_project
from assay.app.project import in_environment
from assay.domain import AssayError
from assay.identity.files import ensure_private_directory
from assay.prove.abroad import SEPARATOR, Neighbour
from assay.prove.identities.cast import Cast
from assay.prove.objects.owned import Objects


def neighbour(aim: Aim, name: str, directory: Path) -> Neighbour | str:
    """Another environment that APIs are served in, ready to be visited; or why nothing can be had of it.

    Nothing is contacted. ``directory`` is the run's own. Blocking: the environment's policy is compiled.
    """
    if aim.surface.via != "gateway" or not aim.surface.fronted or name not in aim.surface.others:
        return f"environment `{name}` has no gateway of ours that could be visited"
    never = f"the gateway of environment `{name}` was never started: `assay up --environment {name}`"
    try:
        part = in_environment(aim.project.unparted, name)
        if not part.state.is_dir():
            return never
        there = at_project(part, environment=name, environ=aim.environ)
        own = directory / f"abroad-{name}"
        ensure_private_directory(own)
        sources = there.sources(own)
    except AssayError as error:
        return f"nothing can be had of environment `{name}`: {error.sentence}"
    prefix = f"{name}{SEPARATOR}"
    personas = tuple(replace(p, name=prefix + p.name) for p in there.surface.personas)
    surface = replace(there.surface, personas=personas)
    given = {prefix + who: identity for who, identity in sources.given.items()}
    cast = Cast(replace(sources, surface=surface, given=given))
    tier = part.declaration.model.environments[name].tier
    return Neighbour(
        environment=name,
        surface=surface,
        target=there.target,
        cast=cast,
        objects=Objects(surface, cast, owns={}),
        authority=there.authority,
        production=tier == "production",
    )

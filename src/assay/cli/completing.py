"""What a shell offers when somebody presses Tab. Nothing here may fail or speak: no offer is the worst case."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import typer

from assay.app.addresses import keys_file
from assay.app.keyrings import names
from assay.app.project import Project, open_project
from assay.app.reading import READERS, reading_checks
from assay.controls import CONTROL_IDS
from assay.domain import AssayError
from assay.identity import api_keys


def controls(incomplete: str) -> list[str]:
    """Ids for ``--control``."""
    return _matching((*CONTROL_IDS, *READERS), incomplete)


def topics(incomplete: str) -> list[str]:
    """Everything that ``assay explain`` explains."""
    from assay.app.objectives import objective_ids
    from assay.controls.registry import controls as registered

    checks = (check for c in registered() for check in c.about.checks)
    return _matching({*CONTROL_IDS, *checks, *reading_checks(), *objective_ids()}, incomplete)


def objectives(incomplete: str) -> list[str]:
    """Objectives of the catalogue, for ``assay objectives review``."""
    from assay.app.objectives import objective_ids

    return _matching(objective_ids(), incomplete)


def frameworks(incomplete: str) -> list[str]:
    """Frameworks for ``assay objectives --framework``."""
    from assay.frameworks.published import frameworks

    return _matching((each.id for each in frameworks()), incomplete)


def profiles(incomplete: str) -> list[str]:
    """Profiles of the catalogue."""
    from assay.frameworks.catalogue import PROFILES

    return _matching(PROFILES, incomplete)


def people(ctx: typer.Context, incomplete: str) -> list[str]:
    """People for ``--as``."""
    return _declared(ctx, incomplete, lambda p: p.declaration.model.people)


def platforms(incomplete: str) -> list[str]:
    """Gateways of other makes that ``assay import gateway`` reads."""
    from assay.importing.gateways.platforms import PLATFORMS

    return _matching(PLATFORMS, incomplete)


def oauth2_consumers(ctx: typer.Context, incomplete: str) -> list[str]:
    """Consumers for ``assay token``."""
    return _declared(
        ctx,
        incomplete,
        lambda p: (n for n, c in p.declaration.model.consumers.items() if c.authenticate.oauth2),
    )


def key_consumers(ctx: typer.Context, incomplete: str) -> list[str]:
    """Consumers for ``assay key issue``."""
    return _declared(
        ctx,
        incomplete,
        lambda p: (n for n, c in p.declaration.model.consumers.items() if c.authenticate.api_key),
    )


def key_ids(ctx: typer.Context, incomplete: str) -> list[str]:
    """Ids for ``assay key rotate`` and ``assay key revoke``."""
    return _declared(ctx, incomplete, lambda p: api_keys.load(keys_file(p.state)).keys)


def accounts(ctx: typer.Context, incomplete: str) -> list[str]:
    """Accounts for ``assay rights``."""
    return _declared(ctx, incomplete, lambda p: p.declaration.model.accounts)


def users(ctx: typer.Context, incomplete: str) -> list[str]:
    """Users for ``assay token --user``."""
    return _declared(
        ctx,
        incomplete,
        lambda p: (u for e in p.declaration.model.environments.values() if e.issuer for u in e.issuer.users),
    )


def environments(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names for ``--environment``."""
    return _declared(ctx, incomplete, lambda p: p.declaration.model.environments)


def apis(ctx: typer.Context, incomplete: str) -> list[str]:
    """Ids for ``--api``."""
    return _declared(ctx, incomplete, lambda p: p.declaration.model.apis)


def keysets(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names for ``assay keyset rotate``."""
    return _declared(ctx, incomplete, lambda p: names(p.state / "keys"))


def data_sets(ctx: typer.Context, incomplete: str) -> list[str]:
    """Ids for ``assay data map --data``."""
    return _declared(ctx, incomplete, lambda p: p.declaration.model.data)


def data_categories(incomplete: str) -> list[str]:
    """Categories for ``assay data where``."""
    from assay.declare.categories import categories

    return _matching(categories(), incomplete)


def principals(ctx: typer.Context, incomplete: str) -> list[str]:
    """Ids for ``assay data blends --principal``."""
    return _declared(
        ctx,
        incomplete,
        lambda p: {*p.declaration.model.accounts, *p.declaration.model.consumers, *p.declaration.model.systems},
    )


def exceptions(ctx: typer.Context, incomplete: str) -> list[str]:
    """Ids for ``assay exception approve``."""
    from assay.decisions.exceptions import exception_id

    return _declared(ctx, incomplete, lambda p: map(exception_id, p.declaration.model.exceptions))


def scenarios(ctx: typer.Context, incomplete: str) -> list[str]:
    """Ids for ``assay risk --why``."""
    from assay.app.addresses import now
    from assay.app.risk import assess

    return _declared(ctx, incomplete, lambda p: (a.scenario.id for a in assess(p, now())))


def _declared(ctx: typer.Context, incomplete: str, names: Callable[[Project], Iterable[str]]) -> list[str]:
    try:
        return _matching(names(open_project(Path(ctx.params.get("where") or "."))), incomplete)
    except (AssayError, OSError):
        return []


def _matching(names: Iterable[str], incomplete: str) -> list[str]:
    return sorted(name for name in names if name.startswith(incomplete))

"""Which commit a declaration is at, to be kept with what is applied."""

from __future__ import annotations

from collections.abc import Mapping

from assay.controls.governance.declared import declared_files
from assay.controls.governance.git import repository_of
from assay.declare.declaration import Declaration
from assay.domain import AssayError

_MOST_NAMED = 20


def source_of(declaration: Declaration, environ: Mapping[str, str] | None = None) -> dict[str, object]:
    """Where in version control the declaration is at this moment, as kept in the evidence log.

    Members: ``commit`` (id of what is checked out), ``clean`` (whether every file of the declaration is as committed
    there), ``changed`` (those that are not, the first few); or ``none`` alone, with the reason.
    """
    repository = repository_of(declaration.root, environ)
    if isinstance(repository, str):
        return {"none": repository}
    commit = repository.head()
    if not commit:
        return {"none": "nothing was committed yet"}
    files = tuple(declared_files(declaration))
    try:
        changed = [*repository.uncommitted(files), *(str(p) for p in repository.outside(files))]
    except AssayError as error:
        return {"commit": commit, "none": error.sentence}
    return {"commit": commit, "clean": not changed, **({"changed": changed[:_MOST_NAMED]} if changed else {})}


__all__ = ["source_of"]

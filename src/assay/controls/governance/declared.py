"""The files that a declaration was read from: what a review of it has to cover."""

from __future__ import annotations

from pathlib import Path

from assay.declare.declaration import Declaration


def declared_files(declaration: Declaration) -> dict[Path, str]:
    """The files of the declaration and of its contracts, each with the name that locations use for it."""
    names = dict.fromkeys(declaration.sources)
    for contract in declaration.contracts.values():
        names |= dict.fromkeys(contract.documents.parsed())
    found: dict[Path, str] = {}
    for name in names:
        path = Path(name)
        there = path if path.is_absolute() or path.exists() else declaration.root / path
        if "://" not in name:
            found[there.resolve()] = name
    return found


__all__ = ["declared_files"]

"""How much a contract may ask of the reader."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """Bounds on what is read; passing one is a diagnostic.

    Attributes:
        file_bytes: size of one file.
        total_bytes: size of all files together.
        depth: how deeply mappings and lists may be nested in one file.
        documents: how many files a contract may consist of.
        values: how many values one file may hold.
        aliased: how many values YAML aliases may add to those that are written out.
    """

    file_bytes: int = 64 * MIB
    total_bytes: int = 128 * MIB
    depth: int = 200
    documents: int = 1_000
    values: int = 20_000_000
    aliased: int = 1_000_000

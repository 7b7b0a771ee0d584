"""Contracts that lie beside the declared ones and that no API names: what was forgotten, or is served elsewhere."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from assay.controls._lib.judging import judge as _judge
from assay.declare.declaration import Declaration
from assay.domain import Location, Verdict

_ENDINGS = frozenset({".yaml", ".yml", ".json"})
_MOST_FILES = 2_000
_HEAD = 4_096
_OPENAPI = re.compile(r"""^[ \t]*[{]?[ \t\r\n]*["']?(openapi|swagger)["']?[ \t]*:[ \t]*["']?[23]\.""", re.MULTILINE)


def orphans(declaration: Declaration) -> Iterator[Verdict]:
    """Judges every OpenAPI document in the folders of the declared contracts."""
    judge, check = _judge("api_inventory"), "orphan-contract"
    apis = declaration.model.apis
    if not apis:
        return
    root = declaration.root.resolve()
    # Folders as the contracts are called in messages, with where they really are.
    folders: dict[Path, str] = {}
    for api_id, api in apis.items():
        real = (root / api.contract).resolve()
        if real.is_relative_to(root):
            folders.setdefault(real.parent, posixpath.dirname(declaration.contracts[api_id].file))
    known = {(root / api.contract).resolve() for api in apis.values()}
    for contract in declaration.contracts.values():
        for name in contract.documents.parsed():
            known |= {Path(name).resolve(), (root / name).resolve()}
    at = declaration.locate("apis", next(iter(apis)), "contract")
    looked = 0
    found = False
    for folder, shown in sorted(folders.items()):
        for path in islice(_documents(folder), _MOST_FILES):
            looked += 1
            if path.resolve() in known or not _is_contract(path):
                continue
            found = True
            name = posixpath.join(shown, path.name)
            sentence = f"`{path.relative_to(root).as_posix()}` is a contract that no API names"
            yield judge.failed(check, f"contracts.{path.name}", Location(name), sentence, related=(at,))
        if looked >= _MOST_FILES:
            sentence = (
                f"the folders of the contracts hold more than {_MOST_FILES} files, and the rest was not looked at"
            )
            yield judge.unclear(check, "apis", at, sentence)
            return
    if not found:
        yield judge.passed(check, "apis", at, "every contract in the folders of the contracts belongs to an API")


def _documents(folder: Path) -> Iterator[Path]:
    try:
        yield from sorted(p for p in folder.iterdir() if p.suffix.lower() in _ENDINGS and p.is_file())
    except OSError:
        return


def _is_contract(path: Path) -> bool:
    """Whether the beginning of a file says that it is an OpenAPI or Swagger document."""
    try:
        with path.open("rb") as stream:
            return _OPENAPI.search(stream.read(_HEAD).decode("utf-8", "replace")) is not None
    except OSError:
        return False

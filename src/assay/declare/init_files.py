"""`assay init` on disk and network: fetching a contract, and writing the first declaration beside it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import httpx

from assay.declare.contract import Contract, ReadLimits, parse_contract, read_contract
from assay.declare.init import draft
from assay.declare.init_data import slug
from assay.domain import IncompleteError, UsageError

_ACCEPT = "application/json, application/yaml;q=0.9, text/yaml;q=0.8, */*;q=0.5"


def fetch_contract(
    url: str, *, client: httpx.Client, limit: int = ReadLimits().file_bytes, timeout: float = 30
) -> bytes:
    """The document at an http or https URL.

    Args:
        limit: most bytes to take, after decompression.
        timeout: seconds without an answer after which to give up.

    Raises:
        UsageError: not such a URL, or no document there.
        IncompleteError: the server cannot be reached, or answers with an error of its own.
    """
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL("")
    if parsed.scheme not in ("http", "https") or not parsed.host or "%" in parsed.host:
        raise UsageError(f"`{_shown(parsed) or url}` is no http or https URL.", fix="give a URL or the path of a file")
    shown = _shown(parsed)
    data = bytearray()
    try:
        with client.stream(
            "GET", parsed, headers={"accept": _ACCEPT}, timeout=timeout, follow_redirects=True
        ) as response:
            _judge(response, shown)
            for chunk in response.iter_bytes():
                data += chunk
                if len(data) > limit:
                    raise UsageError(
                        f"The document at {shown} is larger than {limit // 1024 // 1024} MiB.",
                        fix="save it, leave out examples, and give the file",
                    )
    except httpx.TimeoutException as error:
        raise IncompleteError(
            f"{shown} did not answer within {timeout:g} seconds.", fix="check that the service runs, then try again"
        ) from error
    except httpx.TransportError as error:
        raise IncompleteError(
            f"{shown} cannot be reached: {_reason(error)}.", fix="check the address, and that the service runs"
        ) from error
    except (httpx.TooManyRedirects, httpx.DecodingError) as error:
        raise UsageError(
            f"{shown} gives no document that can be read: {_reason(error)}.", fix="give the document's own URL"
        ) from error
    if not data.strip():
        raise UsageError(f"The document at {shown} is empty.", fix="give the URL of an OpenAPI document")
    return bytes(data)


def _judge(response: httpx.Response, shown: str) -> None:
    status = response.status_code
    if status in (401, 403):
        raise UsageError(
            f"{shown} asks for credentials (status {status}).", fix="download the document yourself and give the file"
        )
    if status >= 500:
        raise IncompleteError(
            f"{shown} answered with status {status}.", fix="see why the service fails, then try again"
        )
    if status != 200:
        raise UsageError(
            f"There is no document at {shown} (status {status}).", fix="give the URL of the OpenAPI document"
        )
    if response.headers.get("content-type", "").partition(";")[0].strip().lower() == "text/html":
        raise UsageError(
            f"{shown} is a web page, not an OpenAPI document.",
            fix="give the URL of the document that the page shows, often /openapi.json or /swagger.json",
        )


def _shown(url: httpx.URL) -> str:
    """The URL without credentials and query, in which tokens travel."""
    return str(url.copy_with(username=None, password=None, query=None, fragment=None)) if url.host else ""


def _reason(error: Exception) -> str:
    return (str(error).partition("\n")[0] or type(error).__name__).rstrip(".").lower()


def write_init(
    directory: Path,
    *,
    contract: Path | bytes,
    upstream: str | None = None,
    name: str | None = None,
    listen: str = "127.0.0.1:8443",
    force: bool = False,
) -> tuple[Path, ...]:
    """Write a first declaration into ``directory``, which is made if needed.

    Args:
        contract: a file, which is copied to `openapi/` unless it lies in the directory already; or a fetched
            document, which is saved as `openapi/NAME.json` or `.yaml`.
        force: overwrite what is there.

    Returns:
        The files that were written.

    Raises:
        UsageError: files of those names exist already, or the upstream is missing.
        DeclarationError: the contract cannot be read.
        IncompleteError: the disk refused.
    """
    files: dict[Path, bytes] = {}
    if isinstance(contract, bytes):
        suffix = "json" if contract.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{" else "yaml"
        read = parse_contract(contract, name=f"openapi/{slug(name or '', 'api')}.{suffix}")
        path = f"openapi/{slug(name or read.title, 'api')}.{suffix}"
        files[directory / path] = contract
    else:
        inside = _relative(contract, directory)
        path = inside or f"openapi/{contract.name}"
        read = read_contract(contract, name=inside or contract.name)
        if inside is None:
            files |= _copies(contract, read, directory / "openapi")
            read = read_contract(contract, name=path)
    files[directory / "assay.yaml"] = draft(
        read, contract_path=path, upstream=upstream, name=name, listen=listen
    ).encode("utf-8")
    existing = [file for file in files if file.exists()]
    if existing and not force:
        names = ", ".join(str(file) for file in existing)
        raise UsageError(f"Already there: {names}.", fix="choose another directory, or overwrite with --force")
    for file, data in files.items():
        _write(file, data)
    return tuple(files)


def _relative(contract: Path, directory: Path) -> str | None:
    """The contract's path inside the directory, or None if it lies elsewhere."""
    here, there = directory.resolve(), contract.resolve()
    return there.relative_to(here).as_posix() if there.is_relative_to(here) else None


def _copies(contract: Path, read: Contract, target: Path) -> dict[Path, bytes]:
    """The contract's documents, as they are, at the same places below ``target``."""
    try:
        return {target / name: (contract.parent / name).read_bytes() for name in read.documents.parsed()}
    except OSError as error:
        raise IncompleteError(
            f"{contract} cannot be read again.", fix="see that nobody changes it meanwhile"
        ) from error


def _write(file: Path, data: bytes) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=file.parent, prefix=f".{file.name}.", delete=False) as new:
            temporary = Path(new.name)
            new.write(data)
            new.flush()
            os.fsync(new.fileno())
        temporary.chmod(0o644)
        temporary.replace(file)
    except OSError as error:
        raise IncompleteError(
            f"{file} cannot be written: {(error.strerror or 'the disk refused').lower()}.",
            fix="make the directory writable, or choose another",
        ) from error

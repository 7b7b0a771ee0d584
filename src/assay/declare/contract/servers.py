"""Servers and the base path they imply."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from assay.declare.contract.context import Context, child, items
from assay.declare.contract.documents import Resolved
from assay.domain import Severity

_VARIABLE = re.compile(r"\{([^{}]+)\}")


def read_servers(context: Context, root: Resolved) -> tuple[tuple[str, ...], str]:
    """URLs of an OpenAPI 3 document with variables replaced by their defaults, and the path of the first."""
    urls: list[str] = []
    for item in items(child(root, "servers"), context.sequence(root, "servers")):
        if not isinstance(item.value, dict):
            context.wrong_type(item, "a mapping")
            continue
        url = context.text(item, "url")
        if url is not None:
            urls.append(_filled(context, item, url))
    paths = [base_path(url) for url in urls]
    return tuple(urls), _first(context, child(root, "servers"), paths)


def read_hosts(context: Context, root: Resolved) -> tuple[tuple[str, ...], str]:
    """The same of a Swagger 2.0 document: ``schemes``, ``host`` and ``basePath``."""
    path = context.text(root, "basePath") or ""
    path = "/" + path.strip("/") if path.strip("/") else ""
    host = context.text(root, "host") or ""
    schemes = [s for s in context.sequence(root, "schemes") if isinstance(s, str)] or ["https"]
    urls = tuple(f"{scheme}://{host}{path}" for scheme in schemes) if host else ((path,) if path else ())
    return urls, _checked(context, child(root, "basePath"), path)


def base_path(url: str) -> str:
    """The path of a URL without its trailing slash; empty if there is none or the URL cannot be understood."""
    try:
        path = urlsplit(url).path
    except ValueError:
        return ""
    # A variable whose default begins with a slash leaves two in a row, which the gateway would merge in every request.
    path = re.sub("/{2,}", "/", path).rstrip("/")
    return path if not path or path.startswith("/") else "/" + path


def _filled(context: Context, server: Resolved, url: str) -> str:
    variables = context.mapping(server, "variables")

    def default(found: re.Match[str]) -> str:
        variable = variables.get(found[1])
        value = variable.get("default") if isinstance(variable, dict) else None
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            return str(value)
        context.note(
            "server-variable-without-default",
            server,
            f"the server variable `{found[1]}` has no default",
            fix="give it one",
        )
        return found[0]

    return _VARIABLE.sub(default, url)


def _first(context: Context, at: Resolved, paths: list[str]) -> str:
    if not paths:
        return ""
    others = [p for p in dict.fromkeys(paths) if p != paths[0]]
    if others:
        context.note(
            "several-base-paths",
            at,
            f"the servers have different paths (`{paths[0]}`, `{others[0]}`…); only the first is served",
            severity=Severity.MEDIUM,
            fix="put the server that is meant first",
        )
    return _checked(context, at, paths[0])


def _checked(context: Context, at: Resolved, path: str) -> str:
    if _VARIABLE.search(path) or any(step in (".", "..") for step in path.split("/")):
        context.note(
            "unusable-base-path",
            at,
            f"`{path}` cannot be served as it stands, so no base path is assumed",
            severity=Severity.MEDIUM,
            fix="give the server a plain path",
        )
        return ""
    return path

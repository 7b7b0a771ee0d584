"""The one way in which services of the zoo call out: to this machine, and to nobody else, whatever they are told."""

from __future__ import annotations

import http.client
import urllib.request
from typing import IO, Any
from urllib.parse import urlsplit

_HOSTS = ("127.0.0.1", "localhost")
_SECONDS = 2.0
_MOST_BYTES = 65_536


def fetched(url: str) -> bytes:
    """What is at an address of this machine; redirects are followed if they stay on it.

    Raises:
        ValueError: the address is elsewhere, or not ``http``.
        OSError: nothing answers there.
    """
    _check(url)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Redirects())
    try:
        with opener.open(url, timeout=_SECONDS) as answer:
            return bytes(answer.read(_MOST_BYTES))
    except http.client.HTTPException as error:
        raise OSError(str(error)) from error


def _check(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname not in _HOSTS:
        raise ValueError("the zoo calls nobody but this machine")


class _Redirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        _check(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)

"""What surrounds every operation: TRACE, preflights, CORS, security headers, banners."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from tests.zoo.flaws import Switches
from tests.zoo.kit.model import Problem

HEADER_BYTES = 16_384
_HARDENING = {
    "x-content-type-options": "nosniff",
    "strict-transport-security": "max-age=31536000",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
}


def allowed_origin(service: str) -> str:
    """The one origin whose pages may call a service with credentials."""
    return f"https://{service}.example.test"


class Outside:
    """What happens before and after the service proper."""

    def __init__(self, service: str, flaws: Switches) -> None:
        self._origin, self._flaws = allowed_origin(service), flaws

    def before(self, request: Request) -> Response | None:
        """The answer to a preflight, to too many headers, or to TRACE where that is on; None: go on."""
        size = sum(len(name) + len(value) for name, value in request.headers.raw)
        if size > HEADER_BYTES and "no-header-limit" not in self._flaws:
            raise Problem(431, "Request Header Fields Too Large")
        if request.method == "TRACE" and "trace-enabled" in self._flaws:
            lines = [f"TRACE {request.url.path} HTTP/1.1", *(f"{k}: {v}" for k, v in request.headers.items())]
            return Response("\r\n".join(lines), media_type="message/http")
        if request.method == "OPTIONS" and "access-control-request-method" in request.headers:
            response = Response(status_code=204)
            if self._is_allowed(request.headers.get("origin", "")):
                response.headers["access-control-allow-methods"] = "GET, POST, PUT, PATCH, DELETE"
                response.headers["access-control-allow-headers"] = "authorization, content-type"
                response.headers["access-control-max-age"] = "600"
            return response
        return None

    def after(self, request: Request, response: Response) -> None:
        """Adds what every answer carries."""
        if "missing-headers" not in self._flaws:
            for name, value in _HARDENING.items():
                response.headers[name] = value
        # The server in front of us names itself and its version unless we say something.
        response.headers["server"] = "api"
        if "banner" in self._flaws:
            response.headers["server"] = "nginx/1.14.0 (Ubuntu)"
            response.headers["x-powered-by"] = "Express 4.16.1"
        origin = request.headers.get("origin", "")
        response.headers["vary"] = "origin"
        if origin and self._is_allowed(origin):
            response.headers["access-control-allow-origin"] = origin
            response.headers["access-control-allow-credentials"] = "true"

    def _is_allowed(self, origin: str) -> bool:
        return (
            origin == self._origin
            or "cors-reflection" in self._flaws
            or ("cors-null" in self._flaws and origin == "null")
            or ("cors-suffix" in self._flaws and origin.endswith(self._origin.removeprefix("https://")))
        )

"""What the inspector decides about a request, and how it says so over HTTP.

Nothing here ever contains a value that a client sent: a refusal names the parameter or JSON pointer and the rule of the
contract that was broken. Names that a client chose are shown only when they look like ordinary identifiers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from assay.domain import AssayError

OBSERVE: Final = "observe"
ALLOW: Final = "allow"
DENY: Final = "deny"

_TITLES: Final = {
    400: "The request does not match the API's contract",
    401: "The credential is not valid",
    403: "The request was refused",
    413: "The request body is too large",
    415: "The media type is not accepted",
    503: "The request could not be checked",
}
_SAFE_NAME: Final = re.compile(r"[A-Za-z0-9_.\-]{1,64}", re.ASCII)
_UNSAFE_IN_HEADER: Final = re.compile(r"[^\x20-\x7e]")


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome for one request.

    Attributes:
        status: 200 when the request may pass, else the status for the client.
        outcome: ``allow``, ``observe`` (would have been refused, but the piece only observes) or ``deny``.
        policy: which rule decided, such as ``input_validation/body-schema``; empty for a plain ``allow``.
        detail: one sentence for the client's developer.
        reason: a few words for the log.
    """

    status: int
    outcome: str
    policy: str = ""
    detail: str = ""
    reason: str = ""

    @property
    def allowed(self) -> bool:
        """Whether the request may go on to the upstream."""
        return self.status == 200

    def observed(self) -> Decision:
        """The same finding of a piece that only observes: the request passes, the policy is recorded."""
        return Decision(200, OBSERVE, self.policy, self.detail, self.reason)


ALLOWED: Final = Decision(200, ALLOW)


class Refused(AssayError):
    """Raised inside the inspector when a request breaks a rule; :func:`.core.inspect` turns it into a decision."""

    def __init__(self, check: str, detail: str, *, reason: str = "", status: int = 400) -> None:
        super().__init__(detail)
        self.decision = Decision(status, DENY, f"input_validation/{check}", detail, reason or check)


def failure(reason: str) -> Decision:
    """The decision when a check could not be carried out: the request is refused, never passed."""
    return Decision(
        503,
        DENY,
        "input_validation/inspector-error",
        "The request could not be checked, so it was not passed on.",
        reason,
    )


def shown(name: str) -> str:
    """A name that a client chose, if it is fit to be repeated; else a placeholder."""
    return name if _SAFE_NAME.fullmatch(name) else "(name withheld)"


def pointer(path: Sequence[str | int]) -> str:
    """A JSON pointer (RFC 6901) whose parts are safe to show; the root is shown as ``/``."""
    parts = (str(p) if isinstance(p, int) else (p if _SAFE_NAME.fullmatch(p) else "*") for p in path)
    return "/" + "/".join(parts)


def headers(decision: Decision, digest: str) -> list[tuple[bytes, bytes]]:
    """The response headers that Envoy turns into metadata; ``digest`` names the bundle that was used."""
    found = [(b"x-assay-decision", decision.outcome.encode()), (b"x-assay-bundle", digest.encode())]
    if decision.policy:
        reason = _UNSAFE_IN_HEADER.sub("?", decision.reason)[:200]
        found += [(b"x-assay-policy", decision.policy.encode()), (b"x-assay-reason", reason.encode())]
    return found


def problem(decision: Decision, request_id: str = "") -> bytes:
    """The refusal as ``application/problem+json`` (RFC 9457); empty when the request passes.

    ``request_id`` finds the line of the access log. A client may have chosen it, so only an ordinary one is repeated.
    """
    if decision.allowed:
        return b""
    document = {
        "type": "about:blank",
        "title": _TITLES.get(decision.status, "The request was refused"),
        "status": decision.status,
        "detail": decision.detail,
        "policy": decision.policy,
    }
    if _SAFE_NAME.fullmatch(request_id):
        document["request_id"] = request_id
    return json.dumps(document, ensure_ascii=True).encode()

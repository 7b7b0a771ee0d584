"""Refusals, as problem documents (RFC 9457). They say which policy decided and never quote a body."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

import msgspec

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an exchange ends here. ``policy`` is the id that the access log shows."""

    status: int
    policy: str
    detail: str

    def body(self) -> bytes:
        """The problem document."""
        return problem(self.status, self.detail, self.policy)


def problem(status: int, detail: str, policy: str) -> bytes:
    """A problem document; ``status`` is an HTTP status code."""
    try:
        title = HTTPStatus(status).phrase
    except ValueError:
        title = "Error"
    return msgspec.json.encode(
        {"type": "about:blank", "title": title, "status": status, "detail": detail, "policy": policy}
    )


PROCESSOR_ERROR = Refusal(
    500, "data_exposure/processor-error", "The gateway could not apply the protection of this data."
)
UNKNOWN_OPERATION = Refusal(
    500, "data_exposure/unknown-operation", "The gateway has no data policy for this operation yet."
)
RESPONSE_NOT_JSON = Refusal(
    502, "data_exposure/response-not-json", "The service answered with something the gateway cannot mask."
)
RESPONSE_COMPRESSED = Refusal(
    502, "data_exposure/response-compressed", "The service compressed its answer although it was asked not to."
)
RESPONSE_PARTIAL = Refusal(
    502, "data_exposure/response-partial", "The service answered with a part of a document, which cannot be masked."
)
RESPONSE_TOO_LARGE = Refusal(
    502, "data_exposure/response-too-large", "The service's answer is larger than what the gateway masks."
)
CIPHERTEXT_INVALID = Refusal(
    502, "encryption_at_rest/ciphertext-invalid", "A stored value could not be decrypted, so nothing is shown."
)
REQUEST_MEDIA_TYPE = Refusal(
    415,
    "encryption_at_rest/request-media-type",
    "This operation stores encrypted fields, so its body must be plain JSON in UTF-8, neither compressed nor a patch"
    " list.",
)
REQUEST_NOT_JSON = Refusal(
    400, "encryption_at_rest/request-not-json", "The body is not valid JSON, or names a member twice."
)
REQUEST_TOO_LARGE = Refusal(
    413, "encryption_at_rest/request-too-large", "The body is larger than what the gateway encrypts."
)
QUERY_INVALID = Refusal(
    400, "encryption_at_rest/query-invalid", "The query string has an invalid escape or is not UTF-8."
)
GENERIC_ERROR_POLICY = "data_exposure/generic-error"
GENERIC_ERROR_DETAIL = "The service answered with an error; its details are withheld."

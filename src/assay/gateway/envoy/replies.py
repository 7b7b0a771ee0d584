"""What Envoy answers when it refuses: problem details (RFC 9457), the same shape everywhere, nothing internal."""

from __future__ import annotations

from assay.gateway.envoy.types import Json, typed

_PROBLEM = "application/problem+json"

_TITLES = {
    400: ("Bad request", "The request is not valid HTTP or was refused as malformed."),
    401: ("Unauthorized", "No accepted credential came with the request."),
    403: ("Forbidden", "The caller may not do this."),
    404: ("Not found", "The contract names no such operation."),
    405: ("Method not allowed", "The contract names this path, but not with this method."),
    410: ("Gone", "This version of the API was retired; it does not come back."),
    413: ("Content too large", "The request body is larger than this operation accepts."),
    415: ("Unsupported media type", "The operation does not accept this media type."),
    429: ("Too many requests", "The limit is reached; the RateLimit headers tell when to come back."),
    431: ("Request header fields too large", "The request carries too many or too large header fields."),
    500: ("Internal server error", "The service behind the gateway failed; what it said is not passed on."),
    501: ("Not implemented", "The service behind the gateway cannot do this."),
    502: ("Bad gateway", "The service behind the gateway gave no usable answer."),
    503: ("Service unavailable", "The request could not be checked or forwarded, so it was refused."),
    504: ("Gateway timeout", "The service behind the gateway did not answer in time."),
}


def problem(status: int) -> Json:
    """The body of a refusal with this status, as Envoy's JSON format."""
    title, detail = _TITLES[status]
    return {
        "type": "about:blank",
        "title": title,
        "status": "%RESPONSE_CODE%",
        "detail": detail,
        "request_id": "%REQ(X-REQUEST-ID)%",
    }


def _json(body: Json) -> Json:
    return {"json_format": body, "content_type": _PROBLEM}


def _status_is(status: int) -> Json:
    comparison = {"op": "EQ", "value": {"default_value": status, "runtime_key": f"assay.status.{status}"}}
    return {"status_code_filter": {"comparison": comparison}}


def _when(expression: str) -> Json:
    """A filter on what is known of the refusal, in the Common Expression Language."""
    return {
        "extension_filter": {
            "name": "envoy.access_loggers.extension_filters.cel",
            "typed_config": typed(
                "envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter", expression=expression
            ),
        }
    }


NO_CREDENTIAL = "no-accepted-credential"
"""Last part of the name of the policy that refuses callers who have proven nothing."""

UNDECLARED_BODY = "body-undeclared"
"""Last part of the name of the policy that refuses a body where none is declared."""

REALM = "assay"
"""What the challenge says is protected. Envoy would write the address that the caller asked for, its Host included."""

# Envoy answers 403 to a token for another audience; RFC 6750 §3.1 calls that an invalid token, which is 401.
_TOKEN_REFUSED = (
    "response.code_details.startsWith('jwt_authn_access_denied') && "
    "!response.code_details.startsWith('jwt_authn_access_denied{Jwt_is_missing')"
)
_UNPROVEN = (
    f"response.code_details.endsWith('/{NO_CREDENTIAL}]') || "
    "response.code_details.startsWith('jwt_authn_access_denied')"
)
# The inspector writes its own body. When it is away, its refusal is a 503 without one.
_INSPECTED = "response.code_details == 'ext_authz_denied' && response.code != 503"


def _unauthorised(expression: str, error: str = "") -> Json:
    """A refusal with a challenge that names an error only where a credential came (RFC 6750 §3.1)."""
    challenge = {
        "header": {"key": "www-authenticate", "value": f'Bearer realm="{REALM}"{error}'},
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    }
    return {
        "filter": _when(expression),
        "status_code": 401,
        "headers_to_add": [challenge],
        "body_format_override": _json(problem(401)),
    }


def replies() -> Json:
    """HttpConnectionManager.local_reply_config."""
    inspected = {
        "filter": _when(_INSPECTED),
        "body_format_override": {
            "text_format_source": {"inline_string": "%LOCAL_REPLY_BODY%"},
            "content_type": _PROBLEM,
        },
    }
    undeclared = {
        "filter": _when(f"response.code_details.endsWith('/{UNDECLARED_BODY}]')"),
        "status_code": 400,
        "body_format_override": _json(problem(400)),
    }
    statuses = [{"filter": _status_is(s), "body_format_override": _json(problem(s))} for s in sorted(_TITLES)]
    return {
        "mappers": [
            _unauthorised(_TOKEN_REFUSED, ', error="invalid_token"'),
            _unauthorised(_UNPROVEN),
            inspected,
            undeclared,
            *statuses,
        ],
        "body_format": _json({"type": "about:blank", "status": "%RESPONSE_CODE%", "request_id": "%REQ(X-REQUEST-ID)%"}),
    }

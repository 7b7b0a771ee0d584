"""The inspection of one request: a pure function that never raises and never passes what it could not check.

The order is from cheap to dear, and such that each step only sees what the one before has made safe:

1. methods that a header would change behind the gateway's back,
2. headers and cookies, 3. the query, 4. the body: size, encoding, media type, content, schema,
5. operator keys, then injection in the free texts that the steps before have found,
6. the core rule set, where it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from assay.gateway.inspector import body as bodies
from assay.gateway.inspector import injection
from assay.gateway.inspector.decision import ALLOWED, Decision, Refused, failure, shown
from assay.gateway.inspector.operation import Operation
from assay.gateway.inspector.parameters import check_cookies, check_headers
from assay.gateway.inspector.strict_json import Json

Headers = Sequence[tuple[bytes, bytes]]

_OVERRIDES: Final = frozenset((b"x-http-method-override", b"x-http-method", b"x-method-override", b"x-original-method"))
# Headers of HTTP itself, of browsers, of tracing and of the gateway: a closed operation accepts these besides its own.
_COMMON: Final = frozenset(
    b"""accept accept-charset accept-encoding accept-language access-control-request-headers
    access-control-request-method authorization baggage b3 cache-control connection content-encoding content-language
    content-length content-md5 content-type cookie date dnt dpop expect forwarded from host idempotency-key if-match
    if-modified-since if-none-match if-range if-unmodified-since keep-alive max-forwards origin pragma prefer priority
    proxy-connection range referer save-data te trace traceparent tracestate trailer transfer-encoding upgrade
    upgrade-insecure-requests user-agent via warning x-forwarded-client-cert x-forwarded-for x-forwarded-host
    x-forwarded-port x-forwarded-proto x-request-id x-requested-with digest content-digest signature
    signature-input""".split()
)
# Without one of these bytes no key can be an operator, however it is written: JSON escapes begin with a backslash and
# those of forms with a percent sign.
_OPERATOR_SIGNS: Final = (b"$", b"\\", b"%", b"__proto__")
_COMMON_PREFIXES: Final = (b"x-assay-", b"x-envoy-", b"sec-", b"x-b3-", b":")


def inspect(operation: Operation, method: str, path: str, query: bytes, headers: Headers, body: bytes) -> Decision:
    """The decision about a request.

    Args:
        operation: the compiled operation.
        method: the HTTP method.
        path: the path as it was sent; only the core rule set reads it.
        query: the raw query string, without ``?``.
        headers: names in lower case and values, as bytes, in order.
        body: the whole body.

    Returns:
        Allow, deny, or (for a piece that observes) what would have been denied. Anything unforeseen denies with
        ``input_validation/inspector-error``, also when the piece only observes: a check that fails to run is no
        observation.
    """
    try:
        _check(operation, method, path, query, headers, body)
    except Refused as refused:
        return refused.decision.observed() if operation.observe else refused.decision
    except Exception as error:  # noqa: BLE001 (fail closed: whatever it is, the request was not checked)
        return failure(f"{type(error).__name__} while inspecting")
    return ALLOWED


def _check(operation: Operation, method: str, path: str, query: bytes, headers: Headers, body: bytes) -> None:
    sent: dict[bytes, list[bytes]] = {}
    lookups: set[bytes] = set()
    for name, line in headers:
        if name in sent:
            sent[name].append(line)
        else:
            sent[name] = [line]
        if b"${" in line:
            lookups.add(name)
    texts: list[tuple[str, Json]] = []
    _check_overrides(operation, sent)
    if operation.closed_headers:
        _check_closed(operation, sent)
    if operation.headers:
        check_headers(operation.headers, sent, texts, max_depth=operation.max_depth)
    if operation.cookies:
        check_cookies(operation.cookies, sent.get(b"cookie", ()), texts, max_depth=operation.max_depth)
    operation.query.check(query, texts)
    value, operators = _check_body(operation, sent, body, texts)
    if operation.engine is not None:
        for name in sorted(lookups):
            label = f"header {shown(name.decode('latin-1'))}"
            texts.extend((label, line.decode("utf-8", "replace")) for line in sent[name])
        if isinstance(value, dict | list) and any(sign in body for sign in _OPERATOR_SIGNS):
            injection.check_keys(value, operators)
        if texts:
            injection.check(operation.engine, texts)
    if operation.core_rule_set is not None:
        uri = f"{path}?{query.decode('latin-1')}" if query else path
        operation.core_rule_set.check(method, uri, headers, body)


def _check_overrides(operation: Operation, sent: Mapping[bytes, list[bytes]]) -> None:
    for name in _OVERRIDES & sent.keys():
        if name not in operation.known_headers:
            raise Refused(
                "method-override",
                f"The header `{name.decode()}` would change the method and is not accepted.",
                reason="method override",
            )


def _check_closed(operation: Operation, sent: Mapping[bytes, list[bytes]]) -> None:
    for name in sent:
        if name not in _COMMON and name not in operation.known_headers and not name.startswith(_COMMON_PREFIXES):
            label = shown(name.decode("latin-1"))
            raise Refused(
                "header-undeclared",
                f"The header `{label}` is not declared by the contract.",
                reason=f"undeclared header {label}",
            )


def _check_body(
    operation: Operation, sent: Mapping[bytes, list[bytes]], body: bytes, texts: list[tuple[str, Json]]
) -> tuple[Json, frozenset[str]]:
    if body and not operation.bodies:
        raise Refused("body-undeclared", "The operation takes no request body.", reason="undeclared body")
    if b"true" in sent.get(b"x-envoy-auth-partial-body", ()) or len(body) > operation.body_bytes:
        raise Refused(
            "body-size", f"The body may have at most {operation.body_bytes} bytes.", reason="body too large", status=413
        )
    if not body:
        if operation.body_required:
            raise Refused("body-missing", "The operation needs a request body.", reason="no body")
        return None, frozenset()
    if any(line.strip().lower() not in (b"", b"identity") for line in sent.get(b"content-encoding", ())):
        raise Refused("content-encoding", "A compressed body is not accepted.", reason="content encoding", status=415)
    rule, media = bodies.select(operation.bodies, sent.get(b"content-type", []))
    value = bodies.check(
        rule, media, body, texts, max_depth=operation.max_depth, injection=operation.engine is not None
    )
    return value, rule.operators

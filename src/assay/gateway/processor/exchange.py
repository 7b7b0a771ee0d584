"""One HTTP exchange as a sequence of decisions: no sockets, no clock, no Envoy.

The server feeds it what arrives, in the order request headers, request body, response headers, response body (each only
if asked for), and carries out the :class:`Step` it gets back.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from assay.gateway.keysets import CiphertextError
from assay.gateway.processor import problems
from assay.gateway.processor.callers import Identity
from assay.gateway.processor.encryption import (
    FieldCipher,
    QueryError,
    Tally,
    decrypt_fields,
    encrypt_fields,
    encrypt_query,
)
from assay.gateway.processor.engine import Engine, Operation, View
from assay.gateway.processor.json_text import Json, NotJson, encode, parse
from assay.gateway.processor.masking import PROBLEM_MEMBERS, mask, prune
from assay.gateway.processor.paths import Counts, add_one, rewrite
from assay.gateway.processor.problems import Refusal

BodyMode = Literal["none", "buffered", "partial"]
"""``partial`` passes a body on that is larger than the buffer: only for observing."""

Headers = Mapping[str, str]
"""Lower-case names; repeated fields joined with ``, ``, so that a repeated media type is none we know."""

HEADERS_READ = frozenset({":path", ":method", ":status", "content-type", "content-encoding", "content-length"})

_JSON = re.compile(r"application/(?:[a-z0-9!#$&^_.-]+\+)?json")
_PATCH = "application/json-patch+json"
"""A list of changes (RFC 6902): its values are not where a document's fields are."""
_CHARSET = re.compile(r';\s*charset\s*=\s*"?([^";\s]*)"?', re.IGNORECASE)
_DIGESTS = ("content-md5", "digest", "content-digest", "repr-digest")
_VALIDATORS = (*_DIGESTS, "etag", "accept-ranges")
"""A digest or validator of the clear body would let a caller test guesses at what was masked."""
_CONDITIONS = ("if-none-match", "if-modified-since")
"""So would the service's answer to a condition: 304 says that the guess is right. Callers get no validators to ask
with, and a read without its condition is only answered in full."""
_READS = frozenset({"GET", "HEAD"})
_GUESSES = ("if-match", "if-unmodified-since")
"""On a read 412 says the same. A write keeps them: without its condition it would change what it must not."""


class Modes(msgspec.Struct, frozen=True):
    """What Envoy must still send in this exchange."""

    request_body: BodyMode = "none"
    response_headers: bool = False
    response_body: BodyMode = "none"


class Step(msgspec.Struct, frozen=True):
    """What to do with the message just seen.

    ``refusal`` ends the exchange. ``replace`` (on headers) puts ``body`` in place of one that is not read. ``report``
    becomes dynamic metadata: counts by field name and ids of policies, never values.
    """

    refusal: Refusal | None = None
    set_headers: tuple[tuple[str, str], ...] = ()
    remove_headers: tuple[str, ...] = ()
    body: bytes | None = None
    replace: bool = False
    modes: Modes | None = None
    report: Mapping[str, object] | None = None


CONTINUE: Final = Step()


class Exchange:
    """The state of one exchange. ``engine`` stays the same throughout, so that both halves obey one policy."""

    __slots__ = ("_identity", "_method", "_name", "_operation", "_status", "_view", "engine")

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._operation: Operation | None = None
        self._view: View | None = None
        self._identity = Identity()
        self._name = ""
        self._method = ""
        self._status = 200

    def renew(self, engine: Engine) -> None:
        """Go on with newer keys; the operation and the caller stay."""
        self.engine = engine
        self._operation = engine.operations.get(self._name)
        self._view = self._operation.view(self._identity) if self._operation is not None else None

    def request_headers(self, operation: str, identity: Identity, headers: Headers, *, ended: bool) -> Step:
        """The first message: decides what must be read, and encrypts lookups in the query.

        ``operation`` is the route's name, ``API/OPERATION``; ``ended`` says that there is no body.
        """
        found = self.engine.operations.get(operation)
        if found is None:
            return self._refuse(problems.UNKNOWN_OPERATION)
        view = found.view(identity)
        self._operation, self._view, self._name, self._identity = found, view, operation, identity
        self._method = headers.get(":method", "")
        changed: list[tuple[str, str]] = []
        removed: tuple[str, ...] = ()
        request_body: BodyMode = "none"
        report: Mapping[str, object] | None = None
        if found.lookups:
            tally = Tally()
            target = headers.get(":path", "")
            try:
                rewritten = encrypt_query(target, found.lookups, tally)
            except QueryError:
                return self._refuse(problems.QUERY_INVALID)
            if rewritten != target:
                changed.append((":path", rewritten))
                report = self._report(encrypted=tally.encrypted)
        if not ended and found.encrypt is not None:
            if not _plain_json(headers) or _media_type(headers.get("content-type", "")) == _PATCH:
                return self._refuse(problems.REQUEST_MEDIA_TYPE)
            request_body = "buffered"
            removed = _DIGESTS
        elif not ended and found.would_encrypt is not None:
            if _plain_json(headers):
                request_body = "partial"
            elif report is None:
                report = self._observed(problems.REQUEST_MEDIA_TYPE.policy)
        conceals = view.enforced and (view.masks is not None or view.known is not None)
        step = _asking(
            request_body,
            self._response_mode(view),
            headers=self._wants_response(found, view),
            reads=view.reads,
            conceals=conceals,
            guesses=self._method in _READS,
        )
        if not changed and not removed and report is None:
            return step
        return Step(
            set_headers=(*changed, *step.set_headers),
            remove_headers=(*removed, *step.remove_headers),
            modes=step.modes,
            report=report,
        )

    def request_body(self, body: bytes) -> Step:
        """The whole request body: its protected fields are encrypted."""
        operation = self._operation
        if operation is None:
            return self._refuse(problems.PROCESSOR_ERROR)
        if not body:
            return CONTINUE
        if len(body) > self.engine.body_bytes:
            return self._unless_observing(operation.encrypt is None, problems.REQUEST_TOO_LARGE)
        tally = Tally()
        would: Counts = {}
        try:
            value = parse(body)
            if operation.encrypt is not None:
                value = encrypt_fields(value, operation.encrypt, tally)
            if operation.would_encrypt is not None:
                value = rewrite(value, operation.would_encrypt, lambda leaf, found: _count(would, leaf, found))
            changed = encode(value) if tally.encrypted else None
        except (NotJson, RecursionError):
            return self._unless_observing(operation.encrypt is None, problems.REQUEST_NOT_JSON)
        if changed is None:
            return Step(report=self._observed("encryption_at_rest/fields", encrypted=would)) if would else CONTINUE
        report = self._report(encrypted=tally.encrypted)
        return Step(body=changed, set_headers=(("content-length", str(len(changed))),), report=report)

    def response_headers(self, headers: Headers, *, ended: bool) -> Step:
        """The response's headers: decides whether its body can be read, and replaces one that cannot.

        Without a request before it, the response is Envoy's own refusal, made before this filter saw the request: no
        service was asked, so there is nothing to protect.
        """
        operation, view = self._operation, self._view
        if operation is None or view is None:
            return CONTINUE
        status, refusal = _readable(
            *(headers.get(name, "") for name in (":status", "content-type", "content-encoding"))
        )
        self._status = status
        if status in operation.generic_errors:
            return self._generic(status)
        report = self._observed(problems.GENERIC_ERROR_POLICY) if status in operation.would_be_generic else None
        passed = CONTINUE if report is None else Step(report=report)
        if not view.reads:
            return passed
        if ended or headers.get("content-length") == "0":
            # The length and validators of a body that HEAD, 204 or 304 leave out are those of the clear one.
            length = ("content-length",) if self._method == "HEAD" else ()
            hidden = (*length, *_VALIDATORS) if view.enforced else ()
            return Step(remove_headers=hidden, report=report)
        if refusal is None:
            return passed
        if self._only_observes(operation, view):
            return Step(report=self._observed(refusal.policy), modes=Modes())
        return self._generic(status) if status >= 300 else self._refuse(refusal)

    def response_body(self, body: bytes) -> Step:
        """The whole response body: ciphertexts are opened, then the caller's masks applied.

        Raises:
            CiphertextError: a ciphertext does not open. Try again after :meth:`renew` if the keys have changed since;
                otherwise carry out :meth:`undecipherable`.
        """
        operation, view = self._operation, self._view
        if operation is None or view is None:
            return self._refuse(problems.PROCESSOR_ERROR)
        if not body:
            return CONTINUE
        if len(body) > self.engine.body_bytes:
            return self._unless_observing(self._only_observes(operation, view), problems.RESPONSE_TOO_LARGE)
        tally = Tally()
        counts: Counts = {}
        try:
            value = parse(body)
            if operation.decrypt is not None:
                value = self._decrypt(operation, value, tally)
            # Before masks that only observe: they count on this very value.
            shown = encode(value) if tally.decrypted and not view.enforced else None
            value = self._conceal(view, value, counts)
            if view.enforced and (counts or tally.decrypted):
                shown = encode(value)
        except (NotJson, RecursionError):
            if self._only_observes(operation, view):
                return Step(report=self._observed(problems.RESPONSE_NOT_JSON.policy))
            return self._generic(self._status) if self._status >= 300 else self._refuse(problems.RESPONSE_NOT_JSON)
        report = self._response_report(view, tally, counts)
        if shown is None:
            return Step(report=report)
        length = ("content-length", str(len(shown)))
        return Step(body=shown, set_headers=(length,), remove_headers=_VALIDATORS, report=report)

    def undecipherable(self) -> Step:
        """What to do about a response body with a ciphertext that does not open: nothing of it is shown."""
        return self._refuse(problems.CIPHERTEXT_INVALID)

    def _decrypt(self, operation: Operation, value: Json, tally: Tally) -> Json:
        if operation.decrypt is None:
            return value
        policy = self.engine.plaintext if operation.decrypt_enforced else "pass"
        return decrypt_fields(value, operation.decrypt, tally, plaintext=policy)

    def _conceal(self, view: View, value: Json, counts: Counts) -> Json:
        if view.known is not None:
            value = prune(value, view.known, counts, allow=PROBLEM_MEMBERS if self._status >= 400 else ())
        return value if view.masks is None else mask(value, view.masks, counts)

    @staticmethod
    def _wants_response(operation: Operation, view: View) -> bool:
        return view.reads or bool(operation.generic_errors or operation.would_be_generic)

    def _response_mode(self, view: View) -> BodyMode:
        if not view.reads:
            return "none"
        operation = self._operation
        return "partial" if operation is not None and self._only_observes(operation, view) else "buffered"

    @staticmethod
    def _only_observes(operation: Operation, view: View) -> bool:
        """Whether a response that cannot be read may pass: nothing in it is enforced for this caller."""
        masks = view.masks is not None or view.known is not None
        return not (masks and view.enforced) and operation.decrypt is None

    def _generic(self, status: int) -> Step:
        """A generic body in place of the service's own; status and the other headers stay."""
        body = problems.problem(status, problems.GENERIC_ERROR_DETAIL, problems.GENERIC_ERROR_POLICY)
        return Step(
            body=body,
            replace=True,
            set_headers=(("content-type", problems.MEDIA_TYPE), ("content-length", str(len(body)))),
            remove_headers=("content-encoding", "transfer-encoding", *_VALIDATORS),
            report=self._report(problems.GENERIC_ERROR_POLICY),
        )

    def _unless_observing(self, observing: bool, refusal: Refusal) -> Step:
        return Step(report=self._observed(refusal.policy)) if observing else self._refuse(refusal)

    def _refuse(self, refusal: Refusal) -> Step:
        return Step(refusal=refusal, report={**self._report(refusal.policy), "decision": "refuse"})

    def _observed(self, policy: str, **counts: Counts) -> dict[str, object]:
        return {**self._report(policy, **counts), "decision": "observe"}

    def _report(self, policy: str = "encryption_at_rest/fields", **counts: Counts) -> dict[str, object]:
        tallies = {name: counter for name, counter in counts.items() if counter}
        return {"decision": "enforce", "policy": policy, **tallies}

    def _response_report(self, view: View, tally: Tally, counts: Counts) -> Mapping[str, object] | None:
        if not (counts or tally.decrypted or tally.plaintext):
            return None
        policy = "data_exposure/masking" if counts else "encryption_at_rest/fields"
        report = self._report(policy, masked=counts, decrypted=tally.decrypted, plaintext=tally.plaintext)
        return {**report, "decision": "observe"} if counts and not view.enforced else report


def _count(counts: Counts, leaf: FieldCipher, found: Json) -> Json:
    if found is not None:
        add_one(counts, leaf.name)
    return found


@functools.lru_cache(maxsize=256)
def _asking(
    request_body: BodyMode, response_body: BodyMode, *, headers: bool, reads: bool, conceals: bool, guesses: bool
) -> Step:
    """What to ask of Envoy and the service so that the response can be read, and tells nothing by the way."""
    removed: tuple[str, ...] = ("range", "if-range") if reads else ()
    if reads and conceals:
        removed += (*_CONDITIONS, *_GUESSES) if guesses else _CONDITIONS
    return Step(
        set_headers=(("accept-encoding", "identity"),) if reads else (),
        remove_headers=removed,
        modes=Modes(request_body, headers, response_body),
    )


@functools.lru_cache(maxsize=256)
def _readable(status: str, content_type: str, encoding: str) -> tuple[int, Refusal | None]:
    """The status as a number, and why a body with these headers cannot be read, if it cannot."""
    number = int(status) if status.isascii() and status.isdigit() and len(status) == 3 else 500
    if not _is_plain(encoding):
        return number, problems.RESPONSE_COMPRESSED
    if not _is_json(content_type):
        return number, problems.RESPONSE_NOT_JSON
    return number, problems.RESPONSE_PARTIAL if number == 206 else None


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


@functools.lru_cache(maxsize=256)
def _is_json(content_type: str) -> bool:
    """Whether it is a JSON media type in UTF-8, the only charset JSON has (RFC 8259 §8.1)."""
    charset = _CHARSET.search(content_type)
    return _JSON.fullmatch(_media_type(content_type)) is not None and (
        charset is None or charset[1].lower() in ("utf-8", "utf8")
    )


def _is_plain(encoding: str) -> bool:
    return encoding.strip().lower() in ("", "identity")


def _plain_json(headers: Headers) -> bool:
    """Whether the headers promise an uncompressed JSON text."""
    return _is_plain(headers.get("content-encoding", "")) and _is_json(headers.get("content-type", ""))


__all__ = ["CONTINUE", "HEADERS_READ", "BodyMode", "CiphertextError", "Exchange", "Headers", "Modes", "Step"]

"""What may be kept of an exchange: no secret of the run, no credential, and no more than fits."""

from __future__ import annotations

from collections.abc import Callable

from assay.domain import Secret
from assay.evidence.redact import HEADERS, Scrubber
from assay.prove.spoken import unsaid

KEPT_BYTES = 4096
_LOOKED_AT = 64 * 1024
_LONGEST_SECRET = 8192
_SHORT = 200
_REMEMBERED = 10_000
"""Most headers say the same in every answer."""
_MASKED = "[redacted]"


class Redaction:
    """Takes the run's secrets out of texts, as they become known.

    Args:
        secrets: every secret so far; asked again each time.
        further: a last pass of the caller's own over every text.
    """

    def __init__(
        self, secrets: Callable[[], frozenset[str]], further: Callable[[str], str] = lambda text: text
    ) -> None:
        self._secrets, self._further = secrets, further
        self._known: frozenset[str] = frozenset()
        self._count = 0
        self._short: dict[str, str] = {}
        self._scrubber = Scrubber()

    def text(self, text: str) -> str:
        """The text without secrets."""
        scrubber = self._current()
        found = self._short.get(text)
        if found is None:
            scrubbed = scrubber.redact(text.encode("utf-8", "replace")).decode("utf-8", "replace")
            found = self._further(unsaid(scrubbed))
            if len(text) <= _SHORT and len(self._short) < _REMEMBERED:
                self._short[text] = found
        return found

    def body(self, content: bytes | None) -> str:
        """The first 4 KiB of a body without secrets. What is not UTF-8 is replaced."""
        if not content:
            return ""
        found = self.text(content[:_LOOKED_AT].decode("utf-8", "replace"))
        if len(content) > _LOOKED_AT:
            # A secret that the cut went through would not have been recognised.
            found = found[: max(0, len(found) - _LONGEST_SECRET)]
        return found if len(found) <= KEPT_BYTES else found[:KEPT_BYTES] + "…"

    def header(self, name: str, value: str) -> str:
        """A header's value without secrets; nothing of it where the header is for credentials."""
        return _MASKED if name.lower() in HEADERS else self.text(value)

    def _current(self) -> Scrubber:
        secrets = self._secrets()
        if len(secrets) != self._count:  # they only grow
            self._count = len(secrets)
            # Tokens are known by their form; looking for each of a thousand of them would take longer than the run.
            found = frozenset(secret for secret in secrets if not secret.startswith("eyJ"))
            if found != self._known:
                self._short.clear()
                self._known, self._scrubber = found, Scrubber(Secret(secret) for secret in found)
        return self._scrubber

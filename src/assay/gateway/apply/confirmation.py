"""Whether Envoy took what was written: versions, counters and the resources themselves, read back."""

from __future__ import annotations

import asyncio
import itertools
import re
from dataclasses import dataclass
from pathlib import Path

import msgspec

from assay.domain import IncompleteError
from assay.gateway.apply.admin import Admin, Subscriptions
from assay.gateway.apply.readback import differences, digest, read_back
from assay.gateway.apply.validation import shorten
from assay.gateway.envoy import Configuration
from assay.gateway.state import LIVE_ORDER

_SETTLE = 0.15
"""Seconds between the sight of a refusal and its judgement: replacing one file makes Envoy read all of them again."""

_PER_BYTE = 3.0 / (1 << 20)
"""Seconds of patience for each byte of configuration: Envoy reads a megabyte of routes in about half a second, up to
once for each file that is replaced."""

_ENTRY = re.compile(r"(?m)^\[\d{4}-")


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Envoy runs exactly what was written. ``readback`` is the digest of what it showed."""

    readback: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """Envoy refused an update and kept what it had.

    Attributes:
        file: the file refused.
        resource: the resource at fault, as far as Envoy tells.
        reason: Envoy's own, shortened.
    """

    file: str
    resource: str
    reason: str

    @property
    def sentence(self) -> str:
        """What happened, for a person."""
        named = f" because of `{self.resource}`" if self.resource else ""
        return f"Envoy refused {self.file}{named}: {self.reason}"


async def confirm(
    configuration: Configuration,
    admin: Admin,
    *,
    before: Subscriptions,
    log: Path,
    log_offset: int,
    within: float,
    poll: float = 0.03,
) -> Confirmed | Rejected:
    """Waits until Envoy has taken or refused what was written.

    Args:
        configuration: what was written.
        admin: the running Envoy.
        before: its counters just before.
        log: Envoy's log, and how long it was before: reasons that the administration interface does not keep are there.
        log_offset: see ``log``.
        within: seconds; large configurations get more.
        poll: seconds between looks.

    Raises:
        IncompleteError: neither in time. Nothing is claimed then.
    """
    within = patience(configuration, within)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    patient = Admin(admin.socket, timeout=max(admin.timeout, within))
    missing = ""
    while True:
        try:
            found = await _look(configuration, patient, before, log, log_offset)
        except IncompleteError as error:
            # Envoy answers nothing while it works in a large update, or while it is being started again.
            found = error.sentence
        if not isinstance(found, str):
            return found
        missing = found
        if loop.time() >= deadline:
            raise IncompleteError(
                f"Envoy neither took nor refused the configuration within {within:.0f} s: {missing}",
                fix="what was live before is live again; look at Envoy's log, then apply again",
            )
        await asyncio.sleep(poll)


def patience(configuration: Configuration, within: float) -> float:
    """Seconds to allow for an update, from those for a small one."""
    return within + _PER_BYTE * sum(len(msgspec.json.encode(content)) for content in configuration.files.values())


async def _look(
    configuration: Configuration, admin: Admin, before: Subscriptions, log: Path, log_offset: int
) -> Confirmed | Rejected | str:
    """One look: the outcome, or what is still missing."""
    now = await admin.subscriptions()
    behind = _behind(configuration, now)
    wrong: list[str] = []
    if not behind:
        running = await read_back(admin)
        wrong = differences(configuration, running)
        if not wrong:
            return Confirmed(digest(running))
    if _refused(before, now, behind):
        await asyncio.sleep(_SETTLE)
        now = await admin.subscriptions()
        refused = _refused(before, now, _behind(configuration, now))
        if refused:
            return await _why(admin, refused, log, log_offset)
    if behind:
        return f"it does not run the new {', '.join(behind)}"
    return wrong[0] + (f" and {len(wrong) - 1} more" if len(wrong) > 1 else "")


def _behind(configuration: Configuration, now: Subscriptions) -> list[str]:
    return [f for f in LIVE_ORDER if now.of(f).version != configuration.files[f]["version_info"]]


def _refused(before: Subscriptions, now: Subscriptions, behind: list[str]) -> str | None:
    """The file that Envoy refused since ``before`` and does not run, if there is one."""
    for file in behind:
        then, since = before.of(file), now.of(file)
        if since.rejected > then.rejected or since.failed > then.failed:
            return file
    return "lds.json" if now.create_failures > before.create_failures else None


async def _why(admin: Admin, file: str, log: Path, offset: int) -> Rejected:
    resource, reason = "", ""
    if file == "lds.json":
        for entry in await admin.dump("dynamic_listeners"):
            state = entry.get("error_state")
            if state:
                failed = state.get("failed_configuration") or {}
                resource = entry.get("name") or failed.get("name", "")
                reason = shorten(state.get("details", ""))
    logged = last_refusal(log, offset)
    if not reason:
        reason = shorten(logged) if logged else "it gives no reason"
    if not resource:
        resource = _named(logged)
    return Rejected(file, resource, reason)


def last_refusal(log: Path, offset: int = 0) -> str:
    """Envoy's last complaint about a watched file in its log after ``offset`` bytes; empty when there is none."""
    try:
        with log.open("rb") as file:
            file.seek(offset)
            text = file.read(8 << 20).decode("utf-8", "replace")
    except OSError:
        return ""
    starts = [m.start() for m in _ENTRY.finditer(text)] + [len(text)]
    entries = [text[a:b] for a, b in itertools.pairwise(starts)]
    refusals = [e for e in entries if "config update rejected" in e or "config update failure" in e]
    if not refusals:
        return ""
    _, _, reason = re.split(r"(config update (?:rejected|failure): )", refusals[-1], maxsplit=1)
    return reason.strip()


def _named(reason: str) -> str:
    found = re.search(
        r"(?m)^\s*name: \"([^\"]+)\"|(?:cluster|listener|route)(?:s|\(s\))? '?([A-Za-z0-9_./-]+)'?:", reason
    )
    return (found[1] or found[2] or "") if found else ""

"""What happens while the gateway runs, as values: the terminal, the logs and programs all consume the same."""

from __future__ import annotations

import re
import signal
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events."""

    @property
    def kind(self) -> str:
        """The event's name in JSON: ``part-ready``."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(self).__name__).lower()

    @property
    def sentence(self) -> str:
        """What happened, for a person."""
        raise AssertionError("every event has its own sentence")

    def as_json(self) -> dict[str, object]:
        """The published shape (version 1)."""
        return {"event": self.kind, **asdict(self), "sentence": self.sentence}


@dataclass(frozen=True, slots=True)
class PartStarting(Event):
    """A process is being started."""

    part: str

    @property
    def sentence(self) -> str:
        """What happened, for a person."""
        return f"{self.part} is starting"


@dataclass(frozen=True, slots=True)
class PartReady(Event):
    """A process does its work."""

    part: str
    pid: int
    after_s: float

    @property
    def sentence(self) -> str:
        """What happened, for a person."""
        return f"{self.part} is ready (process {self.pid}, after {self.after_s:.1f} s)"


@dataclass(frozen=True, slots=True)
class PartUnresponsive(Event):
    """A process lives and does not do its work."""

    part: str
    pid: int

    @property
    def sentence(self) -> str:
        """What happened, for a person."""
        return f"{self.part} does not answer (process {self.pid})"


@dataclass(frozen=True, slots=True)
class PartExited(Event):
    """A process ended that nobody told to end. ``code`` is its exit code, or ``signal`` what killed it."""

    part: str
    code: int | None
    signal: str | None
    after_s: float

    @property
    def sentence(self) -> str:
        """What happened, for a person."""
        how = f"was killed by {self.signal}" if self.signal else f"ended with exit code {self.code}"
        return f"{self.part} {how} after {self.after_s:.1f} s"


@dataclass(frozen=True, slots=True)
class PartRestarting(Event):
    """A process that ended will be started again."""

    part: str
    in_s: float
    restarts: int

    @property
    def sentence(self) -> str:
        """What happened, for a person."""
        return f"{self.part} starts again in {self.in_s:g} s (restart {self.restarts})"


@dataclass(frozen=True, slots=True)
class PartFailing(Event):
    """A process keeps ending: something is wrong that starting it again will not mend."""

    part: str
    exits: int
    within_s: float
    last_words: str

    @property
    def sentence(self) -> str:
        """What happened, for a person."""
        said = f"; it said: {self.last_words}" if self.last_words else ""
        return f"{self.part} ended {self.exits} times within {self.within_s:g} s{said}"


@dataclass(frozen=True, slots=True)
class PartStopped(Event):
    """A process ended because it was told to. ``forced`` when it had to be killed."""

    part: str
    forced: bool

    @property
    def sentence(self) -> str:
        """What happened, for a person."""
        return f"{self.part} {'did not stop and was killed' if self.forced else 'has stopped'}"


@dataclass(frozen=True, slots=True)
class ConfigurationApplied(Event):
    """Envoy was seen to run a configuration."""

    number: int
    configuration: str

    @property
    def sentence(self) -> str:
        """What happened, for a person."""
        return f"version {self.number} is live and confirmed (configuration {self.configuration})"


@dataclass(frozen=True, slots=True)
class ConfigurationRejected(Event):
    """Envoy refused a configuration, or it could not be confirmed; ``reason`` is a sentence."""

    reason: str

    @property
    def sentence(self) -> str:
        """What happened, for a person."""
        return self.reason


@dataclass(frozen=True, slots=True)
class EvidenceNotKept(Event):
    """Something happened of which no evidence could be written."""

    reason: str

    @property
    def sentence(self) -> str:
        """What happened, for a person."""
        return f"no evidence of this was kept: {self.reason}"


@dataclass(frozen=True, slots=True)
class KeysRefreshed(Event):
    """Keys changed, and the gateway works with the new ones."""

    configuration: str

    @property
    def sentence(self) -> str:
        """What happened, for a person."""
        return f"keys have changed, and the gateway works with the new ones (configuration {self.configuration})"


@dataclass(frozen=True, slots=True)
class KeysUnavailable(Event):
    """Keys could not be asked for; the last known ones stay in use, if there are any. ``reason`` is a sentence."""

    reason: str

    @property
    def sentence(self) -> str:
        """What happened, for a person."""
        return f"keys could not be read: {self.reason}"


@dataclass(frozen=True, slots=True)
class LeftoverStopped(Event):
    """A process of a supervisor that is gone was found and ended."""

    part: str
    pid: int

    @property
    def sentence(self) -> str:
        """What happened, for a person."""
        return f"{self.part} of an earlier start was still running (process {self.pid}) and was stopped"


def exit_of(returncode: int) -> tuple[int | None, str | None]:
    """A process's return code as (exit code, name of the signal that killed it); one of them is None."""
    if returncode >= 0:
        return returncode, None
    try:
        return None, signal.Signals(-returncode).name
    except ValueError:
        return None, f"signal {-returncode}"

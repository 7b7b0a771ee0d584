"""Quantities as people write them: `60/minute`, `64KiB`, `90d`."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationInfo, WithJsonSchema, model_serializer

from assay.domain import UsageError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}
_WINDOWS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_SIZES = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "kB": 1000, "MB": 1000**2, "GB": 1000**3}

WRITTEN = {"written": True}
"""Validation context of values that a person wrote; code may give seconds as a bare number, people may not."""


def _duration(value: Any, info: ValidationInfo) -> Any:
    """Seconds. `45s`, `10m`, `24h`, `90d`, `2w`, `6y` (a year counts 365 days)."""
    if isinstance(value, int) and not isinstance(value, bool) and info.context != WRITTEN:
        return value
    return _seconds(value)


def _seconds(value: Any) -> int:
    match = re.fullmatch(r"([0-9]{1,9})\s*([smhdwy])", value) if isinstance(value, str) else None
    if not match:
        raise ValueError("a duration is a number and a unit: 45s, 10m, 24h, 90d, 2w or 6y")
    return int(match[1]) * _UNITS[match[2]]


def parse_duration(text: str) -> int:
    """Seconds of a duration that a person typed.

    Raises:
        UsageError: it is no duration.
    """
    try:
        return _seconds(text)
    except ValueError as error:
        raise UsageError(f"`{text}` is no duration", fix=str(error)) from error


def _bytes(value: Any) -> Any:
    """Bytes. `64KiB`, `1MiB`, `500kB`; a bare number counts bytes."""
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 0:
            raise ValueError("a size is not negative")
        return value
    match = re.fullmatch(r"([0-9]{1,12})\s*(B|[KMG]iB|kB|MB|GB)", value) if isinstance(value, str) else None
    if not match:
        raise ValueError("a size is a number and a unit: 64KiB, 1MiB, 500kB")
    return int(match[1]) * _SIZES[match[2]]


class RateValue(BaseModel):
    """So many requests in so many seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    requests: int
    seconds: int

    def __str__(self) -> str:
        for name, seconds in _WINDOWS.items():
            if seconds == self.seconds:
                return f"{self.requests}/{name}"
        return f"{self.requests}/{self.seconds}s"

    @property
    def per_second(self) -> float:
        """Requests per second, for comparing two rates."""
        return self.requests / self.seconds

    @model_serializer
    def _as_written(self) -> str:
        return str(self)


def _rate(value: Any) -> Any:
    if isinstance(value, RateValue | dict):
        return value
    match = (
        re.fullmatch(r"([0-9]{1,9})\s*/\s*(second|minute|hour|day|s|m|h|d|[0-9]{1,6}s)", value)
        if isinstance(value, str)
        else None
    )
    if match and int(match[1]) == 0:
        raise ValueError("a rate is at least one request; to refuse every call, let no access rule name the operation")
    if not match:
        raise ValueError("a rate is REQUESTS/WINDOW, such as 60/minute, 5/second or 1000/day")
    window = match[2]
    if window in _WINDOWS:
        seconds = _WINDOWS[window]
    elif window in _UNITS:
        seconds = _UNITS[window]
    else:
        seconds = int(window[:-1])
    if seconds == 0:
        raise ValueError("a rate's window is at least one second")
    return RateValue(requests=int(match[1]), seconds=seconds)


Duration = Annotated[
    int,
    BeforeValidator(_duration),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]{1,9}\s*[smhdwy]$", "examples": ["24h", "90d"]}),
]
Bytes = Annotated[
    int,
    BeforeValidator(_bytes),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {"type": "string", "pattern": r"^[0-9]{1,12}\s*(B|[KMG]iB|kB|MB|GB)$"},
            ]
        }
    ),
]
Rate = Annotated[
    RateValue,
    BeforeValidator(_rate),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^[0-9]{1,9}\s*/\s*(second|minute|hour|day|[0-9]*[smhd])$",
            "examples": ["60/minute"],
        }
    ),
]

"""The requests that are sent, by what they show."""

from __future__ import annotations

from benchmarks.gateway.load import Call
from benchmarks.gateway.project import WRITE, Made


def calls(made: Made) -> dict[str, Call]:
    """A read with a token, one with an API key, a write with a body, and a read that is masked."""
    people = tuple({"authorization": f"Bearer {token}"} for token in made.tokens)
    return {
        "read": Call("GET", "/items/4711", people),
        "key": Call("GET", "/items/4711", ({"x-api-key": made.api_key},)),
        "write": Call("POST", "/items", people, WRITE),
        "masked": Call("GET", "/customers/4711", people),
    }

"""How long the inspector thinks about one request: microseconds of :func:`assay.gateway.inspector.core.inspect`.

Run with ``python benchmarks/inspector_core.py``. Each figure is the best of five rounds, so that other work on the
machine disturbs it least.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from assay.gateway import ir
from assay.gateway.inspector.core import inspect
from assay.gateway.inspector.injection import Engine
from assay.gateway.inspector.operation import compile_operation
from assay.gateway.inspector.schemas import Library

LIBRARY = {
    "Customer": {
        "type": "object",
        "additionalProperties": False,
        "required": ["name", "email"],
        "properties": {
            "name": {"type": "string", "minLength": 1, "maxLength": 100},
            "email": {"type": "string", "format": "email", "maxLength": 200},
            "phone": {"type": "string", "pattern": "^\\+?[0-9 ]{5,20}$"},
            "date_of_birth": {"type": "string", "format": "date"},
            "postcode": {"type": "string", "maxLength": 10},
            "notes": {"type": "string", "maxLength": 4000},
            "tags": {"type": "array", "maxItems": 200, "items": {"type": "string", "maxLength": 40}},
        },
    }
}
HEADERS = [
    (b"host", b"api.example"),
    (b"user-agent", b"benchmark/1"),
    (b"accept", b"application/json"),
    (b"authorization", b"Bearer " + b"x" * 400),
    (b"content-type", b"application/json"),
    (b"x-request-id", b"7b0c3a1e-8a57-4a5e-9df1-0d6c1f2a9b11"),
    (b"x-forwarded-for", b"203.0.113.7"),
    (b"x-assay-operation", b"customers/create"),
]
CUSTOMER = {
    "name": "Siobhan O'Brien",
    "email": "siobhan@example.org",
    "phone": "+353 1 234 5678",
    "date_of_birth": "1984-02-29",
    "postcode": "D02 X285",
    "notes": "Prefers a call in the morning, the bell is broken",
}


def _inspection(*, injection: bool) -> ir.Inspection:
    return ir.Inspection(
        control="input_validation",
        source="benchmark",
        api="customers",
        operation="create",
        parameters=(
            ir.ParameterRule(name="limit", location="query", schema='{"type":"integer","minimum":1,"maximum":100}'),
            ir.ParameterRule(name="search", location="query", schema='{"type":"string","maxLength":100}'),
        ),
        bodies=(
            ir.BodyRule(
                media_type="application/json",
                schema='{"$ref":"#/$defs/Customer"}',
                free_text=(("name",), ("notes",), ("tags", "*")),
            ),
        ),
        injection=injection,
    )


def _measure(label: str, work: Callable[[], object], rounds: int = 2000) -> None:
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(rounds):
            work()
        best = min(best, (time.perf_counter() - start) / rounds)
    print(f"{label:<58} {best * 1e6:8.1f} µs {1 / best:10,.0f} /s")


def main() -> None:
    """Prints one line per case."""
    library = Library(json.dumps(LIBRARY))
    engine = Engine()
    full = compile_operation(_inspection(injection=True), library, engine, None)
    plain = compile_operation(_inspection(injection=False), library, engine, None)
    body = json.dumps(CUSTOMER).encode()
    odd = json.dumps(CUSTOMER | {"notes": 'Said "ring twice" & wait; gate code = 4711 <b>new</b>'}).encode()
    bad = json.dumps(CUSTOMER | {"email": "nobody"}).encode()
    attack = json.dumps(CUSTOMER | {"notes": "x' OR 1=1 --"}).encode()
    large = json.dumps(CUSTOMER | {"notes": "word " * 380}).encode()
    many = json.dumps(CUSTOMER | {"tags": [f"tag {i}" for i in range(200)]}).encode()
    cases = (
        (f"{len(body)}-byte JSON, schema only", plain, b"", body),
        (f"{len(body)}-byte JSON, schema and injection", full, b"", body),
        (f"{len(odd)}-byte JSON, text that libmodsecurity must see", full, b"", odd),
        (f"{len(large)}-byte JSON, long plain text", full, b"", large),
        (f"{len(many)}-byte JSON, 200 texts", full, b"", many),
        ("query only: two parameters", full, b"limit=10&search=blue+shoes", b""),
        ("query only: a parameter that must be searched", full, b"limit=10&search=%22blue+shoes%22+%26+more", b""),
        ("refused by schema", full, b"", bad),
        ("refused as injection", full, b"", attack),
    )
    for label, operation, query, content in cases:
        _measure(label, lambda o=operation, q=query, c=content: inspect(o, "POST", "/customers", q, HEADERS, c))


if __name__ == "__main__":
    main()

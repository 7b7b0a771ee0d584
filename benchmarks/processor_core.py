"""Microseconds of the processor's pure functions, one core, no network: ``python benchmarks/processor_core.py``.

The last line is a whole exchange, from the bytes that Envoy sends to the bytes that it gets.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import timeit
from collections import Counter
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from envoy.config.core.v3 import base_pb2
from envoy.service.ext_proc.v3 import external_processor_pb2 as ext_proc

from assay.gateway import ir, keysets
from assay.gateway.processor import bundle as bundles
from assay.gateway.processor.encryption import FieldCipher, Tally, compile_ciphers, decrypt_fields, encrypt_fields
from assay.gateway.processor.encryption import encrypt_query as rewrite_query
from assay.gateway.processor.framing import frame
from assay.gateway.processor.http2 import PREFACE
from assay.gateway.processor.json_text import encode, parse
from assay.gateway.processor.masking import Known, compile_masks, mask, prune
from assay.gateway.processor.reload import Reloader
from assay.gateway.processor.server import Connection, Processor
from assay.gateway.processor.wire import FILTER, JWT_METADATA, ROUTE_NAME

RECORD = {
    "id": 4711,
    "name": "Alice Example",
    "email": "alice@example.com",
    "iban": "DE89370400440532013000",
    "date_of_birth": "1984-05-01",
    "address": {"street": "Hauptstrasse 1", "postcode": "80331", "city": "München"},
}
FORMS = (("email", "email"), ("iban", "last4"), ("date_of_birth", "generalise"), ("address.postcode", "generalise"))


def masking(prefix: tuple[str, ...]) -> ir.Masking:
    """Four masked fields of a record, or of every record of a list."""
    fields = tuple(
        ir.MaskedField(path=(*prefix, *name.split(".")), name=name, category="user.date", level=2, default=form)
        for name, form in FORMS
    )
    return ir.Masking(control="data_exposure", source="", api="a", operation="o", fields=fields)


def microseconds(function: Callable[[], object]) -> tuple[float, float]:
    """Median and spread (half the interquartile range) of nine rounds."""
    number = max(1, int(0.05 / (timeit.timeit(function, number=3) / 3)))
    rounds = [t / number * 1e6 for t in timeit.repeat(function, number=number, repeat=9)]
    quartiles = statistics.quantiles(rounds, n=4)
    return statistics.median(rounds), (quartiles[2] - quartiles[0]) / 2


def cases(keyset: keysets.Keyset) -> dict[str, Callable[[], object]]:
    """What is measured, by name."""
    one, many = json.dumps(RECORD).encode(), json.dumps([RECORD] * 50).encode()
    single = compile_masks(masking(()), (), 0, None)
    listed = compile_masks(masking(("*",)), (), 0, None)
    fields = [(ir.ProtectedField(path=(n,), name=n), keyset) for n in ("iban", "date_of_birth")]
    ciphers = compile_ciphers("a", fields)
    assert single is not None
    assert listed is not None
    assert ciphers is not None
    sealed = encode(encrypt_fields(parse(one), ciphers, Tally()))
    known = Known.of([(name,) for name in RECORD] + [("address", n) for n in ("street", "postcode", "city")])
    lookup = {"email": FieldCipher("email", "a/email", keyset, deterministic=True)}
    return {
        f"parse + encode, {len(one)} bytes": lambda: encode(parse(one)),
        f"mask 4 fields, {len(one)} bytes": lambda: encode(mask(parse(one), single, Counter())),
        f"mask 4 × 50 fields, {len(many)} bytes": lambda: encode(mask(parse(many), listed, Counter())),
        "closed: drop undeclared, 1 record": lambda: prune(parse(one), known, Counter()),
        "encrypt 2 fields": lambda: encode(encrypt_fields(parse(one), ciphers, Tally())),
        "decrypt 2 fields": lambda: encode(decrypt_fields(parse(sealed), ciphers, Tally())),
        "encrypt a lookup parameter": lambda: rewrite_query("/c?email=alice%40example.com&n=5", lookup, Tally()),
        "AES-256-GCM, one value": lambda: keyset.encrypt("a/iban", "DE89370400440532013000"),
        "AES-SIV, one value": lambda: keyset.encrypt_lookup("a/iban", "DE89370400440532013000"),
    }


CLAIMS = {
    "iss": "https://issuer.example",
    "aud": "bench",
    "azp": "desk",
    "sub": "person-3",
    "jti": "t-00000003",
    "roles": ["agent"],
    "scope": "shop:read shop:write",
    "iat": 1.7e9,
    "nbf": 1.7e9,
    "exp": 1.7e9 + 7200,
}


def _messages() -> list[bytes]:
    """What Envoy sends of a masked read: the request's headers, the response's headers, its body."""
    body = json.dumps(RECORD).encode()
    asked = {":path": "/customers/4711", ":method": "GET"}
    answered = {":status": "200", "content-type": "application/json", "content-length": str(len(body))}
    requests: list[Any] = [
        ext_proc.ProcessingRequest(request_headers=ext_proc.HttpHeaders(end_of_stream=True)),
        ext_proc.ProcessingRequest(response_headers=ext_proc.HttpHeaders()),
        ext_proc.ProcessingRequest(response_body=ext_proc.HttpBody(body=body, end_of_stream=True)),
    ]
    for request, headers in zip(requests, (asked, answered), strict=False):
        into = getattr(request, request.WhichOneof("request")).headers.headers
        into.extend(base_pb2.HeaderValue(key=name, raw_value=value.encode()) for name, value in headers.items())
    requests[0].attributes[FILTER].update({ROUTE_NAME: "a/o"})
    namespace, key = JWT_METADATA
    for request in requests:
        request.metadata_context.filter_metadata[namespace].update({key: CLAIMS})
    return [frame(request.SerializeToString()) for request in requests]


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


class _Nowhere(asyncio.Transport):
    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Forgets it."""


def exchange(directory: Path) -> Callable[[], object]:
    """One masked read after another on a connection, as Envoy asks for it."""
    operations = {"a/o": bundles.Operation("a", masking=masking(()))}
    file = directory / "bundle.json"
    file.write_bytes(bundles.encode(bundles.Bundle(version=bundles.VERSION, digest="", operations=operations)))
    connection = Connection(Processor(Reloader(file, directory / "keys")), set())
    connection.connection_made(_Nowhere())
    unlimited = (4).to_bytes(2, "big") + (2**31 - 1).to_bytes(4, "big")
    connection.data_received(PREFACE + _frame(4, 0, 0, unlimited))
    streams = count(1, 2)
    asked, answered, body = _messages()

    def one() -> None:
        stream = next(streams)
        connection.data_received(_frame(1, 4, stream, b"\x82" * 60) + _frame(0, 0, stream, asked))
        connection.data_received(_frame(0, 0, stream, answered))
        connection.data_received(_frame(0, 0, stream, body))
        connection.data_received(_frame(0, 1, stream) + _frame(3, 0, stream, bytes(4)))
        connection.data_received(_frame(8, 0, 0, (2000).to_bytes(4, "big")))

    return one


def main() -> None:
    """Print one line per case."""
    with tempfile.TemporaryDirectory() as directory:
        keyset = keysets.ensure(Path(directory) / "keys", "bench")
        for name, function in (cases(keyset) | {"a masked read, whole": exchange(Path(directory))}).items():
            median, spread = microseconds(function)
            print(f"{name:42} {median:9.1f} µs ± {spread:.1f}")


if __name__ == "__main__":
    main()

"""Microseconds of the processor's pure functions, one core, no network: ``python benchmarks/processor_core.py``."""

from __future__ import annotations

import json
import statistics
import tempfile
import timeit
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from assay.gateway import ir, keysets
from assay.gateway.processor.encryption import FieldCipher, Tally, compile_ciphers, decrypt_fields, encrypt_fields
from assay.gateway.processor.encryption import encrypt_query as rewrite_query
from assay.gateway.processor.json_text import encode, parse
from assay.gateway.processor.masking import Known, compile_masks, mask, prune

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


def main() -> None:
    """Print one line per case."""
    with tempfile.TemporaryDirectory() as directory:
        keyset = keysets.ensure(Path(directory) / "keys", "bench")
        for name, function in cases(keyset).items():
            median, spread = microseconds(function)
            print(f"{name:42} {median:9.1f} µs ± {spread:.1f}")


if __name__ == "__main__":
    main()

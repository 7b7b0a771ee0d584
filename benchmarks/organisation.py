"""A large organisation to check: a thousand systems, their flows and accounts, and APIs in three layers."""

from __future__ import annotations

import json
import random
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks import scale

from assay.declare.yaml_write import block_lines


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything there is."""

    systems: int = 1_000
    flows: int = 5_000
    operations: int = 10_000
    accounts: int = 2_000
    apis: int = 100
    consumers: int = 200
    data: int = 200


FULL = Size()
_FIELDS = {
    "name": {"category": "user.name", "identifies": "direct"},
    "email": {"category": "user.contact.email", "identifies": "direct"},
    "postcode": {"category": "user.contact.address.postal_code", "identifies": "quasi", "bits": 11},
    "born": {"category": "user.demographic.date_of_birth", "identifies": "quasi", "bits": 14.8},
    "iban": {"category": "user.financial.bank_account"},
    "segment": {"level": "internal"},
}
_LAYERS = ("experience", "process", "system")


def declaration(size: Size, seed: int = 1) -> dict[str, object]:
    """The declaration, as plain values; the same for the same seed."""
    draw = random.Random(seed)  # noqa: S311 - reproducible on purpose
    sets = [f"data-{n}" for n in range(size.data)]
    systems = [f"system-{n}" for n in range(size.systems)]
    apis = [f"api-{n}" for n in range(size.apis)]
    purposes = ("service-delivery", "analytics")
    return {
        "assay": 1,
        "organisation": {"name": "Large", "subjects": 1_000_000, "jurisdictions": ["eu"]},
        "gateway": {"listen": "127.0.0.1:8443"},
        "environments": {
            "production": {"tier": "production", "issuer": {"url": "https://login.example", "audience": "large"}},
            "test": {"tier": "non-production"},
        },
        "data": {
            name: {
                "subjects": "customers",
                "purpose": [draw.choice(purposes)],
                "legal_basis": "contract",
                "retention": "2y",
                "fields": {k: _FIELDS[k] for k in draw.sample(sorted(_FIELDS), 4)}
                | ({"token": {"links": draw.choice(sets)}} if draw.random() < 0.3 else {}),
            }
            for name in sets
        },
        "systems": {
            name: {
                "kind": draw.choice(("database", "service", "saas", "queue")),
                "environment": "production" if draw.random() < 0.8 else "test",
                "owner": f"team-{draw.randrange(40)}",
                "location": "eu",
                "holds": draw.sample(sets, draw.randrange(1, 4)),
                "at_rest": {"encryption": "aes-256-gcm", "by": "store"},
            }
            for name in systems
        },
        "flows": {
            f"flow-{n}": {
                "from": draw.choice(systems),
                "to": draw.choice(systems),
                "data": draw.sample(sets, 2),
                "account": f"account-{draw.randrange(size.accounts)}",
                "transforms": {"name": "drop", "email": {"tokenise": "per-recipient"}} if n % 3 == 0 else {},
                "purpose": draw.choice(purposes),
            }
            for n in range(size.flows)
        },
        "accounts": {
            f"account-{n}": {
                "platform": "postgresql",
                "system": draw.choice(systems),
                "environment": "production",
                "owner": f"team-{draw.randrange(40)}",
                "rights": [{"select": draw.sample(sets, 3)}, {"update": draw.choice(sets)}],
                "needs": [{"select": draw.choice(sets)}],
                "clearance": draw.choice(("internal", "confidential", "restricted")),
                "credential": {"issued": "2026-09-01", "rotate": "180d"},
            }
            for n in range(size.accounts)
        },
        "apis": {
            name: {
                "owner": f"team-{draw.randrange(40)}",
                "layer": _LAYERS[n % 3],
                "exposure": "internal",
                "environment": "production",
                "contract": f"openapi/{name}.json",
                "path": f"/{name}",
                "upstream": f"http://127.0.0.1:{10_000 + n}",
                "backed_by": [apis[n + 1]] if n % 3 < 2 and n + 1 < len(apis) else [draw.choice(systems)],
                "access": [{"roles": [f"role-{n % 20}"], "operations": ["*"]}],
                "limits": {"default": "600/minute"},
            }
            for n, name in enumerate(apis)
        },
        "consumers": {
            f"consumer-{n}": {
                "kind": "service",
                "authenticate": {"oauth2": {"client": f"client-{n}"}},
                "roles": [f"role-{n % 20}"],
                "environment": "production",
                "clearance": draw.choice(("internal", "confidential", "restricted")),
                "limit": "600/minute",
            }
            for n in range(size.consumers)
        },
    }


def project(directory: Path, size: Size = FULL) -> Path:
    """Writes the organisation: one declaration, and a contract for each API."""
    (directory / "openapi").mkdir(parents=True)
    each = size.operations // size.apis
    for number in range(size.apis):
        (directory / "openapi" / f"api-{number}.json").write_text(json.dumps(scale.contract(each)), encoding="utf-8")
    (directory / "assay.yaml").write_text("\n".join(block_lines(declaration(size), "")) + "\n", encoding="utf-8")
    return directory


def measure(directory: Path, size: Size = FULL) -> scale.Cost:
    """The cost of `assay check` on the whole organisation, after one run that is not counted."""
    place = project(directory / "organisation", size)
    scale.cost("check", place, size.operations)
    return scale.cost("check", place, size.operations)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as name:
        found = measure(Path(name))
    sys.stdout.write(f"check: {found.seconds:.2f} s, {found.processor:.2f} s of processor, {found.mebibytes:.0f} MiB\n")

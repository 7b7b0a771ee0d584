"""What the controls ask for is configuration that a real Envoy accepts, even of a declaration full of mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from assay.controls.base import Site
from assay.controls.registry import FACES
from assay.declare.loader import load
from assay.gateway import ir
from assay.gateway.apply.binary import find_envoy
from assay.gateway.apply.validation import validate
from assay.gateway.assemble import assemble
from assay.gateway.envoy import translate
from assay.gateway.runtime import Runtime, Sockets
from assay.identity.pki import ensure_server_certificate

HERE = Path(__file__).parent
CASES = [
    "api_gateway/bad",
    "authentication/any",
    "authentication/issuers",
    "authentication/schemes",
    "authorisation/bad",
    "authorisation/good",
    "network_ranges/bad",
    "network_ranges/good",
    "transport_encryption/development",
    "transport_encryption/plaintext",
]


@pytest.mark.integration
@pytest.mark.parametrize("case", CASES)
def test_a_compiled_declaration_is_accepted(case: str, tmp_path: Path) -> None:
    pair = ensure_server_certificate(tmp_path / "pki")
    site = Site(str(pair.certificate), str(pair.key), str(pair.authority), "http://127.0.0.1:9400")
    declaration = load(HERE / f"{case}.in.yaml", environ={})
    pieces = [p for f in FACES if f.enforce for p in f.enforce(declaration, site)]
    if not any(isinstance(p, ir.AccessLog) for p in pieces):
        pieces.append(ir.AccessLog(control="activity_logging", source=""))
    policy = assemble(pieces)
    keys = json.dumps({"keys": [ECKey.generate_key("P-256", {"kid": "k"}).as_dict(private=False)]})
    runtime = Runtime(
        sockets=Sockets(*(str(tmp_path / name) for name in ("admin", "inspector", "processor"))),
        access_log=str(tmp_path / "access.jsonl"),
        configuration=str(tmp_path),
        jwks={issuer.issuer: keys for issuer in policy.issuers},
    )
    validate(translate(policy, runtime), find_envoy())

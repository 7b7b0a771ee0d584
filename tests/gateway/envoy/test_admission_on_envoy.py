"""Who an API admits at all, on a real Envoy: decided before access rules, by any credential that proves who calls."""

from __future__ import annotations

from pathlib import Path

import pytest
from gateway_under_test import C, Signer, echo_upstream, gateway
from test_chain_on_envoy import KEY, bearer, digest, shop

from assay.gateway import ir
from assay.gateway.decision import decide

pytestmark = pytest.mark.integration
L = {"control": "layered_architecture", "source": "assay.yaml:1:1", "api": "shop", "name": "layers"}
OPEN = ir.AccessRule(**C, api="shop", operation="exportAll", name="shop/3-anonymous")


def pieces(port: int, admission: ir.Admission) -> list[ir.AnyPiece]:
    """The shop, with one operation that is open to everybody."""
    nobody = ir.Authentication(**C, api="shop", operation="exportAll", alternatives=((),))
    kept = [p for p in shop(port) if not (isinstance(p, ir.Authentication) and p.operation == "exportAll")]
    return [*kept, nobody, OPEN, admission]


@pytest.mark.parametrize(
    ("admission", "desk", "partner", "nobody"),
    [
        (ir.Admission(**L, only=("partner",)), 403, 200, 403),
        (ir.Admission(**L, only=("desk",), anonymous=True), 200, 403, 200),
        (ir.Admission(**L, never=("desk",)), 403, 200, 200),
        (ir.Admission(**L, only=("nobody-here",)), 403, 403, 403),
        (ir.Admission(**L, only=("partner",), mode=ir.Mode.OBSERVE), 200, 200, 200),
    ],
    ids=["only", "only-or-anonymous", "never", "unknown", "observing"],
)
def test_only_admitted_consumers_get_as_far_as_the_access_rules(
    tmp_path: Path, admission: ir.Admission, desk: int, partner: int, nobody: int
) -> None:
    signer = Signer()
    with (
        echo_upstream() as upstream,
        gateway(
            tmp_path, pieces(upstream.server_address[1], admission), jwks={"test": signer.jwks}, keys=(digest(KEY),)
        ) as running,
    ):
        agent = bearer(signer.token(sub="a", azp="desk", roles=["agent"]))
        with running.client() as client:
            assert client.get("/v1/customers", headers=agent).status_code == desk
            assert client.get("/v1/customers", headers={"x-api-key": KEY}).status_code == partner
            assert client.get("/v1/export").status_code == nobody
            assert client.get("/v1/customers", headers={"x-api-key": "ak_k1_wrong"}).status_code == 401
        first = decide(running.log(lines=4)[0])
    wanted = "layered_architecture/shop/layers" + ("/barred" if admission.never else "")
    if admission.mode is ir.Mode.OBSERVE:
        assert first.observed == (wanted,)
    else:
        assert (first.policy == wanted) == (desk == 403)

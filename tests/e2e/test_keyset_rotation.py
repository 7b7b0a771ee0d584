"""Rotating a keyset while the gateway runs: what was stored stays readable, what is stored next has the new key."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.integration


def record(iban: str) -> dict[str, str]:
    return {
        "name": "Heidi Rotated",
        "email": f"heidi.{iban[-4:]}@example.test",
        "phone": "+353 1 555 0104",
        "date_of_birth": "1990-01-02",
        "postcode": "D02",
        "iban": iban,
        "national_id": "285057800608441",
        "notes": "x",
    }


def test_old_records_still_decrypt_and_new_ones_have_the_new_key(observing_world) -> None:
    headers = {"authorization": f"Bearer {observing_world.token('agent-desk')}"}

    def create(iban: str) -> str:
        with observing_world.client() as client:
            made = client.post("/customers", json=record(iban), headers=headers)
        assert made.status_code == 201, made.text
        return str(made.json()["customerId"])

    def read(customer: str) -> Any:
        with observing_world.client() as client:
            return client.get(f"/customers/{customer}", headers=headers).json()

    def stored(customer: str) -> Any:
        return httpx.get(f"{observing_world.direct}/customers/{customer}", timeout=30, trust_env=False).json()

    def key(customer: str) -> bytes:
        """The id of the Tink key that a stored ciphertext names."""
        text = stored(customer)["iban"].removeprefix("enc:v1:")
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))[1:5]

    before = create("IE29AIBK93115200001111")
    listed = json.loads(observing_world.assay("keyset", "list", "--format", "json"))["keysets"][0]
    rotated = json.loads(observing_world.assay("keyset", "rotate", "customer-keys", "--format", "json"))
    assert rotated["name"] == "customer-keys"
    assert rotated["keys"] == listed["keys"] + 1
    assert rotated["lookup_keys"] == listed["lookup_keys"]

    numbers = iter(range(2000, 3000))
    after = observing_world.until(
        lambda: (made := create(f"IE29AIBK9311520000{next(numbers)}")) and key(made) != key(before) and made
    )
    assert read(before)["iban"].endswith("1111")
    assert read(before)["email"] == record("1111")["email"]
    assert set(read(after)["iban"][:-4]) == {"*"}
    assert stored(before)["email"].startswith("det:v1:")
    by_email = {"email": record("1111")["email"]}
    with observing_world.client() as client:
        found = client.get("/customers", params=by_email, headers=headers).json()["items"]
    assert before in [item["customerId"] for item in found]


def test_a_misspelt_keyset_is_named(observing_world) -> None:
    said = observing_world.assay("keyset", "rotate", "customer-key", expect=2)
    assert "did you mean `customer-keys`?" in said

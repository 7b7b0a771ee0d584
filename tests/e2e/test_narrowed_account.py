"""An account whose rights cannot shrink: the running gateway keeps one consumer to what it needs, and another not."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from tests.e2e.conftest import ASSAY, World, running_world

pytestmark = pytest.mark.integration

_RULE = "      - {roles: [reader], operations: [getCustomer, listCustomers]}\n"
_ACCOUNT = """
  ACCOUNT:
    platform: sqlite
    system: crm
    environment: demo
    owner: integration
    used_by: [CONSUMER]
    rights: [{select: customers, update: customers, delete: customers}]
    needs: [{select: customers}]
    narrowed_by: {api: customer-data, operations: [getCustomer, listCustomers, health]}
    credential: {issued: 2026-11-02, rotate: 1y}
"""
_MORE = """
consumers:
  reader:
    {kind: partner, authenticate: {api_key: {}}, roles: [reader], clearance: confidential, limit: 60/minute,
     networks: {allow: [127.0.0.0/8]}}
accounts:""" + "".join(
    _ACCOUNT.replace("ACCOUNT", account).replace("CONSUMER", consumer)
    for account, consumer in (("svc-narrow", "reader"), ("svc-wide", "partner-acme"))
)


@pytest.fixture(scope="module")
def narrowed() -> Iterator[World]:
    with running_world(lambda text: text.replace("    access:\n", f"    access:\n{_RULE}", 1) + _MORE) as found:
        yield found


def test_what_the_account_could_do_is_refused_to_its_narrowed_consumer_and_found_at_the_other(narrowed: World) -> None:
    done = subprocess.run(
        [*ASSAY, "prove", "--control", "least_privilege", "--format", "json"],
        cwd=narrowed.directory,
        env=narrowed.environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 1, done.stderr
    found = {
        (v["identity"], v["subject"].rpartition(".")[2]): v["outcome"] for v in json.loads(done.stdout)["verdicts"]
    }
    assert {o for (who, _), o in found.items() if who == "reader"} == {"pass"}
    assert found["partner-acme", "updateCustomer"] == "fail"
    assert found["reader", "deleteCustomer"] == "pass"
    review = json.loads(narrowed.assay("rights", "review", "svc-narrow", "--format", "json"))["accounts"][0]
    assert review["last_used"] == datetime.now(UTC).date().isoformat()
    assert review["excess"] > 0.5

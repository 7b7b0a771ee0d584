"""What Envoy shows and what was written are one thing in two spellings, or they are not the same."""

from __future__ import annotations

from typing import Any

import pytest

from assay.gateway.apply.admin import Subscription, parse_subscriptions
from assay.gateway.apply.confirmation import last_refusal
from assay.gateway.apply.readback import differences, unequal
from assay.gateway.envoy import Configuration


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ({"a": 0, "b": False, "c": "", "d": [], "e": {}, "f": "0s", "g": "STATIC"}, {}),
        ({"routeConfigName": "x"}, {"route_config_name": "x"}),
        ({"max_bytes": 5}, {"max_bytes": "5"}),
        ({"timeout": "0.5s"}, {"timeout": "0.500s"}),
        ({"timeout": "15s"}, {"timeout": "15s"}),
        ({"share": 1}, {"share": 1.0}),
        ({"key": {"filename": "/k"}}, {"key": {"filename": "[redacted]"}}),
        ([{"a": [1, 2]}], [{"a": [1, 2]}]),
    ],
)
def test_two_spellings_of_one_value_are_equal(written: Any, shown: Any) -> None:
    assert list(unequal(written, shown)) == []


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ({"a": 1}, {}),
        ({}, {"a": 1}),
        ({}, {"a": {}}),
        ({"a": {"b": 1}}, {"a": {}}),
        ({"timeout": "5s"}, {"timeout": "50s"}),
        ({"timeout": "0.5s"}, {"timeout": "0.05s"}),
        ({"a": True}, {"a": False}),
        ({"a": "x"}, {"a": "y"}),
        ({"a": [1, 2]}, {"a": [2, 1]}),
        ({"a": [1]}, {"a": [1, 1]}),
        ({"regex": "lower"}, {}),
        ({"a": {"b": 1}}, {"a": "b"}),
    ],
)
def test_whatever_else_differs_is_a_difference(written: Any, shown: Any) -> None:
    assert list(unequal(written, shown)) != []


def test_resources_that_are_missing_or_nobody_wrote_are_named() -> None:
    made = Configuration("v", {}, {"cds.json": {"version_info": "v", "resources": [{"name": "ours"}]}})
    assert differences(made, {"cds.json": {"theirs": {"name": "theirs"}}}) == [
        "cds.json: `ours` is not running",
        "cds.json: `theirs` runs and was not written",
    ]
    assert differences(made, {}) == ["cds.json: `ours` is not running"]


def test_counters_are_read_per_kind_of_resource() -> None:
    found = parse_subscriptions(
        "cluster_manager.cds.update_rejected: 2\n"
        'cluster_manager.cds.version_text: "v1"\n'
        "listener_manager.lds.update_failure: 1\n"
        "listener_manager.listener_create_failure: 3\n"
        'http.a.rds.one.version_text: "v1"\n'
        'http.b.rds.two.version_text: "v2"\n'
        "noise without a value\n"
    )
    assert found.clusters == Subscription("v1", 2, 0)
    assert found.listeners.failed == 1
    assert found.routes.version == ""  # two route subscriptions that do not agree run no one version
    assert found.create_failures == 3
    assert found.rejected == 6


def test_the_last_refusal_after_a_point_in_the_log_is_found(tmp_path: Any) -> None:
    log = tmp_path / "envoy.log"
    first = "[2026-01-01T00:00:00.000][warning][config] Filesystem config update rejected: the first\n"
    second = "[2026-01-01T00:00:01.000][warning][config] Filesystem config update rejected: many\nlines: the second\n"
    log.write_text(first + second + "[2026-01-01T00:00:02.000][warning][x] something else\n")
    assert last_refusal(log) == "many\nlines: the second"
    assert last_refusal(log, len(first + second)) == ""
    assert last_refusal(tmp_path / "nothing.log") == ""

"""Commands that need nothing running: what they print, for people and for programs, right and wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from assay import __version__
from assay.app.project import open_project
from assay.app.stack import prepare_project
from assay.cli.words import typed
from assay.gateway import keysets

VERDICT = {"control", "check", "subject", "outcome", "sentence", "severity", "confidence", "location"}
VERDICT |= {"reason", "fix", "fix_is_safe", "excepted_by"}


class TestEverywhere:
    def test_the_version_is_said(self, assay) -> None:
        assert assay("--version").out == f"assay {__version__}\n"

    def test_no_command_is_a_question(self, assay) -> None:
        said = assay()
        assert said.exit == 2
        assert "keyset" in said.out + said.err

    @pytest.mark.parametrize("wrong", [("plna",), ("plan", "--frmat", "json"), ("check", "--format", "jsn")])
    def test_what_is_misspelt_is_a_usage_error(self, assay, wrong: tuple[str, ...]) -> None:
        said = assay(*wrong)
        assert (said.exit, said.out) == (2, "")
        assert "plan" in said.err or "--format" in said.err

    def test_a_reader_that_leaves_early_is_no_error(self, project: Path) -> None:
        command = f"'{sys.executable}' -m assay check --all | head -n 1; exit ${{PIPESTATUS[0]}}"
        done = subprocess.run(["/bin/bash", "-c", command], capture_output=True, text=True, timeout=60)
        assert "Traceback" not in done.stderr
        assert "Broken pipe" not in done.stderr
        assert len(done.stdout.splitlines()) == 1

    @pytest.mark.parametrize("command", [("check", "--fail-on", "never"), ("plan",), ("status",)])
    def test_json_is_one_object_with_version_1_and_nothing_else(self, assay, project: Path, command) -> None:
        said = assay(*command, "--format", "json")
        assert said.json()["version"] == 1
        assert said.err == ""


class TestCheck:
    def test_a_verdict_has_exactly_the_documented_keys(self, assay, project: Path) -> None:
        found = assay("check", "--format", "json", "--fail-on", "never").json()
        assert found.keys() == {"version", "summary", "verdicts", "declaration"}
        assert found["summary"].keys() == {"outcomes", "severities", "findings", "excepted"}
        for verdict in found["verdicts"]:
            assert verdict.keys() == VERDICT
            assert verdict["location"].keys() == {"file", "line", "column"}

    def test_a_directory_can_be_named_and_locations_lead_there(self, assay, project: Path, monkeypatch) -> None:
        monkeypatch.chdir(project.parent)
        found = assay("check", "customer-data", "--format", "json", "--fail-on", "never").json()
        assert all((project.parent / v["location"]["file"]).is_file() for v in found["verdicts"])


class TestPlan:
    def test_nothing_is_written(self, assay, project: Path) -> None:
        before = sorted(project.rglob("*"))
        said = assay("plan")
        assert said.exit == 0
        assert "Nothing is applied yet" in said.out
        assert sorted(project.rglob("*")) == before

    def test_the_exit_code_tells_whether_there_are_changes(self, assay, project: Path) -> None:
        assert assay("plan", "--detailed-exitcode").exit == 5

    def test_the_shape(self, assay, project: Path) -> None:
        found = assay("plan", "--format", "json").json()
        members = {"version", "digest", "initial", "policy", "operations", "counts", "needs_approval", "changes"}
        assert found.keys() == members | {"observing"}
        assert found["initial"] is True

    def test_what_only_observes_is_named(self, assay, project: Path) -> None:
        file = project / "assay.yaml"
        observe = "    observe: [{control: input_validation, operations: [createCustomer]}, rate_limiting]\n"
        file.write_text(file.read_text().replace("    limits:", observe + "    limits:"))
        said = assay("plan").out
        assert "observing only input_validation on createCustomer of customer-data" in said
        assert "observing only rate_limiting on customer-data:" in said


class TestStatusAndDown:
    def test_nothing_runs(self, assay, project: Path) -> None:
        said = assay("status")
        assert (said.exit, said.out) == (4, "nothing runs; `assay up` starts the gateway\n")
        found = assay("status", "--format", "json").json()
        assert (found["running"], found["observed"]) == (False, None)
        assert assay("down").exit == 4


class TestApply:
    def test_without_an_envoy_nothing_is_called_confirmed(self, assay, project: Path) -> None:
        said = assay("apply", "--format", "json")
        found = said.json()
        assert found["version"] == 1
        assert found["verdict"].keys() == VERDICT
        assert found["verdict"]["outcome"] == "inconclusive"
        assert found["applied"]["confirmed"] is None

    def test_an_approval_that_approves_nothing_is_refused(self, assay, project: Path) -> None:
        assay("apply")
        said = assay("apply", "--approve", "deadbeef")
        assert said.exit in (2, 3)
        assert "deadbeef" in said.err

    def test_a_version_that_is_not_there_is_named(self, assay, project: Path) -> None:
        said = assay("apply", "--rollback", "7")
        assert said.exit == 2
        assert "there is no version 7" in said.err


class TestKeys:
    def test_a_key_is_shown_once_and_alone_on_standard_output(self, assay, project: Path) -> None:
        said = assay("key", "issue", "partner-acme", "--ttl", "30d", "--note", "[trial]")
        assert said.exit == 0
        key = said.out.strip()
        assert key.startswith("ak_") and "\n" not in key
        assert key not in said.err
        listed = assay("key", "list")
        assert key not in listed.out
        assert "partner-acme" in listed.out and "[trial]" in listed.out and "active" in listed.out

    def test_programs_get_times_they_can_read(self, assay, project: Path) -> None:
        from datetime import datetime

        issued = assay("key", "issue", "partner-acme", "--format", "json").json()
        assert issued.keys() == {"version", "id", "consumer", "expires", "key"}
        assert datetime.fromisoformat(issued["expires"]).tzinfo is not None
        assert "T" in issued["expires"]
        listed = assay("key", "list", "--format", "json").json()["keys"]
        assert [k["id"] for k in listed] == [issued["id"]]

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (("issue", "partner-acm"), "did you mean `partner-acme`?"),
            (("issue", "mobile-app"), "is no consumer that authenticates by API key"),
            (("issue", "partner-acme", "--ttl", "soon"), "`soon` is no duration"),
            (("issue", "partner-acme", "--ttl", "9000d"), "keys live at most 90 days"),
            (("revoke", "nothere1"), "no key `nothere1`"),
            (("rotate", "nothere1"), "no key `nothere1`"),
        ],
    )
    def test_what_cannot_take_effect_is_said(self, assay, project: Path, arguments, sentence) -> None:
        said = assay("key", *arguments)
        assert (said.exit, said.out) == (2, "")
        assert sentence.lower() in said.err.lower()

    def test_no_key_yet(self, assay, project: Path) -> None:
        assert "assay key issue CONSUMER" in assay("key", "list").err


class TestKeysets:
    def test_a_rotation_adds_a_key(self, assay, project: Path) -> None:
        keysets.ensure(project / ".assay" / "keys", "customer-keys")
        assert "2 keys" in assay("keyset", "rotate", "customer-keys").err
        found = assay("keyset", "list", "--format", "json").json()
        assert [(k["name"], k["keys"]) for k in found["keysets"]] == [("customer-keys", 2)]
        assert "customer-keys" in assay("keyset", "list").out

    def test_there_is_none_before_the_first_start(self, assay, project: Path) -> None:
        assert "assay up" in assay("keyset", "list").err
        said = assay("keyset", "rotate", "customer-keys")
        assert said.exit == 2
        assert "`assay up` makes the keysets" in said.err


class TestToken:
    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (("mobile-ap",), "did you mean `mobile-app`?"),
            (("partner-acme",), "is no consumer that authenticates by OAuth 2.0"),
            (("mobile-app",), "start it once: assay up"),
        ],
    )
    def test_what_cannot_take_effect_is_said(self, assay, project: Path, arguments, sentence) -> None:
        said = assay("token", *arguments)
        assert said.exit in (2, 3)
        assert said.out == ""
        assert sentence in said.err

    def test_a_misspelt_user_is_named(self, assay, project: Path) -> None:
        prepare_project(open_project(project))
        assert "did you mean `alice`?" in assay("token", "mobile-app", "--user", "alise").err

    def test_an_issuer_that_does_not_run_is_said(self, assay, project: Path, monkeypatch) -> None:
        monkeypatch.setenv("CUSTOMER_DATA_LISTEN", "127.0.0.1:1")
        prepare_project(open_project(project))
        said = assay("token", "agent-desk")
        assert said.exit == 3
        assert "127.0.0.1:2" in said.err


class TestInit:
    CONTRACT = "openapi/customer-data.yaml"

    def test_what_it_writes_can_be_checked_at_once(self, assay, project: Path) -> None:
        said = assay("init", "--contract", self.CONTRACT, "--upstream", "http://127.0.0.1:9001", "fresh")
        assert said.exit == 0
        assert "fresh/assay.yaml" in said.out
        assert "guesses are marked" in said.out
        assert assay("check", "fresh", "--fail-on", "never").exit == 0

    def test_nothing_is_overwritten_unasked(self, assay, project: Path) -> None:
        before = (project / "assay.yaml").read_text()
        said = assay("init", "--contract", self.CONTRACT, "--upstream", "http://127.0.0.1:9001")
        assert said.exit == 2
        assert "assay.yaml" in said.err
        assert (project / "assay.yaml").read_text() == before

    def test_a_contract_that_is_not_there_is_named(self, assay, project: Path) -> None:
        said = assay("init", "--contract", "nope.yaml")
        assert said.exit == 2
        assert "there is no file `nope.yaml`" in said.err

    def test_a_server_that_does_not_answer_is_told_and_not_a_traceback(self, assay, project: Path) -> None:
        said = assay("init", "--contract", "http://127.0.0.1:9/openapi.json", "fresh")
        assert said.exit in (2, 3)
        assert "127.0.0.1:9" in said.err
        assert "Traceback" not in said.err


class TestCompletion:
    @pytest.mark.parametrize(
        ("words", "offered"),
        [
            ("check --control auth", {"authentication", "authorisation"}),
            ("check -c decl", {"declaration"}),
            ("token ", {"agent-desk", "back-office", "mobile-app"}),
            ("token mobile-app --user ", {"alice", "bob"}),
            ("key issue ", {"partner-acme"}),
            ("explain unknown-k", {"unknown-key", "unknown-keyword"}),
            ("keyset rotate ", set()),
            ("che", {"check"}),
        ],
    )
    def test_names_are_offered(self, assay, project: Path, monkeypatch, words: str, offered: set[str]) -> None:
        assert self._offered(assay, monkeypatch, words) == offered

    def test_outside_a_project_nothing_is_offered_and_nothing_said(self, assay, tmp_path: Path, monkeypatch) -> None:
        monkeypatch.chdir(tmp_path)
        assert self._offered(assay, monkeypatch, "token ") == set()

    def test_another_project_can_be_named(self, assay, project: Path, monkeypatch) -> None:
        monkeypatch.chdir("/")
        assert self._offered(assay, monkeypatch, f"key issue -d {project} ") == {"partner-acme"}

    @staticmethod
    def _offered(assay, monkeypatch, words: str) -> set[str]:
        line = f"assay {words}"
        monkeypatch.setenv("_ASSAY_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(line.split()) - (not line.endswith(" "))))
        said = assay()
        assert said.err == ""
        return set(said.out.split())


class TestSignals:
    def test_ctrl_c_before_anything_runs_is_quiet(self, project: Path) -> None:
        code = (
            "import sys, signal, builtins\n"
            "real = builtins.__import__\n"
            "def slow(name, *a, **k):\n"
            "    if name == 'assay.cli.main': signal.raise_signal(signal.SIGINT)\n"
            "    return real(name, *a, **k)\n"
            "builtins.__import__ = slow\n"
            "from assay.__main__ import main\n"
            "main()\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env={**os.environ}
        )
        assert (done.returncode, done.stderr) == (130, "")


def test_statuses_are_json_that_documents_can_hold() -> None:
    from assay.app.observed import Observed
    from assay.cli.status import as_json
    from assay.gateway.supervisor.status import Status

    found = json.loads(json.dumps(as_json(Status(False), Observed(None))))
    assert found["version"] == 1
    assert found["observed"].keys() == {"since", "calls", "policies", "complete"}


@pytest.mark.parametrize(
    ("declaration", "environment", "shown"),
    [
        (Path(), None, "assay down"),
        (Path("my api"), None, "assay down 'my api'"),
        (Path("x"), "test", "assay down x --environment test"),
    ],
)
def test_a_command_is_shown_as_it_can_be_typed(declaration: Path, environment: str | None, shown: str) -> None:
    assert typed("down", declaration, environment) == shown

"""`assay rights` on a real server: what is read, what it weighs, and a proposal that really helps."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.controls.proving.shop import CONTRACT, CUSTOMER, HEAD, Shop, named, surface_in
from tests.prove.scripted import ScriptedLab, judge

from assay.app.rights import last_calls
from assay.cli.main import run
from assay.controls.least_privilege.prove import prove
from assay.declare import load
from assay.domain import Secret
from assay.prove.granted import Granted

DECLARATION = """\
assay: 1
organisation: {name: Shop, subjects: 1000}
environments: {production: {tier: production, issuer: {url: https://issuer.test, audience: shop}}}
data:
  customer: {subjects: customers, fields: {iban: {category: user.financial.bank_account}}}
systems:
  crm: {kind: database, environment: production, owner: x, holds: [customer],
        connection: {kind: postgresql, dsn: {secret: "env:CRM_DSN"}}}
accounts:
  sync: {platform: postgresql, system: crm, environment: production, owner: x, used_by: [crm],
         rights: {read_from: connection, name: commanded}, needs: [{select: customers}]}
  uploader: {platform: aws, system: crm, environment: production, owner: x, used_by: [crm],
             rights: {read_from: policy.json, format: aws-iam}, needs: [{read: "arn:aws:s3:::in/customers/*"}]}
  by-hand:
    platform: helpdesk
    system: crm
    environment: production
    owner: x
    rights: [{read: customers, delete: customers}]  # for now
    needs: [{read: customers}, {write: notes}]
"""
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:DeleteObject"], "Resource": "arn:aws:s3:::in/*"},
        {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::out/*"},
    ],
}
Assay = Callable[..., tuple[int, str, str]]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "assay.yaml").write_text(DECLARATION)
    (tmp_path / "policy.json").write_text(json.dumps(POLICY))
    return tmp_path


@pytest.fixture
def assay(shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Assay:
    monkeypatch.delenv("ASSAY_STATE", raising=False)
    monkeypatch.setenv("TERM", "dumb")

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["assay", "rights", *arguments, "-d", str(shop)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            run()
            sys.exit(0)
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return call


@pytest.fixture
def commanded(server: Secret, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("CRM_DSN", server.reveal())
    with psycopg.connect(server.reveal(), autocommit=True) as connection:
        connection.execute(b"CREATE ROLE commanded LOGIN IN ROLE editors")
        yield connection
        connection.execute(b"DROP OWNED BY commanded")
        connection.execute(b"DROP ROLE commanded")


@pytest.mark.integration
class TestOnARealServer:
    def test_rights_are_read_weighed_and_shown(self, assay: Assay, commanded: Any) -> None:
        code, out, _ = assay("review", "sync", "--format", "json")
        assert code == 0
        (found,) = json.loads(out)["accounts"]
        assert found["level"] == "restricted"
        assert found["excess"] > 0.8
        assert "TRUNCATE on public.customers through editors" in found["unneeded"]
        assert {"superuser", "excessive", "no-justification"} <= set(found["flags"])
        code, out, err = assay("review")
        assert (code, "excessive" in out, "pg_stat_user_tables counts all roles" in err) == (0, True, True)
        _, out, _ = assay("read", "sync")
        assert "editors → readers" in out

    def test_what_is_written_as_a_table_is_read_again(self, assay: Assay, shop: Path, commanded: Any) -> None:
        _, out, _ = assay("read", "sync", "--format", "csv")
        assert len(list(csv.DictReader(io.StringIO(out)))) > 5
        (shop / "rights.csv").write_text(out)
        text = DECLARATION.replace("{read_from: connection, name: commanded}", "{read_from: rights.csv, name: sync}")
        (shop / "assay.yaml").write_text(text)
        _, again, _ = assay("read", "sync", "--format", "csv")
        assert again == out

    def test_the_proposal_leaves_what_is_needed_and_proof_follows(
        self, assay: Assay, shop: Path, server: Secret, commanded: Any
    ) -> None:
        head = HEAD + DECLARATION.partition("environments:")[2].partition("\n")[2].partition("  uploader")[0]
        surface = surface_in(shop / "surface", head=head, personas=(CUSTOMER,))
        (case,) = named(list(prove(surface)), "effective-rights-excessive")
        granted = Granted(surface.declaration, lambda _: server)

        class Lab(ScriptedLab):
            async def rights(self, account: str) -> Any:
                return await granted.rights(account)

        assert judge(case, Lab(surface, Shop())).outcome == "fail"
        code, _, err = assay("propose", "sync", "--sql", str(shop / "least.sql"))
        assert (code, "wrote" in err) == (0, True)
        commanded.execute((shop / "least.sql").read_bytes())
        judged = judge(case, Lab(surface, Shop()))
        assert judged.facts["unneeded"] == []
        assert judged.outcome == "pass"

    def test_statistics_say_what_nobody_uses(self, assay: Assay, commanded: Any) -> None:
        out = assay("review", "sync", "--format", "json")[1]
        assert json.loads(out)["accounts"][0]["use_known_since"]
        assert json.loads(out)["accounts"][0]["excess_by_use"] is None


class TestWithoutAServer:
    def test_an_unreachable_server_is_said_and_nothing_is_claimed(self, assay: Assay, monkeypatch: Any) -> None:
        monkeypatch.setenv("CRM_DSN", "postgresql://me:hunter2@127.0.0.1:1/x")
        code, out, err = assay("review", "--format", "json")
        assert code == 3
        found = {a["account"]: a for a in json.loads(out)["accounts"]}
        assert found["sync"]["excess"] is None
        assert "cannot be read" in found["sync"]["problem"]
        assert found["by-hand"]["excess"] > 0.5
        assert "hunter2" not in out + err
        code, _, told = assay("propose", "sync")
        assert code == 3
        assert "assay.yaml:" in told, "where the connection is declared"

    def test_a_missing_variable_is_named(self, assay: Assay, monkeypatch: Any) -> None:
        monkeypatch.delenv("CRM_DSN", raising=False)
        code, _, err = assay("read", "sync")
        assert (code, "CRM_DSN" in err) == (3, True)

    def test_an_unknown_account_is_answered_with_the_closest(self, assay: Assay) -> None:
        code, _, err = assay("review", "snyc")
        assert (code, "did you mean `sync`?" in err) == (2, True)

    def test_rights_by_hand_get_a_patch_that_adds_nothing(self, assay: Assay) -> None:
        code, out, _ = assay("propose", "by-hand")
        assert code == 0
        assert "+    rights: [{read: customers}]  # for now" in out
        assert "notes" not in "".join(line for line in out.splitlines() if line.startswith("+"))

    def test_aws_gets_a_policy_of_what_is_needed(self, assay: Assay) -> None:
        _, out, _ = assay("propose", "uploader", "--format", "json")
        policy = json.loads(out)["policy"]
        assert policy["Statement"] == [
            {"Sid": "Need1", "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::in/customers/*"]}
        ]

    def test_where_rights_cannot_shrink_an_api_is_proposed_that_narrows_them(self, assay: Assay, shop: Path) -> None:
        (shop / "contract.yaml").write_text(CONTRACT)
        more = HEAD.partition("apis:")[2].replace("    upstream:", "    backed_by: [crm]\n    upstream:")
        text = DECLARATION.replace("    platform: helpdesk\n", "    platform: helpdesk\n    used_by: [app]\n")
        (shop / "assay.yaml").write_text(f"{text}apis:{more}")
        _, out, _ = assay("propose", "by-hand", "--format", "json")
        (narrowing,) = json.loads(out)["narrowed_by"]
        assert narrowing["api"] == "shop"
        assert set(narrowing["operations"]) == {
            "health", "listOrders", "getOrder", "getLine", "createOrder", "updateOrder"
        }  # fmt: skip
        _, out, _ = assay("propose", "by-hand")
        assert "`app` may also call deleteOrder" in out
        assert "`app` has no `limit:`" in out

    def test_no_sql_is_written_for_other_platforms(self, assay: Assay, shop: Path) -> None:
        code, _, err = assay("propose", "by-hand", "--sql", str(shop / "x.sql"))
        assert (code, "no SQL" in err, (shop / "x.sql").exists()) == (2, True, False)

    def test_without_needs_nothing_is_proposed(self, assay: Assay, shop: Path) -> None:
        (shop / "assay.yaml").write_text(DECLARATION.replace("    needs: [{read: customers}, {write: notes}]\n", ""))
        code, _, err = assay("propose", "by-hand")
        assert (code, "nothing says what `by-hand` needs" in err) == (2, True)

    @pytest.mark.parametrize("word", ["read", "review", "propose"])
    def test_half_an_export_is_no_right_that_could_be_taken_away(self, assay: Assay, shop: Path, word: str) -> None:
        written = (shop / "assay.yaml").read_text()
        (shop / "half.json").write_text('{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action"')
        (shop / "assay.yaml").write_text(
            written.replace(
                "accounts:\n",
                "accounts:\n  half:\n    {platform: aws, system: crm, environment: production, owner: x,"
                " rights: {read_from: half.json, format: aws-iam}, needs: [{read: x}], used_by: []}\n",
                1,
            )
        )
        exit, out, err = assay(word, "half")
        assert exit == 3, err
        assert "`half.json` is no JSON" in out + err and "half.json:1:" in out + err

    def test_without_accounts_nothing_is_selected(self, assay: Assay, shop: Path) -> None:
        (shop / "assay.yaml").write_text(DECLARATION.partition("accounts:")[0])
        assert assay("review")[0] == 4

    def test_no_cell_is_a_formula(self, assay: Assay, shop: Path) -> None:
        (shop / "assay.yaml").write_text(DECLARATION.replace("read: customers, delete", 'read: "=cmd()", delete'))
        assert ",'=cmd()," in assay("read", "by-hand", "--format", "csv")[1]


def test_the_last_use_is_read_from_the_gateways_log(tmp_path: Path) -> None:
    (tmp_path / "contract.yaml").write_text(CONTRACT)
    (tmp_path / "assay.yaml").write_text(HEAD)
    declaration = load(tmp_path, environ={})
    log = tmp_path / "access.jsonl"
    lines = [
        {"time": "2026-06-01T10:00:00Z", "operation": "shop/report", "client": "back", "details": "via_upstream"},
        {"time": "2026-06-03T10:00:00Z", "operation": "shop/report", "client": "back", "details": "via_upstream"},
        {
            "time": "2026-06-09T10:00:00Z",
            "operation": "shop/report",
            "client": "app",
            "details": "request_rate_limited",
        },
        {"time": "yesterday", "operation": "shop/report", "client": "app", "details": "via_upstream"},
    ]
    log.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"time": "2026-07')
    found = {name: day.isoformat() for name, day in last_calls(declaration, log).items()}
    assert found == {"back": "2026-06-03", "shop": "2026-06-03"}
    assert last_calls(declaration, tmp_path / "none") == {}

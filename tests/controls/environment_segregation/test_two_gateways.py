"""Two gateways that really run: what one accepts, the other refuses, in both directions; copies of data are found."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.layers.gateways import applied, gateway
from tests.layers.service import Layer, running

from assay.app.addresses import keys_file
from assay.app.aiming import at_project
from assay.app.project import Project, in_environment, open_project
from assay.app.proving import Choice, cases_of, proven
from assay.domain import Outcome
from assay.gateway.ports import free_ports
from assay.identity import api_keys
from assay.prove.bounds import Limits
from assay.prove.result import Proof

pytestmark = pytest.mark.integration
LIMITS = Limits(requests=400, per_second=200, seconds=180.0, wait=10.0)

CONTRACT = """\
openapi: 3.1.0
info: {title: records, version: "1"}
servers: [{url: https://records.example}]
components:
  securitySchemes:
    login: {type: oauth2, flows: {clientCredentials: {tokenUrl: "https://login.example/token", scopes: {}}}}
    key: {type: apiKey, in: header, name: X-API-Key}
    certificate: {type: mutualTLS}
security: [{login: []}, {key: []}, {certificate: []}]
paths: {/records: {get: {operationId: listRecords, responses: {"200": {description: ok}}}}}
"""


def environment(name: str, tier: str, port: int, upstream: str) -> dict[str, str]:
    """The parts of the declaration that are one environment's."""
    return {
        "environments": f"  {name}:\n    tier: {tier}\n    issuer: {{development: true, audience: {name}-api}}\n"
        f'    gateway: {{listen: "127.0.0.1:{port}"}}\n',
        "systems": f"  crm-{name}: {{kind: database, environment: {name}, owner: o, holds: [customer],"
        f' connection: {{kind: sqlite, dsn: {{secret: "env:DSN_{name.upper()}"}}}}}}\n',
        "apis": f"  records-{name}: {{owner: o, exposure: internal, environment: {name}, contract: contract.yaml,"
        f' upstream: "{upstream}", backed_by: [crm-{name}], access: [{{roles: [reader], operations: ["*"]}}]}}\n',
        "consumers": "".join(
            f"  {name}-{way}: {{kind: service, environment: {name}, roles: [reader], authenticate: {{{how}}}}}\n"
            for way, how in (
                ("token", f"oauth2: {{client: {name}-client}}"),
                ("key", "api_key: {}"),
                ("certificate", f"mtls: {{san: {name}.internal}}"),
            )
        ),
    }


def declared(folder: Path, *parts: dict[str, str], **environ: str) -> Project:
    text = "assay: 1\norganisation: {name: Northwind}\n"
    for section in ("environments", "systems", "apis", "consumers"):
        text += f"{section}:\n" + "".join(part[section] for part in parts)
    text += "data: {customer: {fields: {email: {category: user.contact.email, identifies: direct}}}}\n"
    (folder / "contract.yaml").write_text(CONTRACT)
    (folder / "assay.yaml").write_text(text)
    return open_project(folder, environ=environ)


def store(path: Path, emails: list[str]) -> str:
    with sqlite3.connect(path) as made:
        made.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT)")
        made.executemany("INSERT INTO customers (email) VALUES (?)", [(e,) for e in emails])
    made.close()
    return str(path)


async def proofs(
    project: Project, name: str, environ: dict[str, str], *, authorised: bool = True, only: str = ""
) -> dict[str, Proof]:
    def run() -> dict[str, Proof]:
        aim = at_project(in_environment(project, name), environment=name, environ=environ)
        choice = Choice(controls=("environment_segregation",), authorised=authorised)
        if only:
            cases = tuple(c.id for c in cases_of(aim, choice) if c.id.endswith(only))
            choice = Choice(cases=cases, authorised=authorised)
        result = asyncio.run(proven(aim, choice, LIMITS))
        return {p.case: p for p in result.proofs}

    return await asyncio.to_thread(run)


def told(found: dict[str, Proof]) -> dict[str, tuple[str, str]]:
    return {case.partition("/")[2]: (str(p.verdict.outcome), p.verdict.sentence) for case, p in found.items()}


def test_credentials_of_one_environment_are_refused_in_the_other_and_copied_records_are_found(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    real = [f"person{i}@northwind-mail.net" for i in range(20)]
    made_up = [f"made-up-{i}@nobody-at-all.net" for i in range(20)]
    environ = {
        "DSN_PRODUCTION": store(tmp_path / "production.db", real),
        "DSN_STAGING": store(tmp_path / "staging.db", made_up),
    }
    asyncio.run(_scene(tmp_path, environ, real))


async def _scene(folder: Path, environ: dict[str, str], real: list[str]) -> None:
    with ExitStack() as held:
        upstream = [held.enter_context(running(Layer("system"))) for _ in range(2)]
        project = declared(
            folder,
            environment("production", "production", free_ports(2), upstream[0]),
            environment("staging", "non-production", free_ports(2), upstream[1]),
            **environ,
        )
        production, staging = (in_environment(project, e) for e in ("production", "staging"))
        async with gateway(staging):
            alone = told(await proofs(project, "staging", environ))
            crossing = {k: v for k, v in alone.items() if "foreign" in k}
            assert len(crossing) == 3
            assert {o for o, _ in crossing.values()} == {"inconclusive"}, crossing
            assert all("never started" in sentence for _, sentence in crossing.values())

            async with gateway(production):
                away = await asyncio.gather(proofs(project, "staging", environ), proofs(project, "production", environ))
                for name, found in zip(("staging", "production"), map(told, away), strict=True):
                    crossing = {k: v for k, v in found.items() if "foreign" in k}
                    assert len(crossing) == 3, found
                    assert {o for o, _ in crossing.values()} == {"pass"}, (name, crossing)
                assert told(away[0])["production-data-in-test-store/gateway/anonymous/crm-production-in-crm-staging"][
                    0
                ] == str(Outcome.PASS)

                await _trusting_both(folder, staging, production)
                _copy(Path(environ["DSN_STAGING"]), real[:5])
                weaker = await proofs(project, "staging", environ)
                unasked = told(await proofs(project, "staging", environ, only="certificate", authorised=False))
    for part in (staging, production):
        left = api_keys.load(keys_file(part.state)).list(datetime.now(UTC))
        assert left, "keys were made for the run"
        assert all(key.record.revoked_at for key in left), "and none is left, at either gateway"
    verdicts = told(weaker)
    assert {k.rpartition(":")[2]: o for k, (o, _) in verdicts.items() if "foreign" in k} == {
        "token": "pass",
        "key": "pass",
        "certificate": "fail",
    }, verdicts
    data = next(v for k, v in verdicts.items() if "test-store" in k)
    assert data[0] == str(Outcome.FAIL)
    assert "5 of 12 identifying values of `crm-production` are in `crm-staging`" in data[1]
    assert not any(email in str(p) for p in weaker.values() for email in real), "values are never shown"
    assert [o for o, s in unasked.values() if "--i-am-authorised" in s] == ["inconclusive"]


async def _trusting_both(folder: Path, staging: Project, production: Project) -> None:
    """Staging trusts production's authority of client certificates as well, and knows a certificate of production."""
    authorities = [(part.state / "pki" / "ca.crt").read_text() for part in (staging, production)]
    (folder / "both.crt").write_text("".join(authorities))
    file = folder / "assay.yaml"
    text = file.read_text()
    guest = "kind: service, environment: staging, roles: [reader], authenticate: {mtls: {san: production.internal}}"
    weaker = text.replace("consumers:\n", f"consumers:\n  guest: {{{guest}}}\n")
    weaker = weaker.replace("data: {", "gateway: {tls: {client_ca: both.crt}}\ndata: {")
    file.write_text(weaker)
    changed = in_environment(open_project(folder, environ={}), "staging")
    file.write_text(text)
    await applied(changed)


def _copy(path: Path, emails: list[str]) -> None:
    with sqlite3.connect(path) as store_:
        store_.executemany("INSERT INTO customers (email) VALUES (?)", [(e,) for e in emails])
    store_.close()

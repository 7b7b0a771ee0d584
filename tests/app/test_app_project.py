"""A project: where its files and its state are, and what is derived from both."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from assay.app import issuing
from assay.app.addresses import development_environments, issuer_address, keys_file, plan_site
from assay.app.once import wanted
from assay.app.planning import make_plan, production_apis
from assay.app.project import Project, open_project
from assay.app.site import Facts, prepare_site, system_authorities
from assay.app.stack import prepare_project, url_of
from assay.demo.stage import example
from assay.domain import IncompleteError, Location, Outcome, UsageError, Verdict
from assay.gateway.assemble import assemble, encode
from assay.gateway.envoy import translate
from assay.gateway.layout import prepare
from assay.identity.pki import CertificatePair, ensure_server_certificate


@pytest.fixture
def place(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.delenv("ASSAY_STATE", raising=False)
    copy = tmp_path / "customer-data"
    shutil.copytree(example(), copy, ignore=shutil.ignore_patterns(".assay", "__pycache__"))
    return copy


def opened(place: Path, **environ: str) -> Project:
    return open_project(place, environ=environ)


def changed(place: Path, before: str, after: str) -> Project:
    file = place / "assay.yaml"
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after))
    return opened(place)


def with_files(place: Path, pair: CertificatePair) -> None:
    """The gateway's own certificate in the declaration, in the folder ``tls``."""
    assert pair.certificate == place / "tls/server.crt"
    file, files = place / "assay.yaml", "  tls: {files: {certificate: tls/server.crt, key: tls/server.key}}\n"
    text = file.read_text().replace(files, "")
    file.write_text(text.replace("gateway:\n", "gateway:\n" + files))


class TestFiles:
    def test_state_lies_beside_the_declaration_unless_told_otherwise(self, place: Path, monkeypatch) -> None:
        assert opened(place).state == place / ".assay"
        monkeypatch.setenv("ASSAY_STATE", str(place / "elsewhere"))
        assert opened(place).state == place / "elsewhere"

    def test_reading_writes_nothing(self, place: Path) -> None:
        before = sorted(place.rglob("*"))
        make_plan(opened(place))
        assert sorted(place.rglob("*")) == before

    def test_sources_of_contracts_are_found_too(self, place: Path, monkeypatch) -> None:
        monkeypatch.chdir(place.parent)
        project = open_project(Path("customer-data"), environ={})
        contract = "customer-data/openapi/customer-data.yaml"
        place_ = project.declaration.contracts["customer-data"].locate("#/paths")
        shown = project.sources_for([_verdict(place_), _verdict(Location("nowhere.yaml"))])
        assert place_.file in shown, contract
        assert "nowhere.yaml" not in shown

    def test_a_file_is_replaced_whole_and_keeps_its_permissions(self, place: Path) -> None:
        project = opened(place)
        file = place / "assay.yaml"
        file.chmod(0o640)
        project.rewrite(str(file), "assay: 1\n")
        assert file.read_text() == "assay: 1\n"
        assert file.stat().st_mode & 0o777 == 0o640
        assert sorted(p.name for p in place.iterdir() if p.name.startswith("tmp")) == []

    def test_a_file_that_cannot_be_replaced_is_told(self, place: Path) -> None:
        with pytest.raises(IncompleteError) as error:
            opened(place).rewrite(str(place / "missing" / "assay.yaml"), "x")
        assert "cannot be written" in error.value.sentence


def _verdict(at: Location) -> Verdict:
    return Verdict(control="c", check="d", subject="", outcome=Outcome.FAIL, sentence="", location=at)


class TestSite:
    def test_the_issuer_listens_beside_the_gateway(self, place: Path) -> None:
        assert issuer_address(opened(place).declaration) == "127.0.0.1:8444"
        last = opened(place, CUSTOMER_DATA_LISTEN="127.0.0.1:65535")
        assert issuer_address(last.declaration) == "127.0.0.1:65534"

    def test_two_environments_may_not_share_a_development_issuer(self, place: Path) -> None:
        project = changed(
            place,
            "production: {tier: production, issuer: {url: https://login.example/prod, ",
            "production: {tier: production, issuer: {development: true, ",
        )
        with pytest.raises(UsageError) as error:
            development_environments(project.declaration)
        assert error.value.location is not None

    def test_planning_names_the_files_that_preparing_makes(self, place: Path) -> None:
        project = opened(place)
        planned = plan_site(project)
        paths = prepare(project.state, environ={})
        assert prepare_site(project, paths) == planned
        folders = Facts(project, paths).folders
        for named in (planned.certificate, planned.private_key, planned.client_ca):
            assert Path(folders.file(named)).is_file()
        assert folders.secret(planned.introspection[1]).startswith(f"file:{paths.root.absolute()}/")

    def test_a_project_in_another_folder_has_the_same_policy(self, place: Path, tmp_path: Path) -> None:
        """Else moving it would turn everything stale that was proven about it."""
        moved = tmp_path / "somewhere" / "else"
        shutil.copytree(place, moved)
        here, there = opened(place), opened(moved)
        assert wanted(here).digest == wanted(there).digest
        assert str(place).encode() not in encode(assemble(replace(p, source="") for p in wanted(here).pieces))

    def test_authorities_of_the_machine_are_a_file(self) -> None:
        assert Path(system_authorities()).is_file()

    def test_an_issuer_that_is_down_is_trouble_and_no_end(self, place: Path) -> None:
        project = changed(place, "https://login.example/prod", "https://127.0.0.1:9/prod")
        prepared = prepare_project(project)
        runtime = prepared.facts.gather()
        assert prepared.facts.trouble["production"].endswith("; until then its tokens are refused")
        assert "production" not in runtime.jwks
        assert "demo" in runtime.jwks

    def test_a_key_set_that_was_read_outlives_its_issuer(self, place: Path, monkeypatch) -> None:
        project = opened(place)
        facts = Facts(project, prepare(project.state, environ={}))
        facts._jwks["demo"] = "remembered"
        facts.gather()
        assert "refused" not in facts.trouble["demo"]
        assert facts._jwks["demo"] == "remembered"

    def test_a_certificate_that_is_renewed_at_its_place_is_loaded(self, place: Path) -> None:
        with_files(place, ensure_server_certificate(place / "tls"))
        facts = prepare_project(opened(place)).facts
        policy, before = wanted(opened(place)), facts.gather()
        assert facts.gather() == before
        (place / "tls/server.crt").unlink()
        with_files(place, ensure_server_certificate(place / "tls"))
        assert translate(policy, facts.gather()).version != translate(policy, before).version

    @pytest.mark.parametrize(
        ("days_ago", "said"), [(91, "expired"), (-2, "not valid before")], ids=["expired", "not yet valid"]
    )
    def test_no_gateway_starts_with_a_certificate_that_callers_refuse(
        self, place: Path, days_ago: int, said: str
    ) -> None:
        made = datetime.now(UTC) - timedelta(days=days_ago)
        with_files(place, ensure_server_certificate(place / "tls", clock=lambda: made))
        with pytest.raises(IncompleteError, match=said) as error:
            prepare_project(opened(place))
        assert error.value.location is not None
        assert error.value.location.file.endswith("assay.yaml")
        assert error.value.fix

    def test_keys_lie_in_the_state(self) -> None:
        assert keys_file(Path("s")) == Path("s/keys/api-keys.json")


class TestPlanning:
    def test_apis_of_production_are_those_of_a_production_tier(self, place: Path) -> None:
        assert production_apis(opened(place)) == frozenset()
        assert production_apis(changed(place, "tier: non-production", "tier: production")) == {"customer-data"}

    def test_the_same_declaration_has_the_same_digest(self, place: Path) -> None:
        assert make_plan(opened(place)).plan.digest == make_plan(opened(place)).plan.digest

    def test_what_was_prepared_is_what_was_planned(self, place: Path) -> None:
        project = opened(place)
        assert prepare_project(project).policy.digest == make_plan(project).policy.digest


class TestIssuing:
    def test_every_oauth2_consumer_becomes_a_client_and_every_user_a_user(self, place: Path) -> None:
        project = opened(place)
        found = issuing.prepare(project, prepare(project.state, environ={}))
        assert found is not None
        _, credentials = found
        assert {"mobile-app", "agent-desk", "back-office"} <= credentials.clients.keys()
        assert credentials.users.keys() == {"alice", "bob"}

    def test_without_a_development_issuer_nothing_is_made(self, tmp_path: Path) -> None:
        project = open_project(Path(__file__).parents[1] / "cli" / "ten_mistakes")
        paths = prepare(tmp_path / ".assay", environ={})
        assert development_environments(project.declaration) == {}
        assert issuing.prepare(project, paths) is None
        assert list(paths.issuer.iterdir()) == []


class TestAddress:
    def test_callers_speak_tls_unless_the_declaration_says_otherwise(self, place: Path) -> None:
        assert url_of(opened(place)) == "https://127.0.0.1:8443"
        assert url_of(changed(place, "gateway:\n", "gateway:\n  plaintext: true\n")).startswith("http://")

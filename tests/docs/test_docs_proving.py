"""What the documents say about proving is so: proofs exist, identities and recipes are understood, tables complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tools.docgen import json_shapes, proofs
from tools.docgen.__main__ import REFERENCE

from assay.cli.timers import KINDS
from assay.controls.registry import controls
from assay.prove.identities.given import EXAMPLES, given_identity

ROOT = Path(__file__).parents[2]
BY_HAND = sorted(p for p in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")] if REFERENCE not in p.parents)
PROSE = "\n".join(p.read_text(encoding="utf-8") for p in BY_HAND)
LARGEST_PICTURE = 300 * 1024


def _joined(text: str) -> str:
    return re.sub(r"\\\n\s*", " ", text)


def test_every_case_that_is_named_belongs_to_a_proof() -> None:
    known = {(c.id, proof) for c in controls() for proof in c.about.proofs}
    named = re.findall(r"(?:--replay |^  case )([a-z_]+)/([a-z-]+)/", PROSE, re.MULTILINE)
    assert named
    assert set(named) <= known


@pytest.mark.parametrize("text", sorted(set(re.findall(r"--identity (\S+=[a-z]+:[^\s`]+)", _joined(PROSE)))))
def test_identities_on_command_lines_are_understood(text: str) -> None:
    name, _ = given_identity(text, base=ROOT, read=lambda _: "path: /login")
    assert text.startswith(name)


def test_each_kind_of_identity_is_shown() -> None:
    guide = (ROOT / "docs/how-to/prove-a-foreign-api.md").read_text(encoding="utf-8")
    assert all(f"={example.split('=')[1].split(':')[0]}:" in guide for example in EXAMPLES)


@pytest.mark.parametrize(
    "recipe", re.findall(r"^```yaml other\n((?:#.*\n)?path: /[^`]*)^```$", PROSE, re.MULTILINE), ids=lambda _: "recipe"
)
def test_login_recipes_are_understood(recipe: str) -> None:
    _, identity = given_identity("dora=login:dora.yaml", base=ROOT, read=lambda _: recipe)
    assert identity.login is not None
    assert identity.login.extract.startswith(("/", "cookie:", "header:"))


def test_each_kind_of_timer_is_shown() -> None:
    assert all(f"--print-timer {kind}" in PROSE for kind in KINDS)


def test_every_proof_is_in_the_reference_with_its_rows() -> None:
    page = proofs.pages()["proofs.md"]
    for control in controls():
        for key, proof in control.about.proofs.items():
            line = next(line for line in page.splitlines() if f"controls/{control.id}.md#{key})" in line)
            assert ", ".join(proof.rows) in line


def test_every_row_of_the_catalogue_has_a_proof_or_a_reason() -> None:
    page = proofs.pages()["proofs.md"].partition("## Coverage of the probe catalogue")[2]
    rows = re.findall(r"^\| (AV\d\d) \|", page, re.MULTILINE)
    assert sorted(rows) == [f"AV{number:02}" for number in range(1, 61)]


def test_a_row_without_proof_and_reason_is_no_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = tmp_path / "catalogue.toml"
    words.write_text(proofs.WORDS.read_text(encoding="utf-8").replace('AV60 = "Every', 'AV61 = "new"\nAV60 = "Every'))
    monkeypatch.setattr(proofs, "WORDS", words)
    with pytest.raises(LookupError, match="AV61"):
        proofs.pages()


@pytest.fixture(scope="module")
def shapes() -> str:
    return json_shapes.pages()["json.md"]


@pytest.mark.parametrize("command", ["assay prove", "assay prove --plan", "assay report", "assay verify", "assay demo"])
def test_what_a_command_prints_for_programs_is_described(command: str, shapes: str) -> None:
    assert f"\n## {command}\n" in shapes


@pytest.mark.parametrize("picture", sorted((ROOT / "docs" / "images").iterdir()), ids=lambda p: p.name)
def test_pictures_are_small(picture: Path) -> None:
    assert picture.stat().st_size <= LARGEST_PICTURE

"""What the documents say is so: links lead somewhere, commands exist, declarations load, the reference is current."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from ruamel.yaml import YAML
from tools.docgen.__main__ import REFERENCE, pages, stale

from assay.cli.main import app
from assay.controls import CONTROL_IDS
from assay.declare import load

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "customer-data"
WRITTEN = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")])
BY_HAND = [p for p in WRITTEN if REFERENCE not in p.parents]


def _named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _blocks(path: Path, language: str) -> Iterator[tuple[str, str]]:
    """(words after the language, text) of every fenced block."""
    found = re.finditer(r"^```(\w+) ?(.*)\n((?s:.*?))^```$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return ((m[2], m[3]) for m in found if m[1] == language)


def _anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as code hosts make them."""
    outside = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.*)$", outside, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", t.lower()).replace(" ", "-") for t in titles}


def test_the_reference_is_what_the_code_says() -> None:
    assert stale(pages(), REFERENCE) == [], "run make docs"


@pytest.mark.parametrize("path", WRITTEN, ids=_named)
def test_links_lead_somewhere(path: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'src="([^"]+)"', text):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in _anchors(file)):
            broken.append(target)
    assert broken == []


def _commands() -> list[tuple[Path, str]]:
    found = []
    for path in BY_HAND:
        for _, text in [*_blocks(path, "console"), *_blocks(path, "sh"), *_blocks(path, "yaml")]:
            joined = re.sub(r"\\\n\s*", " ", text)
            found += [(path, line) for line in joined.splitlines() if re.search(r"(^|[ /(])assay [a-z]", line)]
        prose = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        found += [(path, code) for code in re.findall(r"`(assay [a-z][^`]*)`", prose)]
    return found


@cache
def _command_line() -> Any:
    return typer.main.get_command(app)


@pytest.mark.parametrize(("path", "line"), _commands(), ids=lambda x: _named(x) if isinstance(x, Path) else x)
def test_commands_and_options_exist(path: Path, line: str) -> None:
    words = shlex.split(
        re.split(r"(?:^|[ /(])assay (?=[a-z])", line, maxsplit=1)[1].split("#")[0].split(")")[0], comments=True
    )
    command = _command_line()
    while hasattr(command, "commands") and words:
        name = words.pop(0)
        assert name in command.commands, f"{_named(path)}: there is no `assay {name}`"
        command = command.commands[name]
    known = {o for p in command.params for o in (*p.opts, *p.secondary_opts)} | {"--help"}
    for word in words:
        if word in ("|", ">", "&&"):
            break
        assert not word.startswith("--") or word.split("=")[0] in known, f"{_named(path)}: no `{word}` in `{line}`"


def _declarations() -> list[tuple[Path, str]]:
    return [(path, text) for path in BY_HAND for words, text in _blocks(path, "yaml") if words != "other"]


def _over(base: Any, snippet: Any) -> Any:
    """The snippet laid over the example: mappings merge, everything else is replaced."""
    if isinstance(base, dict) and isinstance(snippet, dict):
        return {**base, **{k: _over(base.get(k), v) for k, v in snippet.items()}}
    return snippet


@pytest.mark.parametrize(("path", "text"), _declarations(), ids=lambda x: _named(x) if isinstance(x, Path) else "yaml")
def test_declarations_in_the_documents_load(path: Path, text: str, tmp_path: Path) -> None:
    yaml = YAML(typ="safe")
    whole: Any = {}
    for file in (EXAMPLE / "assay.yaml", *sorted((EXAMPLE / "assay.d").glob("*.yaml"))):
        whole = _over(whole, yaml.load(file.read_text(encoding="utf-8")))
    whole = _over(whole, yaml.load(text))
    for folder in ("openapi", "blocklists"):
        shutil.copytree(EXAMPLE / folder, tmp_path / folder)
    with (tmp_path / "assay.yaml").open("w", encoding="utf-8") as file_:
        yaml.dump(whole, file_)
    load(tmp_path, environ={}, controls=frozenset(CONTROL_IDS))

"""Which files make up a declaration, and their text."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from pathlib import Path

from assay.declare.problem import problem
from assay.declare.yaml_nodes import YamlLimits
from assay.domain import Location, Severity, Verdict

_BOM = b"\xef\xbb\xbf"


@dataclass(slots=True)
class Sources:
    """The files of a declaration.

    Attributes:
        root: the directory that relative paths are relative to.
        shown: how the root is shown in locations; empty for "here".
        texts: by shown name, in the order they are merged.
        data: their bytes, by path relative to the root.
    """

    root: Path
    shown: str
    texts: dict[str, str] = field(default_factory=dict)
    data: dict[str, bytes] = field(default_factory=dict)
    problems: list[Verdict] = field(default_factory=list)
    notes: list[Verdict] = field(default_factory=list)

    def name(self, relative: str) -> str:
        """The name that locations show for a path relative to the root."""
        return posixpath.normpath(posixpath.join(self.shown, relative.replace("\\", "/")))


def read_sources(path: Path, shown_as: str | None, limits: YamlLimits) -> Sources:
    """Find and read the declaration at ``path``: a directory, or one YAML file."""
    try:
        is_directory = path.is_dir()
    except (OSError, ValueError):
        is_directory = False
    root = path if is_directory else path.parent
    shown = root.as_posix() if shown_as is None else shown_as
    sources = Sources(root, "" if shown == "." else shown)
    if not is_directory:
        _read(sources, path.name, limits, "name a directory that holds `assay.yaml`, or a YAML file")
        return sources
    fix = "start with `assay init --contract FILE --upstream URL`, or name the directory that holds it"
    if (root / "assay.yml").is_file() and not (root / "assay.yaml").exists():
        fix = "rename `assay.yml` to `assay.yaml`"
    _read(sources, "assay.yaml", limits, fix)
    if (root / "assay.d").is_dir():
        for file in sorted((root / "assay.d").iterdir(), key=lambda f: f.name):
            if file.name.startswith("."):
                continue
            relative = f"assay.d/{file.name}"
            if file.suffix == ".yaml":
                _read(sources, relative, limits, "remove it")
            elif file.suffix in (".yml", ".json"):
                at = Location(sources.name(relative))
                sentence = f"`{relative}` is not read; only files that end in .yaml are"
                sources.problems.append(
                    problem("ignored-file", "", sentence, at, "rename it to end in .yaml, or remove it")
                )
    return sources


def _read(sources: Sources, relative: str, limits: YamlLimits, missing_fix: str) -> None:
    name = sources.name(relative)
    at = Location(name)
    try:
        with (sources.root / relative).open("rb") as stream:
            data = stream.read(limits.bytes + 1)
    except FileNotFoundError:
        sources.problems.append(problem("missing-file", "", f"there is no file `{name}`", at, missing_fix))
        return
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "the path is not valid").lower()
        sources.problems.append(
            problem("unreadable-file", "", f"`{name}` cannot be read: {reason}", at, "make it a readable file")
        )
        return
    sources.data[relative] = data
    text = decode(data, name, limits, sources.problems, sources.notes)
    if text is not None:
        sources.texts[name] = text


def decode(data: bytes, name: str, limits: YamlLimits, problems: list[Verdict], notes: list[Verdict]) -> str | None:
    """The text of a file, or None and a problem. A byte order mark is dropped and noted."""
    at = Location(name)
    if len(data) > limits.bytes:
        sentence = f"the file has more than {limits.bytes // 1024 // 1024} MiB"
        problems.append(problem("file-too-large", "", sentence, at, "split it into several files in assay.d/"))
        return None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        problems.append(problem("not-utf-8", "", "the file is UTF-16", at, "save it as UTF-8"))
        return None
    if data.startswith(_BOM):
        data = data.removeprefix(_BOM)
        notes.append(
            problem(
                "byte-order-mark",
                "",
                "the file begins with a byte order mark, which was passed over",
                at,
                "save it as UTF-8 without a byte order mark",
                severity=Severity.NOTE,
            )
        )
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", errors="replace")
        line = before.count("\n") + 1
        column = len(before) - (before.rfind("\n") + 1) + 1
        sentence = f"the byte 0x{data[error.start]:02X} is not UTF-8"
        problems.append(problem("not-utf-8", "", sentence, Location(name, line, column), "save the file as UTF-8"))
        return None

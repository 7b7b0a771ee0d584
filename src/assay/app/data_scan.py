"""Payload files looked through for personal data and secrets: JSON, JSON lines, HAR, CSV, text."""

from __future__ import annotations

import base64
import binascii
import csv
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from assay.domain import Confidence, UsageError
from assay.scanning import Bounds, Found, Scan, scan_bytes, scan_text, scan_value
from assay.scanning.positions import lines_of
from assay.scanning.presidio import Analyzer, opinions
from assay.scanning.scanner import NOTHING, Members, decoded, parsed

STDIN: Final = "-"
_FILES: Final = 20_000
"""So many files of a directory are looked through at most."""
_FILE_LIMIT: Final = 256 * 1024 * 1024
_LINES: Final = (".jsonl", ".ndjson", ".jsonlines", ".log")
_CALLED: Final = (
    (".json", "JSON"),
    (".har", "an HTTP archive"),
    (".jsonl", "JSON lines"),
    (".ndjson", "JSON lines"),
    (".jsonlines", "JSON lines"),
    (".csv", "CSV"),
    (".tsv", "CSV"),
)


@dataclass(frozen=True, slots=True)
class Seen:
    """One finding in a file: ``line`` from 1, ``found.path`` within the record on it."""

    file: str
    line: int
    found: Found

    def as_json(self) -> dict[str, object]:
        """The published shape (version 1)."""
        return {"file": self.file, "line": self.line, **self.found.as_json()}


@dataclass(frozen=True, slots=True)
class Looked:
    """One file that was looked through.

    Attributes:
        kind: ``json``, ``json-lines``, ``har``, ``csv``, ``text`` or ``binary``; ``unreadable`` for what could not be
            read at all.
        unread: what was left out, and why; empty: nothing was.
    """

    file: str
    kind: str
    values: int
    seen: tuple[Seen, ...]
    unread: str = ""

    def as_json(self) -> dict[str, object]:
        """The published shape (version 1)."""
        return {
            "file": self.file,
            "kind": self.kind,
            "values": self.values,
            "unread": self.unread,
            "found": [seen.as_json() for seen in self.seen],
        }


def look_through(
    names: Iterable[str],
    standard_input: Callable[[], bytes],
    *,
    least: Confidence = Confidence.MEDIUM,
    second_opinion: Analyzer | None = None,
) -> Iterator[Looked]:
    """Looks through files, and through everything below directories. See :func:`files_in` and :func:`look`.

    What was named must be readable; a file that was only found in a directory and cannot be read is told as such.

    Raises:
        UsageError: something that was named cannot be read, or a directory holds nothing to look through.
    """
    for name in names:
        found = files_in(name)
        for file in (name,) if found is None else found:
            try:
                data = read(file, standard_input)
            except UsageError as error:
                if found is None:
                    raise
                yield Looked(file, "unreadable", 0, (), error.sentence)
                continue
            yield look(file, data, least=least, second_opinion=second_opinion)


def files_in(name: str) -> tuple[str, ...] | None:
    """The files below a directory, sorted; None for what is none. Hidden directories and linked ones are left out.

    Raises:
        UsageError: it cannot be listed, or holds no file, or more of them than can be looked through at once.
    """
    top = Path(name)
    if name == STDIN or not top.is_dir():
        return None
    refused: list[OSError] = []
    found: list[Path] = []
    for directory, below, files in os.walk(top, onerror=refused.append):
        below[:] = [each for each in below if not each.startswith(".")]
        found += [path for each in files if (path := Path(directory, each)).is_file()]
        if len(found) > _FILES:
            raise UsageError(f"{name} has more than {_FILES:,} files", fix="name the directories in it one by one")
    if refused:
        raise UsageError(
            f"{refused[0].filename} cannot be listed: {refused[0].strerror}", fix="check its permissions"
        ) from refused[0]
    if not found:
        raise UsageError(f"{name} has no files to look through", fix="name a directory that has some, or a file")
    return tuple(map(str, sorted(found)))


def read(name: str, standard_input: Callable[[], bytes]) -> bytes:
    """The bytes of a file, or of standard input for ``-``.

    Raises:
        UsageError: it cannot be read, or is too large to be held.
    """
    if name == STDIN:
        return standard_input()
    path = Path(name)
    try:
        if path.stat().st_size > _FILE_LIMIT:
            raise UsageError(f"{name} has more than {_FILE_LIMIT >> 20} MiB", fix="divide it, or scan a sample of it")
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}", fix="check its name and permissions") from error


def look(
    name: str, data: bytes, *, least: Confidence = Confidence.MEDIUM, second_opinion: Analyzer | None = None
) -> Looked:
    """Looks through one file. The kind is told by the content; by the name only between lines and one document.

    ``second_opinion`` is asked about texts of several words (Presidio).
    """
    bounds = Bounds(size=max(len(data), 1))
    text = decoded(data)
    if text is None:
        return Looked(name, "binary", 0, (), scan_bytes(data).unread)
    ask = _asking(second_opinion, least)
    value = NOTHING if name.endswith(_LINES) else parsed(text)
    if value is not NOTHING:
        return _document(name, text, value, least, bounds, ask)
    if (rows := _rows(name, text)) is not None:
        return _records(name, "csv", rows, least, bounds, ask)
    if (records := _json_lines(text)) is not None:
        return _records(name, "json-lines", records, least, bounds, ask)
    scan = scan_text(text, least=least, bounds=replace(bounds, text=len(text) or 1))
    found = sorted([*scan.found, *ask("", text)])
    seen = tuple(Seen(name, 1 + text.count("\n", 0, f.start), f) for f in found)
    unread = "; ".join(filter(None, (_not_what_it_is_called(name), scan.unread)))
    return Looked(name, "text", scan.values, seen, unread)


def _not_what_it_is_called(name: str) -> str:
    """What is lost when a file is not what its name says: a value in plain text has no field to explain it."""
    called = next((what for ending, what in _CALLED if name.lower().endswith(ending)), "")
    return f"it is called {called} and cannot be read as that: it was looked through as plain text" if called else ""


_Ask = Callable[[str, Any], list[Found]]


def _asking(engine: Analyzer | None, least: Confidence) -> _Ask:
    def ask(path: str, value: Any) -> list[Found]:
        if engine is None:
            return []
        found: list[Found] = []
        waiting = [(path, value)]
        while waiting:
            at, one = waiting.pop()
            if isinstance(one, str) and " " in one:
                found += [f for f in opinions(engine, at, one) if f.confidence.rank >= least.rank]
            elif isinstance(one, Members):
                waiting += [(f"{at}/{key}", inner) for key, inner in one]
            elif isinstance(one, list):
                waiting += [(f"{at}/{index}", inner) for index, inner in enumerate(one)]
        return found

    return ask


def _document(name: str, text: str, value: Any, least: Confidence, bounds: Bounds, ask: _Ask) -> Looked:
    entries = _har_entries(value)
    kind = "json" if entries is None else "har"
    scans: list[tuple[str, Scan]] = []
    if entries is None:
        scans.append(("", scan_value(value, least=least, bounds=bounds)))
        extra = ask("", value)
    else:
        extra = []
        for pointer, part in entries:
            whole = part if isinstance(part, bytes) else json.dumps(part).encode()
            scans.append((pointer, scan_bytes(whole, least=least, bounds=bounds)))
            if isinstance(part, bytes) and (inner := decoded(part)) is not None:
                known = parsed(inner)
                extra += ask(pointer, inner if known is NOTHING else known)
    found = sorted([replace(f, path=pointer + f.path) for pointer, scan in scans for f in scan.found] + extra)
    # What lies within an encoded body stands on the line of that body.
    anchors = {f.path: next((p for p, _ in scans if p and f.path.startswith(p)), f.path) for f in found}
    lines = lines_of(text, {*anchors, *anchors.values()})
    seen = tuple(Seen(name, lines.get(f.path) or lines.get(anchors[f.path], 1), f) for f in found)
    unread = "; ".join(dict.fromkeys(scan.unread for _, scan in scans if scan.unread))
    return Looked(name, kind, sum(scan.values for _, scan in scans), seen, unread)


def _har_entries(value: Any) -> list[tuple[str, Any]] | None:
    """The parts of an HTTP archive (HAR 1.2) that carry data, with their pointers; None for another document."""
    log = _member(value, "log")
    entries = _member(log, "entries")
    if not isinstance(entries, list) or isinstance(entries, Members):
        return None
    found: list[tuple[str, Any]] = []
    for number, entry in enumerate(entries):
        at = f"/log/entries/{number}"
        request, response = _member(entry, "request"), _member(entry, "response")
        for pointer, part in (
            (f"{at}/request/url", _member(request, "url")),
            (f"{at}/request/postData/text", _member(_member(request, "postData"), "text")),
        ):
            if isinstance(part, str):
                found.append((pointer, part.encode()))
        content = _member(response, "content")
        body = _member(content, "text")
        if isinstance(body, str):
            encoded = _member(content, "encoding") == "base64"
            found.append((f"{at}/response/content/text", _unpacked(body) if encoded else body.encode()))
        for side, words in ((request, "request"), (response, "response")):
            for part in ("headers", "cookies"):
                for index, item in enumerate(_list(_member(side, part))):
                    header, text = _member(item, "name"), _member(item, "value")
                    if isinstance(header, str) and isinstance(text, str):
                        found.append((f"{at}/{words}/{part}/{index}/value", f"{header}: {text}".encode()))
    return found


def _unpacked(body: str) -> bytes:
    try:
        return base64.b64decode(body, validate=True)
    except (ValueError, binascii.Error):
        return body.encode()


def _member(value: Any, name: str) -> Any:
    return next((v for k, v in value if k == name), None) if isinstance(value, Members) else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) and not isinstance(value, Members) else []


def _json_lines(text: str) -> list[tuple[int, Any]] | None:
    """The records of JSON lines with their line numbers; None unless every line that is not blank is JSON."""
    records: list[tuple[int, Any]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            value = parsed(line)
            if value is NOTHING:
                return None
            records.append((number, value))
    return records or None


def _rows(name: str, text: str) -> list[tuple[int, Any]] | None:
    """The rows of a CSV file as objects by its header, with their line numbers; None for another file."""
    if not name.endswith((".csv", ".tsv")):
        return None
    reader = csv.reader(io.StringIO(text, newline=""), delimiter="\t" if name.endswith(".tsv") else ",")
    rows: list[tuple[int, Any]] = []
    try:
        header = next(reader, [])
        for row in reader:
            names = [*header, *(str(n) for n in range(len(header), len(row)))]
            rows.append((reader.line_num, Members(zip(names, row, strict=False))))
    except csv.Error:
        return None
    return rows


def _records(
    name: str, kind: str, records: list[tuple[int, Any]], least: Confidence, bounds: Bounds, ask: _Ask
) -> Looked:
    seen: list[Seen] = []
    values, unread = 0, dict[str, None]()
    for line, value in records:
        scan = scan_value(value, least=least, bounds=bounds)
        values += scan.values
        if scan.unread:
            unread[scan.unread] = None
        seen += [Seen(name, line, found) for found in sorted([*scan.found, *ask("", value)])]
    return Looked(name, kind, values, tuple(seen), "; ".join(unread))

"""What the file service does: pictures, themes, previews, imports, letters."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

from tests.zoo.files import shell
from tests.zoo.files.expressions import Holder, evaluated, evaluated_template, filled
from tests.zoo.files.xml import NamesReader
from tests.zoo.kit.accounts import Person
from tests.zoo.kit.database import Database, Record
from tests.zoo.kit.loopback import fetched
from tests.zoo.kit.model import Call, Problem, Reply

PNG = b"\x89PNG\r\n\x1a\n"
MARKER = "zoo marker 5f1c: nothing secret, but nobody asked for it\n"
PAGES = {"https://pictures.example.test/lamp": "A lamp", "https://pictures.example.test/tree": "A tree"}
STAFF = ("agent", "admin")
PEOPLE = (
    Person("u-1", "frida", "frida-anchor-1183", ("customer",), "files"),
    Person("u-2", "felix", "felix-saddle-6629", ("customer",), "files"),
    Person("u-3", "fiona", "fiona-pebble-4017", ("customer",), "files"),
    Person("u-11", "gary", "gary-marble-2294", ("agent",), "files"),
    Person("u-12", "gwen", "gwen-timber-8856", ("agent",), "files"),
    Person("u-21", "hanna", "hanna-copper-7305", ("admin",), "files"),
    Person("u-22", "hugo", "hugo-velvet-5541", ("admin",), "files"),
)
_TABLE = (
    "CREATE TABLE files (number INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL, name TEXT NOT NULL,"
    " data BLOB NOT NULL, public INTEGER NOT NULL DEFAULT 0)"
)


def sow(database: Database, root: Path) -> None:
    """Makes the first files, the themes and the marker."""
    database.change(_TABLE)
    # TRAP: the first file is for everybody, as its own metadata say.
    database.change(
        "INSERT INTO files (owner, name, data, public) VALUES (?, ?, ?, 1)", "u-21", "logo.png", PNG + b"logo"
    )
    for owner in ("u-1", "u-2", "u-3"):
        database.change(
            "INSERT INTO files (owner, name, data) VALUES (?, ?, ?)",
            owner,
            f"holiday-{owner}.png",
            PNG + owner.encode(),
        )
    for folder in ("themes", "help", "uploads"):
        (root / folder).mkdir(mode=0o700)
    (root / "themes" / "plain.css").write_text("body { color: black }\n")
    (root / "help" / "intro.txt").write_text("Upload a picture first.\n")
    (root / "marker.txt").write_text(MARKER)


def _file(call: Call, *, write: bool = False, flaw: str = "") -> Record:
    """A file of the caller's, or for reading, one that is for everybody.

    Raises:
        Problem: 404.
    """
    found = call.db.rows("SELECT * FROM files WHERE number = ?", int(call.params["fileId"][2:]))
    if found and flaw in call.flaws.on:
        return found[0]
    if not found or not (found[0]["owner"] == call.caller.id or (found[0]["public"] and not write)):
        raise Problem(404, "Not Found")
    return found[0]


def _shown(row: Record) -> dict[str, Any]:
    return {
        "id": f"f-{row['number']}",
        "owner": row["owner"],
        "name": row["name"],
        "bytes": len(row["data"]),
        "public": bool(row["public"]),
    }


async def list_files(call: Call) -> Reply:
    rows = call.db.rows(
        "SELECT * FROM files WHERE owner = ? OR public = 1 ORDER BY number DESC LIMIT 200", call.caller.id
    )
    return Reply({"items": [_shown(row) for row in rows]})


async def upload_file(call: Call) -> Reply:
    """Stores a picture under a number; its name is only ever shown."""
    if not call.raw.startswith(PNG) and "upload-any-type" not in call.flaws:
        raise Problem(415, "Only PNG pictures")
    name = call.query["name"]
    row = call.db.rows(
        "INSERT INTO files (owner, name, data) VALUES (?, ?, ?) RETURNING *", call.caller.id, name, call.raw
    )[0]
    if "upload-name-traversal" in call.flaws:
        _keep_by_name(call.service.files, name, call.raw)
    return Reply(_shown(row), 201, {"location": f"/files/f-{row['number']}"})


def _keep_by_name(folder: str, name: str, data: bytes) -> None:
    """FLAW: a file is where its name says, within the service's own folder."""
    root = Path(folder).resolve()
    place = (root / "uploads" / name).resolve()
    if place.is_relative_to(root) and place.parent.is_dir():
        place.write_bytes(data)


async def get_file(call: Call) -> Reply:
    return Reply(_shown(_file(call)))


async def download_file(call: Call) -> Reply:
    return Reply(bytes(_file(call, flaw="bola-download")["data"]), media="image/png")


async def delete_file(call: Call) -> Reply:
    row = _file(call, write=True)
    call.db.change("DELETE FROM files WHERE number = ?", row["number"])
    return Reply(status=204)


async def rename_file(call: Call) -> Reply:
    row = _file(call, write=True, flaw="bola-rename")
    call.db.change("UPDATE files SET name = ? WHERE number = ?", call.body["name"], row["number"])
    return Reply(_shown({**row, "name": call.body["name"]}))


async def get_theme(call: Call) -> Reply:
    text = _text_of(call, "themes", call.params["theme"], "path-traversal")
    return Reply(text, media="text/css")


async def get_help(call: Call) -> Reply:
    text = _text_of(call, "help", call.query["page"], "path-traversal-query")
    return Reply({"text": text.decode(errors="replace")})


def _text_of(call: Call, folder: str, name: str, flaw: str) -> bytes:
    """A file of ours by its name; with the flaw, whatever path the name makes, within the service's own folder.

    Raises:
        Problem: 404.
    """
    root = Path(call.service.files).resolve()
    place = root / folder / name
    if flaw in call.flaws:
        place = place.resolve()
        within = place.is_relative_to(root)
    else:
        within = name in {entry.name for entry in (root / folder).iterdir()}
    if not within or not place.is_file():
        raise Problem(404, "Not Found")
    return place.read_bytes()


async def create_preview(call: Call) -> Reply:
    """The title of a page: of those we know, or with the flaw, of any on this machine."""
    url = call.body["url"]
    if url in PAGES:
        return Reply({"title": PAGES[url]})
    if "ssrf" not in call.flaws:
        raise Problem(422, "This host is not allowed")
    return Reply({"title": (await _from(url)).decode(errors="replace")[:2000]})


async def create_hook(call: Call) -> Reply:
    """Remembers where to announce new files: at hosts that were agreed on. The flaw calls at once, and says nothing."""
    url = call.body["url"]
    if not url.startswith("https://hooks.example.test/"):
        if "ssrf-blind" not in call.flaws:
            raise Problem(422, "This host is not allowed")
        await _from(url)
    return Reply({"status": "accepted"}, 202)


async def _from(url: str) -> bytes:
    try:
        return await asyncio.to_thread(fetched, url)
    except (OSError, ValueError) as error:
        raise Problem(502, "Nothing answers there") from error


async def import_names(call: Call) -> Reply:
    reader = NamesReader(call.flaws, Path(call.service.files))
    try:
        names = await asyncio.to_thread(reader.read, call.raw)
    except ValueError as error:
        raise Problem(400, "The document cannot be read") from error
    return Reply({"names": [name[:200] for name in names[:100]], "characters": sum(len(name) for name in names)})


async def write_letter(call: Call) -> Reply:
    """Fills a template of the caller's. Only ``{{name}}`` means something in it."""
    names = {"name": call.body["name"]}
    if "template-injection" not in call.flaws:
        return Reply({"text": filled(call.body["template"], names)})
    try:
        return Reply({"text": evaluated_template(call.body["template"], names)})
    except ValueError as error:
        raise Problem(422, "The template cannot be filled") from error


async def make_badge(call: Call) -> Reply:
    """Fills ``{holder.name}`` in a pattern of the caller's; with the flaw, by Python's own formatting."""
    pattern, name = call.body["pattern"], call.caller.user
    if "format-string" not in call.flaws:
        return Reply({"text": re.sub(r"\{holder\.name\}", lambda _: name, pattern)})
    try:
        text = pattern.format(holder=Holder(name, f"sk-{call.service.definition.name}-4f7a1c"))
    except (LookupError, AttributeError, ValueError, TypeError) as error:
        raise Problem(422, "The pattern cannot be filled") from error
    return Reply({"text": text[:4000]})


async def print_label(call: Call) -> Reply:
    """Has a shell print a label: as an argument, or with the flaw, as part of its program."""
    text = call.body["text"]
    try:
        if "command-injection" in call.flaws:
            label = await asyncio.to_thread(shell.run, f"echo Label: {text}")
        else:
            label = await asyncio.to_thread(shell.run, 'echo "Label: $1"', text)
    except ValueError as error:
        raise Problem(422, "The label cannot be printed") from error
    return Reply({"label": label})


async def calculate(call: Call) -> Reply:
    """TRAP: a calculator, as its contract says. Numbers and four operations, and nothing else."""
    try:
        return Reply({"result": float(evaluated(call.body["formula"]))})
    except (ValueError, TypeError, OverflowError) as error:
        raise Problem(422, "This is no formula") from error


async def env_file(call: Call) -> Reply:
    """FLAW env-exposed: a settings file among what the web server hands out."""
    text = f"APP_ENV=production\nDATABASE_URL={call.service.database.dsn}\nAPP_KEY=base64:em9vLW9ubHk=\n"
    return Reply(text.encode(), media="text/plain")


async def git_config(call: Call) -> Reply:
    """FLAW git-exposed: the folder of the version control among what the web server hands out."""
    text = '[core]\n\trepositoryformatversion = 0\n[remote "origin"]\n\turl = git@git.example.test:files.git\n'
    return Reply(text.encode(), media="text/plain")

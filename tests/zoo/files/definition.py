"""The file service's operations: who may call them, with what, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping

from tests.zoo.files import operations as do
from tests.zoo.kit import account_operations
from tests.zoo.kit.model import Operation as Op
from tests.zoo.kit.model import Schema, listing, ref, text, thing, whole
from tests.zoo.kit.service import Definition

ALL = ("customer", *do.STAFF)
UPLOAD_BYTES = 262_144
_FILE_ID = text(11, 3, pattern="^f-[0-9]{1,9}$")
_NAME = text(80, pattern=r"^[A-Za-z0-9_-]{1,60}\.[a-z]{2,4}$")
_ID: Mapping[str, Schema] = {
    **account_operations.IDS,
    "fileId": _FILE_ID,
    "theme": {**_NAME, "examples": ["plain.css"]},
}
_URL = text(500, 8, format="uri")
_PAGE_URL: Schema = {**_URL, "examples": ["https://pictures.example.test/lamp"]}
_HOOK_URL: Schema = {**_URL, "examples": ["https://hooks.example.test/new-files"]}
_FORMULA = text(60, pattern=r"^[0-9+*/() .-]+$", examples=["6 * 7"])
_NEEDED = {"x-required": True}
_UPLOAD_NAME: Schema = {**_NAME, **_NEEDED, "examples": ["holiday.png"]}

SCHEMAS: Mapping[str, Schema] = {
    **account_operations.SCHEMAS,
    "File": thing(
        {"id": _FILE_ID, "owner": text(20), "name": text(200), "bytes": whole(0, 100_000_000),
         "public": {"type": "boolean"}}
    ),
}  # fmt: skip

OPERATIONS = (
    *account_operations.operations(ALL, keys=False),
    Op(id="listFiles", method="GET", path="/files", handler=do.list_files, summary="My files, and those for everybody",
       roles=ALL, answer=listing(ref("File"))),
    Op(id="uploadFile", method="POST", path="/files", handler=do.upload_file, summary="Store a PNG picture", roles=ALL,
       query={"name": _UPLOAD_NAME}, media="image/png", body={"maxLength": UPLOAD_BYTES}, answer=ref("File"),
       status=201, limit=UPLOAD_BYTES, loose={"upload-name-traversal": {"name": text(200)}}),
    Op(id="getFile", method="GET", path="/files/{fileId}", handler=do.get_file, summary="About a file", roles=ALL,
       answer=ref("File")),
    Op(id="renameFile", method="PATCH", path="/files/{fileId}", handler=do.rename_file, summary="Rename a file",
       roles=ALL, body=thing({"name": _NAME}), answer=ref("File")),
    Op(id="deleteFile", method="DELETE", path="/files/{fileId}", handler=do.delete_file, summary="Remove a file",
       roles=ALL, status=204),
    Op(id="downloadFile", method="GET", path="/files/{fileId}/content", handler=do.download_file,
       summary="The picture itself", roles=ALL, answer={}, answer_media="image/png"),
    Op(id="getTheme", method="GET", path="/themes/{theme}", handler=do.get_theme, summary="A style sheet",
       answer={"type": "string"}, answer_media="text/css", loose={"path-traversal": {"theme": text(300)}}),
    Op(id="getHelp", method="GET", path="/help", handler=do.get_help, summary="A page of the manual",
       query={"page": {**_NAME, **_NEEDED, "examples": ["intro.txt"]}}, answer=thing({"text": text(10_000, 0)}),
       loose={"path-traversal-query": {"page": text(300)}}),
    Op(id="createPreview", method="POST", path="/previews", handler=do.create_preview, summary="The title of a page",
       roles=ALL, body=thing({"url": _PAGE_URL}), answer=thing({"title": text(2000, 0)})),
    Op(id="createHook", method="POST", path="/hooks", handler=do.create_hook, summary="Where to announce new files",
       roles=ALL, body=thing({"url": _HOOK_URL}), answer=ref("Accepted"), status=202),
    Op(id="importNames", method="POST", path="/imports", handler=do.import_names,
       summary="Read names from XML", roles=ALL, media="application/xml", body={},
       answer=thing({"names": {"type": "array", "items": text(200, 0), "maxItems": 100},
                     "characters": whole(0, 10_000_000)})),
    Op(id="writeLetter", method="POST", path="/letters", handler=do.write_letter, summary="Fill a template", roles=ALL,
       body=thing({"template": text(1000), "name": text(80)}), answer=thing({"text": text(20_000, 0)})),
    Op(id="makeBadge", method="POST", path="/badges", handler=do.make_badge, summary="Fill a pattern", roles=ALL,
       body=thing({"pattern": text(200)}), answer=thing({"text": text(4000, 0)})),
    Op(id="printLabel", method="POST", path="/labels", handler=do.print_label, summary="Print a label", roles=ALL,
       body=thing({"text": text(200)}), answer=thing({"label": text(4000, 0)})),
    Op(id="calculate", method="POST", path="/formulas", handler=do.calculate, summary="A calculator", roles=ALL,
       body=thing({"formula": _FORMULA}), answer=thing({"result": {"type": "number"}})),
    Op(id="envFile", method="GET", path="/.env", handler=do.env_file, summary="Old", only_with="env-exposed"),
    Op(id="gitConfig", method="GET", path="/.git/config", handler=do.git_config, summary="Old",
       only_with="git-exposed"),
)  # fmt: skip

FILES = Definition(
    name="files", title="Files", operations=OPERATIONS, ids=_ID, schemas=SCHEMAS, opaque=True, soft_404=True
)

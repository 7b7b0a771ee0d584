"""Files larger than allowed: seen where they are taken, by what is kept, and never where they are refused."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.controls.proving.desk import CLERK, CONTRACT, HEAD, Desk, DeskLab
from tests.controls.proving.shop import surface_in
from tests.prove.scripted import Asked, Said, judge

from assay.controls.input_validation.proofs.files import png
from assay.controls.input_validation.proofs.uploads import MOST, File, file_of, sized_png, sized_xml
from assay.controls.input_validation.prove import prove
from assay.domain import Outcome
from assay.prove.case import Draft, Judged, Thing
from assay.prove.surface import Surface, Target

BOUND = 2_000
PICTURES = """\
  /pictures:
    post:
      operationId: storePicture
      requestBody: {content: {image/png: {schema: {maxLength: BOUND}}}}
      responses: {"201": {description: ok}}
  /pictures/{pictureId}:
    parameters: [{name: pictureId, in: path, required: true, schema: {type: string}}]
    get: {operationId: getPicture, responses: {"200": {description: ok}}}
  /papers:
    post:
      operationId: storePaper
      requestBody:
        content:
          multipart/form-data:
            schema:
              type: object
              properties: {title: {type: string}, paper: {type: string, format: binary, maxLength: BOUND}}
      responses: {"200": {description: ok}}
  /blobs:
    post:
      operationId: storeBlob
      requestBody: {content: {application/octet-stream: {schema: {}}}}
      responses: {"200": {description: ok}}
"""


@dataclass
class Shelf:
    """Keeps files. ``most``: of one file, 0: any; ``refusal``: how a larger one is refused; ``forgets``: keeps none."""

    most: int = BOUND
    refusal: int = 413
    forgets: bool = False
    breaks: bool = False
    picky: bool = False
    kept: dict[str, int] = field(default_factory=dict)
    dead: bool = False

    def __call__(self, asked: Asked) -> Said:
        if self.dead:
            return Said(503)
        if asked.method == "GET":
            return Said(200) if asked.path.rpartition("/")[2] in self.kept else Said(404)
        size = _file(asked)
        if self.picky and size > 1024:
            return Said(self.refusal)
        if self.most and size > self.most:
            self.dead = self.breaks
            return Said(self.refusal)
        if not self.forgets:
            self.kept[str(len(self.kept))] = size
        return Said(201, {"id": str(len(self.kept) - 1)})


def _file(asked: Asked) -> int:
    value = asked.json()
    return len(value["paper"]) if isinstance(value, dict) else len(asked.body)


class FormLab(DeskLab):
    """Drafts forms as JSON: how parts are written is not what is tested here."""

    def draft(self, target: Target, thing: Thing | None = None, *, plant: str = "") -> Draft:
        made = super().draft(target, thing, plant=plant)
        return made if target.id != "storePaper" else Draft({}, body={"title": "x", "paper": "y"})


def surface(folder: Path, *, bound: int = BOUND, more: str = "", head: str = HEAD, via: str = "direct") -> Surface:
    written = PICTURES.replace("maxLength: BOUND", more or f"maxLength: {bound}")
    contract = CONTRACT + written
    return surface_in(folder, head=head, contract=contract, personas=(CLERK,), fronted=via == "gateway", via=via)


def planned(over: Surface) -> list[str]:
    return [c.operation for c in prove(over) if c.test.id == "upload-size-unbounded"]


def judged(over: Surface, operation: str, service: Callable[[Asked], Said]) -> Judged:
    case = next(c for c in prove(over) if c.test.id == "upload-size-unbounded" and c.operation == operation)
    return judge(case, FormLab(over, service, Desk().things, store=b"", people=400))


OPERATIONS = ("storePicture", "storePaper")


@pytest.mark.parametrize("operation", OPERATIONS)
class TestAFileBeyondItsBound:
    def test_is_found_where_it_is_taken(self, tmp_path: Path, operation: str) -> None:
        found = judged(surface(tmp_path / "desk"), operation, Shelf(most=0))
        assert found.outcome is Outcome.FAIL, found.sentence
        assert found.decisive
        assert found.facts == {"bytes": BOUND + 1, "declared": BOUND}

    def test_passes_where_it_is_refused_for_its_size(self, tmp_path: Path, operation: str) -> None:
        assert judged(surface(tmp_path / "desk"), operation, Shelf()).outcome is Outcome.PASS

    def test_passes_where_the_connection_ends_and_the_service_works_on(self, tmp_path: Path, operation: str) -> None:
        assert judged(surface(tmp_path / "desk"), operation, Shelf(refusal=0)).outcome is Outcome.PASS

    def test_passes_where_it_is_refused_in_other_words_and_one_within_is_taken(
        self, tmp_path: Path, operation: str
    ) -> None:
        assert judged(surface(tmp_path / "desk"), operation, Shelf(refusal=400)).outcome is Outcome.PASS

    def test_proves_nothing_where_one_within_the_bound_is_refused_too(self, tmp_path: Path, operation: str) -> None:
        found = judged(surface(tmp_path / "desk"), operation, Shelf(refusal=400, picky=True))
        assert found.outcome is Outcome.INCONCLUSIVE

    @pytest.mark.parametrize("status", [401, 403, 404, 429])
    def test_proves_nothing_where_something_else_refused(self, tmp_path: Path, operation: str, status: int) -> None:
        assert judged(surface(tmp_path / "desk"), operation, Shelf(refusal=status)).outcome is Outcome.INCONCLUSIVE

    def test_is_found_where_the_service_falls_over_it(self, tmp_path: Path, operation: str) -> None:
        assert judged(surface(tmp_path / "desk"), operation, Shelf(breaks=True)).outcome is Outcome.FAIL

    def test_proves_nothing_where_small_files_are_refused(self, tmp_path: Path, operation: str) -> None:
        assert judged(surface(tmp_path / "desk"), operation, Shelf(most=1)).outcome is Outcome.INCONCLUSIVE


def test_a_success_that_kept_nothing_is_no_finding(tmp_path: Path) -> None:
    found = judged(surface(tmp_path / "desk"), "storePicture", Shelf(most=0, forgets=True))
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "not kept" in found.sentence


class TestWhatBoundsAFile:
    def test_is_its_own_length_before_that_of_every_body(self, tmp_path: Path) -> None:
        over = surface(tmp_path / "desk", bound=9_000)
        assert [(f.most, f.own) for f in (_of(over, o) for o in (*OPERATIONS, "storeBlob"))] == [
            (9_000, True),
            (9_000, True),
            (4096, False),
        ]

    def test_is_not_made_up(self, tmp_path: Path) -> None:
        over = surface(tmp_path / "desk", more="title: a picture", head=HEAD.replace(", body: 4KiB", ""))
        assert planned(over) == []

    def test_is_left_to_the_gateway_where_it_is_the_gateways(self, tmp_path: Path) -> None:
        assert set(planned(surface(tmp_path / "desk", via="gateway"))) == set(OPERATIONS)

    def test_that_is_more_than_a_run_sends_is_said_and_not_tried(self, tmp_path: Path) -> None:
        service = Shelf()
        found = judged(surface(tmp_path / "desk", bound=MOST), "storePicture", service)
        assert found.outcome is Outcome.INCONCLUSIVE
        assert service.kept == {}


def _of(over: Surface, operation: str) -> File:
    found = file_of(over, over.by_id["shop", operation])
    assert found is not None
    return found


@given(st.integers(len(png()) + 12, 5_000))
def test_a_picture_of_any_size_is_a_picture_still(size: int) -> None:
    made = sized_png(size)
    assert len(made) == size
    names, at = [], 8
    while at < len(made):
        length = int.from_bytes(made[at : at + 4])
        kind, data = made[at + 4 : at + 8], made[at + 8 : at + 8 + length]
        assert int.from_bytes(made[at + 8 + length : at + 12 + length]) == zlib.crc32(kind + data)
        names.append(kind)
        at += 12 + length
    assert names == [b"IHDR", b"IDAT", b"asSy", b"IEND"]


@given(st.integers(120, 5_000))
def test_a_document_of_any_size_ends_where_it_should(size: int) -> None:
    assert len(sized_xml(size)) == size
    assert sized_xml(size).rstrip().endswith(b"</names>")

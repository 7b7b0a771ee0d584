"""`assay survey` asks comfortably, keeps every answer, measures afterwards, and never shows what it measured before."""

from __future__ import annotations

import codecs
import fcntl
import json
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.conftest import Assay

from assay.app.maturity import facts_of, interviews, matured, result_of
from assay.app.project import open_project
from assay.maturity.answers import Answers


@pytest.fixture
def unasked(project: Path) -> Path:
    """The example, of which nobody was asked anything yet."""
    (project / "survey.yaml").unlink()
    return project


AT = "--at=2026-11-22T12:00"
_PATIENCE = 90.0


class Terminal:
    """`assay survey` in a terminal of its own."""

    def __init__(self, *arguments: str) -> None:
        self._end, inner = pty.openpty()
        environment = {k: v for k, v in os.environ.items() if k not in ("ASSAY_STATE", "FORCE_COLOR")}
        self._child = subprocess.Popen(
            [sys.executable, "-m", "assay", "survey", "--by", "anna", *arguments],
            stdin=inner,
            stdout=inner,
            stderr=inner,
            env=environment | {"TERM": "xterm", "NO_COLOR": "1", "COLUMNS": "100"},
            preexec_fn=_own_terminal,
        )
        os.close(inner)
        self._got = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")()  # a read may end in the middle of a character

    def until(self, wanted: str) -> str:
        """What came on the screen since the last time, up to this text."""
        deadline = time.monotonic() + _PATIENCE
        while wanted not in self._got and time.monotonic() < deadline:
            if select.select([self._end], [], [], 0.1)[0]:
                self._got += self._read()
        seen, found, self._got = self._got.partition(wanted)
        assert found, seen
        return seen

    def _read(self) -> str:
        try:
            return self._decoder.decode(os.read(self._end, 65536))
        except OSError:
            return ""

    def type(self, text: str) -> None:
        """Types something."""
        os.write(self._end, text.encode())

    def interrupt(self, wanted: str) -> None:
        """Ctrl-C, as often as it takes: one that comes right before a read is noticed by the next."""
        deadline = time.monotonic() + _PATIENCE
        while wanted not in self._got and time.monotonic() < deadline:
            self.type("\x03")
            soon = time.monotonic() + 3.0
            while wanted not in self._got and time.monotonic() < soon:
                if select.select([self._end], [], [], 0.1)[0]:
                    self._got += self._read()
        self.until(wanted)

    def ends(self) -> int:
        """Its exit code."""
        return self._child.wait(_PATIENCE)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.kill()
        self._child.wait()
        os.close(self._end)


def _own_terminal() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # whatever those who started the tests made of it
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.mark.integration
def test_a_conversation_can_be_left_at_any_time_and_goes_on_where_it_stopped(unasked: Path) -> None:
    with Terminal() as terminal:
        first = terminal.until("\r\n> ")
        assert "1 of 35 · Data classification" in first
        assert "95%" in first
        assert "fields labelled" not in first, "what is measured is not told before the answer"
        terminal.type("3 since May\n")
        assert "D1.2" in terminal.until("\r\n> ")
        terminal.type("nonsense\n")
        terminal.until("that is none of")
        terminal.until("\r\n> ")
        terminal.interrupt("1 of 35 answers are kept")
        assert terminal.ends() == 130
    text = (unasked / "survey.yaml").read_text(encoding="utf-8")
    assert "level: 3\n    by: anna" in text
    assert "since May" in text
    with Terminal() as again:
        assert "1 of 35 are answered; going on with D1.2" in again.until("\r\n> ")
        again.type("q\n")
        again.until("goes on where you stopped")
        assert again.ends() == 0


def test_one_question_can_be_asked_and_the_result_follows_the_answers(
    unasked: Path, assay: Assay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    replies = iter(["2"])
    monkeypatch.setattr("builtins.input", lambda _: next(replies))
    said = assay("survey", "--question", "D3.2", "--by", "anna")
    assert said.exit == 0
    assert "D3.2 gate  2      2     answered" in said.out
    assert "D3.2:\n    level: 2" in (unasked / "survey.yaml").read_text(encoding="utf-8")


def test_answers_can_come_from_a_file_that_the_template_began(unasked: Path, assay: Assay) -> None:
    blank = assay("survey", "--template", "--by", "anna").out
    Path("answers.yaml").write_text(blank.replace("  D4.2:\n", "  D4.2: 3\n"), encoding="utf-8")
    found = assay("survey", "--answers", "answers.yaml", "--format", "json").json()
    assert found["version"] == 1
    one = next(q for q in found["questions"] if q["id"] == "D4.2")
    assert (one["level"], one["perceived"], one["source"]) == (2, 3, "answered")
    assert not (unasked / "survey.yaml").exists()
    Path("answers.yaml").write_text(blank.replace("  D4.2:\n", "  D4.2: 9\n"), encoding="utf-8")
    refused = assay("survey", "--answers", "answers.yaml")
    assert refused.exit == 2
    assert "answers.yaml:" in refused.err
    assert "this is no level" in refused.err


def test_results_are_kept_by_day_and_an_older_survey_is_said(project: Path, assay: Assay) -> None:
    assert assay("survey", "--show", "--save", "--at", "2026-10-01").exit == 0
    kept = json.loads((project / "survey" / "2026-10-01.json").read_text(encoding="utf-8"))
    assert (kept["survey"], kept["at"]) == ("1", "2026-10-01T00:00:00+00:00")
    (project / "survey" / "2025-01-01.json").write_text(
        json.dumps({**kept, "survey": "0", "at": "2025-01-01T00:00:00+00:00"}), encoding="utf-8"
    )
    shown = assay("survey", "--show", AT)
    assert "how it moved" in shown.out
    assert "2026-10-01" in shown.out
    assert "2025-01-01.json is of survey version 0 and is not compared" in shown.out
    (project / "survey" / "2024-01-01.json").write_text("{}", encoding="utf-8")
    assert assay("survey", "--show").exit == 3


def test_the_radar_is_a_picture_and_standard_output_holds_nothing_else(project: Path, assay: Assay) -> None:
    assert project.is_dir()
    ET.fromstring(assay("survey", "--show", "--format", "svg", AT).out)  # noqa: S314 - our own


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "there is no terminal to ask in"),
        (("--show", "--question", "D1.1"), "nothing is asked here"),
        (("--question", "D1.9"), "did you mean"),
        (("--show", "--at", "soon"), "is no date or time"),
        (("--answers", "none.yaml"), "there is no file none.yaml"),
        (("--by", " "), "nobody's name"),
    ],
)
def test_what_cannot_take_effect_is_an_error(
    project: Path, assay: Assay, arguments: tuple[str, ...], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert project.is_dir()
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    said = assay("survey", *arguments)
    assert said.exit == 2
    assert told in said.err


def test_the_example_without_a_run_is_as_far_as_its_design_shows(
    project: Path, golden: Callable[[str, str], None]
) -> None:
    from datetime import UTC, datetime

    result = result_of(open_project(project), Answers(), datetime(2026, 11, 22, 12, tzinfo=UTC))
    lines = [f"{g.question.id} {g.level} {g.source}: {g.found.sentence}" for g in result.graded]
    lines += [f"{d.number} {d.level or 0:.2f} {d.derivation}" for d in result.score.dimensions]
    lines += [*result.score.derivation, *(f"+{s.gain:.2f} {s.sentence}" for s in result.steps)]
    golden("survey_customer_data.out.txt", "\n".join(lines) + "\n")


def test_the_example_shows_what_its_people_think_beside_what_is_so(project: Path, assay: Assay) -> None:
    assert project.is_dir()
    found = assay("survey", "--show", "--format", "json", AT).json()
    assert found["perceived"] > found["overall"]
    assert found["gap"] > 0
    assert all(q["source"] != "nothing" for q in found["questions"])
    before = assay("survey", "--show", "--format", "json", "--at", "2026-05-01").json()
    assert before["perceived"] is None, "nobody had been asked by then"
    (away,) = (q for q in found["questions"] if q["source"] == "not applicable")
    assert away["id"] == "D3.5"


def test_a_report_of_the_example_holds_what_its_people_answered(project: Path) -> None:
    from datetime import UTC, datetime

    opened = open_project(project)
    (first, *_) = interviews(opened, datetime(2026, 11, 22, tzinfo=UTC))
    assert (first.id, first.answer) == ("D1.1", "level 4: 100% and 0 contradictions in 30 d")
    assert interviews(opened, datetime(2026, 5, 1, tzinfo=UTC)) == ()
    found = matured(opened, datetime(2026, 11, 22, tzinfo=UTC))
    assert found.result.score.perceived is not None
    assert found.unread == ()


def test_a_report_goes_on_without_answers_that_cannot_be_read_and_says_so(project: Path, assay: Assay) -> None:
    whole = assay("report", "--format", "json", AT).json()
    (project / "survey.yaml").write_text("answers:\n  D1.1: {level: 2\n  - [")
    (project / "survey").mkdir()
    (project / "survey/2026-01-01.json").write_bytes(b"\xff\xfe")
    (project / "survey/2026-02-01.json").write_text('{"version": 1}')
    said = assay("report", "--format", "json", AT)
    assert said.exit == 3
    assert "survey.yaml:3:5: a `{` is not closed" in said.err
    found = said.json()
    assert [u["where"] for u in found.pop("not_read")] == [
        "survey.yaml:3:5",
        "survey/2026-01-01.json",
        "survey/2026-02-01.json:1:1",
    ]
    assert whole.pop("not_read") == []
    assert found == whole, "every other chapter stands"
    shown = assay("survey", "--show", AT)
    assert shown.exit == 2, "who asks for the survey itself is told to mend the answers"
    (project / "survey.yaml").unlink()
    shown = assay("survey", "--show", AT)
    assert shown.exit == 3
    assert "of 4" in shown.out, "what was kept before is not needed for today"
    assert "survey/2026-01-01.json: it cannot be read" in shown.err


def test_what_was_kept_after_a_moment_is_not_known_at_it(project: Path) -> None:
    from datetime import UTC, datetime

    known = facts_of(open_project(project), datetime(2026, 1, 1, tzinfo=UTC))
    assert (known.runs, known.proofs) == (0, ())

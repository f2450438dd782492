"""The account of a render: what is clear, by whom and why, as JSON and as one page."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
import textwrap
from contextlib import closing
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from analysis_kit import moving, verdict, write_analysis
from conftest import FACE, ROOT
from numpy.typing import NDArray
from PIL import Image

import streamguard
from streamguard.account.page import account_page
from streamguard.analysis.found import add_found
from streamguard.analysis.reader import open_analysis
from streamguard.analysis.records import FileRecord, StoredCandidate
from streamguard.cli import run
from streamguard.edits.account import Account, account_of
from streamguard.edits.acts import Clear, Confirm, Dismiss, DrawBox, Group, Split
from streamguard.edits.journal import edits_of
from streamguard.edits.placing import place
from streamguard.errors import UsageError
from streamguard.frames import Candidate, TrackFacts, Uncovered
from streamguard.geometry import Box
from streamguard.report import Report

REASON = "<script>alert(1)</script> & more"
NAME = "<b>party</b>\u202egpj"
FAST = streamguard.Settings(quality=streamguard.Quality.FAST)
VOID = {"meta", "br", "img"}


@pytest.fixture
def analysis(tmp_path: Path) -> Path:
    """Three tracks that lie apart; two are one person, two are left clear, one is no face."""
    tracks = (1, 6, 11)
    verdicts = [verdict(n, [moving(t, n) for t in tracks]) for n in range(40)]
    path = write_analysis(tmp_path / "clip.mp4.analysis", verdicts)
    with streamguard.edit(path, actor="Ann") as editor:
        editor.add(Group(tracks=(1, 6)))
        editor.add(
            Clear(track=1, first=10, last=19, at=12, confirm=True),
            reason=REASON,
            code="gdpr:consent",
        )
        editor.add(Dismiss(track=11, confirm=True), reason="A poster")
        editor.undo(editor.add(DrawBox(box=(1, 1, 9, 9))).number, "not needed")
    return path


def accounted(path: Path) -> Account:
    with closing(open_analysis(path)) as opened:
        log, digest = edits_of(opened)
        return account_of(opened, log, digest, place(opened, log))


def test_it_says_what_is_clear_from_when_to_when_by_whom_and_why(analysis: Path) -> None:
    account = accounted(analysis)
    (entry,) = account.left_clear
    assert (entry.edit, entry.track, entry.person, entry.label) == (2, 1, 1, "face")
    assert (entry.first, entry.last) == (10, 19)
    step = 1001 / 30_000
    assert entry.start == pytest.approx(10 * step, abs=0.001)
    assert entry.end == pytest.approx(20 * step, abs=0.001)
    assert (entry.actor, entry.reason, entry.code) == ("Ann", REASON, "gdpr:consent")
    assert "agreed" in entry.meaning
    (dismissed,) = account.no_face
    assert (dismissed.track, dismissed.first, dismissed.last) == (11, 0, 39)
    assert [one.edit for one in account.confirmed] == [2, 3]
    assert account.frames_clear == account.frames == 40
    assert [line.kind for line in account.log] == ["group", "clear", "dismiss", "box", "undo"]
    assert [line.counts for line in account.log] == [True, True, True, False, True]
    assert len(account.decision) == len(account.edits) == 64


def test_what_touches_another_face_is_told_until_somebody_confirms_it(tmp_path: Path) -> None:
    verdicts = [verdict(n, [moving(1, n), moving(2, n)]) for n in range(19)]
    facts = [TrackFacts(track_id=track, hits=5) for track in (1, 2)]
    verdicts.append(verdict(19, [moving(1, 19), moving(2, 19)], ended=facts))
    path = write_analysis(tmp_path / "clip.mp4.analysis", verdicts)
    with streamguard.edit(path, actor="Ann") as editor:
        editor.add(Clear(track=1), reason="asked")
    before = accounted(path)
    assert not before.left_clear
    (entry,) = before.withheld
    assert (entry.first, entry.last) == (0, 19)
    assert "it touches track 2" in "; ".join(entry.because)
    with streamguard.edit(path, actor="Bob") as editor:
        editor.add(Confirm(track=1), reason="I looked")
    after = accounted(path)
    assert (after.withheld, after.frames_clear) == ((), 20)
    assert [(one.actor, one.first, one.last) for one in after.confirmed] == [("Bob", 0, 19)]


def test_an_erased_name_leaves_the_account_whole(analysis: Path) -> None:
    before = accounted(analysis)
    with streamguard.edit(analysis, actor="Bob") as editor:
        editor.erase_actor("Ann")
    after = accounted(analysis)
    assert after.left_clear[0].actor == "actor 1 (name erased)"
    assert after.edits == before.edits


def test_what_was_confirmed_is_told_whatever_becomes_of_the_person(analysis: Path) -> None:
    with streamguard.edit(analysis, actor="Ann") as editor:
        editor.add(Confirm(person=1), reason="I looked")
        before = [(one.edit, one.track, one.last) for one in accounted(analysis).confirmed]
        assert before == [(2, 1, 19), (3, 11, 39), (6, 1, 39), (6, 6, 39)]
        editor.add(Group(tracks=(1, 6)))
        editor.add(Split(track=6, frame=30))
    after = [(one.edit, one.track, one.last) for one in accounted(analysis).confirmed]
    assert after == [(2, 1, 19), (3, 11, 39), (6, 1, 39), (6, 6, 29)]


class Checker(HTMLParser):
    """Fails on tags that do not close, and gathers what could do something."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.words: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            assert not name.startswith("on")
            if name in ("src", "href", "action", "srcset"):
                self.links.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def report_of(account: Account | None) -> Report:
    file = FileRecord(f"{NAME}.mp4", 1, "0" * 64)
    return Report(
        input=file,
        output=file,
        decision=account,
        finished="2026-01-02T03:04:05+00:00",
        versions={"streamguard": "1"},
        settings={"encoding": {"codec": "h264"}, "quality": "fast"},
        width=64,
        height=48,
        frames=40,
        frames_with_faces=40,
        notes=(NAME,),
        duration=1.3,
        elapsed=1.0,
    )


def test_the_page_does_nothing_and_asks_nobody(analysis: Path) -> None:
    page = account_page(report_of(accounted(analysis)))
    checker = Checker()
    checker.feed(page)
    assert checker.open == []
    assert checker.links == []
    assert checker.tags.isdisjoint({"script", "link", "iframe", "object", "form", "base"})
    assert "default-src 'none'" in page
    assert not re.search(r"https?:|//[a-z]|@import|url\(", page)
    text = " ".join(checker.words)
    assert REASON in text
    assert "<b>party</b>\\u202egpj.mp4" in text
    assert "\u202e" not in page
    for words in ("person 1 (track 1, face)", "0:00:00.334", "A poster", "gdpr:consent", "Ann"):
        assert words in text
    assert "prefers-color-scheme: dark" in page
    assert "size: A4" in page


def test_a_table_that_does_not_show_all_says_so(analysis: Path) -> None:
    account = accounted(analysis)
    assert "more are in the report" not in account_page(report_of(account))
    held = replace(account.left_clear[0], because=("it jumps",))
    long = replace(account, log=account.log[:1] * 203, withheld=(held,) * 1_204)
    page = account_page(report_of(long))
    assert re.findall(r"([\d,]+) more are in the report as JSON", page) == ["1,004", "3"]
    assert page.count("it jumps") == 200


def test_only_a_render_has_an_account() -> None:
    with pytest.raises(UsageError, match="rendered"):
        account_page(report_of(None))


@pytest.fixture(scope="module")
def folder(face_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clip, and an analysis that leaves its face clear in frames 0 to 9."""
    folder = tmp_path_factory.mktemp("rendered")
    shutil.copy(face_clip, folder / "face.mp4")
    path = folder / "face.mp4.analysis"
    streamguard.analyze(folder / "face.mp4", path, FAST)
    with closing(open_analysis(path)) as opened:
        (track,) = opened.tracks()
    with streamguard.edit(path, actor="Ann") as editor:
        editor.add(Clear(track=track.track_id, last=9, confirm=True), code="gdpr:consent")
    return folder


def rendering(folder: Path, to: Path, *more: str | Path) -> list[str]:
    words = ["render", folder / "face.mp4.analysis", "-o", to / "out.mp4", "--preset", "ultrafast"]
    return [str(word) for word in (*words, *more)]


def frames_of(path: Path) -> list[NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        frames = container.decode(video=0)
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in frames]


def test_render_writes_report_account_and_pictures(folder: Path, tmp_path: Path) -> None:
    page, report = tmp_path / "account.html", tmp_path / "report.json"
    more = ("--account", page, "--pictures", "--report", report, "--verify")
    assert run(rendering(folder, tmp_path, *more)) == 0
    content = json.loads(report.read_text())
    account = content["decision"]
    assert [one["code"] for one in account["left_clear"]] == ["gdpr:consent"]
    assert (account["frames_clear"], content["frames_by_state"]["judged"]) == (10, 50)
    assert account["settings"]["quality"] == "fast"
    assert content["verification"]["passed"]
    assert content["verification"]["left_clear"] >= 8
    assert "pictures" not in content
    text = page.read_text()
    jpegs = re.findall(r'as it was rendered" src="data:image/jpeg;base64,([^"]+)"', text)
    frames = [int(number) for number in re.findall(r'alt="Frame (\d+) as', text)]
    assert frames == [4, 12, 20, 29, 37, 45]
    assert "No face seems to be left" in text
    raw = frames_of(folder / "face.mp4")
    x1, y1, x2, y2 = (value // 2 for value in FACE)
    for index, jpeg in zip(frames, jpegs, strict=True):
        shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(jpeg))), np.int16)
        face = np.s_[y1:y2, x1 + 2 * index : x2 + 2 * index]
        change = float(np.abs(shown[face] - raw[index][face]).mean())
        assert change < 6 if index < 10 else change > 10, index


def test_the_example_of_the_docs(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    example = (ROOT / "docs" / "account.md").read_text("utf-8").split("## From Python\n\n")[1]
    shutil.copy(folder / "face.mp4", tmp_path)
    shutil.copy(folder / "face.mp4.analysis", tmp_path / "party.mp4.analysis")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(textwrap.dedent(example), names)
    assert " 0.0 0.4 Ann " in capsys.readouterr().out
    assert names["page"].count("data:image/jpeg") == 6


def test_pictures_are_shown_only_if_asked_for(folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "account.html"
    assert run(rendering(folder, tmp_path, "--account", page)) == 0
    assert "data:image" not in page.read_text()
    assert "<img" not in page.read_text()
    assert page.stat().st_mode & 0o077 == 0


def test_accounts_that_cannot_be_written_are_refused_before_the_work(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "account.html"
    page.write_text("mine")
    assert run(rendering(folder, tmp_path, "--account", page)) == 1
    assert "account.html exists" in capsys.readouterr().err
    assert run(rendering(folder, tmp_path, "--account", tmp_path / "out.mp4")) == 2
    assert run(rendering(folder, tmp_path, "--pictures")) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["account.html"]
    assert page.read_text() == "mine"


def test_several_renders_have_a_page_each(folder: Path, tmp_path: Path) -> None:
    words = ["render", str(folder), "-o", str(tmp_path / "out"), "--preset", "ultrafast"]
    assert run([*words, "--account", str(tmp_path / "pages")]) == 0
    assert [p.name for p in (tmp_path / "pages").iterdir()] == ["face.mp4.account.html"]


def test_a_render_of_which_nothing_changed_is_not_done_again(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("face.mp4", "face.mp4.analysis"):
        shutil.copy(folder / name, tmp_path)
    words = rendering(tmp_path, tmp_path)
    output = tmp_path / "out.mp4"
    assert run(words) == 0
    before = output.stat()
    capsys.readouterr()

    def is_done(*more: str) -> bool:
        assert run([*words, *more, "--json"]) == 0
        return bool(json.loads(capsys.readouterr().out)["status"] == "skipped")

    assert is_done()
    assert run([*words, "--dry-run"]) == 0
    assert "skipped" in capsys.readouterr().out
    assert output.stat().st_mtime_ns == before.st_mtime_ns
    # What a second look adds, and a name that is erased, change nothing that is rendered.
    with closing(open_analysis(tmp_path / "face.mp4.analysis")) as opened:
        digest = opened.decision_digest
    seen = Candidate(Box(1, 1, 9, 9), 0.9, Uncovered.SECOND_LOOK)
    found = [StoredCandidate(0, 3, 3, seen, {3: (1, 1, 9, 9)})]
    assert add_found(tmp_path / "face.mp4.analysis", digest, found) == 1
    with streamguard.edit(tmp_path / "face.mp4.analysis", actor="Bob") as editor:
        editor.erase_actor("Ann")
        assert is_done()
        editor.add(DrawBox(box=(1, 1, 9, 9)))
    assert not is_done()
    assert is_done()
    assert not is_done("--crf", "40")
    output.write_bytes(b"mine now")
    assert run(words) == 1
    assert "is not known as the result" in capsys.readouterr().err
    assert output.read_bytes() == b"mine now"


def test_a_render_is_not_skipped_where_the_input_is_another(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("face.mp4", "face.mp4.analysis"):
        shutil.copy(folder / name, tmp_path)
    assert run(rendering(tmp_path, tmp_path)) == 0
    with (tmp_path / "face.mp4").open("ab") as file:
        file.write(b"more")
    assert run(rendering(tmp_path, tmp_path)) == 1
    assert "is not the file that was analyzed" in capsys.readouterr().err


def test_nothing_that_is_read_is_replaced(folder: Path, tmp_path: Path) -> None:
    video, analysis = tmp_path / "face.mp4", tmp_path / "face.mp4.analysis"
    for path in (video, analysis):
        shutil.copy(folder / path.name, tmp_path)
    before = [path.read_bytes() for path in (video, analysis)]
    render = [*rendering(tmp_path, tmp_path), "--overwrite"]
    both = ["--report", str(tmp_path / "one"), "--account", str(tmp_path / "one")]
    for words in (
        [*render, "--report", str(video)],
        [*render, "--account", str(video)],
        [*render, "--account", str(analysis)],
        [*render, *both],
        ["verify", str(video), "--analysis", str(analysis), "--report", str(analysis)],
        ["export", str(analysis), "--format", "csv", "-o", str(video), "--overwrite"],
    ):
        assert run(words) == 2, words
    assert [path.read_bytes() for path in (video, analysis)] == before
    assert not (tmp_path / "out.mp4").exists()

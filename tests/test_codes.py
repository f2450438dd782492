"""Lists of codes: those that come with the package, and one's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from streamguard.edits.acts import Act, Clear, CoverAgain, Dismiss, DrawBox, Group, Undo
from streamguard.edits.codes import SAMPLES, Codes
from streamguard.edits.edit import Edit
from streamguard.errors import EditError, SourceNotFoundError, UsageError


def test_the_samples_can_be_read() -> None:
    codes = Codes.load().known
    for name in SAMPLES:
        own = [code for code in codes.values() if code.name.startswith(f"{name}:")]
        assert {code.use for code in own} == {"clear", "cover"}
        assert all(code.text for code in own)
    assert codes["gdpr:consent"].use == "clear"
    assert codes["foia:b6"].use == "cover"


@pytest.mark.parametrize(
    ("act", "code", "words"),
    [
        (Clear(track=1), "gdpr:consent", ""),
        (Clear(track=1), "", ""),
        (Dismiss(track=1), "foia:no-person", ""),
        (CoverAgain(track=1), "foia:b6", ""),
        (Group(tracks=(1,)), "foia:b6", ""),
        (Undo(edit=1), "gdpr:consent", ""),
        (Clear(track=1), "foia:b6", "for something else"),
        (DrawBox(box=(0, 0, 9, 9)), "gdpr:consent", "for something else"),
        (Clear(track=1), "consent", "no list has the code 'consent'"),
    ],
)
def test_a_code_is_known_and_fits(act: Act, code: str, words: str) -> None:
    edit = Edit(act=act, actor="Ann", code=code)
    if not words:
        Codes.load().check(edit)
        return
    with pytest.raises(EditError, match=words):
        Codes.load().check(edit)


def test_a_list_of_ones_own(tmp_path: Path) -> None:
    own = tmp_path / "own.json"
    entry = {"code": "staff", "for": "clear", "text": "works here and has agreed"}
    own.write_text(json.dumps({"name": "club", "title": "Our club", "codes": [entry]}))
    codes = Codes.load([own])
    assert codes.known["club:staff"].text == "works here and has agreed"
    codes.check(Edit(act=Clear(track=1), actor="Ann", code="club:staff"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no list of codes"),
        ("[]", "no list of codes"),
        ("{}", "no 'name'"),
        ('{"name": "a b", "codes": []}', "is not one word"),
        ('{"name": "x", "codes": [{"code": "y"}]}', "no 'for'"),
        ('{"name": "x", "codes": [{"code": "y", "for": "fun", "text": ""}]}', "not for clear or"),
        ('{"name": "gdpr", "codes": [{"code": "law", "for": "clear", "text": "t"}]}', "twice"),
        ('{"name": "x", "codes": [{"code": "y", "for": "clear", "text": "\\u001b"}]}', "printed"),
        ("[" * 100_000, "no list of codes"),
    ],
)
def test_a_file_that_is_no_list_is_an_error(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "own.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=words):
        Codes.load([path])


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFoundError):
        Codes.load([tmp_path / "none.json"])

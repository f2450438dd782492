"""The log of edits in the file: added to, never changed, and told when somebody changes it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from edit_kit import apart, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import streamguard
from streamguard.analysis.found import add_found
from streamguard.analysis.records import StoredCandidate
from streamguard.edits.acts import (
    Act,
    Believe,
    ChangeSound,
    Clear,
    DrawBox,
    DrawPolygon,
    Follow,
    Group,
    Relabel,
    SetEffect,
    Split,
    Undo,
)
from streamguard.edits.edit import Edit
from streamguard.edits.edit_json import export_lines, heading_of, import_lines
from streamguard.edits.journal import Journal
from streamguard.errors import AnalysisError, EditConflictError, EditError, SinkPermissionError
from streamguard.frames import Candidate, Uncovered
from streamguard.geometry import Box
from streamguard.settings import Effect, Settings, SoundChange

FOLLOWED = Follow(frame=3, box=(1, 2, 11, 12), boxes=((3, 1, 2, 11, 12), (4, 2, 2, 12, 12)))

_SOLID_FACES = SetEffect(label="face", effect=Effect.SOLID)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "clip.mp4.analysis", apart())


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with Journal(path) as opened:
        yield opened


def by(actor: str, act: Act, reason: str = "because") -> Edit:
    return Edit(act=act, actor=actor, reason=reason)


def change(path: Path, *statements: str) -> None:
    """Change the file as another program would."""
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def test_edits_are_read_as_they_were_added(path: Path, journal: Journal) -> None:
    decision = journal.analysis.decision_digest
    assert journal.edits() == ()
    first = journal.append(by("Ann", Clear(track=2)))
    second = journal.append(by("Bob", FOLLOWED))
    third = journal.append(by("Ann", Group(tracks=(1, 4))))
    assert [e.number for e in (first, second, third)] == [1, 2, 3]
    assert isinstance(second.act, Follow)
    assert second.act.new == 4
    assert third.act == Group(tracks=(1, 4), person=1)
    with Journal(path) as again:
        read = again.edits()
        assert [(e.act, e.actor, e.time, e.reason) for e in read] == [
            (e.act, e.actor, e.time, e.reason) for e in (first, second, third)
        ]
        assert again.analysis.decision_digest == decision
        assert again.digest == journal.digest


def test_new_numbers_are_never_used_twice(journal: Journal) -> None:
    box = DrawBox(box=(0, 0, 9, 9))
    assert journal.append(by("Ann", box)).act == DrawBox(box=(0, 0, 9, 9), new=4)
    journal.undo(1, "Ann")
    assert journal.append(by("Ann", box)).act == DrawBox(box=(0, 0, 9, 9), new=5)
    journal.append(by("Ann", Group(tracks=(1, 3))))
    split = journal.append(by("Ann", Split(person=1, frame=50))).act
    assert split == Split(person=1, frame=50, new=2, parts=((1, 6), (3, 7)))
    journal.undo(2, "Ann")
    assert len(journal.edits()) == 6


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (Edit(act=Clear(track=2), actor="Ann"), "needs a reason"),
        (Edit(act=Clear(track=2), actor="", reason="x"), "needs the name"),
        (Edit(act=Clear(track=2), actor=None, reason="x"), "needs the name"),
        (Edit(act=Clear(track=2), actor="A\x1b[2J", reason="x"), "cannot be printed"),
        (Edit(act=Clear(track=2), actor="Ann", reason="x" * 5000), "at most 4000"),
        (Edit(act=Clear(track=9), actor="Ann", reason="x"), "there is no track 9"),
        (Edit(act=Undo(edit=1), actor="Ann"), "cannot be undone"),
        (Edit(act=Clear(track=-1), actor="Ann", reason="x"), "-1 is no number"),
        (Edit(act=Relabel(track=1, label="A\n"), actor="Ann"), "cannot be printed"),
    ],
)
def test_what_is_refused_leaves_no_line(journal: Journal, edit: Edit, words: str) -> None:
    with pytest.raises(EditError, match=words):
        journal.append(edit)
    assert journal.edits() == ()


def test_the_highest_number_there_is_leaves_a_log_that_can_be_read(journal: Journal) -> None:
    high = Edit(act=Group(tracks=(1,), person=2**53 - 1), actor="Ann")
    journal.append(high)
    journal.append(Edit(act=Group(tracks=(2,)), actor="Ann"))
    assert [edit.act.person for edit in journal.edits() if isinstance(edit.act, Group)] == [
        2**53 - 1,
        1,
    ]


def test_what_others_rest_on_cannot_be_undone_before_them(journal: Journal) -> None:
    journal.append(by("Ann", Split(track=2, frame=50)))
    journal.append(by("Ann", Clear(track=4)))
    with pytest.raises(EditError, match=r"edit 2 \(clear\) cannot be placed"):
        journal.undo(1, "Ann")
    journal.undo(2, "Ann")
    journal.undo(1, "Ann")
    assert len(journal.edits()) == 4


@pytest.mark.parametrize(
    ("theirs", "mine", "is_refused"),
    [
        (Clear(track=2), Split(track=2, frame=50), True),
        (Clear(track=2), Clear(track=1), False),
        (Group(tracks=(1, 2)), Clear(track=2), True),
        (Group(tracks=(1, 2)), Clear(track=3), False),
        (Believe(candidate=1), Believe(candidate=1), True),
        (SetEffect(label="face", effect=Effect.BLUR), _SOLID_FACES, True),
        (SetEffect(label="code", effect=Effect.BLUR), _SOLID_FACES, False),
        (DrawBox(box=(0, 0, 9, 9)), DrawBox(box=(0, 0, 9, 9)), False),
        (Undo(edit=1), Undo(edit=1), True),
        (Undo(edit=1), Relabel(track=1, label="poster"), True),
    ],
)
def test_what_rests_on_a_change_made_meanwhile_is_refused(
    path: Path, journal: Journal, theirs: Act, mine: Act, is_refused: bool
) -> None:
    journal.append(by("Ann", Relabel(track=1, label="statue")))
    seen = len(journal.edits())
    with Journal(path) as other:
        other.append(by("Bob", theirs))
    if is_refused:
        with pytest.raises(EditConflictError, match=r"meanwhile by edit 2 \(.*by Bob\)"):
            journal.append(by("Ann", mine), seen=seen)
        assert len(journal.edits()) == 2
    else:
        assert journal.append(by("Ann", mine), seen=seen).number == 3


_WORKER = """
import sys
from pathlib import Path
from streamguard.edits.acts import DrawBox
from streamguard.edits.edit import Edit
from streamguard.edits.journal import Journal
with Journal(Path(sys.argv[1])) as journal:
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(15):
        journal.append(Edit(act=DrawBox(box=(0, 0, 9, 9)), actor=sys.argv[2]))
"""


def test_two_processes_that_append_at_once_both_land(path: Path) -> None:
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", _WORKER, str(path), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("Ann", "Bob")
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    assert [worker.communicate()[1] or worker.returncode for worker in workers] == [0, 0]
    with Journal(path) as journal:
        edits = journal.edits()
        acts = [edit.act for edit in edits if isinstance(edit.act, DrawBox)]
        assert [edit.number for edit in edits] == list(range(1, 31))
        assert {edit.actor for edit in edits} == {"Ann", "Bob"}
        assert [act.new for act in acts] == list(range(4, 34))
        journal.placed()


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE edits SET arguments = '{\"track\":3}' WHERE number = 1", "edit 1 is not what"),
        ("UPDATE edits SET code = 'gdpr:law' WHERE number = 1", "edit 1 is not what"),
        ("UPDATE edits SET time = '2020' WHERE number = 1", "edit 1 is not what"),
        ("UPDATE edits SET reason = 'other' WHERE number = 1", "the reason of edit 1 is not"),
        ("UPDATE edits SET actor = 2 WHERE number = 1", "edit 1 is not what"),
        ("UPDATE edits SET digest = 'x' WHERE number = 2", "edit 2 is not what"),
        ("UPDATE actors SET name = 'Eve' WHERE number = 1", "actor 1 is not what"),
        ("UPDATE drawn SET x2 = 2 WHERE frame = 4", "edit 2 is not what"),
        ("DELETE FROM drawn WHERE frame = 4", "edit 2 is not what"),
        ("DELETE FROM actors WHERE number = 2", "edit 2 is missing"),
        ("DELETE FROM edits WHERE number = 1", "edit 1 is missing"),
        ("DELETE FROM edits WHERE number = 2", "there are boxes of edit 2"),
        ("UPDATE edits SET number = 3 WHERE number = 2", "edit 2 is missing"),
        ("UPDATE edits SET code = x'00' WHERE number = 1", "an edit is not what"),
        ("UPDATE edits SET actor = 'Eve' WHERE number = 1", "an edit is not what"),
        ("UPDATE edits SET reason = x'41' WHERE number = 1", "an edit is not what"),
        ("UPDATE actors SET seal = x'01'", "an edit is not what"),
        ("UPDATE drawn SET x1 = 1.5", "an edit is not what"),
        ("DROP TABLE drawn", "lacks its table drawn|edit 2 is not what"),
    ],
)
def test_a_row_that_was_changed_is_told(
    path: Path, journal: Journal, statement: str, words: str
) -> None:
    journal.append(by("Ann", Clear(track=2)))
    journal.append(by("Bob", FOLLOWED))
    change(path, statement)
    with pytest.raises(EditError, match=words):
        journal.edits()
    with pytest.raises(EditError, match=words):
        journal.append(by("Ann", Clear(track=1)))


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ('UPDATE edits SET arguments = \'{"track":1,"confirm":true}\'', "edit 1 is not what"),
        ("DELETE FROM actors", "is missing"),
    ],
)
def test_nothing_is_rendered_of_a_log_that_was_changed(
    tmp_path: Path, face_clip: Path, statement: str, words: str
) -> None:
    analysis, output = tmp_path / "face.analysis", tmp_path / "out.mp4"
    streamguard.analyze(face_clip, analysis, Settings(quality=streamguard.Quality.FAST))
    with streamguard.edit(analysis, actor="Ann") as editor:
        editor.add(Clear(track=1, first=10, last=12), reason="agreed")
    change(analysis, statement)
    with pytest.raises(EditError, match=words):
        streamguard.render(analysis, output, source=face_clip)
    assert [path.name for path in tmp_path.iterdir()] == ["face.analysis"]


def test_candidates_of_a_second_look_are_known_to_who_has_the_file_open(path: Path) -> None:
    with Journal(path) as ours, Journal(path) as theirs:
        theirs.append(by("Bob", Clear(track=2)))
        ours.append(by("Ann", Clear(track=1)))
        seen = Candidate(Box(10, 300, 40, 340), 0.6, Uncovered.WEAK)
        stored = StoredCandidate(0, 70, 70, seen, {70: (10, 300, 40, 340)})
        add_found(path, ours.analysis.decision_digest, [stored])
        number = max(c.number for c in ours.analysis.candidates())
        assert ours.append(by("Ann", Believe(candidate=number))).number == 3
        assert theirs.append(by("Bob", Clear(track=3))).number == 4


def test_edits_of_another_decision_do_not_fit(tmp_path: Path, path: Path) -> None:
    with Journal(path) as journal:
        journal.append(by("Ann", Clear(track=2)))
    made = apart()
    made.ways = {**made.ways, 1: (0, 99, made.ways[2][2]), 2: (0, 99, made.ways[1][2])}
    other = write(tmp_path / "other.analysis", made)
    with sqlite3.connect(other) as connection:
        connection.execute("ATTACH ? AS source", (str(path),))
        for table in ("edits", "actors", "drawn"):
            sql = "SELECT sql FROM source.sqlite_master WHERE name = ?"
            connection.execute(connection.execute(sql, (table,)).fetchone()[0])
            connection.execute(f"INSERT INTO main.{table} SELECT * FROM source.{table}")
    connection.close()
    with Journal(other) as journal, pytest.raises(EditError, match="edit 1 is not what"):
        journal.edits()


def test_a_trigger_of_a_stranger_is_refused_before_anything_is_written(path: Path) -> None:
    with Journal(path) as journal:
        journal.append(by("Ann", Clear(track=2)))
        change(
            path,
            "CREATE TRIGGER spy AFTER INSERT ON edits BEGIN DELETE FROM actors; END",
        )
        with pytest.raises(AnalysisError, match="trigger"):
            journal.append(by("Ann", Clear(track=1)))


def test_names_are_erased_without_losing_the_account(path: Path, journal: Journal) -> None:
    journal.append(by("Ann Example", Clear(track=2), reason="Kim Sample agreed"))
    journal.append(by("Bob", Clear(track=1)))
    digest = journal.digest
    journal.erase_actor("Ann Example")
    journal.erase_reason(1)
    data = path.read_bytes()
    assert b"Ann Example" not in data
    assert b"Kim Sample" not in data
    first, second = journal.edits()
    assert (first.actor, first.who) == (None, "actor 1 (name erased)")
    assert (first.reason, first.why, second.actor) == (None, "(erased)", "Bob")
    assert journal.digest == digest
    assert [e.actor for e in journal.placed().exemptions()] == ["Bob", "actor 1 (name erased)"]
    with pytest.raises(EditError, match="no edit is by 'Ann Example'"):
        journal.erase_actor("Ann Example")
    # Somebody of the same name who comes later is not the same actor.
    journal.append(by("Ann Example", Clear(track=3)))
    assert [e.actor_number for e in journal.edits()] == [1, 2, 3]


def test_a_file_that_may_not_be_written_is_an_error(path: Path, journal: Journal) -> None:
    journal.append(by("Ann", Clear(track=2)))
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(AnalysisError, match="version 99"):
        journal.append(by("Ann", Clear(track=1)))


_TEXT = st.text(st.characters(categories=("L", "N", "P", "Zs")), max_size=12).filter(
    str.isprintable
)
_PIXEL = st.integers(-50, 2000)
_BOX = st.tuples(_PIXEL, _PIXEL, _PIXEL, _PIXEL)
_COUNT = st.integers(0, 1000)
_MAYBE = st.none() | _COUNT
_ANY_ACT = st.one_of(
    st.builds(Clear, track=_COUNT, first=_MAYBE, last=_MAYBE, at=_MAYBE, confirm=st.booleans()),
    st.builds(Believe, candidate=_COUNT, new=_COUNT),
    st.builds(DrawBox, box=_BOX, label=st.sampled_from(["face", "badge"])),
    st.builds(DrawPolygon, points=st.lists(st.tuples(_PIXEL, _PIXEL)).map(tuple)),
    st.builds(Follow, frame=_COUNT, box=_BOX, boxes=st.tuples(st.tuples(_COUNT, *[_PIXEL] * 4))),
    st.builds(Group, tracks=st.lists(_COUNT).map(tuple), person=_COUNT),
    st.builds(Split, person=_COUNT, frame=_COUNT, parts=st.tuples(st.tuples(_COUNT, _COUNT))),
    st.builds(SetEffect, track=_COUNT, effect=st.sampled_from(Effect)),
    st.builds(
        ChangeSound,
        start=st.floats(0, 1e6),
        end=st.floats(0, 1e6),
        sound=st.sampled_from(SoundChange),
    ),
    st.builds(Undo, edit=_COUNT),
)
_EDITS = st.builds(
    Edit,
    act=_ANY_ACT,
    actor=st.none() | _TEXT,
    reason=st.none() | _TEXT,
    code=_TEXT,
    number=_COUNT,
    time=st.just("2026-01-02T03:04:05+00:00"),
)


@given(st.lists(_EDITS, max_size=5))
def test_lines_of_json_are_read_as_they_were_written(edits: list[Edit]) -> None:
    assert import_lines("ab", export_lines("ab", edits)) == edits


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda b: b.decode("latin-1")))
def test_lines_of_a_stranger_are_edits_or_an_error(line: str) -> None:
    with suppress(EditError):
        import_lines("ab", [heading_of("ab"), line])


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("[]", "no line of JSON"),
        ("[" * 100_000, "no line of JSON"),
        ('{"kind": "shred"}', "no edit is called 'shred'"),
        ('{"kind": ["clear"]}', "no edit is called"),
        ('{"kind": "clear", "arguments": []}', "are no object"),
        ('{"kind": "clear", "arguments": {"tracks": [1]}}', "has no argument 'tracks'"),
        ('{"kind": "clear", "arguments": {"track": "1"}}', "'1' is no number"),
        ('{"kind": "clear", "arguments": {"track": true}}', "True is no number"),
        ('{"kind": "clear", "arguments": {"track": 1, "confirm": 1}}', "neither true nor false"),
        ('{"kind": "undo", "arguments": {}}', "lacks its 'edit'"),
        ('{"kind": "box", "arguments": {"box": [1, 2, 3]}}', "makes no sense as 'box'"),
        ('{"kind": "box", "arguments": {"box": [1, 2, 3, 1e99]}}', "no whole number of pixels"),
        ('{"kind": "sound", "arguments": {"start": NaN, "end": 1, "sound": "mute"}}', "seconds"),
        ('{"kind": "effect", "arguments": {"effect": "none", "track": 1}}', "'none' makes no"),
        ('{"kind": "label", "arguments": {"label": "A B\\u001b", "track": 1}}', "be printed"),
        ('{"kind": "undo", "arguments": {"edit": 1}, "who": "me"}', "has no 'who'"),
        ('{"kind": "undo", "arguments": {"edit": 1}, "time": "soon"}', "'soon' is no time"),
        ('{"kind": "undo", "arguments": {"edit": 1}, "time": "2026-01-01"}', "its time zone"),
    ],
)
def test_a_line_that_makes_no_sense_is_an_error(line: str, words: str) -> None:
    with pytest.raises(EditError, match=words) as caught:
        import_lines("ab", [heading_of("ab"), "", line])
    assert caught.value.what.startswith("line 3: ")


def test_edits_come_back_from_lines_of_json(tmp_path: Path, path: Path, journal: Journal) -> None:
    acts: list[Act] = [
        Clear(track=2),
        FOLLOWED,
        Group(tracks=(1, 4)),
        Undo(edit=1),
        Clear(person=1),
    ]
    for act in acts:
        journal.append(by("Ann", act))
    journal.append(by("Bob", Clear(track=3), reason="secret"))
    journal.erase_actor("Bob")
    journal.erase_reason(6)
    lines = list(export_lines(journal.analysis.decision_digest, journal.edits()))
    copy = write(tmp_path / "copy.analysis", apart())
    with Journal(copy) as other:
        other.extend(import_lines(other.analysis.decision_digest, lines))
        assert list(export_lines(other.analysis.decision_digest, other.edits())) == lines
        assert other.placed().exemptions()[0].track == journal.placed().exemptions()[0].track
        # Once more: numbers that are taken become others, and undo finds its edit.
        added = other.extend(import_lines(other.analysis.decision_digest, lines))
        assert [e.number for e in added] == list(range(7, 13))
        assert added[2].act == Group(tracks=(1, 5), person=2)
        assert added[3].act == Undo(edit=7)
        assert added[4].act == Clear(person=2)


def test_an_import_is_all_or_nothing(journal: Journal) -> None:
    edits = [by("Ann", Clear(track=2)), by("Ann", Clear(track=9))]
    with pytest.raises(EditError, match="there is no track 9"):
        journal.extend(edits)
    with pytest.raises(EditError, match="needs a reason"):
        journal.extend([by("Ann", Clear(track=2), reason="")])
    assert journal.edits() == ()
    with pytest.raises(EditError, match="another decision"):
        import_lines(journal.analysis.decision_digest, export_lines("other", edits))
    with pytest.raises(EditError, match="does not name the decision"):
        import_lines(journal.analysis.decision_digest, ['{"kind": "undo"}'])


def test_the_python_api(path: Path) -> None:
    with streamguard.edit(path, actor="Ann") as editor, streamguard.edit(path, actor="Bob") as bob:
        done = editor.add(Clear(track=2), reason="She asked", code="gdpr:consent")
        assert (done.number, done.actor, done.code) == (1, "Ann", "gdpr:consent")
        with pytest.raises(EditConflictError):
            bob.add(Split(track=2, frame=50))
        assert len(bob.edits()) == 1
        bob.add(Split(track=2, frame=50))
        with pytest.raises(EditConflictError, match="track 2 was changed meanwhile by edit 2"):
            editor.undo(1)
        assert [e.last for e in editor.placed().exemptions()] == [49]
        with pytest.raises(EditError, match="no list has the code"):
            editor.add(Clear(track=1), code="gdpr:because")
        with pytest.raises(EditError, match="is for something else"):
            editor.add(Clear(track=1), code="foia:b6")


def test_a_read_only_folder_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The tests may run as root, whom permissions do not stop.
    from streamguard.analysis import database

    with Journal(path) as journal:
        monkeypatch.setattr(database, "open_for_edits", database.open_checked)
        with pytest.raises(SinkPermissionError, match="may not be written"):
            journal.append(by("Ann", Clear(track=2)))

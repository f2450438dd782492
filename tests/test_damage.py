"""Damaged pictures, and all that rest on them, are never shown as if they were whole."""

from __future__ import annotations

import itertools
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from streamguard.cli import cli
from streamguard.errors import SourceLostError
from streamguard.frames import Frame
from streamguard.media.address import parse_address
from streamguard.relay.states import Reason
from streamguard.sources import FileSource
from streamguard.sources.damage import (
    DAMAGED,
    GAP,
    LATE_START,
    UNREADABLE,
    DamageTracker,
    PacketFacts,
)
from streamguard.sources.h264 import H264Reader
from streamguard.sources.impossible import PacketCheck, first_piece_is_cut
from streamguard.sources.live import LiveSource
from streamguard.sources.options import LiveOptions

# Decoding order of a group with two levels of B-pictures, by when they are shown.
ORDER = (0, 4, 2, 1, 3, 8, 6, 5, 7)


def told(
    order: tuple[int, ...] = ORDER,
    *,
    keys: tuple[int, ...] = (0,),
    broken: tuple[int, ...] = (),
    lost: tuple[int, ...] = (),
    delay: int = 5,
) -> dict[int, str]:
    """Return what is said of each picture, by when it is shown.

    Args:
        order: When the pictures are shown, in decoding order.
        keys: Those that decoding can begin at.
        broken: Those that the decoder marks.
        lost: Those that it does not give.
        delay: Packets that the decoder has before it gives a picture.
    """
    tracker: DamageTracker[int] = DamageTracker()
    said: dict[int, str] = {}
    waiting = sorted(set(order) - set(lost))
    for index, shown in enumerate(order):
        assert tracker.send(PacketFacts(float(shown), float(index))) == index
        while waiting and index - order.index(waiting[0]) >= delay:
            take(tracker, order, waiting.pop(0), keys, broken)
            said |= tracker.ready()
    for shown in waiting:
        take(tracker, order, shown, keys, broken)
    tracker.finish()
    return said | dict(tracker.ready())


def take(
    tracker: DamageTracker[int],
    order: tuple[int, ...],
    shown: int,
    keys: tuple[int, ...],
    broken: tuple[int, ...],
) -> None:
    fault = DAMAGED if shown in broken else ""
    tracker.take(shown, order.index(shown), fault=fault, intra=shown in keys)


def bad(said: dict[int, str]) -> list[int]:
    return sorted(shown for shown, reason in said.items() if reason)


def test_whole_pictures_are_whole() -> None:
    assert told() == dict.fromkeys(range(9), "")


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        ((0,), [0, 1, 2, 3, 4, 5, 6, 7, 8]),
        # Shown after 1, 2 and 3, but decoded before them.
        ((4,), [1, 2, 3, 4, 5, 6, 7, 8]),
        ((8,), [5, 6, 7, 8]),
        ((7,), [7]),
    ],
)
def test_what_is_decoded_after_a_broken_picture_is_broken(
    broken: tuple[int, ...], expected: list[int]
) -> None:
    assert bad(told(broken=broken)) == expected


def test_a_lost_picture_breaks_what_follows() -> None:
    said = told(lost=(4,))
    assert bad(said) == [1, 2, 3, 5, 6, 7, 8]
    assert set(said.values()) == {"", GAP}


def test_a_key_picture_ends_it_but_not_for_those_shown_before_it() -> None:
    # 8 is a key picture of an open group: 5, 6 and 7 rest on 4 as well.
    assert bad(told(broken=(4,), keys=(0, 8))) == [1, 2, 3, 4, 5, 6, 7]
    assert bad(told(broken=(4, 8), keys=(0, 8))) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_what_comes_before_the_first_key_picture_is_told_apart() -> None:
    said = told(keys=(8,))
    assert bad(said) == [0, 1, 2, 3, 4, 5, 6, 7]
    assert {said[shown] for shown in range(8)} == {LATE_START}


def test_an_error_counts_for_all_that_the_decoder_has() -> None:
    tracker: DamageTracker[int] = DamageTracker()
    for index in range(4):
        tracker.send(PacketFacts(float(index), float(index)))
        if index == 2:
            tracker.take(0, 0, fault="", intra=True)
            tracker.fail(UNREADABLE)
    for index in (1, 3):
        tracker.take(index, index, fault="", intra=True)
    tracker.finish()
    assert list(tracker.ready()) == [(0, ""), (1, UNREADABLE), (3, "")]


def test_a_refresh_is_complete_at_its_number_and_starts_anew_when_broken() -> None:
    tracker: DamageTracker[int] = DamageTracker()
    for number in range(20):
        facts = PacketFacts(float(number), float(number), is_key=number == 0, number=number)
        facts.refreshes = number + 4 if number % 5 == 0 else None
        facts.fault = DAMAGED if number in (2, 7) else ""
        tracker.take(number, tracker.send(facts), fault="", intra=False)
    tracker.finish()
    # Broken in the middle of the refresh from 5 to 9; the one from 10 to 14 is whole.
    assert bad(dict(tracker.ready())) == list(range(2, 14))


def test_a_clock_that_jumps_back_loses_nothing() -> None:
    tracker: DamageTracker[int] = DamageTracker()
    times = [100.0, 101.0, 102.0, 0.0, 1.0, 2.0]
    for time in times:
        tracker.send(PacketFacts(time, time))
    for index in range(6):
        tracker.take(index, index, fault="", intra=index == 0)
    tracker.finish()
    assert dict(tracker.ready()) == dict.fromkeys(range(6), "")
    assert tracker.missing == 0


@given(
    broken=st.sets(st.integers(0, 8)),
    lost=st.sets(st.integers(1, 8)),
    keys=st.sets(st.sampled_from((4, 8))),
    delay=st.integers(0, 9),
)
def test_every_picture_is_judged_by_all_it_rests_on(
    broken: set[int], lost: set[int], keys: set[int], delay: int
) -> None:
    begins = tuple({0} | keys)
    said = told(keys=begins, broken=tuple(broken), lost=tuple(lost), delay=delay)
    assert list(said) == sorted(set(range(9)) - lost)
    for shown in said:
        at = ORDER.index(shown)
        # A picture may rest on all decoded before it, back to a key that is shown before it.
        entries = [ORDER.index(key) for key in begins if ORDER.index(key) <= at and key <= shown]
        entries = [entry for entry in entries if ORDER[entry] not in broken | lost]
        since = max(entries, default=0)
        # What is shown before that key does nothing to those shown after it.
        needed = [other for other in ORDER[since : at + 1] if other >= ORDER[since]]
        if any(other in broken | lost for other in needed):
            assert said[shown]


# --- real streams ---


def encoded(clip: Path, path: Path, codec: str = "libx264", **options: str) -> Path:
    """Encode a clip anew."""
    with av.open(str(clip)) as source, av.open(str(path), "w") as output:
        video = source.streams.video[0]
        stream: Any = output.add_stream(codec, rate=25, options=options)
        stream.width, stream.height = video.width, video.height
        stream.pix_fmt = "yuv420p"
        for frame in source.decode(video):
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def remade(path: Path, change: Callable[[int, bytes], bytes | None]) -> Path:
    """Copy the packets of a video; ``change`` is given their number and data, None drops one."""
    result = path.with_name(f"changed{path.suffix}")
    with av.open(str(path)) as source, av.open(str(result), "w") as output:
        stream = output.add_stream_from_template(source.streams.video[0], opaque=True)
        for number, packet in enumerate(source.demux(video=0)):
            data = change(number, bytes(packet)) if packet.dts is not None else None
            if data is None:
                continue
            copy = av.Packet(data)
            copy.pts, copy.dts, copy.time_base = packet.pts, packet.dts, packet.time_base
            copy.is_keyframe, copy.stream = packet.is_keyframe, stream
            output.mux(copy)
    return result


def damage_of(path: Path) -> list[str]:
    with closing(FileSource(path)) as source:
        return [item.damage for item in source.read() if isinstance(item, Frame)]


def test_pictures_that_are_let_go_of_take_nothing_of_another_decoder_along(
    face_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known: list[int | None] = []
    take = DamageTracker.take

    def noting(tracker: DamageTracker[Any], picture: Any, index: int | None, **more: Any) -> None:
        known.append(index)
        take(tracker, picture, index, **more)

    clip = encoded(face_clip, tmp_path / "a.mp4", bf="3", g="250")
    with closing(FileSource(clip)) as earlier:
        held = [item for item in earlier.read() if isinstance(item, Frame)]
    monkeypatch.setattr(DamageTracker, "take", noting)
    with closing(FileSource(clip)) as source:
        read = (item for item in source.read() if isinstance(item, Frame))
        frames = list(itertools.islice(read, 20))
        # Packets of the same numbers as some of these pictures are in the decoder now.
        held.clear()
        frames += read
        assert len(frames) == 50
        assert not any(frame.damage for frame in frames)
        assert None not in known


def hurt(data: bytes) -> bytes:
    """Return a packet with a stretch in its middle overwritten."""
    middle = len(data) // 2
    return (
        data[:middle]
        + bytes(0x55 ^ byte for byte in data[middle : middle + 60])
        + data[middle + 60 :]
    )


GROUPS = {"g": "12", "keyint_min": "12", "sc_threshold": "0", "bf": "2"}


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_intact_streams_show_no_damage(tmp_path: Path, face_clip: Path, suffix: str) -> None:
    clip = encoded(face_clip, tmp_path / f"whole{suffix}", **GROUPS)
    damage = damage_of(clip)
    assert len(damage) == 50
    assert not any(damage)


@pytest.mark.parametrize(
    "options",
    [{"x264-params": "open-gop=1"}, {"x264-params": "intra-refresh=1"}, {"flags": "+ildct+ilme"}],
    ids=["open groups", "gradual refresh", "interlaced"],
)
def test_intact_streams_of_odd_structure_show_no_damage(
    tmp_path: Path, face_clip: Path, options: dict[str, str]
) -> None:
    damage = damage_of(encoded(face_clip, tmp_path / "whole.mp4", **GROUPS | options))
    assert len(damage) == 50
    assert not any(damage)


def test_a_broken_picture_breaks_all_up_to_the_next_key(tmp_path: Path, face_clip: Path) -> None:
    clip = encoded(face_clip, tmp_path / "whole.mp4", **GROUPS)
    damage = damage_of(remade(clip, lambda number, data: hurt(data) if number == 12 else data))
    assert len(damage) == 50
    assert [bool(reason) for reason in damage] == [12 <= index < 24 for index in range(50)]


def test_a_packet_that_is_missing_breaks_all_up_to_the_next_key(
    tmp_path: Path, face_clip: Path
) -> None:
    clip = encoded(face_clip, tmp_path / "whole.mp4", **GROUPS | {"bf": "0"})
    damage = damage_of(remade(clip, lambda number, data: None if number == 15 else data))
    assert len(damage) == 49
    assert [bool(reason) for reason in damage] == [15 <= index < 23 for index in range(49)]
    assert damage[15] == GAP


def test_a_refresh_that_is_complete_ends_it(tmp_path: Path, face_clip: Path) -> None:
    options = GROUPS | {"bf": "0", "x264-params": "intra-refresh=1"}
    clip = encoded(face_clip, tmp_path / "whole.mp4", **options)
    damage = damage_of(remade(clip, lambda number, data: hurt(data) if number == 5 else data))
    broken = [index for index, reason in enumerate(damage) if reason]
    assert broken == list(range(5, len(broken) + 5))
    assert 12 < broken[-1] < 40


def test_dropped_transport_packets_are_damage(tmp_path: Path, face_clip: Path) -> None:
    clip = encoded(face_clip, tmp_path / "whole.ts", **GROUPS)
    data = clip.read_bytes()
    packets = [data[at : at + 188] for at in range(0, len(data), 188)]
    del packets[len(packets) // 2]
    clip.write_bytes(b"".join(packets))
    damage = damage_of(clip)
    assert any(damage)
    assert damage[0] == damage[-1] == ""


def test_two_recordings_joined_are_no_damage(tmp_path: Path, face_clip: Path) -> None:
    clip = encoded(face_clip, tmp_path / "one.ts", **GROUPS)
    both = tmp_path / "both.ts"
    both.write_bytes(2 * clip.read_bytes())
    damage = damage_of(both)
    assert len(damage) == 100
    assert not any(damage)


def test_a_stream_cut_out_of_another_begins_at_its_first_key(
    tmp_path: Path, face_clip: Path
) -> None:
    clip = encoded(face_clip, tmp_path / "whole.ts", "mpeg2video", g="10", bf="2")
    late = remade(clip, lambda number, data: None if number < 4 else data)
    with closing(FileSource(late)) as source:
        damage = [item.damage for item in source.read() if isinstance(item, Frame)]
        assert 38 <= len(damage) <= 41
        assert not any(damage)
        assert not source.damage


def test_the_place_of_h264_packets(tmp_path: Path, face_clip: Path) -> None:
    clip = encoded(face_clip, tmp_path / "whole.mp4", **GROUPS)

    def packets() -> Iterator[Any]:
        with av.open(str(clip)) as source:
            reader = H264Reader(source.streams.video[0].codec_context.extradata)
            yield from (reader.read(bytes(p)) for p in source.demux(video=0) if p.size)

    places = list(packets())
    assert [number for number, place in enumerate(places) if place.is_idr] == [0, 12, 24, 36, 48]
    assert places[0].frame_num == 0
    assert not any(place.is_gap for place in places)


# --- the whole way ---


@pytest.fixture
def damaged(tmp_path: Path, face_clip: Path) -> Path:
    clip = encoded(face_clip, tmp_path / "whole.mp4", **GROUPS)
    return remade(clip, lambda number, data: hurt(data) if number == 12 else data)


def test_damage_is_covered_told_and_the_exit_code(damaged: Path, tmp_path: Path) -> None:
    output, report = tmp_path / "out.mp4", tmp_path / "report.json"
    arguments = ["anonymize", str(damaged), "-o", str(output), "--report", str(report), "--verify"]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 4, result.output
    assert "0.48-0.96 s" in result.output
    told = json.loads(report.read_text())
    assert told["damage"] >= 1
    (span,) = told["damage_spans"]
    assert (span["first_frame"], span["last_frame"]) == (12, 23)
    assert (span["start"], span["end"]) == (0.48, 0.96)
    assert told["slate_frames"] == 12
    assert told["verification"]["spans"] == []


def test_a_live_source_says_so_until_the_next_key(damaged: Path) -> None:
    source = LiveSource(parse_address(str(damaged)))
    frames: list[Frame] = []
    with closing(source), pytest.raises(SourceLostError):
        frames.extend(item for item in source.read() if isinstance(item, Frame))
    assert [frame.damage for frame in frames[:26]] == [""] * 12 + ["damaged"] * 12 + [""] * 2
    assert source.damage >= 1
    assert frames[12].damage == Reason.DAMAGED.value


@pytest.mark.parametrize(
    ("codec", "extradata", "data", "expected"),
    [
        ("h264", b"", b"\0\0\0\1\x65\x88\0\0\2\x11", True),
        ("h264", b"", b"\0\0\0\1\x65\x88\0\0\0\0\x11", True),
        ("h264", b"", b"\0\0\0\1\x65\x88\0\0\3\2\0\0\0\1\x41\x9a", False),
        # Zeros behind a unit, and careless messages, are none.
        ("h264", b"", b"\0\0\0\1\x65\x88\0\0\0\0\1\x41\x9a\0\0\0", False),
        ("h264", b"", b"\0\0\0\1\x06\x05\0\0\0\0\x11\0\0\1\x65\x88", False),
        ("h264", b"\1\x64\0\x1e\xff\0", b"\0\0\0\6\x65\x88\0\0\1\x11", True),
        ("h264", b"\1\x64\0\x1e\xff\0", b"\0\0\0\6\x65\x88\0\0\0\0", False),
        ("h264", b"\1\x64\0\x1e\xff\0", b"\0\0\0\7\x65\x88\x11\x11\x11\x11", True),
        ("h264", b"\1\x64\0\x1e\xff\0", b"\0\0\0\7\x65\x88\0\0\0\1\x0a", False),
        ("hevc", b"\1" + bytes(20) + b"\3\0", b"\0\0\0\6\x26\1\0\0\1\x11", True),
        ("hevc", b"\1" + bytes(20) + b"\3\0", b"\0\0\0\6\x26\1\0\0\3\1", False),
        ("vp9", b"", b"\x82" + bytes(300) + b"\1", True),
        ("vp9", b"", b"\x82\1" + bytes(300), False),
        ("mjpeg", b"", bytes(900), False),
    ],
)
def test_what_no_encoder_writes(codec: str, extradata: bytes, data: bytes, expected: bool) -> None:
    assert PacketCheck(codec, extradata).is_impossible(data) is expected


def test_a_gap_in_the_first_picture_of_a_transport_stream(tmp_path: Path, face_clip: Path) -> None:
    clip = encoded(face_clip, tmp_path / "whole.ts", **GROUPS)
    data = clip.read_bytes()
    with av.open(str(clip)) as source:
        pid = source.streams.video[0].id
    assert not first_piece_is_cut(data, pid)
    own = [
        at
        for at in range(0, len(data), 188)
        if data[at + 1] & 31 == pid >> 8 and data[at + 2] == pid & 255
    ]
    clip.write_bytes(data[: own[5]] + data[own[6] :])
    damage = damage_of(clip)
    assert [bool(reason) for reason in damage[:14]] == [True] * 12 + [False] * 2


def test_gaps_in_the_numbers_of_rtp_packets(tmp_path: Path, face_clip: Path) -> None:
    """The transport stream's own counters are mended, so that only RTP tells."""
    clip = encoded(face_clip, tmp_path / "whole.ts", **GROUPS)
    stopped = threading.Event()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    sender = threading.Thread(target=send_rtp, args=(clip.read_bytes(), port, stopped))
    sender.start()
    try:
        source = LiveSource(parse_address(f"rtp://127.0.0.1:{port}"), LiveOptions(open_timeout=20))
        with closing(source):
            frames = (item for item in source.read() if isinstance(item, Frame))
            heard = "packets were lost on the way"
            assert any(
                frame.damage and heard in source.damage_notes
                for frame in itertools.islice(frames, 500)
            )
    finally:
        stopped.set()
        sender.join()


def send_rtp(data: bytes, port: int, stopped: threading.Event) -> None:
    """Send a transport stream over and over, one number in 200 left out."""
    size, sequence = 7 * 188, 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for number in itertools.count():
            if stopped.wait(0.002):
                return
            sequence += 2 if number % 200 == 199 else 1
            at = number * size % (len(data) // size * size)
            header = struct.pack(">BBHII", 0x80, 33, sequence & 0xFFFF, 90 * number, 1)
            sender.sendto(header + data[at : at + size], ("127.0.0.1", port))


def test_a_cut_file_that_tells_its_duration(tmp_path: Path, face_clip: Path) -> None:
    clip = encoded(face_clip, tmp_path / "whole.mkv", **GROUPS)
    data = clip.read_bytes()
    clip.write_bytes(data[: len(data) // 2])
    with closing(FileSource(clip)) as source:
        assert sum(1 for _ in source.read()) < 45
        assert any("it ends early" in note for note in source.damage_notes)


def test_a_fault_in_the_last_picture_is_noticed(tmp_path: Path, face_clip: Path) -> None:
    """The decoder's threads still work on it when the end comes."""
    clip = encoded(face_clip, tmp_path / "whole.mp4", **GROUPS)
    late = remade(clip, lambda number, data: hurt(data) if number == 48 else data)
    for _ in range(5):
        damage = damage_of(late)
        assert damage[-1]
        assert not any(damage[:40])


@pytest.mark.parametrize(("codec", "pix_fmt"), [("libx265", "yuv420p"), ("mjpeg", "yuvj420p")])
def test_decoders_that_hide_errors_are_told_not_to(
    codec: str, pix_fmt: str, face_clip: Path, tmp_path: Path
) -> None:
    path = tmp_path / "clip.mov"
    options = {"x265-params": "log-level=error"} if codec == "libx265" else {}
    with av.open(str(face_clip)) as source, av.open(str(path), "w") as output:
        video = output.add_stream(codec, rate=25, options=options)
        assert isinstance(video, av.VideoStream)
        video.width, video.height, video.pix_fmt = 320, 240, pix_fmt
        for frame in source.decode(video=0):
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
    whole, noticed = path.read_bytes(), 0
    rng = np.random.default_rng(1)
    for number in range(25):
        data = bytearray(whole)
        if number:
            at = int(rng.integers(2000, len(data) * 3 // 4))
            data[at : at + 3] = rng.bytes(3)
        path.write_bytes(data)
        with closing(FileSource(path)) as opened:
            shown = [item.damage for item in opened.read() if isinstance(item, Frame)]
            hurt = any(shown) or opened.damage > 0
        assert number or not hurt
        noticed += hurt
    assert noticed

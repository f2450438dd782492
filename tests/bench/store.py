#!/usr/bin/env python3
"""Size of an analysis, and the time to open and to read it.

    python tests/bench/store.py CLIP.analysis
    python tests/bench/store.py CLIP.analysis --minutes 10 --rounds 5

The decision is looped until it is long enough, each time with new tracks and candidates.
Printed are medians; CPU is the time of this process alone.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import fields, replace
from pathlib import Path

import av

from streamguard.analysis.reader import Analysis, open_analysis
from streamguard.analysis.records import FrameRecord
from streamguard.analysis.writer import AnalysisWriter
from streamguard.frames import Candidate, Frame, TrackFacts, Verdict
from streamguard.geometry import Box

USUAL_RATE = 25


def verdicts(analysis: Analysis, count: int) -> Iterator[Verdict]:
    """Yield verdicts as they were, over and over, on pictures that nobody looks at."""
    records = list(analysis.frames())
    tracks = {track.track_id: track for track in analysis.tracks()}
    names = [field.name for field in fields(TrackFacts)]
    facts = [TrackFacts(**{n: getattr(track, n) for n in names}) for track in tracks.values()]
    seen: dict[int, list[Candidate]] = {}
    for stored in analysis.candidates():
        for frame, sides in stored.boxes.items():
            seen.setdefault(frame, []).append(
                replace(stored.candidate, box=Box(*map(float, sides)))
            )
    step = max(tracks, default=0) + 1
    for number in range(count):
        record = records[number % len(records)]
        more = step * (number // len(records))
        is_last = record is records[-1]
        yield Verdict(
            picture_of(record, number),
            tuple(replace(cover, track_id=cover.track_id + more) for cover in record.covers),
            candidates=tuple(
                replace(each, track_id=each.track_id + more if each.track_id else 0)
                for each in seen.get(record.index, ())
            ),
            ended=tuple(replace(each, track_id=each.track_id + more) for each in facts)
            if is_last
            else (),
        )


def picture_of(record: FrameRecord, number: int) -> Frame:
    picture = av.VideoFrame(16, 16, "yuv420p")
    picture.pts = number * 512
    return Frame(picture, number, 40.0 * number, damage=record.reason)


def timed(rounds: int, action: Callable[[], object]) -> str:
    """Return the medians of both clocks in words."""
    clock, cpu = [], []
    for _ in range(rounds):
        began, busy = time.perf_counter(), time.process_time()
        action()
        clock.append(time.perf_counter() - began)
        cpu.append(time.process_time() - busy)
    return f"{statistics.median(clock) * 1e3:.0f} ms ({statistics.median(cpu) * 1e3:.0f} ms CPU)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("analysis", type=Path)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, closing(open_analysis(options.analysis)) as one:
        rate = float(one.header.frame_rate or USUAL_RATE)
        count, minute = round(options.minutes * 60 * rate), round(60 * rate)
        source = Path(folder, "clip")
        source.touch()
        path = Path(folder, "looped.analysis")
        began = time.process_time()
        writer = AnalysisWriter(path, one.header, source=source)
        for verdict in verdicts(one, count):
            writer.add(verdict)
        writer.finish()
        written = (time.process_time() - began) / count
        print(f"written: {written * 1e3:.2f} ms CPU a frame")
        with closing(open_analysis(path)) as looped:
            covers = sum(len(chunk.tracks) for chunk in looped.chunks())
            size = path.stat().st_size
            print(f"{count} frames, {covers} covers, {len(looped.tracks())} tracks")
            print(f"size: {size / 1e6:.2f} MB, {size / options.minutes / 1e3:.0f} kB a minute")
            start = (count - minute) // 2 if count > minute else 0
            end = start + minute
            jobs: dict[str, Callable[[], object]] = {
                "open": lambda: open_analysis(path).close(),
                "a minute as arrays": lambda: list(looped.chunks(start, end)),
                "a minute as objects": lambda: list(looped.frames(start, end)),
                "all tracks": looped.tracks,
                "all doubts": looped.doubts,
                "all candidates": looped.candidates,
            }
            for name, job in jobs.items():
                print(f"{name}: {timed(options.rounds, job)}")


if __name__ == "__main__":
    main()

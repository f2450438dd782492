#!/usr/bin/env python3
"""Equality: the redacted frames of a rendered analysis beside those of anonymizing at once.

    python tests/bench/replay.py FOLDER_OR_FILE...
    python tests/bench/replay.py FOLDER --quality fast --frames 60

Every file goes through `anonymize` with a kept analysis, through `analyze`, and through `render`.
Each redacted frame is hashed before it would be encoded; nothing is encoded. A file counts as the
same if all frames of both runs have equal hashes, and both analyses have the same decision.
Files that streamguard refuses count as the same if all three refuse them.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any
from unittest.mock import patch

import streamguard
from streamguard import api, deciding
from streamguard.analysis.reader import open_analysis
from streamguard.errors import StreamguardError
from streamguard.frames import Frame, PassthroughPacket, RedactedFrame, Verdict
from streamguard.media.planes import native_layout
from streamguard.plans import Quality
from streamguard.redaction import MaskRedactor
from streamguard.runs import run as runs
from streamguard.settings import Settings
from streamguard.sources import LocalSource, open_source


@dataclass
class Seen:
    """What came out of one run.

    Attributes:
        frames: A hash of each redacted frame, in order.
        slates: How many of them are slates.
        covers: How many covers there were.
        error: Why there is nothing.
    """

    frames: list[str] = field(default_factory=list)
    slates: int = 0
    covers: int = 0
    error: str = ""


def digest_of(redacted: RedactedFrame) -> str:
    """Return a hash of all that a sink would see of a redacted frame."""
    picture = redacted.picture
    words = f"{redacted.index} {picture.pts} {picture.format.name} {redacted.slate}"
    digest = hashlib.sha256(f"{words} {picture.width}x{picture.height}".encode())
    for view in native_layout(picture.format.name).views(picture):
        digest.update(view.tobytes())
    return digest.hexdigest()


class NoSink:
    """Takes frames for an output, and writes nothing."""

    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def write(self, frame: RedactedFrame) -> None:
        """Take a frame."""

    def passthrough(self, packet: PassthroughPacket) -> None:
        """Take a packet."""

    def close(self) -> None:
        """End."""

    def abort(self) -> None:
        """End."""


@contextmanager
def watching(seen: Seen, limit: int | None) -> Iterator[None]:
    """Hash all redacted frames while the block runs; read no more than so many of each input."""

    class Hashing(MaskRedactor):
        def redact(self, verdict: Verdict) -> RedactedFrame:
            redacted = super().redact(verdict)
            seen.frames.append(digest_of(redacted))
            seen.slates += bool(redacted.slate)
            seen.covers += len(verdict.covers)
            return redacted

    @contextmanager
    def no_sink(*_: object) -> Iterator[NoSink]:
        yield NoSink()

    def opened(*args: Any) -> LocalSource:
        source = open_source(*args)
        read = source.read

        def first() -> Iterator[Frame | PassthroughPacket]:
            count = 0
            for item in read():
                yield item
                count += isinstance(item, Frame)
                if limit is not None and count == limit:
                    return

        source.read = first  # type: ignore[method-assign]
        return source

    with ExitStack() as patches:
        for module in (api, deciding):
            patches.enter_context(patch.object(module, "sink_for", no_sink))
        patches.enter_context(patch.object(runs, "MaskRedactor", Hashing))
        patches.enter_context(patch.object(runs, "open_source", opened))
        yield


def seen_by(action: Any, limit: int | None) -> Seen:
    """Run something, and return what it redacts."""
    seen = Seen()
    try:
        with watching(seen, limit):
            action()
    except StreamguardError as error:
        seen.error = f"{type(error).__name__}: {error}"
    return seen


def compare(path: Path, settings: Settings, folder: Path, limit: int | None) -> dict[str, Any]:
    """Compare the two ways for one input.

    Args:
        path: The input.
        settings: For both.
        folder: Where analyses may be written.
        limit: Frames to read at most.
    """
    kept, made, output = folder / "kept.analysis", folder / "made.analysis", folder / "output"
    for old in (kept, made, output):
        old.unlink(missing_ok=True)

    def once() -> None:
        api.anonymize(path, output, settings, keep_analysis=kept)

    def again() -> None:
        output.touch()
        deciding.render(made, output, settings, source=path)

    output.touch()
    first = seen_by(once, limit)
    decided = seen_by(lambda: deciding.analyze(path, made, settings), limit)
    second = seen_by(again, limit) if made.exists() else Seen(error=decided.error)
    digests = [_decision(one) for one in (kept, made) if one.exists()]
    pairs = zip_longest(first.frames, second.frames)
    differing = [number for number, (one, other) in enumerate(pairs) if one != other]
    return {
        "frames": len(first.frames),
        "slates": first.slates,
        "covers": first.covers,
        "bytes": made.stat().st_size if made.exists() else 0,
        "error": first.error,
        "same": first.frames == second.frames
        and bool(first.error) == bool(second.error)
        and len(set(digests)) < 2,
        "words": f"frames {differing[:9]} differ; {second.error}; decisions {len(set(digests))}",
    }


def _decision(path: Path) -> str:
    with closing(open_analysis(path)) as analysis:
        return str(analysis.decision_digest)


def inputs(paths: list[Path]) -> list[Path]:
    """Return all files that may be media; text and annotations are passed over."""
    found = [
        file
        for path in paths
        for file in (sorted(path.rglob("*")) if path.is_dir() else [path])
        if file.is_file() and file.suffix not in (".md", ".json", ".csv", ".bin", ".txt")
    ]
    return [path for path in found if not path.name.startswith(".")]


def main() -> None:
    """Compare what is named on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("paths", type=Path, nargs="+")
    parser.add_argument("--quality", action="append", choices=list(Quality), help="only this one")
    parser.add_argument("--frames", type=int, help="read so many frames of each file [all]")
    parser.add_argument("--memory", type=int, metavar="MB", help="memory for the look-ahead")
    args = parser.parse_args()
    limit = {} if args.memory is None else {"memory_limit": args.memory * 2**20}
    files, bad = inputs(args.paths), 0
    print(f"{'':<44} {'quality':<9} {'frames':>6} {'slates':>6} {'covers':>7} {'bytes':>8}")
    with tempfile.TemporaryDirectory() as name:
        for quality in args.quality or list(Quality):
            settings = streamguard.Settings(quality=Quality(quality), overwrite=True, **limit)
            for path in files:
                row = compare(path, settings, Path(name), args.frames)
                bad += not row["same"]
                words = row["error"][:70] if row["same"] else f"DIFFERS: {row['words']}"
                print(
                    f"{str(path)[-44:]:<44} {quality:<9} {row['frames']:6} {row['slates']:6}"
                    f" {row['covers']:7} {row['bytes']:8} {words}",
                    flush=True,
                )
    total = len(files) * len(args.quality or list(Quality))
    print(f"{total - bad} of {total} the same")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Speed: anonymizing beside a plain transcode with the same encoder settings.

    python tests/bench/speed.py CLIP
    python tests/bench/speed.py CLIP --apart --quality balanced --rounds 5
    python tests/bench/speed.py CLIP --other "deface {input} -o {output}"

The clip is looped, without encoding it anew, until it is long enough. Everything runs in turn,
round after round, so that whatever else the machine does hits all alike; printed are medians.
The transcode is FFmpeg's own command line: same codec, preset and CRF, sound copied.
Memory is the most that the command itself held at any time. CPU is the time that all cores
spent on it, user and system; on a busy machine it tells more than the seconds on the clock.
With --apart, analyzing and rendering are measured beside anonymizing at once.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from streamguard.plans import Quality

ENCODER = ["--preset", "veryfast", "--crf", "20"]
TRANSCODE = (
    "ffmpeg -nostdin -v error -y -i {input} -map 0:v:0 -map 0:a? -c:v libx264 -preset veryfast "
    "-crf 20 -pix_fmt yuv420p -c:a copy {output}"
)
BASE = "transcode"


@dataclass
class Runs:
    """What one command took, round by round."""

    command: str
    suffix: str = ".mp4"
    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)

    def once(self, source: Path, folder: Path) -> None:
        """Run it once more.

        Args:
            source: The clip.
            folder: Where the output may lie.

        Raises:
            RuntimeError: It failed.
        """
        output = folder / f"output{self.suffix}"
        names = {"input": shlex.quote(str(source)), "output": shlex.quote(str(output))}
        with tempfile.TemporaryFile() as errors:
            started = time.perf_counter()
            process = subprocess.Popen(
                shlex.split(self.command.format(**names)),
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - started
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode or not output.exists():
                errors.seek(0)
                raise RuntimeError(f"{self.command}: {errors.read().decode()[-500:]}")
        output.unlink()
        self.seconds.append(seconds)
        self.cpu.append(usage.ru_utime + usage.ru_stime)
        self.megabytes.append(usage.ru_maxrss / 1024)


def looped(clip: Path, seconds: float, folder: Path) -> Path:
    """Return the clip repeated to at least that length, its streams copied."""
    times = max(0, -int(-seconds // probe(clip, "format=duration")) - 1)
    result = folder / f"looped{clip.suffix}"
    copy = ["-map", "0:v:0", "-map", "0:a?", "-c", "copy", str(result)]
    loop = ["-stream_loop", str(times), "-i", str(clip)]
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", *loop, *copy], check=True)
    return result


def probe(clip: Path, entry: str) -> float:
    """Return a number that ffprobe knows of a file."""
    options = ["-v", "error", "-select_streams", "v:0", "-count_packets", "-show_entries", entry]
    command = ["ffprobe", *options, "-of", "csv=p=0", str(clip)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.strip().rstrip(","))


def machine() -> str:
    """Name the machine, as far as it tells."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = lines[0].split(":", 1)[1].strip() if lines else cpu
    return f"{cpu}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def rows(commands: dict[str, Runs], frames: float) -> dict[str, dict[str, float]]:
    """Return the medians of every command."""
    base = statistics.median(commands[BASE].seconds)
    base_cpu = statistics.median(commands[BASE].cpu)
    found = {}
    for name, runs in commands.items():
        seconds, cpu = statistics.median(runs.seconds), statistics.median(runs.cpu)
        found[name] = {
            "seconds": seconds,
            "of transcode": seconds / base,
            "cpu": cpu,
            "cpu of transcode": cpu / base_cpu,
            "fps": frames / seconds,
            "MB": max(runs.megabytes),
        }
    return found


def ours(quality: str, folder: Path, *, apart: bool) -> dict[str, Runs]:
    """Return our own commands for a quality level."""
    program = f"{sys.executable} -m streamguard"
    encoder, level = " ".join(ENCODER), f"-q --quality {quality}"
    found = {quality: Runs(f"{program} anonymize {{input}} -o {{output}} {level} {encoder}")}
    if apart:
        made = shlex.quote(str(folder / f"{quality}.analysis"))
        analyze = f"{program} analyze {{input}} {level} -o {{output}}"
        render = f"{program} render {made} --input {{input}} -o {{output}} -q {encoder}"
        found[f"{quality} analyze"] = Runs(analyze, ".analysis")
        found[f"{quality} render"] = Runs(render)
    return found


def prepare(quality: str, source: Path, folder: Path) -> None:
    """Make the analysis that is rendered."""
    command = [sys.executable, "-m", "streamguard", "analyze", str(source), "-q"]
    command += ["--quality", quality, "-o", str(folder / f"{quality}.analysis")]
    subprocess.run(command, check=True)


def main() -> None:
    """Measure what is named on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clip", type=Path)
    parser.add_argument("--seconds", type=float, default=60, help="least length of the input [60]")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each [3]")
    parser.add_argument("--quality", action="append", choices=list(Quality), help="only this one")
    parser.add_argument("--apart", action="store_true", help="also analyze and render")
    parser.add_argument("--other", metavar="COMMAND", help="another tool, {input} and {output}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    args = parser.parse_args()
    qualities = [str(quality) for quality in args.quality or list(Quality)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = looped(args.clip, args.seconds, folder)
        commands = {BASE: Runs(TRANSCODE)}
        for quality in qualities:
            commands |= ours(quality, folder, apart=args.apart)
            if args.apart:
                prepare(quality, source, folder)
        if args.other:
            commands["other"] = Runs(args.other)
        frames = probe(source, "stream=nb_read_packets")
        for _ in range(args.rounds):
            for runs in commands.values():
                runs.once(source, folder)
    found = rows(commands, frames)
    print(f"{machine()}\n{args.clip.name}, {frames:.0f} frames, median of {args.rounds}")
    print(
        f"{'':<18} {'seconds':>8} {'of transcode':>13} {'CPU':>7} {'of it':>6} {'fps':>7} {'MB':>6}"
    )
    for key, row in found.items():
        print(
            f"{key:<18} {row['seconds']:8.1f} {row['of transcode']:13.2f} {row['cpu']:7.1f}"
            f" {row['cpu of transcode']:6.2f} {row['fps']:7.1f} {row['MB']:6.0f}"
        )
    if args.json:
        args.json.write_text(json.dumps({"machine": machine(), **found}, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()

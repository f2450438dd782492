"""What the live tests share: a marked source, a detector of the mark, and a judge of pictures.

The "face" is a patch of narrow bars. Raw, it has the strongest contrast there is between one
column and the fourth after it; averaged, it has almost none. So the judge can say of every
single picture whether the raw mark is in it, and whether it shows the scene at all.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from streamguard.detection import Detectors
from streamguard.detection.looks import Role
from streamguard.errors import DetectionError
from streamguard.frames import Frame, PassthroughPacket, VideoInfo
from streamguard.geometry import Box, Detection
from streamguard.media.address import parse_address
from streamguard.protocols import Image
from streamguard.relay.camera import CameraParts
from streamguard.relay.plan import CameraPlan
from streamguard.relay.process import Output
from streamguard.relay.supervisor import Camera, Supervisor
from streamguard.settings import Settings
from streamguard.sources.options import LiveOptions

ROOT = Path(__file__).resolve().parent.parent
WIDTH, HEIGHT = 320, 240
MARK = (112, 8, 208, 80)
"""The patch of bars, ``xyxy`` in pixels of the source; clear of the words on a slate."""
BEACON = (8, 200, 40, 232)
"""A white square that no slate has: where it is, the scene is shown."""
_BAR = 4
_RAW_CONTRAST = 70.0
RECOVERY = 10.0
"""Seconds after a fault's end within which the scene must be back at the viewer."""
_SLOWEST = 4.0
"""Deadlines are for an idle machine; before a test fails for one, so many times that is waited."""
FAULTS = "STREAMGUARD_TEST_FAULTS"
"""Names the folder in which a test leaves a file to make the detector fail."""


def source_graph(width: int = WIDTH, height: int = HEIGHT, rate: int = 25) -> str:
    """Return the scene as an FFmpeg graph, scaled to a size."""
    x1, y1, x2, y2 = MARK
    boxes = [f"drawbox=x={x1}:y={y1}:w={x2 - x1}:h={y2 - y1}:color=black:t=fill"]
    boxes += [
        f"drawbox=x={x}:y={y1}:w={_BAR}:h={y2 - y1}:color=white:t=fill"
        for x in range(x1, x2, 2 * _BAR)
    ]
    bx1, by1, bx2, by2 = BEACON
    boxes.append(f"drawbox=x={bx1}:y={by1}:w={bx2 - bx1}:h={by2 - by1}:color=white:t=fill")
    scene = f"color=c=0x305070:size={WIDTH}x{HEIGHT}:rate={rate}," + ",".join(boxes)
    if (width, height) != (WIDTH, HEIGHT):
        scene += f",scale={width}:{height}:flags=neighbor"
    return scene + ",format=yuv420p"


class BarDetector:
    """Finds patches of narrow bars; fails in the way a file in the faults' folder is named."""

    name = "bars"

    def detect(self, image: Image, _time_ms: int) -> Sequence[Detection]:
        self._fail()
        luma = image.mean(axis=2)
        change = np.abs(np.diff(luma, axis=1)) > 60
        rows = np.flatnonzero(change.sum(axis=1) >= 8)
        if not rows.size:
            return []
        columns = np.flatnonzero(change[rows].sum(axis=0) >= max(2, rows.size // 2))
        if columns.size < 8:
            return []
        corners = columns[0], rows[0], columns[-1] + 2, rows[-1] + 1
        return [Detection(Box(*map(float, corners)), 0.95)]

    def close(self) -> None:
        pass

    def _fail(self) -> None:
        folder = os.environ.get(FAULTS)
        for path in Path(folder).iterdir() if folder else ():
            match path.name:
                case "error":
                    raise DetectionError("made to fail")
                case "crash":
                    os._exit(9)
                case "hang":
                    time.sleep(3600)
                case "native-hang":
                    # PyDLL, other than CDLL, keeps the interpreter's lock.
                    ctypes.PyDLL(None).sleep(3600)
                case "slow":
                    time.sleep(0.5)


def bar_detectors(_settings: Settings) -> Detectors:
    return {"face": {Role.PRIMARY: BarDetector(), Role.SECOND: BarDetector()}}


class BlindDetector:
    """Finds nothing."""

    name = "blind"

    def detect(self, _image: Image, _time_ms: int) -> Sequence[Detection]:
        return []

    def close(self) -> None:
        pass


def blind_detectors(_settings: Settings) -> Detectors:
    return {"face": {Role.PRIMARY: BlindDetector(), Role.SECOND: BlindDetector()}}


PARTS = CameraParts(detectors=bar_detectors)


@dataclass
class Judge:
    """Looks at pictures of the relayed scene.

    Attributes:
        raw: Pictures in which the mark is to be seen; there must be none, ever.
        scenes: Pictures that show the scene, with the mark covered.
        slates: Pictures that show nothing of it.
    """

    raw: int = 0
    scenes: int = 0
    slates: int = 0
    times: list[float] = field(default_factory=list)

    def look(self, picture: av.VideoFrame) -> None:
        luma = luma_of(picture)
        scale = luma.shape[0] / HEIGHT
        if is_raw(luma, scale):
            self.raw += 1
            if folder := os.environ.get("STREAMGUARD_KEEP_RAW"):
                picture.save(f"{folder}/raw-{len(self.times)}.png")
        elif _part(luma, BEACON, scale).mean() > 200:
            self.scenes += 1
        else:
            self.slates += 1
        self.times.append(float(picture.time or 0))

    def look_at_file(self, path: Path) -> None:
        with av.open(str(path)) as container:
            for picture in container.decode(video=0):
                self.look(picture)


def slowness() -> float:
    """Return how many times longer things take for want of cores: what waits for one is load."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def recovered(fault: str, seconds: float, judge: Judge) -> None:
    """Check one line of the fault table; pytest -s shows it."""
    print(f"\n| {fault} | {seconds:.1f} s | {judge.raw} raw of {len(judge.times)} |")  # noqa: T201
    assert judge.raw == 0
    assert seconds < RECOVERY * slowness()


def luma_of(picture: av.VideoFrame) -> NDArray[np.uint8]:
    return picture.to_ndarray(format="gray").astype(np.uint8, copy=False)


def is_raw(luma: NDArray[np.uint8], scale: float = 1.0) -> bool:
    """Whether the bars can be told apart in any part of the mark."""
    part = _part(luma, MARK, scale).astype(float)
    step = max(1, round(_BAR * scale))
    contrast = np.abs(part[:, step:] - part[:, :-step])
    # In windows of 16 by 16, since a mask might cover only some of it.
    height, width = (side // 16 * 16 for side in contrast.shape)
    windows = contrast[:height, :width].reshape(height // 16, 16, width // 16, 16)
    return bool((windows.mean(axis=(1, 3)) > _RAW_CONTRAST).any())


def _part(
    luma: NDArray[np.uint8], box: tuple[int, int, int, int], scale: float
) -> NDArray[np.uint8]:
    x1, y1, x2, y2 = (round(value * scale) for value in box)
    return luma[y1:y2, x1:x2]


_DOT, _BITS = 24, 24
"""Pixels of a square that stands for a bit of the time, and how many of them there are."""


def stamp(picture: NDArray[np.uint8]) -> None:
    """Write the time in milliseconds into a picture."""
    now = int(time.monotonic() * 1000) % 2**_BITS
    for bit in range(_BITS):
        at = bit * _DOT
        picture[-_DOT:, at : at + _DOT] = 235 if now >> bit & 1 else 16


def age(luma: NDArray[np.uint8]) -> float:
    """Return how many seconds ago a picture was stamped."""
    row = luma[-_DOT // 2, _DOT // 2 : _BITS * _DOT : _DOT] > 128
    then = sum(1 << bit for bit, lit in enumerate(row) if lit)
    now = int(time.monotonic() * 1000) % 2**_BITS
    return float((now - int(then)) % 2**_BITS) / 1000


class StampedSource:
    """A camera whose every picture bears the time it was made."""

    info = VideoInfo(
        width=640, height=96, pix_fmt="yuv420p", time_base=Fraction(1, 90_000), live=True
    )

    def read(self) -> Iterator[Frame | PassthroughPacket]:
        chance = np.random.default_rng(1)
        for number in itertools.count():
            # Noise: as many bytes as a real camera's pictures have.
            canvas = chance.integers(90, 140, (96, 640, 3), np.uint8)
            stamp(canvas)
            picture = av.VideoFrame.from_ndarray(canvas, format="rgb24").reformat(format="yuv420p")
            now = time.monotonic()
            picture.pts, picture.time_base = round(now * 90_000), self.info.time_base
            yield Frame(picture, number, now * 1000)
            time.sleep(1 / 15)

    def close(self) -> None:
        pass


def stamped_source(_plan: CameraPlan) -> StampedSource:
    return StampedSource()


def plan_of(source: str, *sinks: str | Path, name: str = "cam", **changes: object) -> CameraPlan:
    """Return a plan with short waits, and a look-ahead as long as the gap between two looks."""
    settings = Settings(lookahead=0.4)
    live = LiveOptions(open_timeout=4.0, read_timeout=2.0)
    values: dict[str, object] = {"settings": settings, "live": live, "hang_timeout": 3.0}
    return CameraPlan(
        name=name,
        source=parse_address(source),
        sinks=tuple(parse_address(str(sink)) for sink in sinks),
        **(values | changes),  # type: ignore[arg-type]
    )


@contextmanager
def relaying(*plans: CameraPlan) -> Iterator[Supervisor]:
    """Run a supervisor in this process; its children end with the block."""
    supervisor = Supervisor(list(plans), PARTS)
    try:
        yield supervisor
    finally:
        supervisor.stop()


def until(
    supervisor: Supervisor, condition: Callable[[Camera], object], seconds: float = 20.0
) -> float:
    """Tend a supervisor until its first camera is as wanted; return the seconds it took."""
    camera = next(iter(supervisor.cameras.values()))
    began = time.monotonic()
    while not condition(camera):
        if time.monotonic() - began > seconds * _SLOWEST:
            reasons = [(o.status.state, o.status.reason) for o in camera.outputs]
            raise AssertionError(f"not in time: {camera.status}, {reasons}")
        supervisor.step(0.05)
    return time.monotonic() - began


def keep(supervisor: Supervisor, seconds: float) -> None:
    """Tend a supervisor for a while."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        supervisor.step(0.05)


def wait_for(condition: Callable[[], object], seconds: float, what: object) -> float:
    """Wait until something is so; return how long it took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds * _SLOWEST, f"not in time: {what}"
        time.sleep(0.02)
    return time.monotonic() - began


def shown(output: Output) -> int:
    """Return how many frames of the scene, not slates, an output has written."""
    return output.status.frames - output.status.slates.total()


def written(count: int) -> Callable[[Camera], bool]:
    """Return a condition: so many frames of the scene, not slates, were written more than now."""
    start: list[int] = []

    def reached(camera: Camera) -> bool:
        real = sum(map(shown, camera.outputs))
        if not start:
            start.append(real)
        return real - start[0] >= count

    return reached


def stop(process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    """End a command politely; kill it if it does not go."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(15 * _SLOWEST)
    finally:
        process.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def alive(pids: Iterable[int]) -> list[int]:
    """Return which of some processes still run, zombies included."""
    running = []
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, 0)
            running.append(pid)
    return running

"""A scene that flashes and beeps at once, every second, and a judge of when each was."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import av
import numpy as np
from live_kit import HEIGHT, WIDTH, source_graph

from streamguard.sources.options import LiveOptions

if TYPE_CHECKING:
    from av.audio.stream import AudioStream

COPY = LiveOptions(open_timeout=4.0, read_timeout=2.0, audio=True)
FLASH = (240, 200, 304, 232)
"""Where the scene flashes, ``xyxy``; clear of the marks of `live_kit`, and of words on a slate."""
BEEP = 0.2
RATE = 48_000


def flashing(size: tuple[int, int] = (WIDTH, HEIGHT)) -> str:
    """Return the scene as an FFmpeg graph."""
    x1, y1, x2, y2 = FLASH
    box = f"drawbox=x={x1}:y={y1}:w={x2 - x1}:h={y2 - y1}"
    on = rf"enable='lt(mod(t\,1)\,{BEEP})'"
    return source_graph(*size) + f",{box}:color=black:t=fill,{box}:color=white:t=fill:{on}"


def beeping(rate: int = RATE) -> str:
    """Return the beeps as an FFmpeg graph."""
    return rf"aevalsrc='0.6*sin(2*PI*1000*t)*lt(mod(t\,1)\,{BEEP})':s={rate}"


def write_clip(path: Path, seconds: float = 30, codec: str = "aac", rate: int = RATE) -> Path:
    """Write a clip of both."""
    with (
        av.open(flashing(), format="lavfi") as scene,
        av.open(beeping(rate), format="lavfi") as beeps,
        av.open(str(path), "w") as output,
    ):
        options = {"preset": "ultrafast", "crf": "18", "tune": "zerolatency"}
        video = output.add_stream("libx264", rate=25, options=options)
        video.width, video.height = WIDTH, HEIGHT
        video.codec_context.gop_size = 25
        audio = cast("AudioStream", output.add_stream(codec, rate=rate, layout="mono"))
        resampler = av.AudioResampler(audio.format, "mono", rate, audio.frame_size or 1024)
        sounds = beeps.decode(audio=0)
        heard = 0.0
        for picture in scene.decode(video=0):
            now = picture.time or 0.0
            if now >= seconds:
                break
            while heard <= now:
                sound = next(sounds)
                heard = (sound.time or 0.0) + sound.samples / rate
                for piece in resampler.resample(sound):
                    output.mux(audio.encode(piece))
            output.mux(video.encode(picture))
        output.mux(video.encode(None))
        output.mux(audio.encode(None))
    return path


def flashes(path: Path) -> list[float]:
    """Return when the picture began to flash, in seconds."""
    x1, y1, x2, y2 = FLASH
    times: list[float] = []
    lit = True
    with av.open(str(path)) as container:
        for picture in container.decode(video=0):
            luma = picture.to_ndarray(format="gray")
            white = bool(luma[y1 + 8 : y2 - 8, x1 + 8 : x2 - 8].mean() > 150)
            if white and not lit:
                times.append(float(picture.time or 0))
            lit = white
    return times


def beeps(path: Path) -> list[float]:
    """Return when the sound began to beep, in seconds."""
    times: list[float] = []
    quiet_since: float | None = None
    with av.open(str(path)) as container:
        for sound in container.decode(audio=0):
            samples = np.abs(sound.to_ndarray().astype(np.float64).ravel())
            samples /= 1.0 if sound.format.name.startswith("flt") else 32768.0
            for start in range(0, len(samples), 64):
                at = float(sound.time or 0) + start / sound.sample_rate
                if samples[start : start + 64].max() < 0.1:
                    quiet_since = at if quiet_since is None else quiet_since
                else:
                    if quiet_since is not None and at - quiet_since > 0.1:
                        times.append(at)
                    quiet_since = None
    return times


def offsets(path: Path) -> list[float]:
    """Return by how many seconds each beep comes after its flash."""
    heard = np.array(beeps(path))
    return [float(heard[np.abs(heard - t).argmin()] - t) for t in flashes(path)]


def tracks(path: Path) -> list[str]:
    """Return the codecs of a file's tracks."""
    with av.open(str(path)) as container:
        return [stream.codec_context.codec.canonical_name for stream in container.streams]


_SERVER = """
import sys
import av
url, form, path = sys.argv[1:]
options = {"rtsp_flags": "listen", "listen_timeout": "20", "rtsp_transport": "tcp"}
if form == "flv":
    options = {"listen": "1"}
with av.open(url, format=form, timeout=(25, 5), options=options) as source:
    with av.open(path, "w") as output:
        copies = {s.index: output.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if not packet.size or packet.dts is None:
                continue
            if packet.stream.type == "video" and packet.pts * packet.time_base > 6:
                break
            packet.stream = copies[packet.stream.index]
            output.mux(packet)
"""


def server(url: str, form: str, path: Path) -> subprocess.Popen[bytes]:
    """Start a server that records what is published to it, and ends after six seconds of that."""
    command = [sys.executable, "-c", _SERVER, url, form, str(path)]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL)


def spoil_sound(good: Path, path: Path) -> None:
    """Copy a file, with noise in place of each packet of sound."""
    with av.open(str(good)) as source, av.open(str(path), "w") as output:
        streams: Any = [output.add_stream_from_template(stream) for stream in source.streams]
        for packet in source.demux():
            if packet.dts is None:
                continue
            new: Any = packet
            if packet.stream.type == "audio":
                new = av.Packet(b"\x5a" * packet.size)
                new.pts, new.dts, new.time_base = packet.pts, packet.dts, packet.time_base
            new.stream = streams[packet.stream_index]
            output.mux(new)

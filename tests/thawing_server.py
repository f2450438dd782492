"""A program that takes one MPEG-TS stream after the other and notes how old each picture is.

    python thawing_server.py PORT FILE

A line of the file: number of the connection, when the picture was read, how old it was then.
"""

from __future__ import annotations

import io
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
from live_kit import age


def main(port: int, path: Path) -> None:
    with socket.create_server(("127.0.0.1", port)) as listener, path.open("w", buffering=1) as log:
        print("ready", flush=True)  # noqa: T201
        for number in range(1000):
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as stream, suppress(OSError, av.FFmpegError):
                take(number, stream, log)


def take(number: int, stream: io.BufferedReader, log: io.TextIOBase) -> None:
    options = {"probesize": "32768", "analyzeduration": "100000"}
    with av.open(stream, "r", format="mpegts", options=options, buffer_size=4096) as source:
        source.streams.video[0].thread_type = "SLICE"
        for picture in source.decode(video=0):
            luma = picture.to_ndarray(format="gray").astype(np.uint8)
            log.write(f"{number} {time.monotonic()} {age(luma)}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))

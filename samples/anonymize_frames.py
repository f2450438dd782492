"""Your own frames, here OpenCV's: ``python samples/anonymize_frames.py INPUT OUTPUT.avi``.

OpenCV knows neither sound nor exact time stamps; for files, `anonymize_file.py` does better.
"""

import sys
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

import streamguard


def redacted(video: cv2.VideoCapture, rate: float) -> Iterator[NDArray[np.uint8]]:
    """Yield every picture of a video, RGB, with every face covered."""
    width, height = (
        int(video.get(p)) for p in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
    )
    with streamguard.Anonymizer(width, height, frame_rate=rate) as anonymizer:
        index = 0
        while True:
            more, bgr = video.read()
            if not more:
                break
            rgb = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
            yield from anonymizer.push(rgb, index / rate)
            index += 1
        yield from anonymizer.finish()


def main(source: str, output: str) -> int:
    """Write a video anew with every face covered; return the number of frames."""
    video = cv2.VideoCapture(source)
    rate = video.get(cv2.CAP_PROP_FPS) or 30.0
    frames = 0
    writer: cv2.VideoWriter | None = None
    for picture in redacted(video, rate):
        if writer is None:
            height, width = picture.shape[:2]
            fourcc = cv2.VideoWriter.fourcc(*"MJPG")
            writer = cv2.VideoWriter(output, fourcc, rate, (width, height))
        writer.write(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        frames += 1
    if writer is not None:
        writer.release()
    video.release()
    return frames


if __name__ == "__main__":
    print(f"{main(*sys.argv[1:3])} frames written")

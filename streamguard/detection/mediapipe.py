"""The primary detector: MediaPipe's face detector, cheap enough to look often."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from streamguard.detection.deferred import deferred
from streamguard.detection.face_box import square_to_face
from streamguard.detection.weights import model_bytes
from streamguard.errors import DetectionError
from streamguard.geometry import Box, Detection
from streamguard.protocols import Image

# Read by MediaPipe's C++ logging when it is first imported; errors still come as exceptions.
os.environ.setdefault("GLOG_minloglevel", "3")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

_NOSE = 2
"""Number of the tip of the nose among the key points."""


class MediaPipeDetector:
    """MediaPipe Tasks `FaceDetector` in VIDEO mode, one thread, on the CPU.

    It works on 192×192 (full range) or 128×128 (short range) pixels whatever it is given,
    so it sees faces from about 4–5 % of the picture's width: hand it small pictures.

    Args:
        threshold: Least confidence of a returned face, 0 to 1.
        model: Name of the embedded model, ``face-full-range`` or ``face-short-range``.

    Raises:
        ModelError: The embedded model is missing or damaged.
        DetectionError: MediaPipe refuses the model.
    """

    name = "mediapipe"

    def __init__(self, threshold: float = 0.5, model: str = "face-full-range") -> None:
        # Drawing and recording, which MediaPipe imports and nobody here uses, cost half of the
        # start of the whole program (0.55 of 1.1 s) and 30 MB.
        with deferred("matplotlib", "matplotlib.pyplot", "sounddevice"):
            import mediapipe

        self._mediapipe: Any = mediapipe
        vision = mediapipe.tasks.vision
        options = vision.FaceDetectorOptions(
            base_options=mediapipe.tasks.BaseOptions(model_asset_buffer=model_bytes(model)),
            running_mode=vision.RunningMode.VIDEO,
            min_detection_confidence=threshold,
        )
        try:
            self._detector: Any = vision.FaceDetector.create_from_options(options)
        except (RuntimeError, ValueError) as error:
            raise DetectionError(f"MediaPipe refuses its model {model}: {error}") from error
        self._last_ms = -1

    def detect(self, image: Image, time_ms: int) -> Sequence[Detection]:
        """Find the faces in one upright RGB picture; see `protocols.Detector`."""
        # VIDEO mode insists on strictly increasing times, also for two crops of one frame.
        self._last_ms = max(time_ms, self._last_ms + 1)
        mp = self._mediapipe
        try:
            result = self._detector.detect_for_video(
                mp.Image(image_format=mp.ImageFormat.SRGB, data=image), self._last_ms
            )
        except (RuntimeError, ValueError) as error:
            raise DetectionError(f"MediaPipe failed: {error}") from error
        return [self._detection(found, image.shape[1]) for found in result.detections]

    def close(self) -> None:
        """Let go of the model; may be called twice."""
        if self._detector is not None:
            # Left to the garbage collector, MediaPipe prints a traceback at interpreter exit.
            self._detector.close()
            self._detector = None

    def _detection(self, found: Any, width: int) -> Detection:
        box = found.bounding_box
        x, y = float(box.origin_x), float(box.origin_y)
        square = Box(x, y, x + box.width, y + box.height)
        nose = found.keypoints[_NOSE].x * width
        return Detection(square_to_face(square, nose), float(found.categories[0].score))

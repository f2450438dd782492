"""The second opinion: CenterFace, run by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from streamguard.detection.landmarks import Floats, roll_of
from streamguard.detection.onnx_file import with_free_size
from streamguard.detection.onnx_net import OnnxNet
from streamguard.detection.separating import separated
from streamguard.detection.weights import model_bytes
from streamguard.geometry import Detection
from streamguard.protocols import Image

_STRIDE = 4
"""Pixels of the input per cell of the output maps (CenterFace, arXiv:1911.03599, section 3)."""

_MULTIPLE = 32
"""The backbone halves the picture five times, so both sides must be multiples of this."""

_INPUT = "input.1"
_OUTPUTS = ("537", "538", "539", "540")
"""Names of the heat map, scale, offset and landmark maps in the ONNX file."""
_NOSE = 2
"""Number of the tip of the nose among the landmarks."""

_LARGE = 3 * 1920 * 1152
"""Samples of a picture after which the net's memory, 300 MB and more, is not kept."""


class CenterFaceDetector:
    """Finds faces from about 8 pixels up with CenterFace.

    ONNX Runtime gives the same maps as OpenCV's `cv2.dnn` to five digits, at two to three
    times the speed on one core, and takes pictures of any size with one net.

    Args:
        threshold: Least confidence of a returned face, 0 to 1.

    Raises:
        ModelError: The embedded model is missing or damaged.
    """

    name = "centerface"

    def __init__(self, threshold: float = 0.2) -> None:
        self._threshold = threshold
        model = model_bytes(self.name)
        self._net = OnnxNet(
            "CenterFace", lambda: with_free_size(model, {_INPUT}, _OUTPUTS), _INPUT, _OUTPUTS
        )

    def detect(self, image: Image, time_ms: int) -> Sequence[Detection]:
        """Find the faces in one upright RGB picture; see `protocols.Detector`."""
        return self.detect_many([image], time_ms)[0]

    def detect_many(self, images: Sequence[Image], time_ms: int) -> Sequence[Sequence[Detection]]:
        """Find the faces in pictures of one size; see `protocols.BatchDetector`."""
        height, width = images[0].shape[:2]
        padded_h, padded_w = _round_up(height), _round_up(width)
        # A mirrored margin, since black beside a face that the edge cuts hides it: of 51 such
        # faces 50 were found, against 47.
        canvases = [
            cv2.copyMakeBorder(image, 0, padded_h - height, 0, padded_w - width, cv2.BORDER_REFLECT)
            for image in images
        ]
        # The model was trained on plain RGB, 0 to 255: no mean, no scale.
        samples = np.asarray(cv2.dnn.blobFromImages(canvases), np.float32)
        heats, scales, offsets, marks = self._net.run(samples, thrifty=samples.size > _LARGE)
        return [
            # What lies in the margin alone is a mirror image.
            [d for d in self._decode(*maps) if d.box.x1 < width and d.box.y1 < height]
            for maps in zip(heats[:, 0], scales, offsets, marks, strict=True)
        ]

    def close(self) -> None:
        """Let go of the net; may be called twice."""
        self._net.close()

    def _decode(
        self, heat: Floats, scale: Floats, offset: Floats, marks: Floats
    ) -> list[Detection]:
        """Turn the output maps into faces (arXiv:1911.03599, equations 3 to 7)."""
        rows, columns = np.nonzero(heat > self._threshold)
        # All maps hold y before x.
        sizes = np.exp(scale[::-1, rows, columns]) * _STRIDE
        centers = (np.stack([columns, rows]) + offset[::-1, rows, columns] + 0.5) * _STRIDE
        # In shares of the box.
        across, down = marks[1::2, rows, columns] * sizes[0], marks[::2, rows, columns] * sizes[1]
        noses = centers[0] - sizes[0] / 2 + across[_NOSE]
        return separated(centers, sizes, heat[rows, columns], noses, roll_of(across, down))


def _round_up(length: int) -> int:
    return max(_MULTIPLE, -(-length // _MULTIPLE) * _MULTIPLE)

"""The proposer: YuNet, which finds many small faces in a large picture for little time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray

from streamguard.detection.onnx_file import with_free_size, with_pictures
from streamguard.detection.onnx_net import OnnxNet
from streamguard.detection.separating import separated
from streamguard.detection.weights import model_bytes
from streamguard.geometry import Detection
from streamguard.protocols import Image

_STRIDES = (8, 16, 32)
"""Pixels of the input per cell of the output maps, one set of maps for each."""
_MULTIPLE = 32
"""Both sides of the input must be multiples of the coarsest stride."""
_INPUT, _PICTURES = "input", "pictures"
_KINDS = ("cls", "obj", "bbox", "kps")
_OUTPUTS = tuple(f"{kind}_{stride}" for stride, kind in product(_STRIDES, _KINDS))
"""Names of the maps in the ONNX file: face or not, something or not, where, and landmarks. These
hardly turn with a face in the picture's plane, so they do not tell how far it is turned there."""
_NOSE = 4
"""Column of the landmarks with the distance of the nose from the cell's left edge, in strides."""
_LARGE = 3 * 1920 * 1152
"""Samples of a picture after which the net's memory is not kept."""


class YuNetDetector:
    """Finds faces from about 8 to about 128 pixels with YuNet; larger ones it often misses.

    It costs a quarter of CenterFace at the same size and marks more that is no face.

    Args:
        threshold: Least confidence of a returned face, 0 to 1.

    Raises:
        ModelError: The embedded model is missing or damaged.
    """

    name = "yunet"

    def __init__(self, threshold: float = 0.2) -> None:
        self._threshold = threshold
        model = model_bytes(self.name)
        self._net = OnnxNet("YuNet", lambda: _adapted(model), _PICTURES, _OUTPUTS)

    def detect(self, image: Image, time_ms: int) -> Sequence[Detection]:
        """Find the faces in one upright RGB picture; see `protocols.Detector`."""
        height, width = image.shape[:2]
        bottom, right = -height % _MULTIPLE, -width % _MULTIPLE
        # It was trained on the order of OpenCV, 0 to 255: no mean, no scale.
        picture = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        # A mirrored margin, as for CenterFace: black beside a face that the edge cuts hides it.
        canvas = cv2.copyMakeBorder(picture, 0, bottom, 0, right, cv2.BORDER_REFLECT)
        maps = self._net.run(np.asarray(canvas, np.uint8)[None], thrifty=canvas.size > _LARGE)
        found = self._decode(maps, (width + right) // _STRIDES[0])
        # What lies in the margin alone is a mirror image.
        return [d for d in found if d.box.x1 < width and d.box.y1 < height]

    def close(self) -> None:
        """Let go of the net; may be called twice."""
        self._net.close()

    def _decode(self, maps: Sequence[NDArray[np.float32]], columns: int) -> list[Detection]:
        """Turn the output maps into boxes, as OpenCV's `FaceDetectorYN` does.

        Args:
            maps: Four for each stride, of shapes ``(1, cells, 1)``, the same, ``(1, cells, 4)``
                and ``(1, cells, 10)``.
            columns: Cells in a row of the finest maps.
        """
        parts = []
        for index, stride in enumerate(_STRIDES):
            each = len(_KINDS)
            face, thing, where, marks = (g[0] for g in maps[each * index : each * (index + 1)])
            # Both in one score: their geometric mean.
            scores = np.sqrt(np.clip(face[:, 0], 0, 1) * np.clip(thing[:, 0], 0, 1))
            cells = np.flatnonzero(scores >= self._threshold)
            rows, column = np.divmod(cells, columns * _STRIDES[0] // stride)
            dx, dy, log_width, log_height = where[cells].T
            center = (column + dx) * stride, (rows + dy) * stride
            size = np.exp(log_width) * stride, np.exp(log_height) * stride
            nose = (column + marks[cells, _NOSE]) * stride
            parts.append(np.stack([*center, *size, scores[cells], nose]))
        found = np.concatenate(parts, axis=1).astype(np.float32)
        return separated(found[:2], found[2:4], found[4], found[5])


def _adapted(model: bytes) -> bytes:
    """Return the file for pictures of any size, as bytes: preparing them costs 16 ms less."""
    freed = with_free_size(model, {_INPUT}, _OUTPUTS)
    return with_pictures(freed, _INPUT, _PICTURES)

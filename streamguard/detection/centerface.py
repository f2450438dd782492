"""The second opinion: CenterFace, run by OpenCV's own inference engine."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from streamguard.detection.weights import model_bytes
from streamguard.errors import DetectionError
from streamguard.geometry import Box, Detection
from streamguard.protocols import Image

_STRIDE = 4
"""Pixels of the input per cell of the output maps (CenterFace, arXiv:1911.03599, section 3)."""

_MULTIPLE = 32
"""The backbone halves the picture five times, so both sides must be multiples of this."""

_OUTPUTS = ("537", "538", "539")
"""Names of the heat map, scale and offset maps in the ONNX file; 540, the landmarks, is unused."""

_MAX_SHAPES = 6


class CenterFaceDetector:
    """Finds faces from about 8 pixels up with CenterFace.

    The network is fully convolutional, but OpenCV 4's engine keeps buffers of the first
    input shape and silently returns nonsense for a second one; so there is one net a shape.

    Args:
        threshold: Least confidence of a returned face, 0 to 1.

    Raises:
        ModelError: The embedded model is missing or damaged.
    """

    name = "centerface"

    def __init__(self, threshold: float = 0.2) -> None:
        self._threshold = threshold
        self._model = np.frombuffer(model_bytes(self.name), np.uint8)
        self._nets: OrderedDict[tuple[int, int], cv2.dnn.Net] = OrderedDict()

    def detect(self, image: Image, time_ms: int) -> Sequence[Detection]:
        """Find the faces in one upright RGB picture; see `protocols.Detector`."""
        height, width = image.shape[:2]
        padded_h, padded_w = _round_up(height), _round_up(width)
        # A mirrored margin, since black beside a face that the edge cuts hides it: of 51 such
        # faces 50 were found, against 47.
        canvas = cv2.copyMakeBorder(
            image, 0, padded_h - height, 0, padded_w - width, cv2.BORDER_REFLECT
        )
        net = self._net(padded_h, padded_w)
        try:
            # The model was trained on plain RGB, 0 to 255: no mean, no scale.
            net.setInput(cv2.dnn.blobFromImage(canvas))
            heat, scale, offset = net.forward(_OUTPUTS)
        except cv2.error as error:
            what = f"CenterFace failed on a {width}x{height} picture: {error}"
            raise DetectionError(what) from error
        found = self._decode(heat[0, 0], scale[0], offset[0])
        # What lies in the margin alone is a mirror image.
        return [d for d in found if d.box.x1 < width and d.box.y1 < height]

    def close(self) -> None:
        """Let go of the nets; may be called twice."""
        self._nets.clear()

    def _net(self, height: int, width: int) -> cv2.dnn.Net:
        key = (height, width)
        if key in self._nets:
            self._nets.move_to_end(key)
            return self._nets[key]
        net = cv2.dnn.readNetFromONNX(self._model)
        self._nets[key] = net
        while len(self._nets) > _MAX_SHAPES:
            self._nets.popitem(last=False)
        return net

    def _decode(
        self, heat: NDArray[np.float32], scale: NDArray[np.float32], offset: NDArray[np.float32]
    ) -> list[Detection]:
        """Turn the output maps into boxes (arXiv:1911.03599, equations 3 to 6)."""
        if not np.isfinite(heat).all():
            raise DetectionError("CenterFace returned values that are not numbers")
        rows, columns = np.nonzero(heat > self._threshold)
        heights = np.exp(scale[0, rows, columns]) * _STRIDE
        widths = np.exp(scale[1, rows, columns]) * _STRIDE
        center_y = (rows + offset[0, rows, columns] + 0.5) * _STRIDE
        center_x = (columns + offset[1, rows, columns] + 0.5) * _STRIDE
        confidences = heat[rows, columns]
        corners = np.stack(
            [center_x - widths / 2, center_y - heights / 2, widths, heights], axis=1
        ).astype(np.float64)
        kept = cv2.dnn.NMSBoxes(
            corners.tolist(), confidences.astype(float).tolist(), self._threshold, 0.3
        )
        return [
            Detection(Box(x, y, x + w, y + h), float(confidences[i]), self.name)
            for i in np.asarray(kept, int).ravel()
            for x, y, w, h in [corners[i].tolist()]
        ]


def _round_up(length: int) -> int:
    return max(_MULTIPLE, -(-length // _MULTIPLE) * _MULTIPLE)

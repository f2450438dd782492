"""The second opinion: CenterFace, run by ONNX Runtime."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property

import cv2
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from streamguard.detection.onnx_file import with_free_size
from streamguard.detection.weights import model_bytes
from streamguard.errors import DetectionError
from streamguard.geometry import Box, Detection
from streamguard.protocols import Image

_STRIDE = 4
"""Pixels of the input per cell of the output maps (CenterFace, arXiv:1911.03599, section 3)."""

_MULTIPLE = 32
"""The backbone halves the picture five times, so both sides must be multiples of this."""

_INPUT = "input.1"
_OUTPUTS = ("537", "538", "539")
"""Names of the heat map, scale and offset maps in the ONNX file; 540, the landmarks, is unused."""

_MAX_THREADS = 4
"""More gain nothing on layers this small."""

_LARGE = 3 * 1920 * 1152
"""Samples of a picture after which the net's memory, 300 MB and more, is not kept."""
_ERRORS_ONLY = 3
"""Severity from which ONNX Runtime writes to stderr itself."""


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
        self._model = model_bytes(self.name)

    def detect(self, image: Image, time_ms: int) -> Sequence[Detection]:
        """Find the faces in one upright RGB picture; see `protocols.Detector`."""
        height, width = image.shape[:2]
        padded_h, padded_w = _round_up(height), _round_up(width)
        # A mirrored margin, since black beside a face that the edge cuts hides it: of 51 such
        # faces 50 were found, against 47.
        canvas = cv2.copyMakeBorder(
            image, 0, padded_h - height, 0, padded_w - width, cv2.BORDER_REFLECT
        )
        # The model was trained on plain RGB, 0 to 255: no mean, no scale.
        feed = {_INPUT: cv2.dnn.blobFromImage(canvas)}
        try:
            options = _thrifty() if canvas.size > _LARGE else None
            heat, scale, offset = self._session.run(_OUTPUTS, feed, options)
        # The library's own errors have no base of their own.
        except Exception as error:
            what = f"CenterFace failed on a {width}x{height} picture: {error}"
            raise DetectionError(what) from error
        found = self._decode(heat[0, 0], scale[0], offset[0])
        # What lies in the margin alone is a mirror image.
        return [d for d in found if d.box.x1 < width and d.box.y1 < height]

    def close(self) -> None:
        """Let go of the net; may be called twice."""
        self.__dict__.pop("_session", None)

    @cached_property
    def _session(self) -> ort.InferenceSession:
        ort.disable_telemetry_events()  # of the builds for Windows; `doctor` refuses all others
        options = ort.SessionOptions()
        options.log_severity_level = _ERRORS_ONLY
        # A look holds up the frames behind it, so it may have all cores; spinning would take
        # them from the encoder between looks.
        options.intra_op_num_threads = min(_MAX_THREADS, os.cpu_count() or 1)
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.enable_mem_pattern = False  # pictures of several sizes take turns
        model = with_free_size(self._model, {_INPUT}, _OUTPUTS)
        provider = ("CPUExecutionProvider", {"arena_extend_strategy": "kSameAsRequested"})
        return ort.InferenceSession(model, options, providers=[provider])

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
            Detection(Box(x, y, x + w, y + h), float(confidences[i]))
            for i in np.asarray(kept, int).ravel()
            for x, y, w, h in [corners[i].tolist()]
        ]


def _thrifty() -> ort.RunOptions:
    """Return what makes the net give its memory back: large photos need it for themselves."""
    options = ort.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options


def _round_up(length: int) -> int:
    return max(_MULTIPLE, -(-length // _MULTIPLE) * _MULTIPLE)

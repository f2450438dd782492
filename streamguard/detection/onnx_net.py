"""One net, run by ONNX Runtime beside a decoder and an encoder."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from streamguard.errors import DetectionError

_MAX_THREADS = 4
"""More gain nothing on layers this small."""
_ERRORS_ONLY = 3
"""Severity from which ONNX Runtime writes to stderr itself."""


class OnnxNet:
    """A net with one input of any size; it is loaded when it is first asked.

    Args:
        name: What it is called in messages.
        model: Returns the ONNX file's content.
        taken: Name of the input.
        made: Names of the outputs.
    """

    def __init__(
        self, name: str, model: Callable[[], bytes], taken: str, made: Sequence[str]
    ) -> None:
        self._name, self._model = name, model
        self._taken, self._made = taken, tuple(made)

    def run(
        self, samples: NDArray[np.generic], *, thrifty: bool = False
    ) -> list[NDArray[np.float32]]:
        """Return the outputs in the order of their names.

        Args:
            samples: The input, of the shape and dtype that the net takes.
            thrifty: Whether the net gives its memory back afterwards: large photos need it
                for themselves.

        Raises:
            DetectionError: The net failed, or what it returned are no numbers.
        """
        try:
            outputs = self._session.run(
                self._made, {self._taken: samples}, _thrifty() if thrifty else None
            )
        # The library's own errors have no base of their own.
        except Exception as error:
            shape = "x".join(map(str, samples.shape))
            what = f"{self._name} failed on an input of {shape}: {error}"
            raise DetectionError(what) from error
        if not all(np.isfinite(output).all() for output in outputs):
            raise DetectionError(f"{self._name} returned values that are not numbers")
        return list(outputs)

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
        provider = ("CPUExecutionProvider", {"arena_extend_strategy": "kSameAsRequested"})
        return ort.InferenceSession(self._model(), options, providers=[provider])


def _thrifty() -> ort.RunOptions:
    options = ort.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options

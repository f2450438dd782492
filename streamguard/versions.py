"""What does the work: versions of this program and its libraries, and its models."""

from __future__ import annotations

import platform
from importlib.metadata import version

from streamguard import __version__
from streamguard.detection.primary import HAS_MEDIAPIPE
from streamguard.detection.weights import MODELS

_LIBRARIES = {
    **({"mediapipe": "mediapipe"} if HAS_MEDIAPIPE else {}),
    "onnxruntime": "onnxruntime",
    "av": "av",
    "opencv": "opencv-python",
    "numpy": "numpy",
}


def versions() -> dict[str, str]:
    """Return the version of streamguard, of Python, and of the libraries that do the work."""
    libraries = {name: version(package) for name, package in _LIBRARIES.items()}
    return {"streamguard": __version__, "python": platform.python_version(), **libraries}


def models() -> dict[str, str]:
    """Return the SHA-256 of each embedded model by file name."""
    return {name: model.sha256 for name, model in MODELS.items()}

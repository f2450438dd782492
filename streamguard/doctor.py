"""Is this machine ready? Libraries, models, encoders and hardware, and what to do about each."""

from __future__ import annotations

import ctypes
import io
import os
import platform
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

import streamguard
from streamguard.detection.primary import HAS_MEDIAPIPE, PRIMARY
from streamguard.detection.weights import MODELS, model_path
from streamguard.errors import ModelError, StreamguardError, SystemNotReadyError

MEDIAPIPE_VERSION = "0.10.33"
"""The newest release that sends no usage metrics, and the oldest that runs the models."""
ONNXRUNTIME_BELOW = "1.29"
"""The first release that sends usage metrics from every system."""

SYSTEM_LIBRARIES: Mapping[str, str] = MappingProxyType(
    {
        "libGL.so.1": "libgl1",
        "libEGL.so.1": "libegl1",
        "libGLESv2.so.2": "libgles2",
        "libglib-2.0.so.0": "libglib2.0-0",
        "libgthread-2.0.so.0": "libglib2.0-0",
    }
)
"""What OpenCV's and MediaPipe's Linux wheels expect of the system, and Debian's package for it."""

_PACKAGES = (
    *("av", "opencv-python", "opencv-contrib-python"),
    *(("mediapipe",) if HAS_MEDIAPIPE else ()),
    *("onnxruntime", "numpy", "click", "rich"),
)
_MODULES = ("av", "cv2", *(("mediapipe",) if HAS_MEDIAPIPE else ()), "numpy", "onnxruntime")
_REINSTALL = "Install streamguard again with pip, in a virtual environment of its own"

_ENCODERS = ("libx264", "libx265", "libsvtav1")
_HARDWARE_ENCODERS = (
    *(f"{codec}_{api}" for codec in ("h264", "hevc", "av1") for api in ("nvenc", "qsv", "amf")),
    *(f"{codec}_{api}" for codec in ("h264", "hevc") for api in ("v4l2m2m", "videotoolbox")),
)


class Status(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What was looked at.
        status: ``fail`` if streamguard cannot work like this, ``warn`` if less of it can.
        detail: What was found.
        hint: What to do about it; empty when nothing is to be done.
    """

    name: str
    status: Status
    detail: str
    hint: str = ""


def require_system() -> None:
    """Make sure of what every command needs, in a few milliseconds.

    Raises:
        SystemNotReadyError: A system library or a Python package is missing; the hint names
            what to install.
    """
    for check in (_system_libraries(), _modules()):
        if check.status is Status.FAIL:
            raise SystemNotReadyError(f"this machine is not ready: {check.detail}", check.hint)


def examine() -> list[Check]:
    """Look at everything streamguard needs or could use; takes a few seconds, changes nothing."""
    checks = [_python(), _system_libraries(), _modules(), *map(_package, _PACKAGES)]
    checks += [_one_opencv(), _no_metrics(), _primary(), *map(_model, MODELS)]
    if not _any_failed(checks):
        checks += [_guarded(f"import {name}", partial(_imported, name)) for name in _MODULES]
    if not _any_failed(checks):
        # Only now can they be used without fear.
        checks += [_guarded("detectors", _detectors), *map(_encoder, _ENCODERS)]
        checks.append(_hardware_encoders())
    return [*checks, _devices()]


def _any_failed(checks: list[Check]) -> bool:
    return any(check.status is Status.FAIL for check in checks)


def missing_libraries() -> list[str]:
    """Return the names of the shared libraries that this system lacks; always none off Linux."""
    return [name for name in SYSTEM_LIBRARIES if not _loads(name)] if _is_linux() else []


def _is_linux() -> bool:
    return sys.platform.startswith("linux")


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def _python() -> Check:
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Check("python", Status.OK, f"{found}, streamguard {streamguard.__version__}")


def _system_libraries() -> Check:
    missing = missing_libraries()
    if not missing:
        return Check("system libraries", Status.OK, "nothing is missing")
    packages = " ".join(sorted({SYSTEM_LIBRARIES[name] for name in missing}))
    hint = f"On Debian and Ubuntu: apt-get install {packages}"
    return Check("system libraries", Status.FAIL, f"{', '.join(missing)} missing", hint)


def _modules() -> Check:
    missing = [name for name in _MODULES if find_spec(name) is None]
    if missing:
        return Check("modules", Status.FAIL, f"{', '.join(missing)} not installed", _REINSTALL)
    return Check("modules", Status.OK, ", ".join(_MODULES))


def _package(name: str) -> Check:
    found = _version(name)
    if found is None:
        return Check(name, Status.FAIL, "not installed", _REINSTALL)
    return Check(name, Status.OK, found)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _one_opencv() -> Check:
    plain, contrib = _version("opencv-python"), _version("opencv-contrib-python")
    if plain == contrib:
        return Check("one OpenCV", Status.OK, f"both packages are {plain}")
    detail = f"opencv-python is {plain}, opencv-contrib-python is {contrib}; both install cv2"
    return Check("one OpenCV", Status.FAIL, detail, _REINSTALL)


def _no_metrics() -> Check:
    found, engine = _version("mediapipe"), _version("onnxruntime")
    if HAS_MEDIAPIPE and found != MEDIAPIPE_VERSION:
        hint = f"pip install mediapipe=={MEDIAPIPE_VERSION}; later ones report to their maker"
        return Check("no usage metrics", Status.FAIL, f"mediapipe is {found}", hint)
    if engine is None or _numbers(engine) >= _numbers(ONNXRUNTIME_BELOW):
        hint = f"pip install 'onnxruntime<{ONNXRUNTIME_BELOW}'; later ones report to their maker"
        return Check("no usage metrics", Status.FAIL, f"onnxruntime is {engine}", hint)
    detail = f"mediapipe {found} and onnxruntime {engine} send none"
    if not HAS_MEDIAPIPE:
        detail = f"onnxruntime {engine} sends none; mediapipe is not used"
    return Check("no usage metrics", Status.OK, detail)


def _primary() -> Check:
    why = "" if HAS_MEDIAPIPE else f"; mediapipe {MEDIAPIPE_VERSION} was not made for this system"
    return Check("primary detector", Status.OK, f"{PRIMARY}{why}")


def _numbers(release: str) -> tuple[int, ...]:
    """Return the first two numbers of a version, which decide."""
    return tuple(int(part) for part in release.split(".")[:2])


def _model(name: str) -> Check:
    try:
        path = model_path(name)
    except ModelError as error:
        return Check(f"model {name}", Status.FAIL, error.what, error.hint)
    return Check(f"model {name}", Status.OK, f"{path.name}, sha256 {MODELS[name].sha256[:12]}…")


def _guarded(name: str, look: Callable[[], str]) -> Check:
    """Run a check that imports and runs others' code: here a failure is the finding."""
    try:
        with _quiet():
            return Check(name, Status.OK, look())
    except StreamguardError as error:
        return Check(name, Status.FAIL, error.what, error.hint)
    except Exception as error:  # noqa: BLE001 - a broken wheel fails in any way it likes
        words = " ".join(f"{type(error).__name__}: {error}".split())
        return Check(name, Status.FAIL, words, _REINSTALL)


def _imported(name: str) -> str:
    import_module(name)
    return "works"


def _detectors() -> str:
    import numpy as np

    from streamguard.detection import default_detectors
    from streamguard.settings import Settings

    crews = default_detectors(Settings()).values()
    detectors = [detector for crew in crews for detector in crew.values()]
    for detector in detectors:
        detector.detect(np.zeros((64, 64, 3), np.uint8), 0)
        detector.close()
    return ", ".join(dict.fromkeys(detector.name for detector in detectors)) + " run"


def _encoder(name: str) -> Check:
    from streamguard.sinks.trial import opens

    with _quiet():
        usable = opens(name)
    if usable:
        return Check(f"encoder {name}", Status.OK, "opens")
    hint = "The wheels of av on PyPI hold it; a build of your own may not"
    return Check(f"encoder {name}", Status.WARN, "does not open", hint)


def _hardware_encoders() -> Check:
    from streamguard.sinks.trial import opens

    with _quiet():
        found = [name for name in _HARDWARE_ENCODERS if opens(name)]
    return Check("hardware encoders", Status.OK, ", ".join(found) or "none; the processor encodes")


def _devices() -> Check:
    patterns = ("dri/renderD*", "video[0-9]*", "nvidia[0-9]*")
    found = [str(path) for pattern in patterns for path in sorted(Path("/dev").glob(pattern))]
    return Check("devices", Status.OK, ", ".join(found) or "no camera, no graphics card")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what libraries print to the standard error, by C or by Python, away from the reader."""
    sys.stderr.flush()
    saved = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as sink:
            os.dup2(sink.fileno(), 2)
        with redirect_stderr(io.StringIO()):
            yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)

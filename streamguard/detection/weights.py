"""The embedded models, checked before use: the detector is the one that was tested, or none."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from streamguard.errors import ModelError

FOLDER = Path(__file__).with_name("models")
"""Where the build put the models."""

_REINSTALL = "Install streamguard again: its build puts the models there"


@dataclass(frozen=True, slots=True)
class Model:
    """One embedded model.

    Attributes:
        name: What the code calls it.
        file: Name of its file in `FOLDER`.
        sha256: Hash of the file that was tested, hexadecimal.
        licence: SPDX identifier.
        origin: Name and version of the wheel it was taken from.
    """

    name: str
    file: str
    sha256: str
    licence: str
    origin: str


def _read_table() -> Mapping[str, Model]:
    keys = ("file", "sha256", "licence", "origin")
    table = tomllib.loads((FOLDER / "models.toml").read_text("utf-8"))
    return MappingProxyType(
        {name: Model(name, *(entry[key] for key in keys)) for name, entry in table.items()}
    )


MODELS = _read_table()
"""Every embedded model by its name."""


def model_path(name: str) -> Path:
    """Return the path of a model for a library that opens files itself.

    Args:
        name: A key of `MODELS`.

    Raises:
        ModelError: It is missing or damaged.
    """
    _verify(FOLDER, MODELS[name])
    return FOLDER / MODELS[name].file


def model_bytes(name: str) -> bytes:
    """Return a model as bytes: exactly those that were checked.

    Args:
        name: A key of `MODELS`.

    Raises:
        ModelError: It is missing or damaged.
    """
    return _read(FOLDER, MODELS[name])


@cache
def _verify(folder: Path, model: Model) -> None:
    """Check a model once per process; a failure is not remembered."""
    _read(folder, model)


def _read(folder: Path, model: Model) -> bytes:
    try:
        data = (folder / model.file).read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ModelError(f"the model {model.file} cannot be read: {reason}", _REINSTALL) from error
    if hashlib.sha256(data).hexdigest() != model.sha256:
        raise ModelError(f"the model {model.file} is damaged or was exchanged", _REINSTALL)
    return data

"""``cameras.yaml``: read, checked, and every mistake named by its line and key."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from streamguard.errors import SinkError, UsageError
from streamguard.geometry import ZONE
from streamguard.media.address import Address, AddressKind, parse_address
from streamguard.relay.lines import Key, Lines, expanded
from streamguard.relay.plan import RelayConfig
from streamguard.relay.schema import CameraEntry, FileEntry
from streamguard.sinks.recording import try_folder


def read_config(
    path: Path, environment: Mapping[str, str] = os.environ, *, try_folders: bool = False
) -> RelayConfig:
    """Read and check a configuration file.

    Args:
        path: The file.
        environment: What ``${NAME}`` stands for.
        try_folders: Also try whether the folders of recordings can be written to now. A relay
            that starts does without: to its outputs it comes back until they can.

    Raises:
        UsageError: Something in it is wrong; every mistake is named by line and key.
    """
    document, lines = _parsed(path)
    document, mistakes = expanded(document, environment, lines)
    mistakes = [*lines.duplicates, *mistakes]
    if not mistakes:
        config = _checked(document, lines, mistakes, try_folders)
        if config is not None:
            return config
    # What is wrong with the defaults is wrong with every camera.
    raise UsageError(f"{path}: " + "; ".join(dict.fromkeys(mistakes)), "Nothing was started")


def _parsed(path: Path) -> tuple[Any, Lines]:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise UsageError(f"{path} cannot be read: {reason}") from error
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        return yaml.safe_load(text), Lines(root)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or "not valid"
        raise UsageError(f"{path}: {place}no YAML: {problem}") from None


@dataclass(frozen=True, slots=True)
class _Camera:
    """One camera that is right by itself."""

    name: str
    entry: CameraEntry
    own: dict[str, Any]
    lines: Lines

    def key(self, place: Key) -> Key:
        """Return where a value of this camera stands: in its own map, or in the defaults."""
        return self.lines.inherited(("cameras", self.name), place, ("defaults",))

    def mistake(self, place: Key, words: str) -> str:
        return self.lines.mistake(self.key(place), words)


def _checked(
    document: Any, lines: Lines, mistakes: list[str], try_folders: bool
) -> RelayConfig | None:
    """Return the configuration, or add what is wrong with it to the mistakes."""
    try:
        file = FileEntry.model_validate(document)
    except ValidationError as error:
        mistakes += lines.describe(error)
        return None
    cameras = []
    for name, own in file.cameras.items():
        try:
            entry = CameraEntry.model_validate(file.defaults | own)
            cameras.append(_Camera(name, entry, own, lines))
        except ValidationError as error:
            mistakes += lines.describe(error, ("cameras", name), ("defaults",))
    mistakes += _idle_effects(cameras)
    mistakes += _idle_colors(cameras, is_default="color" in file.defaults)
    mistakes += _shared_outputs(cameras)
    if try_folders:
        mistakes += _locked_folders(cameras)
    if mistakes:
        return None
    http = file.http.plan() if file.http is not None else None
    return RelayConfig(tuple(each.entry.plan(each.name) for each in cameras), http)


def _idle_effects(cameras: list[_Camera]) -> Iterator[str]:
    """Yield a mistake for every effect of something that is not hidden."""
    for each in cameras:
        for label in each.entry.effects.keys() - {*each.entry.hide, ZONE}:
            yield each.mistake(("effects", label), f"{label} is not hidden: name it in hide")


def _idle_colors(cameras: list[_Camera], is_default: bool) -> Iterator[str]:
    """Yield a mistake for every colour that nothing is painted with."""
    others = [each for each in cameras if not each.entry.uses_color]
    is_used = len(others) < len(cameras)
    for each in others:
        if "color" in each.own or (is_default and not is_used):
            yield each.mistake(("color",), "goes with effect: solid only")


def _shared_outputs(cameras: list[_Camera]) -> Iterator[str]:
    """Yield a mistake for every sink that is written to already, or is the camera's source."""
    owners: dict[str, str] = {}
    for each in cameras:
        source = _identity(parse_address(each.entry.source))
        for place, sink in each.entry.outputs():
            identity = _identity(sink)
            if identity == source:
                yield each.mistake(place, f"{sink} is the source, too")
            elif owners.get(identity) == each.name:
                yield each.mistake(place, f"{sink} is named twice")
            elif identity in owners:
                words = f"{owners[identity]} and {each.name} both write to {sink}"
                yield each.mistake(place, words)
            owners.setdefault(identity, each.name)


def _identity(address: Address) -> str:
    """Return what two names of the same file have in common."""
    return os.path.realpath(address.url) if address.kind is AddressKind.FILE else address.url


def _locked_folders(cameras: list[_Camera]) -> Iterator[str]:
    """Yield a mistake for every recording whose folder takes no file."""
    for each in cameras:
        for place, sink in each.entry.outputs():
            if sink.kind is AddressKind.FILE:
                try:
                    try_folder(Path(sink.url).parent)
                except SinkError as error:
                    yield each.mistake(place, error.what)

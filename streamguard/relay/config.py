"""``cameras.yaml``: read, checked, and every mistake named by its line and key."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from streamguard.errors import StreamguardError, UsageError
from streamguard.relay.compose import camera_plan, host_and_port
from streamguard.relay.plan import CameraPlan, RelayConfig
from streamguard.relay.zones import Zones
from streamguard.settings import (
    Codec,
    Effect,
    EncodingSettings,
    Quality,
    RedactionSettings,
    Settings,
    Shape,
)
from streamguard.sources.live import LiveOptions

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_MAP = "should be a map of keys to values"
# What pydantic says in the words of Python, in those of YAML.
_WORDS = {
    "extra_forbidden": "unknown key",
    "missing": "is missing",
    "tuple_type": "should be a list",
    "dict_type": _MAP,
    "model_type": _MAP,
    "float_parsing": "should be a number",
    "int_parsing": "should be a whole number",
    "bool_parsing": "should be true or false",
}
_SETTINGS, _COVER, _LIVE = Settings(), RedactionSettings(), LiveOptions()


def _seconds(value: object) -> object:
    """Turn ``10s``, ``500ms``, ``2m`` or a number into seconds."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(ms|s|m|h)?\s*", value)
    if match is None:
        raise ValueError(f"{value!r} is not a duration such as 10s, 500ms or 2m")
    return float(match[1]) * _UNITS[match[2] or "s"]


def _size(value: object) -> object:
    # YAML takes 0x5 for a number.
    match = re.fullmatch(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})", str(value))
    if match is None:
        raise ValueError(f"{str(value)!r} is not a size such as 1280x720")
    return int(match[1]), int(match[2])


def _color(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"#[0-9a-fA-F]{6}", value):
        return tuple(bytes.fromhex(value[1:]))
    raise ValueError(f"{value!r} is not of the form '#RRGGBB'")


Duration = Annotated[float, BeforeValidator(_seconds), Field(gt=0)]
Lookahead = Annotated[float, BeforeValidator(_seconds), Field(ge=0, le=10)]
Size = Annotated[tuple[int, int], BeforeValidator(_size)]
Color = Annotated[tuple[int, int, int], BeforeValidator(_color)]
Share = Annotated[float, Field(ge=0, le=1)]
Polygon = Annotated[tuple[tuple[Share, Share], ...], Field(min_length=3)]


class _Strict(BaseModel):
    # Numbers as text: a port, and the webcam that is called 0.
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class _Zones(_Strict):
    cover: tuple[Polygon, ...] = ()
    ignore: tuple[Polygon, ...] = ()


class _Camera(_Strict):
    """One camera, with the defaults already laid under it; the names are those of the YAML file."""

    source: str
    sinks: tuple[str, ...] = ()
    record: Path | None = None
    record_segment: Duration = 600.0
    quality: Quality = _SETTINGS.quality
    threshold: Annotated[float, Field(gt=0, lt=1)] | None = None
    detector: str = _SETTINGS.detector
    lookahead: Lookahead = 0.4
    effect: Effect = _COVER.effect
    color: Color = _COVER.color
    shape: Shape = _COVER.shape
    padding: Annotated[float, Field(ge=0, le=2)] = _COVER.padding
    show_boxes: bool = False
    zones: _Zones = _Zones()
    codec: Literal[Codec.H264, Codec.HEVC] = Codec.H264
    preset: str | None = None
    crf: int | None = None
    size: Size | None = None
    fps: Annotated[float, Field(gt=0, le=240)] | None = None
    audio: Literal["drop", "copy"] = "drop"
    rtsp_transport: Literal["tcp", "udp"] = _LIVE.rtsp_transport
    open_timeout: Duration = _LIVE.open_timeout
    read_timeout: Duration = _LIVE.read_timeout
    retry_interval: Duration = 5.0

    def plan(self, name: str) -> CameraPlan:
        """Return the plan of this camera.

        Raises:
            UsageError: A source or sink cannot be one.
        """
        settings = Settings(
            quality=self.quality,
            threshold=self.threshold,
            lookahead=self.lookahead,
            detector=self.detector,
            redaction=RedactionSettings(
                effect=self.effect,
                shape=self.shape,
                color=self.color,
                padding=self.padding,
                show_boxes=self.show_boxes,
            ),
            encoding=EncodingSettings(codec=self.codec, preset=self.preset, crf=self.crf),
        )
        live = LiveOptions(
            rtsp_transport=self.rtsp_transport,
            open_timeout=self.open_timeout,
            read_timeout=self.read_timeout,
            fps=self.fps,
            audio=self.audio == "copy",
        )
        return camera_plan(
            name,
            self.source,
            self.sinks,
            settings,
            live,
            record=self.record,
            size=self.size,
            record_minutes=self.record_segment / 60,
            retry_interval=self.retry_interval,
            zones=Zones(self.zones.cover, self.zones.ignore),
        )


class _File(_Strict):
    defaults: dict[str, Any] = Field(default_factory=dict)
    cameras: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")], dict[str, Any]] = Field(
        min_length=1
    )
    http: str | None = None


def read_config(path: Path, environment: Mapping[str, str] = os.environ) -> RelayConfig:
    """Read and check a configuration file.

    Args:
        path: The file.
        environment: What ``${NAME}`` stands for.

    Raises:
        UsageError: Something in it is wrong; every mistake is named by line and key.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise UsageError(f"{path} cannot be read: {reason}") from error
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or "not valid"
        raise UsageError(f"{path}: {place}no YAML: {problem}") from None
    lines = _Lines(root)
    mistakes = [*lines.duplicates]
    document = _expanded(document, (), environment, lines, mistakes)
    config = None if mistakes else _checked(document, lines, mistakes)
    if config is None:
        raise UsageError(f"{path}: " + "; ".join(mistakes), "Nothing was started")
    return config


def _checked(document: Any, lines: _Lines, mistakes: list[str]) -> RelayConfig | None:
    try:
        file = _File.model_validate(document)
    except ValidationError as error:
        mistakes += lines.describe(error, ())
        return None
    try:
        host_and_port(file.http or "0")
    except UsageError as error:
        mistakes.append(f"line {lines.of(('http',))}: {error.what}")
    plans = []
    for name, own in file.cameras.items():
        try:
            plans.append(_Camera.model_validate(file.defaults | own).plan(name))
        except ValidationError as error:
            mistakes += lines.describe(error, ("cameras", name), ("defaults",))
        except StreamguardError as error:
            mistakes.append(f"line {lines.of(('cameras', name))}: cameras.{name}: {error}")
    mistakes += _shared_sinks(plans, lines)
    return None if mistakes else RelayConfig(tuple(plans), file.http)


def _shared_sinks(plans: list[CameraPlan], lines: _Lines) -> Iterator[str]:
    """Yield a mistake for every sink that an earlier camera writes to."""
    owners: dict[str, str] = {}
    for plan in plans:
        for sink in plan.sinks:
            owner = owners.setdefault(sink.url, plan.name)
            # Segments have the time in their names, and never replace one another.
            if owner != plan.name and "%" not in sink.url:
                key = ("cameras", plan.name, "sinks")
                yield f"line {lines.of(key)}: {'.'.join(key)}: {owner} writes to {sink}, too"


class _Lines:
    """Which key stands on which line."""

    def __init__(self, root: yaml.Node | None) -> None:
        self._lines: dict[tuple[str | int, ...], int] = {}
        self.duplicates: list[str] = []
        if root is not None:
            self._walk(root, ())

    def of(self, key: tuple[str | int, ...]) -> int:
        """Return the line of a key, or of the nearest one above it."""
        while key and key not in self._lines:
            key = key[:-1]
        return self._lines.get(key, 1)

    def describe(
        self,
        error: ValidationError,
        prefix: tuple[str | int, ...],
        fallback: tuple[str | int, ...] = (),
    ) -> Iterator[str]:
        """Yield every mistake in words, without the offending value: it may be a secret."""
        for item in error.errors(include_input=False, include_url=False, include_context=False):
            place = tuple(part for part in item["loc"] if part != "[key]")
            key = prefix + place
            if key[:-1] == prefix and key not in self._lines and (*fallback, *place) in self._lines:
                key = (*fallback, *place)
            words = _WORDS.get(item["type"]) or item["msg"].removeprefix("Value error, ")
            yield f"line {self.of(key)}: {'.'.join(map(str, key)) or 'the file'}: {words}"

    def _walk(self, node: yaml.Node, key: tuple[str | int, ...]) -> None:
        self._lines.setdefault(key, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            for name, value in node.value:
                inner = (*key, str(name.value))
                if inner in self._lines:
                    line = name.start_mark.line + 1
                    self.duplicates.append(f"line {line}: {'.'.join(map(str, inner))}: given twice")
                self._lines[inner] = name.start_mark.line + 1
                self._walk(value, inner)
        elif isinstance(node, yaml.SequenceNode):
            for number, value in enumerate(node.value):
                self._walk(value, (*key, number))


def _expanded(
    value: Any,
    key: tuple[str | int, ...],
    environment: Mapping[str, str],
    lines: _Lines,
    mistakes: list[str],
) -> Any:
    """Return a document with ``${NAME}`` replaced in every text."""
    if isinstance(value, dict):
        return {k: _expanded(v, (*key, k), environment, lines, mistakes) for k, v in value.items()}
    if isinstance(value, list):
        return [_expanded(v, (*key, n), environment, lines, mistakes) for n, v in enumerate(value)]
    if not isinstance(value, str):
        return value
    missing = [name for name in _VARIABLE.findall(value) if name not in environment]
    if missing:
        words = ", ".join(f"${{{name}}} is not set" for name in missing)
        mistakes.append(f"line {lines.of(key)}: {'.'.join(map(str, key))}: {words}")
        return value
    return _VARIABLE.sub(lambda match: environment[match[1]], value)

"""The keys of ``cameras.yaml``, and what each may hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from streamguard.media.address import Address, parse_address
from streamguard.plans import Quality
from streamguard.relay.compose import (
    SEGMENTS,
    camera_plan,
    check_detector,
    check_label,
    host_and_port,
    host_name,
    source_address,
)
from streamguard.relay.plan import CameraPlan, HttpPlan
from streamguard.settings import Codec, Effect, EncodingSettings, RedactionSettings, Settings, Shape
from streamguard.sinks import check_sink
from streamguard.sinks.livemux import check_encoding
from streamguard.sources.options import LiveOptions
from streamguard.zone_settings import ZoneSettings

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
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


def _source(value: str) -> str:
    try:
        source_address(value)
    except OSError as error:
        # Pydantic takes nothing but a ValueError for a mistake.
        raise ValueError(str(error)) from error
    return value


def _sink(value: str) -> str:
    check_sink(parse_address(value))
    return value


def _folder(value: Path) -> Path:
    _sink(str(value / SEGMENTS))
    return value


def _labels(value: object) -> object:
    """Take ``face,code`` for a list."""
    if isinstance(value, str):
        return [label.strip() for label in value.split(",")]
    return value


def _label(value: str) -> str:
    check_label(value)
    return value


def _detector(value: str) -> str:
    check_detector(value)
    return value


def _preset(value: str) -> str:
    check_encoding(EncodingSettings(preset=value))
    return value


def _crf(value: int) -> int:
    check_encoding(EncodingSettings(crf=value))
    return value


def _listen(value: str) -> str:
    host_and_port(value)
    return value


def _host(value: str) -> str:
    return host_name(value)


def _http(value: object) -> object:
    """Let a bare port or address stand for a map that holds nothing else."""
    return {"listen": value} if isinstance(value, str | int) else value


Duration = Annotated[float, BeforeValidator(_seconds), Field(gt=0)]
Lookahead = Annotated[float, BeforeValidator(_seconds), Field(ge=0, le=10)]
Size = Annotated[tuple[int, int], BeforeValidator(_size)]
Color = Annotated[tuple[int, int, int], BeforeValidator(_color)]
Share = Annotated[float, Field(ge=0, le=1)]
Polygon = Annotated[tuple[tuple[Share, Share], ...], Field(min_length=3)]
Label = Annotated[str, AfterValidator(_label)]
Labels = Annotated[tuple[Label, ...], BeforeValidator(_labels), Field(min_length=1)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]


class _Strict(BaseModel):
    # Numbers as text: a port, and the webcam that is called 0.
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class ZonesEntry(_Strict):
    """Polygons in shares of the picture's width and height."""

    cover: tuple[Polygon, ...] = ()
    ignore: tuple[Polygon, ...] = ()


class CameraEntry(_Strict):
    """One camera, with the defaults already laid under it; the names are those of the YAML file."""

    source: Annotated[str, AfterValidator(_source)]
    sinks: tuple[Annotated[str, AfterValidator(_sink)], ...] = ()
    record: Annotated[Path, AfterValidator(_folder)] | None = None
    record_segment: Duration = 600.0
    hide: Labels = _SETTINGS.hide
    quality: Quality = _SETTINGS.quality
    threshold: Annotated[float, Field(gt=0, lt=1)] | None = None
    detector: Annotated[str, AfterValidator(_detector)] = _SETTINGS.detector
    lookahead: Lookahead = 0.4
    effect: Effect = _COVER.effect
    effects: dict[str, Effect] = Field(default_factory=dict)
    color: Color = _COVER.color
    shape: Shape = _COVER.shape
    padding: Annotated[float, Field(ge=0, le=2)] = _COVER.padding
    show_boxes: bool = False
    zones: ZonesEntry = ZonesEntry()
    codec: Literal[Codec.H264, Codec.HEVC] = Codec.H264
    preset: Annotated[str, AfterValidator(_preset)] | None = None
    crf: Annotated[int, AfterValidator(_crf)] | None = None
    size: Size | None = None
    fps: Annotated[float, Field(gt=0, le=240)] | None = None
    audio: Literal["drop", "copy"] = "drop"
    rtsp_transport: Literal["tcp", "udp"] = _LIVE.rtsp_transport
    open_timeout: Duration = _LIVE.open_timeout
    read_timeout: Duration = _LIVE.read_timeout
    retry_interval: Duration = 5.0

    @property
    def uses_color(self) -> bool:
        """Whether anything is painted with a colour."""
        return Effect.SOLID in (self.effect, *self.effects.values())

    def outputs(self) -> Iterator[tuple[tuple[str | int, ...], Address]]:
        """Yield what is written to, each with the key that names it."""
        for number, sink in enumerate(self.sinks):
            yield ("sinks", number), parse_address(sink)
        if self.record is not None:
            yield ("record",), parse_address(str(self.record / SEGMENTS))

    def plan(self, name: str) -> CameraPlan:
        """Return the plan of this camera.

        Raises:
            UsageError: A sink is named twice, or is the source.
        """
        return camera_plan(
            name,
            self.source,
            self.sinks,
            self._settings(),
            LiveOptions(
                rtsp_transport=self.rtsp_transport,
                open_timeout=self.open_timeout,
                read_timeout=self.read_timeout,
                fps=self.fps,
                audio=self.audio == "copy",
            ),
            record=self.record,
            size=self.size,
            record_minutes=self.record_segment / 60,
            retry_interval=self.retry_interval,
        )

    def _settings(self) -> Settings:
        return Settings(
            hide=self.hide,
            quality=self.quality,
            threshold=self.threshold,
            lookahead=self.lookahead,
            detector=self.detector,
            redaction=RedactionSettings(
                effect=self.effect,
                effects=tuple(self.effects.items()),
                shape=self.shape,
                color=self.color,
                padding=self.padding,
                show_boxes=self.show_boxes,
            ),
            encoding=EncodingSettings(codec=self.codec, preset=self.preset, crf=self.crf),
            zones=ZoneSettings(cover=self.zones.cover, ignore=self.zones.ignore),
        )


class HttpEntry(_Strict):
    """What is served over HTTP, and to whom."""

    listen: Annotated[str, AfterValidator(_listen)]
    token_file: Path | None = None
    no_token: bool = False
    allowed_hosts: tuple[Annotated[str, AfterValidator(_host)], ...] = ()

    def plan(self) -> HttpPlan:
        """Return it as the relay needs it."""
        host, port = host_and_port(self.listen)
        return HttpPlan(
            host=host,
            port=port,
            token_file=self.token_file,
            no_token=self.no_token,
            allowed_hosts=self.allowed_hosts,
        )


class FileEntry(_Strict):
    """The whole file, its cameras not yet looked at."""

    defaults: dict[str, Any] = Field(default_factory=dict)
    cameras: dict[Name, dict[str, Any]] = Field(min_length=1)
    http: Annotated[HttpEntry, BeforeValidator(_http)] | None = None

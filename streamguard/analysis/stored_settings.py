"""Settings from the plain values in an analysis, which a stranger may have written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from streamguard.analysis.records import Header
from streamguard.errors import AnalysisError, UsageError
from streamguard.settings import InputSettings, RedactionSettings

T = TypeVar("T")


def restored(kind: type[T], values: object) -> T:
    """Return settings of a kind from the plain values that they were stored as.

    Args:
        kind: The settings' class.
        values: Values by name; what is missing gets its default.

    Raises:
        AnalysisError: A value has another type, is out of range, or is not known here.
    """
    try:
        return cast(T, _value(kind, values))
    except (TypeError, ValueError, UsageError) as error:
        raise AnalysisError(
            f"the analysis holds settings that are not understood: {error}",
            "Was it made by a newer version? Then use that, or analyze again",
        ) from error


def padding_of(header: Header) -> float:
    """Return how far covers reach beyond what they hide, as a share of it.

    Raises:
        AnalysisError: It is not understood.
    """
    return restored(RedactionSettings, header.settings.get("redaction", {})).padding


def _value(kind: Any, value: object) -> object:
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        if value is None and NoneType in parts:
            return None
        (kind,) = (part for part in parts if part is not NoneType)
        return _value(kind, value)
    if origin is tuple:
        return _tuple(parts, value)
    if is_dataclass(kind):
        return _dataclass(cast(type, kind), value)
    return _plain(kind, value)


def _plain(kind: type, value: object) -> object:
    if issubclass(kind, Enum):
        return kind(value)
    is_bool = isinstance(value, bool)
    if kind is float and isinstance(value, int) and not is_bool:
        return float(value)
    if not isinstance(value, kind) or (is_bool and kind is not bool):
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


def _dataclass(kind: type, values: object) -> object:
    if not isinstance(values, Mapping):
        raise TypeError(f"{kind.__name__} is no mapping")
    hints = get_type_hints(kind)
    names = {field.name for field in fields(kind)}
    unknown = set(values) - names
    if unknown:
        raise ValueError(f"{', '.join(sorted(map(str, unknown)))} is unknown")
    return kind(**{name: _value(hints[name], value) for name, value in values.items()})


def _tuple(parts: tuple[Any, ...], values: object) -> tuple[object, ...]:
    if not isinstance(values, list | tuple):
        raise TypeError(f"{values!r} is no list")
    if len(parts) == 2 and parts[1] is Ellipsis:
        return tuple(_value(parts[0], value) for value in values)
    return tuple(_value(part, value) for part, value in zip(parts, values, strict=True))


def as_read(limits: InputSettings, header: Header) -> InputSettings:
    """Return settings that read the part of an input that was decided on.

    Args:
        limits: The caller's: a stranger's file does not raise them.
        header: Of the analysis.

    Raises:
        AnalysisError: It says what is not understood.
    """
    read = restored(InputSettings, header.settings.get("input", {}))
    sound = read.sound and limits.sound
    return replace(limits, projection=read.projection, start=read.start, end=read.end, sound=sound)

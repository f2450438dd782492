"""What an ONNX model takes in, changed by its wire format: no library at hand does it.

CenterFace was exported for ten pictures of 32×32 pixels, YuNet for one of 640×640. Both are
fully convolutional and take any size, but an engine that honours the file refuses it; and
CenterFace's lists every weight as an input, which keeps an engine from folding them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

_GRAPH, _NODE, _INPUT, _OUTPUT, _SHAPES = 7, 1, 11, 12, 13
"""Numbers of the fields of ModelProto and GraphProto (onnx.proto3, IR version 4)."""
_NAME, _TYPE = 1, 2
"""Numbers of the fields of ValueInfoProto."""
_BYTES = 2
"""ConnectionWatch type of text, bytes and messages (Protocol Buffers encoding)."""
_FIXED = {1: 8, 5: 4}
"""Lengths in bytes of the wire types of fixed length."""
_FLOATS, _BYTES_OF_PICTURES = b"\x0a\x02\x08\x01", b"\x0a\x02\x08\x02"
"""TypeProtos: tensors of any shape of 32-bit floats, and of unsigned bytes."""
_CAST = b"\x0a\x02to\x18\x01\xa0\x01\x02"
"""The attribute of Cast: to 32-bit floats."""
_PLANES_FIRST = b"\x0a\x04perm\x40\x00\x40\x03\x40\x01\x40\x02\xa0\x01\x07"
"""The attribute of Transpose: picture, row, column, channel to picture, channel, row, column."""


def with_free_size(model: bytes, inputs: Collection[str], outputs: Collection[str]) -> bytes:
    """Return an ONNX model with inputs and outputs of any shape, and no others than named.

    Args:
        model: The file's content, of IR version 4 or later.
        inputs: Names of the inputs to keep; all else that is listed is a weight.
        outputs: Names of the outputs to keep.

    Raises:
        ValueError: It is cut short or not such a file.
    """
    # The shapes noted between the layers belong to the size that it was exported for.
    kept: dict[int, Collection[str]] = {_INPUT: inputs, _OUTPUT: outputs, _SHAPES: ()}
    return _with_graph(
        model,
        lambda graph: b"".join(
            _freed(part, value, kept[part]) if part in kept else whole
            for part, value, whole in _fields(graph)
        ),
    )


def with_pictures(model: bytes, name: str, pictures: str) -> bytes:
    """Return an ONNX model that takes pictures as they are: the net itself sorts the channels.

    Args:
        model: The file's content; the input takes floats of shape ``(n, 3, height, width)``.
        name: Name of that input.
        pictures: Name of the new one: bytes of shape ``(n, height, width, 3)``.

    Raises:
        ValueError: It is cut short or not such a file.
    """
    planes = f"{pictures} as planes"
    first = _node("Transpose", pictures, planes, _PLANES_FIRST) + _node("Cast", planes, name, _CAST)
    taken = _message(_NAME, pictures.encode()) + _message(_TYPE, _BYTES_OF_PICTURES)
    return _with_graph(
        model,
        lambda graph: (
            # Layers stand in the order in which they run.
            first
            + b"".join(whole for part, _, whole in _fields(graph) if part != _INPUT)
            + _message(_INPUT, taken)
        ),
    )


def _with_graph(model: bytes, change: Callable[[bytes], bytes]) -> bytes:
    return b"".join(
        _message(_GRAPH, change(payload)) if number == _GRAPH else field
        for number, payload, field in _fields(model)
    )


def _node(kind: str, taken: str, made: str, attribute: bytes) -> bytes:
    """Return a layer with one input, one output and one attribute (NodeProto)."""
    parts = ((1, taken.encode()), (2, made.encode()), (4, kind.encode()), (5, attribute))
    return _message(_NODE, b"".join(_message(number, payload) for number, payload in parts))


def _freed(number: int, value: bytes, kept: Collection[str]) -> bytes:
    """Return the field of an input or output of any shape, or nothing if it is not kept."""
    name = next(payload for part, payload, _ in _fields(value) if part == _NAME)
    if name.decode() not in kept:
        return b""
    return _message(number, _message(_NAME, name) + _message(_TYPE, _FLOATS))


def _fields(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield number, payload and the whole of every field of a message."""
    start = 0
    while start < len(data):
        key, at = _varint(data, start)
        wire_type = key & 7
        if wire_type == _BYTES:
            length, at = _varint(data, at)
        elif wire_type in _FIXED:
            length = _FIXED[wire_type]
        elif wire_type == 0:
            length = _varint(data, at)[1] - at
        else:
            raise ValueError(f"wire type {wire_type} at byte {start} is not ONNX")
        end = at + length
        if end > len(data):
            raise ValueError(f"a field at byte {start} ends {end - len(data)} bytes too late")
        yield key >> 3, data[at:end], data[start:end]
        start = end


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the number at a place, and the place after it."""
    value = shift = 0
    while at < len(data):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at
    raise ValueError("the file ends in the middle of a number")


def _message(number: int, payload: bytes) -> bytes:
    length, digits = len(payload), bytearray()
    while length >= 0x80:
        digits.append(length & 0x7F | 0x80)
        length >>= 7
    digits.append(length)
    return bytes([number << 3 | _BYTES]) + bytes(digits) + payload

"""From redacted pictures to Pillow's: the same samples, in little extra memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamguard.media.pixels import FORMATS, strips
from streamguard.media.planes import Samples, native_layout

if TYPE_CHECKING:
    import av
    from PIL import Image

_MODES = {pix_fmt: mode for mode, pix_fmt in FORMATS.items()}


def picture_of(frame: av.VideoFrame) -> Image.Image:
    """Return a frame as Pillow's picture; formats that Pillow lacks become the nearest of 8 bits.

    Raises:
        RedactionError: The frame's planes are not stored as its format says.
    """
    from PIL import Image

    name = frame.format.name
    if name not in _MODES:
        alpha = any(component.is_alpha for component in frame.format.components)
        frame = frame.reformat(format="rgba" if alpha else "rgb24")
    mode, samples = _MODES[frame.format.name], samples_of_plane(frame)
    picture = Image.new(mode, (frame.width, frame.height))
    for top, bottom in strips(frame.width, frame.height):
        rows = samples[top:bottom].tobytes()
        size = frame.width, bottom - top
        picture.paste(Image.frombytes(mode, size, rows), (0, top))
    return picture


def samples_of_plane(frame: av.VideoFrame) -> Samples:
    """Return the samples of a frame with a single plane, without copying."""
    (samples,) = native_layout(frame.format.name).views(frame)
    return samples

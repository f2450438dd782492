"""Small pictures of a frame, straight from the decoder's planes.

Only what a detector or the tracker needs is ever scaled or converted; the full-size frame
stays as it was decoded.
"""

from __future__ import annotations

from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from streamguard.detection.layers import AlphaRange, Gray, Layer, compose, differ
from streamguard.detection.tilting import reach, tilted
from streamguard.frames import Frame
from streamguard.geometry import Box
from streamguard.media.planes import PictureLayout, Samples, native_layout, nearest_native
from streamguard.media.sphere import Sphere
from streamguard.protocols import Image

_KR_KB = {1: (0.2126, 0.0722), 9: (0.2627, 0.0593), 10: (0.2627, 0.0593)}
"""Luma coefficients by FFmpeg's AVColorSpace: BT.709 and BT.2020 (ITU-R H.273, table 4)."""
_BT601 = (0.299, 0.114)
_FULL_RANGE = 2
_LEAST = 3
"""Grey values by which layers must differ somewhere, once scaled, to be looked at both."""
_AVERAGED = 1.4
"""Shrinking from which pixels of the result are averages of areas."""
_LAYER_SIDE = 320
_BACKDROP = 96
"""Grey behind transparent parts for flow: one that hardly any picture is made of."""
_TURNS = (cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_180, cv2.ROTATE_90_COUNTERCLOCKWISE)


class FrameView:
    """Scaled views of one frame.

    Args:
        frame: The frame to look at; it is only read.
        sphere: Set where the picture wraps round: what is seen is then the unrolled picture.

    Raises:
        RedactionError: No picture of this pixel format can be worked on at all.
    """

    def __init__(self, frame: Frame, sphere: Sphere | None = None) -> None:
        self._frame = frame
        self._wraps = sphere is not None
        self.extent = sphere.extent if sphere else (float(frame.width), float(frame.height))
        self._whole = Box(0, 0, *self.extent)
        picture = frame.picture
        native = nearest_native(picture.format.name)
        if picture.format.name != native:
            picture = picture.reformat(format=native)  # palettes and the like, once
        self._picture = picture
        self._layout: PictureLayout = native_layout(native)
        self._planes = self._layout.views(picture)
        for plane in self._planes:
            plane.flags.writeable = False

    @property
    def turns(self) -> int:
        """Clockwise quarter turns that bring the frame upright."""
        return self._frame.quarter_turns

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """What is to be looked at: the colour, and what alpha adds where it is not constant."""
        if not self._range:
            return (Layer.COLOR,)
        scale = min(1.0, _LAYER_SIDE / max(self._frame.width, self._frame.height))
        size = (
            max(1, round(self._frame.width * scale)),
            max(1, round(self._frame.height * scale)),
        )
        kept: dict[Layer, Image] = {}
        for layer in Layer:
            small = self._rgb(self._whole, *size, layer)
            if all(differ(small, other, _LEAST) for other in kept.values()):
                kept[layer] = small
        return tuple(kept)

    def luma(self, width: int, height: int) -> Gray:
        """Return what flow follows: the whole frame's luma, scaled, not turned upright.

        Where alpha is not constant half of it is what alpha shows, so that faces in alpha
        alone can be followed, too.
        """
        luma = self.gray(width, height)
        if self._range:
            shown = compose(luma, self._alpha(self._whole, width, height), _BACKDROP)
            luma = np.asarray(cv2.addWeighted(luma, 0.5, shown, 0.5, 0), np.uint8)
        return luma

    def gray(self, width: int, height: int, layer: Layer = Layer.COLOR) -> Gray:
        """Return a layer of the whole frame in grey, scaled, not turned upright.

        Alpha has the contrast it has, so that two pictures can be compared.
        """
        if layer.is_alpha:
            return self._alpha(self._whole, width, height)
        found = self._channels("y", self._whole, width, height) if layer is Layer.COLOR else {}
        if found:
            return np.ascontiguousarray(found["y"])
        image = self._rgb(self._whole, width, height, layer)
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))

    def rgb(
        self,
        region: Box,
        width: int,
        height: int,
        turns: int = 0,
        layer: Layer = Layer.COLOR,
        tilt: float = 0.0,
    ) -> Image:
        """Return a region scaled to ``width`` × ``height`` and then turned upright.

        Args:
            region: Part of the coded or unrolled frame, in pixels, inside it.
            width: Width before turning, in pixels.
            height: Height before turning, in pixels.
            turns: Clockwise quarter turns beyond upright.
            layer: What of the picture.
            tilt: Degrees clockwise beyond those, about the middle; only where it is square.
        """
        if tilt:
            turned = self._tilted(region, width, layer, tilt)
        else:
            turned = self._rgb(region, width, height, layer)
        turns = (self._frame.quarter_turns + turns) % 4
        if turns:
            turned = np.asarray(cv2.rotate(turned, _TURNS[turns - 1]), np.uint8)
        return np.ascontiguousarray(turned)

    def _tilted(self, region: Box, side: int, layer: Layer, degrees: float) -> Image:
        """Return a square region scaled to a side and turned about its middle."""
        shown = reach(region, *self.extent)
        scale = side / region.width
        wide, high = (max(1, round(length * scale)) for length in (shown.width, shown.height))
        return tilted(self._rgb(shown, wide, high, layer), shown, region, side, degrees)

    def _rgb(self, region: Box, width: int, height: int, layer: Layer = Layer.COLOR) -> Image:
        if layer is Layer.COLOR:
            return self._color(region, width, height)
        if layer.is_alpha:
            alpha = self._alpha(region, width, height, self._range.gain if self._range else None)
            if self._range:
                alpha = self._range.smoothed(alpha, width / region.width)
            shown = 255 - alpha if layer is Layer.NEGATIVE else alpha
            return np.asarray(cv2.cvtColor(shown, cv2.COLOR_GRAY2RGB), np.uint8)
        background = 255 if layer is Layer.ON_WHITE else 0
        alpha = self._alpha(region, width, height)
        return compose(self._color(region, width, height), alpha, background)

    def _alpha(
        self, region: Box, width: int, height: int, gain: tuple[float, float] | None = None
    ) -> Gray:
        found = self._channels("a", region, width, height, gain)
        if not found:
            return np.full((height, width), 255, np.uint8)
        return np.ascontiguousarray(found["a"])

    @cached_property
    def _range(self) -> AlphaRange | None:
        """What is known of alpha; None where there is none, or it is constant."""
        for samples, plane in zip(self._planes, self._layout.planes, strict=True):
            if "a" in plane.roles:
                alpha = samples if samples.ndim == 2 else samples[..., plane.roles.index("a")]
                return AlphaRange.of(np.ascontiguousarray(alpha), self._layout.bits)
        return None

    def _color(self, region: Box, width: int, height: int) -> Image:
        found = self._channels("yuvrgb", region, width, height)
        if "r" in found:
            result = cv2.merge([found[role] for role in "rgb"])
        elif "u" in found:
            yuv = cv2.merge([found[role] for role in "yuv"])
            result = cv2.transform(yuv, self._to_rgb())
        else:
            result = cv2.cvtColor(found["y"], cv2.COLOR_GRAY2RGB)
        return np.asarray(result, np.uint8)

    def _channels(
        self,
        roles: str,
        region: Box,
        width: int,
        height: int,
        gain: tuple[float, float] | None = None,
    ) -> dict[str, Gray]:
        """Return the channels asked for that the picture has, scaled, by role."""
        found: dict[str, Gray] = {}
        for samples, plane in zip(self._planes, self._layout.planes, strict=True):
            wanted = [role for role in plane.roles if role in roles]
            if not wanted:
                continue
            small = self._bytes(self._scaled(samples, region, width, height), gain)
            for role in wanted:
                found[role] = small if small.ndim == 2 else small[..., plane.roles.index(role)]
        return found

    def _scaled(self, samples: Samples, region: Box, width: int, height: int) -> Samples:
        source = self._cut(samples, region)
        while _is_halved(source, width, height):
            # Averages of averages of whole blocks are the same but for rounding by one, and
            # OpenCV is five times as fast at halving as at any other ratio.
            half = source.shape[1] // 2, source.shape[0] // 2
            source = cv2.resize(source, half, interpolation=cv2.INTER_AREA)
        # Little is lost between pixels that lie so close, and areas take four times as long.
        is_fine = source.shape[1] < _AVERAGED * width
        method = cv2.INTER_LINEAR if is_fine else cv2.INTER_AREA
        return cv2.resize(source, (width, height), interpolation=method)

    def _cut(self, samples: Samples, region: Box) -> Samples:
        rows, columns = samples.shape[:2]
        part = region.scale(columns / self._frame.width, rows / self._frame.height)
        if not self._wraps:
            x1, y1, x2, y2 = part.pixels(columns, rows)
            return samples[y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)]
        x1, y1, x2, y2 = part.pixels(2 * columns, 2 * rows)
        return _wrapped(_wrapped(samples, y1, y2, 0), x1, x2, 1)

    def _bytes(self, small: Samples, gain: tuple[float, float] | None) -> Gray:
        """Return samples as 8 bits, stretched by a gain."""
        if gain is not None:
            small = cv2.convertScaleAbs(small, alpha=gain[0], beta=gain[1])
        elif small.dtype == np.uint16:
            # The bits below a sample (P010 and its kin) go with those beyond the eighth.
            excess = self._layout.bits + self._layout.shift - 8
            small = cv2.convertScaleAbs(small, alpha=1 / 2**excess)
        return np.asarray(small, np.uint8)

    def _to_rgb(self) -> NDArray[np.float64]:
        """Return the 3×4 matrix from 8-bit YUV to RGB (ITU-R BT.601/709, section 3)."""
        picture = self._picture
        kr, kb = _KR_KB.get(int(picture.colorspace), _BT601)
        full = int(picture.color_range) == _FULL_RANGE or self._layout.full_range
        y_gain, c_gain = (1.0, 1.0) if full else (255 / 219, 255 / 224)
        kg = 1 - kr - kb
        rotation = np.array(
            [
                [y_gain, 0, 2 * (1 - kr) * c_gain],
                [y_gain, -2 * kb * (1 - kb) / kg * c_gain, -2 * kr * (1 - kr) / kg * c_gain],
                [y_gain, 2 * (1 - kb) * c_gain, 0],
            ]
        )
        zero = np.array([0.0 if full else 16.0, 128.0, 128.0])
        return np.column_stack([rotation, -rotation @ zero])


def _wrapped(samples: Samples, start: int, end: int, axis: int) -> Samples:
    """Return a stretch of samples whose first follow the last."""
    length = samples.shape[axis]
    beyond = slice(max(start - length, 0), max(end - length, 0))
    parts = [slice(start, max(end, start + 1)), beyond]
    cuts = [samples[part] if axis == 0 else samples[:, part] for part in parts]
    held = [cut for cut in cuts if cut.size]
    return held[0] if len(held) == 1 else np.concatenate(held, axis)


def _is_halved(source: Samples, width: int, height: int) -> bool:
    """Return whether whole blocks of four still leave enough for areas of the size wanted."""
    rows, columns = source.shape[:2]
    is_even = rows % 2 == columns % 2 == 0
    return bool(is_even and rows >= 4 * height and columns >= 4 * width)

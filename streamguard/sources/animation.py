"""Animations: GIF, APNG, WebP and AVIF, frame by frame as a viewer would see them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from streamguard.errors import SourceDamagedError, SourceError
from streamguard.frames import Frame, PassthroughPacket, VideoInfo
from streamguard.media.kinds import kind_of
from streamguard.media.medium import Medium
from streamguard.media.traits import Traits
from streamguard.settings import InputSettings
from streamguard.sources.describing import description
from streamguard.sources.kinds import FileSourceKind
from streamguard.sources.opening import translated
from streamguard.sources.pictures import check_bytes, open_picture, picture_errors

if TYPE_CHECKING:
    import av
    from PIL.Image import Image

DEFAULTS = InputSettings()
TIME_BASE = Fraction(1, 90_000)
"""Unit of the frames' ``pts``: whole milliseconds and thirtieths of a second are exact in it."""
_KINDS = ("GIF", "PNG", "WEBP", "AVIF")
_CODECS = {"PNG": "apng"}
_UNLIMITED = InputSettings(max_pixels=2**62)
_DEFAULT_MS = 100.0
"""How long browsers show a frame whose delay is 0, in milliseconds."""
_ORIENTATION = 0x0112


class AnimationSource:
    """An animation, decoded to full frames: disposal and blending are applied here.

    Colour that full transparency hides is dropped, since no viewer shows it.

    Args:
        path: The file.
        options: What to read of it, and its limits.

    Attributes:
        medium: That it is an animation.
        path: The file.
        files_read: The file.
        info: What is known before the first frame; its times are estimates.
        traits: What a sink needs to give back the same animation.
        streams_kept: What is redacted and kept, in words.
        streams_dropped: Always empty.
        damage: Number of frames that could not be decoded, or are missing.
        damage_notes: What was wrong, each kind once.
        notes: What else the user should be told.

    Raises:
        SourceError: Of the kind that fits.
    """

    medium = Medium.ANIMATION

    def __init__(self, path: Path, options: InputSettings = DEFAULTS) -> None:
        self.path = path
        self.files_read = (path,)
        self.damage = 0
        self.damage_notes: tuple[str, ...] = ()
        self.notes: tuple[str, ...] = ()
        self._ending = ExitStack()
        self._lock = threading.Lock()
        self._closed = False
        try:
            with translated(path):
                kind = kind_of(path)
            self._image = self._ending.enter_context(open_picture(path, kind, options))
            with picture_errors(path):
                first = self._look_into(options)
        except BaseException:
            self.close()
            raise
        rate = Fraction(1, first.duration) / TIME_BASE
        self.info = VideoInfo(
            width=first.width,
            height=first.height,
            pix_fmt=first.format.name,
            time_base=TIME_BASE,
            frame_rate=rate.limit_denominator(1000),
            frames=self._count,
            duration=float(self._count / rate),
            equirectangular=options.projection.wraps(marked=False),
        )
        size = f"{self.info.width}x{self.info.height}"
        self.streams_kept = (f"animation ({self.traits.codec} {size})",)
        self.streams_dropped: tuple[str, ...] = ()

    def read(self) -> Iterator[Frame | PassthroughPacket]:
        """Yield frames in presentation order; what comes behind a damaged one is left out.

        Raises:
            SourceDamagedError: Not one frame could be decoded.
        """
        pts = 0
        for index in range(self._count):
            try:
                with self._lock, picture_errors(self.path):
                    if self._closed:
                        return
                    picture = self._picture(index)
            except SourceDamagedError:
                if not index:
                    raise
                self.damage = self._count - index
                self.damage_notes = (f"it ends early: {index} of {self._count} frames are there",)
                return
            picture.pts = pts
            pts += picture.duration
            yield Frame(picture, index, float(picture.pts * TIME_BASE * 1000))

    def close(self) -> None:
        """Let go of the file; a `read` in another thread ends at its next frame."""
        self._closed = True
        # Its decoder may be at work in that thread.
        with self._lock:
            self._ending.close()

    def describe(self) -> dict[str, Any]:
        """Return what is in the file and what would become of it, ready for JSON."""
        return description(
            self,
            self.streams_kept[0],
            {"exif", "xmp", "comment"} & set(self._image.info),
            frame_rate=float(self.info.frame_rate or 0),
            frames=self.info.frames,
            duration=self.info.duration,
            plays=self.traits.plays or "for ever",
        )

    def _look_into(self, options: InputSettings) -> av.VideoFrame:
        """Check the number of frames, read what is told of the whole, return the first frame."""
        count = _frames_of(self._image)
        if count > options.max_frames:
            raise SourceError(
                f"{self.path} has {count} frames, the limit is {options.max_frames}",
                "Raise it with --max-frames",
            )
        # A picture for viewers that cannot animate comes first, and is no part of it.
        self._first = int(bool(self._image.info.get("default_image")))
        self._count = count - self._first
        self._turn = self._image.getexif().get(_ORIENTATION, 1)
        codec = _CODECS.get(self._image.format or "", (self._image.format or "").lower())
        self.traits = Traits(codec=codec, container=codec, plays=_plays(self._image))
        return self._picture(0)

    def _picture(self, index: int) -> av.VideoFrame:
        """Return one frame as planes of RGB, with alpha where it is needed, and its duration."""
        import av
        from PIL import ImageOps

        self._image.seek(self._first + index)
        shown: Image = self._image.convert("RGBA")
        if self._turn != 1:
            shown.getexif()[_ORIENTATION] = self._turn
            shown = ImageOps.exif_transpose(shown)
        pixels = np.array(shown, np.uint8)
        alpha = pixels[..., 3]
        if alpha.min() == 255:
            packed = av.VideoFrame.from_ndarray(pixels[..., :3].copy(), "rgb24")
            picture = packed.reformat(format="gbrp")
        else:
            pixels[alpha == 0] = 0
            picture = av.VideoFrame.from_ndarray(pixels, "rgba").reformat(format="gbrap")
        # Some formats tell the delay of a frame only once it is decoded.
        milliseconds = self._image.info.get("duration") or _DEFAULT_MS
        picture.time_base = TIME_BASE
        picture.duration = max(1, round(milliseconds / 1000 / TIME_BASE))
        return picture


def is_animation(path: Path, options: InputSettings = DEFAULTS) -> bool:
    """Whether a file is a picture that moves, by its own content.

    Args:
        path: The file.
        options: Its limits; that on its bytes is kept here, since some are read as a whole.

    Raises:
        SourceError: It cannot be read, or is too large.
    """
    with translated(path):
        kind = kind_of(path)
    if kind not in _KINDS:
        return False
    check_bytes(path, options)
    try:
        # The other limits are checked once it is known what it is.
        with open_picture(path, kind, _UNLIMITED) as image:
            return _frames_of(image) > 1
    except SourceDamagedError:
        # FFmpeg would show what is left of a damaged one as if it were whole.
        return kind == "AVIF"


ANIMATIONS = FileSourceKind(
    medium=Medium.ANIMATION,
    opens=AnimationSource,
    recognizes=is_animation,
    suffixes=frozenset((".gif", ".png", ".apng", ".webp", ".avif")),
)


def _frames_of(image: Image) -> int:
    return getattr(image, "n_frames", 1)


def _plays(image: Image) -> int:
    """Return how often an animation is shown; 0 is for ever."""
    loop = image.info.get("loop")
    if image.format == "GIF":
        # GIF counts repetitions after the first showing, and has none without the extension.
        return 1 if loop is None else loop + 1 if loop else 0
    return int(loop or 0)

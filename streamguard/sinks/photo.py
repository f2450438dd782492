"""Photos."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamguard.errors import UsageError
from streamguard.media.medium import Medium
from streamguard.media.profiles import fits, to_srgb
from streamguard.memory import give_back
from streamguard.settings import Settings
from streamguard.sinks.deep import encode_deep, is_deep
from streamguard.sinks.kinds import FileSinkKind
from streamguard.sinks.local import LocalSink
from streamguard.sinks.pixels import picture_of
from streamguard.sources import LocalSource, PhotoSource
from streamguard.sources.photo_reading import PhotoTraits

if TYPE_CHECKING:
    import av
    from PIL import Image

_QUALITY = 95
_LARGE, _FAST = 24_000_000, 2
"""Pixels above which a PNG is compressed less hard: else it takes a minute."""
_SHALLOW = "the 16 bits of each colour became 8"
_KINDS = {
    **dict.fromkeys((".jpg", ".jpeg", ".jpe", ".jfif"), "JPEG"),
    **dict.fromkeys((".tif", ".tiff"), "TIFF"),
    **dict.fromkeys((".heic", ".heif", ".hif"), "HEIF"),
    **dict.fromkeys((".ppm", ".pgm", ".pnm"), "PPM"),
    ".png": "PNG",
    ".webp": "WEBP",
    ".bmp": "BMP",
    ".tga": "TGA",
    ".jp2": "JPEG2000",
    ".avif": "AVIF",
}
# Pillow's modes that each format holds, and whether it holds a colour profile.
_HOLDS = {
    "JPEG": (("L", "RGB"), True),
    "TIFF": (("L", "LA", "RGB", "RGBA", "I;16"), True),
    "PNG": (("L", "LA", "RGB", "RGBA", "I;16"), True),
    "WEBP": (("RGB", "RGBA"), True),
    "AVIF": (("RGB", "RGBA"), True),
    "HEIF": (("L", "RGB", "RGBA"), True),
    "BMP": (("L", "RGB"), False),
    "PPM": (("L", "RGB", "I;16"), False),
    "TGA": (("L", "LA", "RGB", "RGBA"), False),
    "JPEG2000": (("L", "LA", "RGB", "RGBA", "I;16"), False),
}


def can_write(suffix: str) -> bool:
    """Whether a photo can be written under a suffix such as ``.heic`` on this machine."""
    kind = _KINDS.get(suffix.lower(), "")
    if kind == "HEIF":
        import pillow_heif

        # Its wheels bring an encoder, builds of others may lack it.
        return bool(pillow_heif.libheif_info()["HEIF"])
    if kind in ("AVIF", "WEBP", "JPEG2000"):
        from PIL import features

        return bool(features.check({"AVIF": "avif", "WEBP": "webp"}.get(kind, "jpg_2000")))
    return bool(kind)


class PhotoSink(LocalSink):
    """Encodes one redacted frame as a photo: lossless formats without loss, others nearly so."""

    def _start(self, source: LocalSource, settings: Settings) -> None:
        if not isinstance(source, PhotoSource):
            raise UsageError(f"a video cannot be written as {self.path.name}")
        if not can_write(self.path.suffix):
            raise UsageError(
                f"no encoder for {self.path.suffix} is on this machine",
                "Write .jpg or .png instead",
            )
        self._kind = _KINDS[self.path.suffix.lower()]
        self._traits = source.photo
        self._picture: av.VideoFrame | None = None
        self.notes += source.photo.notes
        if source.info.equirectangular and source.photo.xmp:
            self.notes.append("the mark of a 360° picture is left out")
        if settings.keep_metadata:
            self.notes.append("a photo's tags are never kept, only its colour profile")

    def _encode(self, picture: av.VideoFrame) -> None:
        # Encoded at the end, when nobody holds the photo itself any more: both may be large.
        self._picture = picture

    def _finish(self) -> None:
        assert self._picture is not None
        give_back()  # what detection needed for a moment
        if is_deep(self._picture, self._kind):
            data = encode_deep(self._picture, self._kind, self._traits.profile)
            self._target.part.write_bytes(data)
            return
        if is_deep(self._picture, "TIFF"):
            self.notes.append(_SHALLOW)
        whole, self._picture = picture_of(self._picture), None
        fitted, profile = _fitted(whole, self._kind, self._traits.profile, self.notes)
        del whole
        _bare(fitted)
        options = _options(self._kind, fitted.mode, self._traits)
        if self._kind == "PNG" and fitted.width * fitted.height > _LARGE:
            options["compress_level"] = _FAST
        if profile:
            options["icc_profile"] = profile
        with self._target.part.open("wb") as file:
            _save(fitted, file, self._kind, options)


PHOTOS = FileSinkKind(
    opens=PhotoSink,
    suffixes=frozenset(_KINDS),
    takes=frozenset((Medium.PHOTO,)),
    is_available=can_write,
)


def _fitted(
    picture: Image.Image, kind: str, profile: bytes, notes: list[str]
) -> tuple[Image.Image, bytes]:
    """Return the picture in a mode that its format holds, and the profile to write with it."""
    from PIL import Image

    modes, holds_profile = _HOLDS[kind]
    deep = picture.mode == "I;16" and "I;16" not in modes
    if deep:
        notes.append(_SHALLOW)
        picture = _shallow(picture)
    if picture.mode in ("RGBA", "LA") and picture.mode not in modes and "RGBA" not in modes:
        if picture.getextrema()[-1] != (255, 255):
            notes.append("transparency is gone, the ground is white")
        ground = Image.new(picture.mode, picture.size, "white")
        ground.alpha_composite(picture) if picture.mode == "RGBA" else ground.paste(
            picture, mask=picture.getchannel("A")
        )
        picture = ground.convert("RGB" if picture.mode == "RGBA" else "L")
    if profile and not (holds_profile and _target_mode(picture.mode, modes) == picture.mode):
        if fits(profile, picture.mode) and picture.mode in ("RGB", "RGBA", "L"):
            picture = to_srgb(profile, picture.mode)(picture)
            notes.append("colours were converted to sRGB")
        profile = b""
    target = _target_mode(picture.mode, modes)
    return picture if picture.mode == target else picture.convert(target), profile


def _target_mode(mode: str, modes: tuple[str, ...]) -> str:
    if mode in modes:
        return mode
    return {"L": "RGB", "LA": "RGBA"}.get(mode, "RGB")


def _shallow(picture: Image.Image) -> Image.Image:
    import numpy as np
    from PIL import Image

    samples = np.asarray(picture)
    return Image.fromarray(((samples.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8))


def _bare(picture: Image.Image) -> None:
    """Leave nothing beside the pixels: encoders write what they find there."""
    picture.info.clear()


def _options(kind: str, mode: str, traits: PhotoTraits) -> dict[str, Any]:
    """Return what Pillow's encoder of a format is told."""
    chroma = traits.chroma or "4:4:4"
    if kind == "JPEG" and traits.kind == "JPEG" and traits.tables:
        tables = [list(table) for table in traits.tables[: 1 if mode == "L" else 4]]
        return {"qtables": tables, "subsampling": chroma, "progressive": traits.progressive}
    if kind == "WEBP" and traits.lossless:
        return {"lossless": True, "exact": True}
    options: dict[str, dict[str, Any]] = {
        "JPEG": {"quality": _QUALITY, "subsampling": chroma},
        "WEBP": {"quality": _QUALITY, "exact": True, "use_sharp_yuv": True},
        "AVIF": {"quality": _QUALITY, "subsampling": chroma},
        "HEIF": {
            "quality": _QUALITY,
            "chroma": int(chroma.replace(":", "")),
            # A quarter of the time for a twentieth more bytes: phones take 48 megapixels.
            "enc_params": {"preset": "ultrafast"},
        },
        "TIFF": {"compression": "tiff_adobe_deflate"},
        "JPEG2000": {"irreversible": False},
    }
    return options.get(kind, {})


def _save(picture: Image.Image, file: Any, kind: str, options: dict[str, Any]) -> None:
    if kind == "HEIF":
        import pillow_heif

        if profile := options.pop("icc_profile", b""):
            picture.info["icc_profile"] = profile
        pillow_heif.from_pillow(picture).save(file, **options)
        return
    picture.save(file, format=kind, **options)

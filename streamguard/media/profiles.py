"""Colour profiles: told what they are for, and followed where a format cannot hold them."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

_SPACES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "LAB": "LAB"}


def mode_of_profile(profile: bytes) -> str:
    """Return Pillow's mode of the colours a profile describes; empty if it describes none."""
    from PIL import ImageCms

    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    except (OSError, ValueError, ImageCms.PyCMSError):
        return ""
    return _SPACES.get(opened.profile.xcolor_space.strip().upper(), "")


def fits(profile: bytes, mode: str) -> bool:
    """Whether a profile describes pictures of a mode; alpha has no colour."""
    colours = {"RGBA": "RGB", "LA": "L", "I;16": "L"}.get(mode, mode)
    return bool(profile) and mode_of_profile(profile) == colours


def to_srgb(profile: bytes, mode: str) -> Callable[[Image.Image], Image.Image]:
    """Return what turns pictures of a profile into sRGB.

    Args:
        profile: It describes pictures of ``mode``.
        mode: ``RGB``, ``RGBA``, ``L``, ``CMYK`` or ``LAB``.
    """
    from PIL import ImageCms

    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    return _transform(source, mode)


def lab_to_srgb() -> Callable[[Image.Image], Image.Image]:
    """Return what turns pictures in CIE L*a*b* into sRGB."""
    from PIL import ImageCms

    return _transform(ImageCms.createProfile("LAB"), "LAB")


def _transform(source: object, mode: str) -> Callable[[Image.Image], Image.Image]:
    from PIL import ImageCms

    result = "RGBA" if mode == "RGBA" else "RGB"
    transform = ImageCms.buildTransform(
        source,  # type: ignore[arg-type]
        ImageCms.createProfile("sRGB"),
        mode,
        result,
    )

    def convert(picture: Image.Image) -> Image.Image:
        return transform.apply(picture)

    return convert

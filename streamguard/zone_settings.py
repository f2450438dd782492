"""Parts of the picture that are always covered, and parts where faces do not matter."""

from __future__ import annotations

from dataclasses import dataclass

from streamguard.errors import UsageError
from streamguard.outlines import Point

Corners = tuple[Point, ...]
"""Corners of an area in shares of the upright picture's width and height, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneSettings:
    """Areas of the picture where nothing needs to be found.

    Attributes:
        cover: Covered in every frame, whatever is there.
        ignore: A face wholly inside one of these is not covered.
    """

    cover: tuple[Corners, ...] = ()
    ignore: tuple[Corners, ...] = ()

    def __post_init__(self) -> None:
        for corners in (*self.cover, *self.ignore):
            if len(corners) < 3:
                raise UsageError(f"a zone has {len(corners)} corners only", "Name three or more")
            for x, y in corners:
                if not (0 <= x <= 1 and 0 <= y <= 1):
                    raise UsageError(
                        f"the corner ({x}, {y}) of a zone is not in the picture",
                        "Give shares of its width and height, 0 to 1",
                    )

    def __bool__(self) -> bool:
        return bool(self.cover or self.ignore)

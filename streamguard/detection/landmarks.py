"""How far a face is turned in the picture, by its eyes and the corners of its mouth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def roll_of(across: Floats, down: Floats) -> Floats:
    """Return by how many degrees faces are turned clockwise, -180 to 180, shape ``(n,)``.

    The line between the eyes says so from the front, that from the eyes to the mouth also from
    the side, where the eyes are close together: each counts by its length.

    Args:
        across: x of five points in pixels, shape ``(5, n)``: the eye further left in an upright
            picture, the other, the nose, and the corners of the mouth in the same order.
        down: The same in y, downward.
    """
    eyes_x, eyes_y = across[1] - across[0], down[1] - down[0]
    axis_x = (across[3] + across[4] - across[0] - across[1]) / 2
    axis_y = (down[3] + down[4] - down[0] - down[1]) / 2
    return np.asarray(np.degrees(np.arctan2(eyes_y - axis_x, eyes_x + axis_y)), np.float32)

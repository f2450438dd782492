"""Who looks most often: MediaPipe, or YuNet where there is no MediaPipe."""

from __future__ import annotations

import platform
import sys

# Told by the system and not by what is installed: a MediaPipe that somebody else put there may
# be one of those that report to their maker.
HAS_MEDIAPIPE = not (sys.platform == "linux" and platform.machine() == "aarch64")
"""Whether the one release of MediaPipe that is used was made for this system."""

PRIMARY = "mediapipe" if HAS_MEDIAPIPE else "yunet"
"""Name of the primary detector."""

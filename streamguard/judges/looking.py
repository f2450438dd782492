"""Judges that look at the pictures themselves: one for each video, models loaded once."""

from __future__ import annotations

import logging
from collections.abc import Callable

from streamguard.detection import Detectors, default_detectors
from streamguard.frames import VideoInfo
from streamguard.judges.anonymizer import FrameAnonymizer
from streamguard.judges.zones import Zones
from streamguard.protocols import AdaptiveJudge
from streamguard.settings import Settings

log = logging.getLogger(__name__)


class LookingJudges:
    """Makes judges that look, one after another, with the same detectors.

    Args:
        settings: What is hidden, how hard to look, and the zones.
        detectors: Makes the detectors; the quality level's own by default.
    """

    def __init__(
        self,
        settings: Settings,
        detectors: Callable[[Settings], Detectors] = default_detectors,
    ) -> None:
        self._settings = settings
        self._make_detectors = detectors
        self._detectors: Detectors | None = None

    def prepare(self) -> None:
        """Load the models, unless they are loaded.

        Raises:
            ModelError: An embedded model is missing or damaged.
        """
        if self._detectors is None:
            self._detectors = self._make_detectors(self._settings)

    def make(self, info: VideoInfo) -> AdaptiveJudge:
        """Return a judge of one video; it must not be closed, `discard` closes the detectors.

        Raises:
            ModelError: An embedded model is missing or damaged.
        """
        self.prepare()
        anonymizer = FrameAnonymizer(info, self._settings, self._detectors)
        return Zones(anonymizer, self._settings.zones)

    def discard(self) -> None:
        """Close the detectors, which may be broken; the next judge gets new ones."""
        detectors, self._detectors = self._detectors, None
        for detector in (one for crew in (detectors or {}).values() for one in crew.values()):
            try:
                detector.close()
            except Exception as error:  # noqa: BLE001 - a broken detector may not even close
                log.warning("closing a detector failed: %s", error)

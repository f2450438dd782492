"""Trying whether the sound of a file can be decoded, before anything rests on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamguard.media.traits import has_decoder

if TYPE_CHECKING:
    import av
    from av.container import InputContainer

NO_SOUND = "there is no sound in it"
_PATIENCE = 600
"""Packets of all tracks after which a track without sound is left to show itself."""
_TRIES = 60
"""Packets of one track that may fail: some codecs start at their next whole block only."""


class Hearing:
    """Listens to the first packets of every audio track of a file.

    Args:
        container: The file.
    """

    def __init__(self, container: InputContainer) -> None:
        self.tracks = [track for track in container.streams.audio if has_decoder(track)]
        self._tries = {track.index: 0 for track in self.tracks}
        self._left = _PATIENCE

    @property
    def is_over(self) -> bool:
        """Whether every track was heard, or there was time enough."""
        return not self._tries or self._left <= 0

    def hear(self, packet: av.Packet[Any]) -> None:
        """Try one packet of any track."""
        import av

        self._left -= 1
        index = packet.stream_index
        if index not in self._tries or not packet.size:
            return
        self._tries[index] += 1
        try:
            if packet.decode():
                del self._tries[index]
        except av.FFmpegError:
            return

    def silent(self, *, ended: bool) -> dict[int, str]:
        """Return why a track will give no sound, by its index.

        Args:
            ended: Whether all packets of the file were tried.
        """
        words = {}
        for index, tries in self._tries.items():
            if tries > _TRIES or (ended and tries):
                words[index] = "its sound cannot be decoded"
            elif ended:
                words[index] = NO_SOUND
        return words

"""Transparency that WebM stores beside the pictures, and that FFmpeg's own decoders leave out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import av
    from av.video.codeccontext import VideoCodecContext
    from av.video.stream import VideoStream

_DECODERS = {"vp9": "libvpx-vp9", "vp8": "libvpx"}


class Decoder:
    """Decodes the pictures of a stream, with their transparency where there is any.

    Args:
        video: The stream; its decoder is set up.
    """

    def __init__(self, video: VideoStream) -> None:
        import av

        self._context: VideoCodecContext | None = None
        name = _DECODERS.get(video.codec_context.name)
        if name and hides_alpha(video) and name in av.codecs_available:
            context = av.CodecContext.create(name, "r")
            context.options = dict(video.codec_context.options)
            context.copy_opaque = True
            self._context = cast("VideoCodecContext", context)

    def decode(self, packet: av.Packet[Any]) -> list[av.VideoFrame]:
        """Return the pictures that are ready after one more packet.

        Raises:
            av.FFmpegError: It cannot be decoded.
        """
        if self._context is None:
            return list(packet.decode())
        pictures = self._context.decode(packet if packet.size else None)
        for picture in pictures:
            # These decoders hold nothing back, and do not mark key pictures themselves.
            picture.key_frame = packet.is_keyframe  # type: ignore[misc]
        return pictures


def hides_alpha(video: VideoStream) -> bool:
    """Whether a stream says that its pictures are transparent, in capitals or not."""
    return any(k.lower() == "alpha_mode" and v == "1" for k, v in video.metadata.items())

"""Sound of a live source: when it was made, on the clock of the pictures, and what form it has."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from streamguard.media.traits import codec_of, has_decoder

if TYPE_CHECKING:
    import av
    from av.audio.stream import AudioStream

_JUMP = 0.5
"""Seconds of change at once that no jitter explains: time stamps have jumped."""
_SMOOTH = 0.02
"""Share of each sample that is believed: jitter of 20 ms moves the mean by 2."""
# ISO/IEC 14496-3: object types that an ADTS header can name, sample rates, channels.
_AAC_TYPES = {"Main": 1, "LC": 2, "SSR": 3, "LTP": 4}
_AAC_RATES = (
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
)  # fmt: skip
_AAC_CHANNELS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 8: 7}
_SBR_TYPES = {"HE-AAC": 5, "HE-AACv2": 29}
_LC = 2
_ADTS_HEADER, _ADTS_CHECKSUM = 7, 2
_APART = 1.0
"""Seconds beyond which sound and pictures do not count from the same moment."""


class ClockDifference:
    """The difference between a stream's own time stamps and our clock, without the jitter."""

    def __init__(self) -> None:
        self.seconds: float | None = None

    def note(self, stamp: float, now: float) -> None:
        """Take the time stamp of something that came in now, both in seconds."""
        sample = now - stamp
        if self.seconds is None or abs(sample - self.seconds) > _JUMP:
            self.seconds = sample
        else:
            self.seconds += _SMOOTH * (sample - self.seconds)


class SoundClock:
    """Gives sound the times of the pictures that it belongs to.

    A source stamps both on one clock, so what holds for its pictures holds for its sound. Where
    it does not, sound is of the moment it came in.
    """

    def __init__(self) -> None:
        self._pictures, self._sound = ClockDifference(), ClockDifference()
        self._last = float("-inf")

    def picture(self, stamp: float | None, now: float) -> None:
        """Take a picture's own time stamp, in seconds, and the time it was given."""
        if stamp is not None:
            self._pictures.note(stamp, now)

    def time_of(self, stamp: float | None, now: float) -> float | None:
        """Return the time of sound on the clock of ``now``; None where it cannot be told.

        Args:
            stamp: Its own time stamp in seconds.
            now: When it came in, in seconds.
        """
        if stamp is None:
            return None
        self._sound.note(stamp, now)
        offset, pictures = self._sound.seconds, self._pictures.seconds
        if offset is None:
            return None
        if pictures is not None and abs(pictures - offset) < _APART:
            offset = pictures
        time = stamp + offset
        if time <= self._last:
            return None
        self._last = time
        return time


def config_of(stream: AudioStream) -> bytes:
    """Return the description that AAC lacks where it comes in ADTS frames, as in MPEG-TS.

    An AudioSpecificConfig, ISO/IEC 14496-3, 1.6.2.1. Empty if there is one already, or if it
    cannot be told.
    """
    context = stream.codec_context
    if codec_of(stream) != "aac" or context.extradata:
        return b""
    return audio_specific_config(context.profile or "", context.sample_rate, context.channels)


def audio_specific_config(profile: str, sample_rate: int, channels: int) -> bytes:
    """Return how AAC is described in MP4: object type, index of the sample rate, channels.

    HE-AAC is low-complexity AAC of half the rate, and for version 2 of one channel, with a
    description of the rest beside it. Players need both rates.

    Args:
        profile: FFmpeg's name of the profile.
        sample_rate: Of the decoded sound, in Hz.
        channels: Of the decoded sound.

    Returns:
        The description; empty where there is none for these values.
    """
    if sample_rate not in _AAC_RATES or channels not in _AAC_CHANNELS:
        return b""
    rate, layout = _AAC_RATES.index(sample_rate), _AAC_CHANNELS[channels]
    if profile in _AAC_TYPES:
        return (_AAC_TYPES[profile] << 11 | rate << 7 | layout << 3).to_bytes(2, "big")
    if profile not in _SBR_TYPES or sample_rate // 2 not in _AAC_RATES:
        return b""
    core = _AAC_RATES.index(sample_rate // 2)
    if profile == "HE-AACv2":
        layout = 1
    bits = _SBR_TYPES[profile] << 27 | core << 23 | layout << 19 | rate << 15 | _LC << 10
    return bits.to_bytes(4, "big")


def without_adts(packet: av.Packet[Any]) -> av.Packet[Any]:
    """Return a packet of AAC without its ADTS header; another one as it is."""
    import av

    data = bytes(packet)
    if len(data) < _ADTS_HEADER or data[0] != 0xFF or data[1] & 0xF6 != 0xF0:
        return packet
    checked = not data[1] & 1
    bare = av.Packet(data[_ADTS_HEADER + _ADTS_CHECKSUM * checked :])
    bare.time_base = packet.time_base
    bare.pts, bare.dts, bare.duration = packet.pts, packet.dts, packet.duration
    return bare


def head_of(stream: AudioStream) -> bytes:
    """Return codec, rate, channels and the like as the beginning of a NUT file.

    A container is what carries all that from one process to another without our help. The same
    stream gives the same bytes.

    Raises:
        ValueError: It cannot be described so.
    """
    import av

    file = io.BytesIO()
    if not has_decoder(stream) or not stream.sample_rate:
        raise ValueError("nothing is known of it")
    with av.open(file, "w", format="nut", options={"fflags": "bitexact"}) as output:
        copy = output.add_stream_from_template(stream)
        if config := config_of(stream):
            copy.codec_context.extradata = config
        # Without any packet FFmpeg does not take it for a file.
        packet = av.Packet(bytes(16))
        packet.pts = packet.dts = 0
        packet.time_base, packet.stream = Fraction(1, stream.sample_rate), copy
        output.mux(packet)
    return file.getvalue()

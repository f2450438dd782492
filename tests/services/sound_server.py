# mypy: ignore-errors
"""A real RTSP server for tests with sound; run it with the system's Python:

    /usr/bin/python3 sound_server.py PORT CLIP RECORDING

/cam plays the clip, what is published at /out is recorded, /mute takes pictures only.
"""

import os
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

CAMERA = (
    "( filesrc location={0} ! qtdemux name=d "
    "d.video_0 ! queue ! h264parse ! rtph264pay name=pay0 pt=96 config-interval=1 "
    "d.audio_0 ! queue ! aacparse ! rtpmp4gpay name=pay1 pt=97 )"
)
RECORD = (
    "( rtph264depay name=depay0 ! h264parse ! queue ! mux. "
    "rtpmp4gdepay name=depay1 ! aacparse ! queue ! mux. "
    "matroskamux name=mux streamable=true ! filesink location={0} sync=false )"
)
MUTE = "( rtph264depay name=depay0 ! fakesink sync=false )"


def main():
    port, clip, recording = sys.argv[1:]
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    server.get_thread_pool().set_max_threads(16)
    modes = GstRtspServer.RTSPTransportMode
    for path, launch, mode in (
        ("/cam", CAMERA.format(clip), modes.PLAY),
        ("/out", RECORD.format(recording), modes.RECORD),
        ("/mute", MUTE, modes.RECORD),
    ):
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(launch)
        factory.set_transport_mode(mode)
        factory.set_latency(0)
        server.get_mount_points().add_factory(path, factory)
    if not server.attach(None):
        sys.exit("the port is taken")
    parent = os.getppid()
    GLib.timeout_add_seconds(1, lambda: os.getppid() == parent or os._exit(0))
    print("ready", flush=True)  # noqa: T201 - whoever started it waits for this
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()

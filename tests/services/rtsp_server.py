# mypy: ignore-errors
"""A real RTSP server for tests: what is published at /NAME/publish can be played at /NAME.

Run it with the system's Python, which has GStreamer's bindings:

    /usr/bin/python3 rtsp_server.py PORT [--login USER:PASSWORD] [--log FILE] NAME...
"""

import argparse
import os
import sys
import threading
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstApp, GstRtsp, GstRtspServer  # noqa: E402, F401

RECORD = (
    "( rtph264depay name=depay0 ! video/x-h264,stream-format=avc,alignment=au "
    "! appsink name=frames emit-signals=true sync=false max-buffers=60 drop=true )"
)
PLAY = (
    "( appsrc name=frames is-live=true do-timestamp=true format=time max-bytes=4000000 "
    "! h264parse ! rtph264pay name=pay0 pt=96 config-interval=1 aggregate-mode=zero-latency )"
)


class Channel:
    """Hands what one publisher sends to all players."""

    def __init__(self):
        self.caps = None
        self.players = []
        self.lock = threading.Lock()

    def publisher(self, _factory, media):
        media.get_element().get_by_name_recurse_up("frames").connect("new-sample", self.sample)

    def player(self, _factory, media):
        source = media.get_element().get_by_name_recurse_up("frames")
        with self.lock:
            if self.caps is not None:
                source.set_property("caps", self.caps)
            self.players.append(source)
        media.connect("unprepared", self.gone, source)

    def gone(self, _media, source):
        with self.lock:
            if source in self.players:
                self.players.remove(source)

    def sample(self, sink):
        sample = sink.emit("pull-sample")
        buffer = sample.get_buffer()
        data = buffer.extract_dup(0, buffer.get_size())
        with self.lock:
            self.caps = sample.get_caps()
            for source in self.players:
                source.set_property("caps", self.caps)
                source.emit("push-buffer", Gst.Buffer.new_wrapped(data))
        return Gst.FlowReturn.OK


def factory(launch, mode, configure, login):
    made = GstRtspServer.RTSPMediaFactory()
    made.set_launch(launch)
    made.set_transport_mode(mode)
    made.set_shared(mode == GstRtspServer.RTSPTransportMode.PLAY)
    made.set_latency(0)
    made.connect("media-configure", configure)
    if login:
        permissions = GstRtspServer.RTSPPermissions()
        permissions.add_permission_for_role("user", "media.factory.access", True)
        permissions.add_permission_for_role("user", "media.factory.construct", True)
        made.set_permissions(permissions)
    return made


def note(_server, _client, path):
    with open(path, "a", encoding="ascii") as log:  # noqa: PTH123
        log.write(f"{time.monotonic()}\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("port")
    parser.add_argument("names", nargs="+")
    parser.add_argument("--login", default="")
    parser.add_argument("--log", default="")
    options = parser.parse_args()
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(options.port)
    # With fewer, a publisher and a player wait for each other.
    server.get_thread_pool().set_max_threads(16)
    if options.log:
        server.connect("client-connected", note, options.log)
    if options.login:
        user, _, password = options.login.partition(":")
        auth = GstRtspServer.RTSPAuth()
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "user")
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
        server.set_auth(auth)
    modes = GstRtspServer.RTSPTransportMode
    for name in options.names:
        channel = Channel()
        mounts = server.get_mount_points()
        mounts.add_factory(
            f"/{name}/publish", factory(RECORD, modes.RECORD, channel.publisher, options.login)
        )
        mounts.add_factory(f"/{name}", factory(PLAY, modes.PLAY, channel.player, options.login))
    if not server.attach(None):
        sys.exit("the port is taken")
    parent = os.getppid()

    def tidy():
        if os.getppid() != parent:
            os._exit(0)
        server.get_session_pool().cleanup()
        return True

    GLib.timeout_add_seconds(1, tidy)
    print("ready", flush=True)  # noqa: T201 - whoever started it waits for this
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()

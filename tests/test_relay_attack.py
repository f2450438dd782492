"""The relay's pages under attack: stalled clients, foreign names, no token, oversize, tricks."""

from __future__ import annotations

import http.client
import logging
import re
import signal
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from web_kit import TOKEN, Site, site, token_file

from streamguard.relay import protocol
from streamguard.relay.protocol import ConnectionLimit

PRIVATE = (
    "/",
    "/cameras.json",
    "/metrics",
    "/front/snapshot.jpg",
    "/front/stream.mjpg",
    "/nobody/snapshot.jpg",
    "/nothing",
)
PUBLIC = ("/healthz", "/readyz")
EVIL = ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "192.0.2.7", "[::2]")
CLIENTS = 200


@pytest.fixture(scope="module")
def open_site() -> Iterator[Site]:
    with site("front", allowed_hosts=("cameras.example",)) as running:
        yield running


@pytest.fixture
def closed_site(tmp_path: Path) -> Iterator[Site]:
    with site("front", token_file=token_file(tmp_path)) as running:
        yield running


def nothing(_client: socket.socket) -> None:
    """Connect, and say nothing."""


def half_a_header(client: socket.socket) -> None:
    client.sendall(b"GET /healthz HTTP/1.1\r\nHost: local")


def byte_by_byte(client: socket.socket) -> None:
    client.sendall(b"G")


def stream_never_read(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.sendall(b"GET /front/stream.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n")


def body_never_sent(client: socket.socket) -> None:
    head = b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nto"
    client.sendall(head)


def answers_never_read(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.sendall(b"GET /static/page.css HTTP/1.1\r\nHost: localhost\r\n\r\n" * 50)


ATTACKS = (
    nothing,
    half_a_header,
    byte_by_byte,
    stream_never_read,
    body_never_sent,
    answers_never_read,
)


@pytest.mark.parametrize("attack", ATTACKS)
def test_stalled_connections_do_not_delay_health(
    open_site: Site, attack: Callable[[socket.socket], None]
) -> None:
    slowest = 0.0
    with ExitStack() as stack:
        clients = []
        for number in range(CLIENTS):
            client = stack.enter_context(open_site.connect())
            clients.append(client)
            with suppress(OSError):
                # The server may have ended it already.
                attack(client)
            if number % 20 == 19:
                slowest = max(slowest, seconds_of_health(open_site))
        for step in range(20):
            if attack is byte_by_byte:
                trickle(clients, b"GET /healthz HTTP/1.1\r\n"[step + 1 : step + 2])
            slowest = max(slowest, seconds_of_health(open_site))
            time.sleep(0.02)
    assert slowest < 1.0


def trickle(clients: list[socket.socket], byte: bytes) -> None:
    for client in clients:
        with suppress(OSError):
            client.sendall(byte)


def seconds_of_health(running: Site) -> float:
    begun = time.monotonic()
    assert running.status("/healthz") == 200
    return time.monotonic() - begun


def test_a_flood_that_goes_on_does_not_either(open_site: Site) -> None:
    stop = threading.Event()

    def flood() -> None:
        mine: list[socket.socket] = []
        while not stop.wait(0.005):
            with suppress(OSError):
                mine.append(open_site.connect())
            if len(mine) > CLIENTS:
                mine.pop(0).close()
        for client in mine:
            client.close()

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        slowest = 0.0
        for _ in range(60):
            slowest = max(slowest, seconds_of_health(open_site))
            time.sleep(0.02)
    finally:
        stop.set()
        thread.join()
    assert slowest < 1.0


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_stalled_connection_is_ended_in_time(
    attack: Callable[[socket.socket], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "REQUEST_SECONDS", 0.5)
    monkeypatch.setattr(protocol, "WRITE_SECONDS", 0.5)
    with site("front") as running, running.connect() as client:
        wait_until(lambda: len(running.server._limit) == 1, 5)
        attack(client)
        if attack is byte_by_byte:
            for _ in range(8):
                with suppress(OSError):
                    client.sendall(b"E")
                time.sleep(0.1)
        wait_until(lambda: len(running.server._limit) == 0, 5)


def test_a_reader_that_reads_slowly_but_reads_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "REQUEST_SECONDS", 0.5)
    monkeypatch.setattr(protocol, "WRITE_SECONDS", 1.0)
    with site("front") as running, running.connect() as client:
        client.sendall(b"GET /front/stream.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for _ in range(15):
            # Well above the request's deadline, and below what the stream sends.
            assert client.recv(20_000)
            time.sleep(0.1)
        assert len(running.server._limit) == 1


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.02)


class Counted:
    """A connection that notes that it was ended."""

    def __init__(self, ended: list[Counted]) -> None:
        self._ended = ended

    def drop(self) -> None:
        self._ended.append(self)


def test_the_longest_waiting_connection_makes_room() -> None:
    ended: list[Counted] = []
    one, two, three, four = (Counted(ended) for _ in range(4))
    limit = ConnectionLimit(most=3, most_per_client=3)
    assert all(limit.enter(each, name) for each, name in ((one, "a"), (two, "b"), (three, "a")))
    limit.works(one)
    assert limit.enter(four, "c")
    assert ended == [two]
    # One that has been answered waits again, behind the others.
    limit.waits(one)
    assert limit.enter(two, "b")
    assert ended == [two, three]


def test_a_greedy_client_makes_room_for_itself_only() -> None:
    ended: list[Counted] = []
    one, two, three, four = (Counted(ended) for _ in range(4))
    limit = ConnectionLimit(most=10, most_per_client=2)
    assert all(limit.enter(each, name) for each, name in ((one, "a"), (two, "b"), (three, "b")))
    assert limit.enter(four, "b")
    assert ended == [two]
    limit.works(three)
    limit.works(four)
    # All of its connections are being answered: nobody can go.
    assert not limit.enter(two, "b")
    limit.close()
    assert set(ended[1:]) == {one, three, four}
    assert not limit.enter(one, "a")


@pytest.mark.parametrize("path", [*PRIVATE, *PUBLIC, "/login", "/static/page.js"])
def test_foreign_host_names_get_nothing(open_site: Site, path: str) -> None:
    # What a browser sends once a site's own name was pointed at this machine.
    for host in EVIL:
        for form in (host, f"{host}:{open_site.port}"):
            response, body = open_site.ask(path, Host=form)
            assert response.status == 403
            assert b"--allowed-host" in body
            assert host.encode() not in body


@pytest.mark.parametrize(
    "host",
    ["", ":80", "local host", "localhost:x", "localhost/", "a@localhost", "localhost,evil", "[::1"],
)
def test_malformed_host_names_get_nothing(open_site: Site, host: str) -> None:
    assert open_site.status("/front/snapshot.jpg", Host=host) in (400, 403)


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:1",
        "localhost.",
        "127.0.0.1",
        "127.0.0.1:8080",
        "[::1]",
        "[::1]:8080",
        "cameras.example",
        "Cameras.Example:443",
    ],
)
def test_names_of_this_machine_are_answered(open_site: Site, host: str) -> None:
    assert open_site.status("/healthz", Host=host) == 200
    assert open_site.status("/front/snapshot.jpg", Host=host) == 200


def test_a_request_names_its_host_once(open_site: Site) -> None:
    line = b"GET /cameras.json HTTP/1.1\r\n"
    both = b"Host: localhost\r\nHost: evil.example\r\n\r\n"
    assert open_site.raw(line + both).startswith(b"HTTP/1.1 400 ")
    assert open_site.raw(line + b"\r\n").startswith(b"HTTP/1.1 400 ")
    old = b"GET /cameras.json HTTP/1.0\r\n\r\n"
    assert open_site.raw(old).startswith(b"HTTP/1.1 403 ")
    # A proxy's form of a request does not go round the header.
    whole = b"GET http://localhost/cameras.json HTTP/1.1\r\nHost: evil.example\r\n\r\n"
    assert open_site.raw(whole).startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize("path", PRIVATE)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer " + TOKEN[:-1]},
        {"Authorization": "Bearer " + TOKEN + "x"},
        {"Authorization": "Basic " + TOKEN},
        {"Authorization": TOKEN},
        {"Authorization": "Bearer \udcff"},
        {"Cookie": "{cookie}=" + TOKEN},
        {"Cookie": "{cookie}=99999999999." + 64 * "0"},
    ],
    ids=str,
)
def test_without_the_token_there_is_nothing(
    closed_site: Site, path: str, headers: dict[str, str]
) -> None:
    cookie = f"streamguard-{closed_site.port}"
    sent = {name: value.replace("{cookie}", cookie) for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    query = f"?token={TOKEN}"
    for target in (path, path + query):
        line = f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{head}\r\n"
        answer = closed_site.raw(line.encode("utf-8", "surrogateescape"))
        assert re.match(rb"HTTP/1.1 (401|400) ", answer), answer[:100]
        assert b"front" not in answer.lower()


def test_health_needs_no_token_and_tells_nothing_else(closed_site: Site) -> None:
    for path in PUBLIC:
        response, body = closed_site.ask(path)
        assert (response.status, body) == (200, b'{"ok":true}')


def test_programs_send_the_token_in_a_header(closed_site: Site) -> None:
    for scheme in ("Bearer", "bearer"):
        assert closed_site.status("/cameras.json", Authorization=f"{scheme} {TOKEN}") == 200
    assert closed_site.status("/front/snapshot.jpg", Authorization=f"Bearer {TOKEN}") == 200


def login(running: Site, token: str) -> tuple[http.client.HTTPResponse, bytes]:
    kind = "application/x-www-form-urlencoded"
    return running.ask("/login", "POST", body=f"token={token}".encode(), Content_Type=kind)


def test_a_browser_gives_the_token_once(closed_site: Site) -> None:
    response, body = closed_site.ask("/")
    assert response.status == 401
    assert b'action="/login"' in body
    response, _ = login(closed_site, TOKEN)
    assert (response.status, response.getheader("Location")) == (303, "/")
    cookie = response.getheader("Set-Cookie") or ""
    assert TOKEN not in cookie
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    session = cookie.partition(";")[0]
    for path in ("/", "/cameras.json", "/metrics", "/front/snapshot.jpg"):
        assert closed_site.status(path, Cookie=session) == 200
    assert closed_site.status("/cameras.json", Cookie=session[:-1] + "x") == 401


def test_a_session_ends_with_the_relay(tmp_path: Path) -> None:
    path = token_file(tmp_path)
    with site("front", token_file=path) as running:
        session = (login(running, TOKEN)[0].getheader("Set-Cookie") or "").partition(";")[0]
    value = session.partition("=")[2]
    with site("front", token_file=path) as running:
        cookie = f"streamguard-{running.port}={value}"
        assert running.status("/cameras.json", Cookie=cookie) == 401


def test_wrong_tokens_are_held_up(closed_site: Site) -> None:
    session = (login(closed_site, TOKEN)[0].getheader("Set-Cookie") or "").partition(";")[0]
    answers = [
        closed_site.status("/cameras.json", Authorization=f"Bearer wrong-{n}") for n in range(6)
    ]
    answers += [login(closed_site, f"wrong-{n}")[0].status for n in range(6)]
    assert Counter(answers) == {401: 10, 429: 2}
    # Whoever guessed too often is not told either when a guess is right.
    response, _ = closed_site.ask("/cameras.json", Authorization=f"Bearer {TOKEN}")
    assert response.status == 429
    assert response.getheader("Retry-After")
    assert login(closed_site, TOKEN)[0].status == 429
    # Who is in stays in, and health is told.
    assert closed_site.status("/cameras.json", Cookie=session) == 200
    assert closed_site.status("/healthz") == 200


@pytest.mark.parametrize(
    "path",
    [
        "/../etc/passwd",
        "/static/../page.py",
        "/static/..%2fpage.py",
        "/static/%2e%2e/page.py",
        "/static/",
        "/static/page.html",
        "/static//page.css",
        "//healthz",
        "/healthz/",
        "/front/../metrics",
        "/front%2fsnapshot.jpg/..",
        "/front/snapshot.jpg/",
        "/front/snapshot.jpg%00",
        "/%66ront/..%5csnapshot.jpg",
        "/nobody/snapshot.jpg",
        "/nobody/stream.mjpg",
        "/FRONT/snapshot.jpg",
        "/<script>alert(1)</script>",
        "/%ff%fe",
        "/docs",
        "/openapi.json",
    ],
)
def test_other_paths_are_not_found(open_site: Site, path: str) -> None:
    line = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answer = open_site.raw(line.encode())
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"script" not in answer.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + 9000 * b"a" + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + 90_000 * b"a", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + 900 * b"X: aaaaaaaa\r\n" + b"\r\n", 431),
        (b"GET /?" + 3000 * b"a" + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
        (b"GET /" + 3000 * b"a" + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello", 413),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000000\r\n\r\n", 413),
        (b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000\r\n\r\n", 413),
        (
            b"POST /login HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"5\r\nhello\r\n0\r\n\r\n",
            413,
        ),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n", 505),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ],
    ids=[
        "large",
        "endless",
        "many",
        "query",
        "path",
        "body",
        "huge",
        "form",
        "chunked",
        "negative",
        "version",
        "TLS",
        "HTTP/2",
    ],
)
def test_what_is_too_large_or_no_request_is_refused(
    open_site: Site, request_: bytes, status: int
) -> None:
    answer = open_site.raw(request_)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert seconds_of_health(open_site) < 1


def test_requests_that_come_in_one_packet_are_not_all_answered(open_site: Site) -> None:
    answer = open_site.raw(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" * 50)
    assert answer.count(b"HTTP/1.1 200 OK") == 1
    assert answer.endswith(b'{"ok":true}')


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "X"])
def test_nothing_can_be_changed(open_site: Site, method: str) -> None:
    for path in ("/", "/healthz", "/metrics", "/front/snapshot.jpg"):
        assert open_site.status(path, method) == 405


def test_upgrades_are_not_taken(open_site: Site) -> None:
    headers: dict[str, Any] = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec_WebSocket_Version": "13",
    }
    response, _ = open_site.ask("/healthz", **headers)
    assert response.status == 200


def test_every_answer_keeps_other_sites_out(closed_site: Site) -> None:
    bearer: dict[str, Any] = {"Authorization": f"Bearer {TOKEN}"}
    paths = [*PRIVATE, *PUBLIC, "/login", "/static/page.css"]
    answers = [closed_site.ask(path, "HEAD", **sent)[0] for path in paths for sent in ({}, bearer)]
    answers.append(closed_site.ask("/", Host="evil.example")[0])
    for answer in answers:
        policy = answer.getheader("Content-Security-Policy") or ""
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.getheader("Cross-Origin-Resource-Policy") == "same-origin"
        assert answer.getheader("Access-Control-Allow-Origin") is None
        assert answer.getheader("X-Content-Type-Options") == "nosniff"
        assert answer.getheader("Cache-Control") == "no-store"
        assert answer.getheader("Referrer-Policy") == "no-referrer"
        assert answer.getheader("Server") is None


def test_the_log_holds_no_token_and_no_query(
    closed_site: Site, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    closed_site.ask(f"/cameras.json?token={TOKEN}")
    closed_site.ask("/cameras.json", Authorization=f"Bearer {TOKEN}")
    login(closed_site, TOKEN)
    login(closed_site, "hunter2hunter2hunter2")
    closed_site.raw(f"{TOKEN} nonsense\r\n\r\n".encode())
    out, err = capfd.readouterr()
    shown = caplog.text + out + err
    assert TOKEN not in shown
    assert "hunter2" not in shown
    assert "token=" not in shown


def test_a_failure_of_ours_is_told_without_its_words(
    open_site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_cameras: object) -> str:
        raise RuntimeError("hunter2")

    monkeypatch.setattr("streamguard.relay.routes.page_of", broken)
    response, body = open_site.ask("/?x=hunter3")
    assert response.status == 500
    assert b"hunter" not in body
    wait_until(lambda: "a request failed: RuntimeError" in caplog.text, 5)
    assert "hunter" not in caplog.text
    assert open_site.status("/healthz") == 200


def test_closing_takes_less_than_a_second_with_viewers(tmp_path: Path) -> None:
    handlers = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    with site("front") as running, ExitStack() as stack:
        for attack in (*ATTACKS, stream_never_read):
            attack(stack.enter_context(running.connect()))
        reader = stack.enter_context(running.connect())
        reader.sendall(b"GET /front/stream.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200 OK" in reader.recv(100)
        begun = time.monotonic()
        running.server.close()
        assert time.monotonic() - begun < 1
        assert not running.server._thread.is_alive()
        reader.settimeout(5)
        with suppress(ConnectionError):
            while reader.recv(65536):
                pass
        with pytest.raises(ConnectionRefusedError):
            running.connect()
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == handlers


def test_many_who_watch_cost_one_encoding(open_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    real = sys.modules["streamguard.relay.feeds"].jpeg_of

    def counted(frame: object) -> bytes:
        made.append(frame)
        return bytes(real(frame))

    monkeypatch.setattr("streamguard.relay.feeds.jpeg_of", counted)
    with ExitStack() as stack:
        readers = [stack.enter_context(open_site.connect()) for _ in range(8)]
        for reader in readers:
            reader.sendall(b"GET /front/stream.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n")
        got = Counter[int]()
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            for number, reader in enumerate(readers):
                got[number] += reader.recv(1_000_000).count(b"--streamguard")
    assert min(got.values()) >= 3
    assert len(made) < sum(got.values()) / 4


def test_there_is_an_end_to_viewers(open_site: Site) -> None:
    with ExitStack() as stack:
        answers = []
        for _ in range(20):
            reader = stack.enter_context(open_site.connect())
            reader.sendall(b"GET /front/stream.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answers.append(reader.recv(12))
        assert Counter(answers) == {b"HTTP/1.1 200": 16, b"HTTP/1.1 503": 4}
        assert open_site.status("/healthz") == 200
    wait_until(lambda: open_site.status("/front/snapshot.jpg") == 200, 5)


def test_a_camera_that_goes_ends_its_streams() -> None:
    with site("front", "yard") as running, running.connect() as reader:
        reader.sendall(b"GET /front/stream.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200 OK" in reader.recv(100)
        gone = running.supervisor.cameras.pop("front")
        reader.settimeout(5)
        data = b""
        while not data.endswith(b"0\r\n\r\n"):
            data = data[-10:] + reader.recv(65536)
        assert running.status("/front/snapshot.jpg") == 404
        assert running.status("/yard/snapshot.jpg") == 200
        assert gone.mailbox is not None
        gone.mailbox.close()


def has_ipv6() -> bool:
    with suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        return True
    return False


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_ipv6() -> None:
    with site("front", host="::1") as running:
        assert running.server.address == f"http://[::1]:{running.port}/"
        assert running.status("/front/snapshot.jpg") == 200
        assert running.status("/healthz", Host="evil.example") == 403
    with site("front", host="::", no_token=True) as running:
        for host in ("::1", "127.0.0.1"):
            running.host = host
            assert running.status("/healthz") == 200

"""Who may see the relay's pages: token files, names, sessions, and what is refused at the start."""

from __future__ import annotations

from pathlib import Path

import pytest
from web_kit import TOKEN, token_file

from streamguard.cli import run
from streamguard.errors import UsageError
from streamguard.relay.access import Access, Answer, access_for, client_key, read_token
from streamguard.relay.config import read_config
from streamguard.relay.listen import listening
from streamguard.relay.plan import HttpPlan
from streamguard.relay.schema import HttpEntry

BEYOND = ("0.0.0.0", "::", "192.0.2.1", "::ffff:127.0.0.1")


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("host", BEYOND)
def test_beyond_loopback_a_token_is_needed(host: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--token-file FILE, or say --no-token"):
        access_for(HttpPlan(host=host))
    assert access_for(HttpPlan(host=host, no_token=True)).is_open
    assert not access_for(HttpPlan(host=host, token_file=token_file(tmp_path))).is_open


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_on_loopback_none_is_needed(host: str, tmp_path: Path) -> None:
    assert access_for(HttpPlan(host=host)).is_open
    assert not access_for(HttpPlan(host=host, token_file=token_file(tmp_path))).is_open


@pytest.mark.parametrize("check", [["--check"], []])
def test_the_command_refuses_to_start_without_one(
    check: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["relay", "lavfi:testsrc2", "--http", "0.0.0.0:0", *check]) == 2
    assert "--no-token" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--no-token"], "goes with --http"),
        (["--token-file", "x"], "goes with --http"),
        (["--allowed-host", "x"], "goes with --http"),
        (["--http", "0", "--token-file", "missing"], "cannot be read"),
        (["--http", "0", "--token-file", "{token}", "--no-token"], "both asked for"),
        (["--http", "0", "--allowed-host", "*"], "not a host name"),
        (["--http", "0", "--allowed-host", "a/b"], "not a host name"),
        (["--http", "0", "--allowed-host", "a:80"], "not a host name"),
        (["--http", "no.such.host.invalid:0"], "cannot be listened on"),
    ],
)
def test_options_that_make_no_sense_are_named(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [word.replace("{token}", str(token_file(tmp_path))) for word in words]
    assert run(["relay", "lavfi:testsrc2", "out.mp4", "--check", *words]) == 2
    assert message in capsys.readouterr().err


def test_options_that_make_sense_are_taken(tmp_path: Path) -> None:
    words = ["--token-file", str(token_file(tmp_path)), "--allowed-host", "cam.example"]
    assert run(["relay", "lavfi:testsrc2", "--http", "0.0.0.0:0", "--check", *words]) == 0


def test_the_command_line_goes_before_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cameras.yaml"
    path.write_text("http: {listen: '0.0.0.0:0', no_token: true}\ncameras: {a: {source: lavfi:x}}")
    check = ["relay", "--config", str(path), "--check"]
    assert run(check) == 0
    assert run([*check, "--token-file", str(tmp_path / "missing")]) == 2
    assert "cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("http", "plan"),
    [
        ("8080", HttpPlan(port=8080)),
        ("'[::1]:80'", HttpPlan(host="::1", port=80)),
        (
            "{listen: '0.0.0.0:80', token_file: t, allowed_hosts: [Cam.Example, '[::1]']}",
            HttpPlan(
                host="0.0.0.0",
                port=80,
                token_file=Path("t"),
                allowed_hosts=("cam.example", "::1"),
            ),
        ),
    ],
)
def test_the_file_says_the_same(http: str, plan: HttpPlan, tmp_path: Path) -> None:
    path = tmp_path / "cameras.yaml"
    path.write_text(f"http: {http}\ncameras: {{a: {{source: lavfi:x}}}}")
    assert read_config(path, {}).http == plan


@pytest.mark.parametrize(
    ("http", "message"),
    [
        ("{}", "line 1: http.listen: is missing"),
        ("{listen: 80, tokenfile: x}", "line 1: http.tokenfile: unknown key"),
        ("{listen: 80, allowed_hosts: ['*']}", "not a host name"),
        ("{listen: x}", "line 1: http.listen: 'x' is not of the form"),
    ],
)
def test_mistakes_in_the_file_are_named(http: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "cameras.yaml"
    path.write_text(f"http: {http}\ncameras: {{a: {{source: lavfi:x}}}}")
    with pytest.raises(UsageError) as caught:
        read_config(path, {})
    assert message in str(caught.value)


def test_the_file_knows_every_part_of_the_plan() -> None:
    assert set(HttpEntry.model_fields) - {"listen"} == set(HttpPlan.__slots__) - {"host", "port"}


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640, 0o440])
def test_a_token_file_of_ones_own_is_read(mode: int, tmp_path: Path) -> None:
    assert read_token(token_file(tmp_path, mode=mode)) == TOKEN


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o666, 0o602])
def test_one_that_others_may_read_or_write_is_refused(mode: int, tmp_path: Path) -> None:
    path = token_file(tmp_path, mode=mode)
    with pytest.raises(UsageError, match="chmod 600") as caught:
        read_token(path)
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ("", "is empty"),
        ("  \n\t", "is empty"),
        ("short", "does not have 16"),
        (15 * "a", "does not have 16"),
        (600 * "a", "does not have 16"),
        ("two words are no token", "holds a space"),
        ("line one of two\nline two of two", "holds a space"),
        ("пароль-пароль-пароль", "not ASCII"),
    ],
)
def test_what_is_no_good_token_is_refused(token: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read_token(token_file(tmp_path, token))
    assert message in str(caught.value)
    assert not token.strip() or token not in str(caught.value)


def test_a_token_file_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_token(tmp_path)


def test_wrong_tokens_are_counted_for_each_client_and_forgotten() -> None:
    clock = Clock()
    access = Access(TOKEN, clock=clock)
    assert [access.check("192.0.2.1", "x") for _ in range(10)] == 10 * [Answer.WRONG]
    assert access.check("192.0.2.1", TOKEN) is Answer.LATER
    assert access.check("192.0.2.2", TOKEN) is Answer.RIGHT
    clock.now += 61
    assert access.check("192.0.2.1", TOKEN) is Answer.RIGHT


def test_many_clients_cost_no_memory() -> None:
    access = Access(TOKEN)
    for number in range(3000):
        access.check(f"10.0.{number // 256}.{number % 256}", "x")
    assert len(access._wrong) <= 1024


def test_one_ipv6_host_is_one_client() -> None:
    assert client_key("2001:db8::1") == client_key("2001:db8::ffff:1%eth0")
    assert client_key("2001:db8::1") != client_key("2001:db8:0:1::1")
    assert client_key("192.0.2.1") == "192.0.2.1"


def test_a_session_ends_after_twelve_hours() -> None:
    clock = Clock()
    access = Access(TOKEN, clock=clock)
    session = access.session()
    clock.now += 12 * 3600 - 5
    assert access.is_session(session)
    clock.now += 10
    assert not access.is_session(session)


@pytest.mark.parametrize("value", ["", ".", "1", "99999.", "x.y", "9" * 40, "\u0661.a", "99999.é"])
def test_what_is_no_session_is_none(value: str) -> None:
    assert not Access(TOKEN).is_session(value)
    # Nor is one that another relay gave.
    assert not Access(TOKEN).is_session(Access(TOKEN).session())


def test_the_address_a_client_came_by_is_a_name_of_this_machine() -> None:
    access = Access(None, "0.0.0.0")
    assert access.knows("192.0.2.5:80", "192.0.2.5")
    assert access.knows("192.0.2.5", "::ffff:192.0.2.5")
    assert access.knows("[2001:db8::1]:80", "2001:db8::1")
    assert not access.knows("192.0.2.5", "192.0.2.6")
    assert not access.knows("192.0.2.5", "")


def test_port_0_takes_a_free_one() -> None:
    with listening("127.0.0.1", 0) as one, listening("127.0.0.1", 0) as two:
        assert one.getsockname()[1] != two.getsockname()[1]

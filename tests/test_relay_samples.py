"""What cannot run here is at least parsed, and its names are checked against the real ones."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest
import yaml

from streamguard.cli import cli
from streamguard.cli.relay import command
from streamguard.media.address import parse_address
from streamguard.relay.config import read_config
from streamguard.relay.listen import is_loopback
from streamguard.relay.metrics import exposition
from streamguard.relay.plan import CameraPlan, HttpPlan
from streamguard.relay.supervisor import Camera
from streamguard.settings import Settings

SAMPLES = Path(__file__).resolve().parent.parent / "samples" / "relay"
GUIDE = (SAMPLES.parent.parent / "docs" / "relay.md").read_text("utf-8")
COMMANDS = re.findall(r"^    (streamguard .+)$", GUIDE, re.MULTILINE)
SECRETS = {"FRONT_DOOR": "rtsp://viewer:p@ss@192.0.2.10/a", "YARD": "rtsp://192.0.2.11/a"}


def known_options() -> set[str]:
    return {name for parameter in command.params for name in parameter.opts}


def test_the_configuration_is_valid() -> None:
    config = read_config(SAMPLES / "cameras.yaml", SECRETS)
    assert [plan.name for plan in config.cameras] == ["front-door", "yard"]
    assert config.http == HttpPlan(port=8080)
    assert is_loopback(config.http.host)


def test_what_the_configuration_leaves_out_is_valid_too(tmp_path: Path) -> None:
    text = (SAMPLES / "cameras.yaml").read_text("utf-8")
    # The two lines below `listen`, with the comment sign off.
    text = re.sub(r"^# (token_file|allowed_hosts):", r"  \1:", text, flags=re.MULTILINE)
    (tmp_path / "cameras.yaml").write_text(text, "utf-8")
    http = read_config(tmp_path / "cameras.yaml", SECRETS).http
    assert http is not None
    assert http.token_file == Path("/etc/streamguard/token")
    assert http.allowed_hosts == ("cameras.example",)


@pytest.mark.parametrize("line", COMMANDS)
def test_the_command_line_takes_what_the_guide_says(line: str, tmp_path: Path) -> None:
    name, *words = shlex.split(line.replace("/srv/video", str(tmp_path)))[1:]
    parsed = cli.commands[name].make_context(name, words)
    assert parsed.params


def test_the_guide_names_options_that_are_there() -> None:
    named = set(re.findall(r"`(--[a-z][a-z-]+)", GUIDE))
    assert len(COMMANDS) >= 5
    assert len(named) >= 6
    assert named <= known_options()


def test_the_compose_file_starts_the_relay() -> None:
    document = yaml.safe_load((SAMPLES / "compose.yaml").read_text("utf-8"))
    services = document["services"]
    words = services["streamguard"]["command"]
    assert words[0] == "relay"
    assert {word for word in words if word.startswith("--")} <= known_options()
    # Without a token the pages are published on loopback only.
    assert ("--no-token" in words) != ("--token-file" in words)
    assert services["streamguard"]["ports"] == ["127.0.0.1:8080:8080"]
    assert "http://127.0.0.1:8080/healthz" in services["streamguard"]["healthcheck"]["test"][-1]
    # Prometheus asks by the service's name.
    assert words[words.index("--allowed-host") + 1] == "streamguard"
    # The raw streams' server is not to be reached from outside.
    assert "ports" not in services["cameras"]
    assert services["cameras"]["networks"] == ["raw"]
    assert services["mediamtx"]["networks"] == ["covered"]
    # Its environment is all that the configuration asks for, and names paths that are served.
    environment = services["streamguard"]["environment"]
    served = services["cameras"]["environment"]
    for url in environment.values():
        assert f"MTX_PATHS_{url.rpartition('/')[2].upper()}_SOURCE" in served
    config = read_config(SAMPLES / "cameras.yaml", environment)
    for plan in config.cameras:
        assert plan.sinks[0].url.startswith("rtsp://mediamtx:8554/")


def test_the_systemd_unit_starts_the_relay() -> None:
    unit = ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(SAMPLES / "streamguard.service", "utf-8")
    words = unit["Service"]["ExecStart"].split()
    assert words[1] == "relay"
    assert {word for word in words if word.startswith("--")} <= known_options()
    assert unit["Service"]["Restart"] == "always"


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    verifier = shutil.which("systemd-analyze")
    if verifier is None:
        pytest.skip("systemd is not installed")
    # It checks that the program is there, which it is not.
    text = (SAMPLES / "streamguard.service").read_text("utf-8")
    unit = tmp_path / "streamguard.service"
    unit.write_text(text.replace("/opt/streamguard/bin/streamguard", sys.executable), "utf-8")
    ended = subprocess.run(
        [verifier, "verify", "--man=no", unit], check=False, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    assert "streamguard.service" not in ended.stderr


def test_the_image_holds_what_the_relay_needs() -> None:
    assert "[relay]" in (SAMPLES.parent.parent / "Dockerfile").read_text("utf-8")


def test_frigate_reads_what_the_relay_writes() -> None:
    frigate = yaml.safe_load((SAMPLES / "frigate.yml").read_text("utf-8"))
    config = read_config(SAMPLES / "cameras.yaml", SECRETS)
    path = frigate["cameras"]["front_door"]["ffmpeg"]["inputs"][0]["path"]
    assert path == config.cameras[0].sinks[0].url


def test_the_dashboard_asks_for_metrics_that_are_there() -> None:
    plan = CameraPlan(
        name="a",
        source=parse_address("lavfi:testsrc2"),
        sinks=(parse_address("out.mp4"),),
        settings=Settings(),
    )
    camera = Camera(plan)
    camera.status.dropped["newer frame"] = 1
    camera.outputs[0].status.slates["no signal"] = 1
    text = exposition(lambda: [camera]).decode()
    there = set(re.findall(r"^(?:# TYPE )?(streamguard_\w+)", text, re.MULTILINE))
    dashboard = json.loads((SAMPLES / "grafana.json").read_text("utf-8"))
    expressions = [t["expr"] for panel in dashboard["panels"] for t in panel["targets"]]
    wanted = {name for words in expressions for name in re.findall(r"streamguard_\w+", words)}
    assert len(wanted) >= 8
    wanted |= set(re.findall(r"streamguard_\w+", GUIDE))
    assert wanted <= there
    assert 'streamguard_up{camera="a"} 0.0' in text
    camera.stop(0)

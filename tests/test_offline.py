"""Nothing leaves the machine: a whole run opens no socket, and no library has metrics in it."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from streamguard.doctor import MEDIAPIPE_VERSION

# Only these can reach another machine; AF_UNIX cannot.
NETWORK = re.compile(r"socket\((AF_INET6?|AF_PACKET|AF_NETLINK)\b")
METRICS = {
    # In every release since 0.10.35, which log how they are used; in none before.
    "mediapipe": b"mediapipe_log_extension",
    # In every release since 1.29, which send how they are used; in none before.
    "onnxruntime": b"events.data.microsoft.com",
}


def command(clip: Path, output: Path) -> list[str]:
    return [sys.executable, "-m", "streamguard", "anonymize", str(clip), "-o", str(output), "-q"]


def traced(trace: Path, args: list[str]) -> str:
    """Run a program under strace and return its network calls, those of all children included."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    watch = [strace, "-f", "-qq", "-e", "trace=network", "-o", str(trace)]
    subprocess.run([*watch, *args], check=True, capture_output=True, timeout=100)
    return trace.read_text("utf-8", "replace")


def works(args: list[str]) -> bool:
    if shutil.which(args[0]) is None:
        return False
    return subprocess.run(args, check=False, capture_output=True).returncode == 0


def test_a_whole_run_opens_no_network_socket(tmp_path: Path, face_clip: Path) -> None:
    output = tmp_path / "out.mp4"
    calls = traced(tmp_path / "trace", command(face_clip, output))
    assert output.is_file()
    assert NETWORK.findall(calls) == []


def test_the_trace_would_show_a_socket(tmp_path: Path) -> None:
    code = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)"
    calls = traced(tmp_path / "trace", [sys.executable, "-c", code])
    assert NETWORK.findall(calls) == ["AF_INET"]


def test_a_whole_run_works_without_any_network(tmp_path: Path, face_clip: Path) -> None:
    # A network namespace of its own holds nothing but a loopback that is down. Root needs no
    # user namespace for it; others do; some containers allow neither.
    cuts = (["unshare", "--net"], ["unshare", "--net", "--map-root-user"])
    cut = next((cut for cut in cuts if works([*cut, "true"])), None)
    if cut is None:
        pytest.skip("network namespaces cannot be made here; the trace has to do")
    output = tmp_path / "out.mp4"
    subprocess.run([*cut, *command(face_clip, output)], check=True, timeout=100)
    assert output.is_file()


@pytest.mark.parametrize("library", METRICS)
def test_the_libraries_are_those_without_usage_metrics(library: str) -> None:
    assert version("mediapipe") == MEDIAPIPE_VERSION == "0.10.33"
    spec = importlib.util.find_spec(library)
    assert spec is not None
    assert spec.origin is not None
    files = [path for path in Path(spec.origin).parent.rglob("*") if path.is_file()]
    programs = [p for p in files if p.suffix in (".so", ".dylib", ".dll", ".pyd", ".py")]
    assert any(path.suffix != ".py" for path in programs)
    for path in programs:
        assert METRICS[library] not in path.read_bytes(), f"{path.name} can send metrics"

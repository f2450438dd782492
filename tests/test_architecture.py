"""The import layers, who may import what, who may construct what, and the exported names."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import streamguard

PACKAGE = Path(streamguard.__file__).parent

# A module imports only from its own part or from one above it in this list.
LAYERS = (
    {"errors", "geometry"},
    {"outlines"},
    {"plans", "zone_settings"},
    {"settings"},
    {"frames"},
    {"faults", "memory"},
    {"stages"},
    {"protocols"},
    {"media"},
    {"tracking"},
    {"detection"},
    {"redaction"},
    {"handoff"},
    {"analysis"},
    {"exchange"},
    {"judges"},
    {"sources"},
    {"sinks"},
    {"spans", "tally", "progress", "versions"},
    {"report"},
    {"account"},
    {"pipeline"},
    {"relay"},
    {"inspection", "decided", "footage", "keeping", "runs"},
    {"pursuit"},
    {"api", "deciding", "verification", "doctor"},
    {"following"},
    {"jobs"},
    {"cli", "web"},
)
# Who imports what from outside.
ALLOWED = {
    "mediapipe": {"detection/mediapipe.py"},
    "onnxruntime": {"detection/centerface.py"},
    "av": {"media/", "sources/", "sinks/", "redaction/", "frames.py"},
    "click": {"cli/"},
    "rich": {"cli/"},
    "PIL": {"media/", "sources/", "sinks/"},
    "pillow_heif": {"sources/", "sinks/"},
    "starlette": {"relay/"},
    "uvicorn": {"relay/"},
    "h11": {"relay/"},
    "cv2": {"detection/", "tracking/", "redaction/", "sinks/jpeg.py", "relay/window.py"},
}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def layer_of(part: str) -> int:
    for number, layer in enumerate(LAYERS):
        if part in layer:
            return number
    raise AssertionError(f"{part} has no place in the layers; give it one in this test")


def imports(path: Path) -> Iterator[str]:
    """Yield the dotted name of everything the module imports, late imports included."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def may_import(part: str, other: str) -> bool:
    if part == other:
        return True
    return layer_of(other) < layer_of(part)


def layered_modules() -> list[Path]:
    # The package's own face and its __main__ may import anything.
    return [path for path in modules() if part_of(path) not in ("__init__", "__main__")]


@pytest.mark.parametrize("path", layered_modules(), ids=name_of)
def test_imports_only_from_layers_below(path: Path) -> None:
    part = part_of(path)
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "streamguard" and len(parts) > 1 and parts[1] != "__version__":
            assert may_import(part, parts[1]), f"{name_of(path)} must not import {name}"


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_outside_libraries_stay_where_they_belong(path: Path) -> None:
    name = name_of(path)
    for imported in imports(path):
        places = ALLOWED.get(imported.split(".")[0])
        if places is not None:
            assert any(name == p or (p[-1] == "/" and name.startswith(p)) for p in places), (
                f"{name} must not import {imported}"
            )


def constructions(path: Path, cls: str) -> list[int]:
    """Return the lines on which ``cls(...)`` is called, or which hide it behind another name."""
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    lines = [n.lineno for n in nodes if isinstance(n, ast.alias) and n.name == cls and n.asname]
    for function in (node.func for node in nodes if isinstance(node, ast.Call)):
        name = function.attr if isinstance(function, ast.Attribute) else None
        if cls in (name, getattr(function, "id", None)):
            lines.append(function.lineno)
    return lines


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_only_redaction_makes_redacted_frames(path: Path) -> None:
    if part_of(path) != "redaction":
        assert constructions(path, "RedactedFrame") == []


def test_redaction_does_make_them() -> None:
    # Else the test above would pass because of a renamed class.
    assert any(
        constructions(path, "RedactedFrame") for path in (PACKAGE / "redaction").glob("*.py")
    )


def test_pictures_of_a_mailbox_become_redacted_frames_in_redaction_only() -> None:
    """A slot's stamp is made and checked in one module, and only the mailbox has slots."""
    users = {name_of(p) for p in modules() if constructions(p, "Slot") or constructions(p, "_seal")}
    assert users == {"redaction/slots.py", "handoff/mailbox.py"}
    makers = {name_of(p) for p in modules() if constructions(p, "RedactedFrame")}
    assert makers == {"redaction/redactor.py", "redaction/slates.py", "redaction/slots.py"}


def test_only_redaction_changes_what_a_redacted_frame_says() -> None:
    """`replace` makes a new one, too; it may copy anything but that."""
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "replace":
                words = {keyword.arg for keyword in node.keywords}
                assert "picture" not in words or part_of(path) == "redaction", name_of(path)


def test_the_rules_catch_what_they_forbid(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text(
        "def f():\n    from streamguard.frames import RedactedFrame as R\n    import av.x\n"
    )
    assert list(imports(bad)) == ["streamguard.frames.RedactedFrame", "av.x"]
    bad.write_text("import streamguard.frames as f\nf.RedactedFrame(1, 2)\n")
    assert constructions(bad, "RedactedFrame") == [2]
    bad.write_text("from streamguard.frames import RedactedFrame as R\nR(1, 2)\n")
    assert constructions(bad, "RedactedFrame") == [1]
    assert not may_import("tracking", "detection")
    assert not may_import("errors", "settings")
    assert may_import("pipeline", "detection")


def test_every_error_is_in_the_tree_of_the_docstring() -> None:
    from streamguard import errors

    assert errors.__doc__ is not None
    names = [name for name, value in vars(errors).items() if isinstance(value, type)]
    assert len(names) > 15
    for name in names:
        assert name in errors.__doc__
        assert issubclass(getattr(errors, name), errors.StreamguardError)


def test_exported_names_are_sorted_and_there() -> None:
    assert list(streamguard.__all__) == sorted(streamguard.__all__)
    assert all(hasattr(streamguard, name) for name in streamguard.__all__)
    assert "anonymize" in streamguard.__all__

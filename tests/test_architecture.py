"""Layers of imports, who may import and construct what, exported names, and how large parts are."""

from __future__ import annotations

import ast
import io
import tokenize
from collections import defaultdict
from collections.abc import Iterator, Mapping
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
    {"edits"},
    {"exchange"},
    {"judges"},
    {"sources"},
    {"sinks"},
    {"spans", "tally", "progress", "versions"},
    {"report"},
    {"account"},
    {"pipeline"},
    {"relay"},
    {"runs"},
    {"following", "verification"},
    {"api", "deciding", "doctor"},
    {"jobs"},
    {"cli", "web"},
)
# Who imports what from outside.
ALLOWED = {
    "mediapipe": {"detection/mediapipe.py"},
    "onnxruntime": {"detection/onnx_net.py"},
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

LONGEST, SHORT, SHORT_SHARE = 60, 40, 0.9
"""Lines that no function goes beyond, and that nine in ten stay below."""
MODULE_LINES = 275
LINES_PER_COMMENT = 20


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


@pytest.mark.parametrize("name", ["pipeline.py", "relay/worker.py", "relay/output.py"])
def test_whoever_decides_is_only_known_as_a_judge(name: str) -> None:
    for imported in imports(PACKAGE / name):
        assert not imported.startswith("streamguard.judges"), f"{name} must not import {imported}"


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


def sources() -> dict[str, str]:
    """The text of every module by its dotted name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = ("streamguard", *path.relative_to(PACKAGE).with_suffix("").parts)
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = path.read_text("utf-8")
    return found


SOURCES = sources()


def functions(text: str) -> Iterator[tuple[str, int]]:
    """Every function's name and number of lines."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield node.name, node.end_lineno - node.lineno + 1


def comments(text: str) -> int:
    """How many comments there are; what is said to tools does not count."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    lines = (token.string for token in tokens if token.type == tokenize.COMMENT)
    return sum("noqa" not in line and "type: ignore" not in line for line in lines)


def needs(text: str, known: Mapping[str, str]) -> set[str]:
    """The modules that must be loaded before this one: what it imports at its top."""
    found = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                found.add(name if name in known else node.module)
    return found & known.keys()


def cycle(edges: Mapping[str, set[str]]) -> list[str]:
    """A way from a module back to itself; empty if there is none."""
    done: set[str] = set()

    def walk(name: str, way: list[str]) -> list[str]:
        if name in way:
            return [*way[way.index(name) :], name]
        if name in done:
            return []
        for other in sorted(edges.get(name, ())):
            if found := walk(other, [*way, name]):
                return found
        done.add(name)
        return []

    return next((found for name in sorted(edges) if (found := walk(name, []))), [])


def classes() -> dict[str, list[str]]:
    """The modules that define a class of each name."""
    found = defaultdict(list)
    for module, text in SOURCES.items():
        for node in ast.parse(text).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(module)
    return found


def test_functions_are_short() -> None:
    lengths = {
        f"{module}.{name}": lines
        for module, text in SOURCES.items()
        for name, lines in functions(text)
    }
    assert len(lengths) > 1000
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}
    short = sum(lines < SHORT for lines in lengths.values())
    assert short >= SHORT_SHARE * len(lengths)


def test_modules_are_small() -> None:
    sizes = {module: text.count("\n") for module, text in SOURCES.items()}
    assert {module: lines for module, lines in sizes.items() if lines >= MODULE_LINES} == {}


def test_comments_are_few() -> None:
    lines = sum(text.count("\n") for text in SOURCES.values())
    assert sum(map(comments, SOURCES.values())) * LINES_PER_COMMENT <= lines


def test_no_module_needs_itself() -> None:
    edges = {module: needs(text, SOURCES) for module, text in SOURCES.items()}
    assert sum(map(len, edges.values())) > 500
    assert cycle(edges) == []


def test_a_name_means_one_thing() -> None:
    doubled = {name: modules for name, modules in classes().items() if len(modules) > 1}
    assert doubled == {}


def test_the_measures_see_what_they_measure() -> None:
    text = "def f():\n    # why\n    x = 1  # noqa: S1\n    return x\n"
    assert list(functions(text)) == [("f", 4)]
    assert comments(text) == 1
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}}) == ["a", "b", "c", "a"]
    assert cycle({"a": {"b", "c"}, "b": {"c"}}) == []
    known = {"p": "", "p.a": "", "p.b": ""}
    late = "from p import a\nif TYPE_CHECKING:\n    import p.b\ndef f():\n    import p.b\n"
    assert needs(late, known) == {"p.a"}
    assert needs("from p.a import x\nfrom p import y\n", known) == {"p.a", "p"}
